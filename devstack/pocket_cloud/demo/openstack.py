# SPDX-License-Identifier: Apache-2.0
"""The ``openstack`` command as the demo runs it: in forks of a process that has loaded it once."""

import json
import os
import select
import subprocess
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from pocket_cloud import warm
from pocket_cloud.cloud import Cloud

_BROKEN = 70


class Openstack:
    """Runs one command after the other.

    :param cloud: in whose virtual environment the command is
    :param files: a folder for what commands say
    :param held: within such a block nothing is broken off
    """

    def __init__(
        self, cloud: Cloud, files: Path, held: Callable[[], AbstractContextManager[None]]
    ) -> None:
        self._cloud = cloud
        self._files = files
        self._held = held
        self._warm: subprocess.Popen[str] | None = None

    def run(
        self, arguments: tuple[str, ...], environment: Mapping[str, str], seconds: float
    ) -> "subprocess.CompletedProcess[str]":
        """Run a command with nothing on its standard input.

        :param environment: all of it
        :raises subprocess.TimeoutExpired: if it has not ended in time; then it is gone, as it is whenever this
            is broken off
        """
        output, errors = self._files / "openstack.output", self._files / "openstack.errors"
        asked = {
            "arguments": arguments,
            "environment": dict(environment),
            "output": str(output),
            "errors": str(errors),
        }
        command = ("openstack", *arguments)
        try:
            try:
                answer = self._answer(json.dumps(asked), seconds)
            except BaseException:
                self.close()
                raise
            if answer is None:
                raise subprocess.TimeoutExpired(command, seconds)
            said = [
                path.read_text(errors="replace") if path.exists() else ""
                for path in (output, errors)
            ]
            if not answer.strip():
                said[1] += "\nthe process that runs openstack commands has ended"
            return subprocess.CompletedProcess(command, int(answer.strip() or _BROKEN), *said)
        finally:
            output.unlink(missing_ok=True)
            errors.unlink(missing_ok=True)

    def close(self) -> None:
        """End it, and the command that runs; returns when both are gone."""
        if self._warm is not None:
            child, self._warm = self._warm, None
            child.kill()
            # The command has this pipe, too.
            child.communicate()

    def _answer(self, asked: str, seconds: float) -> str | None:
        """The line that tells of a command's end; empty if that process died, ``None`` if it came too late."""
        if self._warm is None or self._warm.poll() is not None:
            self.close()
            with self._held():
                self._warm = self._start()
        assert self._warm.stdin is not None
        assert self._warm.stdout is not None
        try:
            self._warm.stdin.write(f"{asked}\n")
            self._warm.stdin.flush()
        except BrokenPipeError:
            return ""
        ready, _, _ = select.select([self._warm.stdout], [], [], seconds)
        if not ready:
            self.close()
            return None
        return self._warm.stdout.readline()

    def _start(self) -> "subprocess.Popen[str]":
        # Each command gets an environment; as it is loaded it is to look for no cloud.
        kept = {name: value for name, value in os.environ.items() if not name.startswith("OS_")}
        path = str(Path(warm.__file__).parents[1])
        return subprocess.Popen(
            [str(self._cloud.venv / "bin" / "python"), "-m", warm.__name__],
            env={**kept, "PYTHONPATH": path, "PYTHONWARNINGS": "ignore"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=os.sep,
        )
