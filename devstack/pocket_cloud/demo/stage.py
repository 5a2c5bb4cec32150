# SPDX-License-Identifier: Apache-2.0
"""Where a demo plays: it shows commands, runs them, times them, and cleans up behind them."""

import os
import shlex
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self

from pocket_cloud.cloud import Cloud

_PATIENCE = 120.0
_POLL = 1.0
_COMMAND_PATIENCE = 600.0
_TIMED_OUT = 124
_SHOWN_LINES = 12
_SHOWN_WIDTH = 150


class Unexpected(Exception):
    """Something is not as it must be; the message says what."""


class Stage:
    """Runs commands as users of the cloud; what they made is removed at the end, last first.

    :ivar files: a folder for files, gone at the end
    :ivar name: nobody else's, to begin the names of what is made with
    """

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self._cleanup = ExitStack()
        self._began = time.monotonic()
        self._count = 0

    def __enter__(self) -> Self:
        folder = self._cleanup.enter_context(
            TemporaryDirectory(prefix="demo-", dir=self.cloud.home)
        )
        self.files = Path(folder)
        self.name = self.files.name
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._cleanup.close()

    def say(self, text: str) -> None:
        """Tell something."""
        print(text, flush=True)

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """A step with its title and the time that it took."""
        self._count += 1
        self.say(f"\n== {self._count}. {title}")
        began = time.monotonic()
        yield
        now = time.monotonic()
        self.say(f"   -- {now - began:.1f} s (since the beginning {now - self._began:.0f} s)")

    def at_end(self, *command: str, user: str = "demo") -> None:
        """Run *command* quietly at the end, whether it is still needed or not.

        To be said before the thing is made, which may fail, or be stopped, half-way.
        """
        self._cleanup.callback(self._execute, command, user)

    def call_at_end(self, function: Callable[[], None]) -> None:
        """Call *function* at the end."""
        self._cleanup.callback(function)

    def run(self, *command: str, user: str = "demo", shown: bool = True) -> str:
        """Show and run a command that must succeed.

        :returns: its standard output, stripped.
        """
        result = self._show_and_execute(command, user)
        output = result.stdout.strip()
        if result.returncode:
            raise Unexpected(f"{command[0]} failed: {_last_line(result)}")
        if shown and output:
            self._show(output)
        return output

    def refuse(self, *command: str, because: str, user: str = "demo") -> str:
        """Show and run a command that must fail.

        :param because: what it must say: that it fails for some other reason proves nothing.
        :returns: what it said, stripped.
        """
        result = self._show_and_execute(command, user)
        if not result.returncode:
            raise Unexpected("that should have been refused")
        said = _last_line(result)
        if because not in said:
            raise Unexpected(f"it failed, but not because of '{because}': {said}")
        self._show(f"refused: {said}")
        return said

    def check(self, holds: bool, text: str) -> None:
        """Tell that something holds, which it must."""
        if not holds:
            raise Unexpected(f"it should hold that {text}")
        self.say(f"   ok: {text}")

    def wait_for(self, what: str, found: Callable[[], str]) -> str:
        """Ask *found* until it says something.

        :returns: what it said.
        """
        deadline = time.monotonic() + _PATIENCE
        while not (said := found()):
            if time.monotonic() > deadline:
                raise Unexpected(f"waited {_PATIENCE:.0f} s in vain for {what}")
            time.sleep(_POLL)
        return said

    def quietly(self, *command: str, user: str = "demo") -> str:
        """Standard output of a command that is not shown; empty if it fails."""
        result = self._execute(command, user)
        return "" if result.returncode else result.stdout.strip()

    def _show_and_execute(
        self, command: tuple[str, ...], user: str
    ) -> "subprocess.CompletedProcess[str]":
        prompt = "operator" if user == "operator" else user
        # A token may be among the arguments.
        hidden = [
            "X-Auth-Token: $TOKEN" if word.startswith("X-Auth-Token:") else word for word in command
        ]
        self.say(f"   {prompt}$ {shlex.join(hidden)}")
        return self._execute(command, user)

    def _execute(self, command: tuple[str, ...], user: str) -> "subprocess.CompletedProcess[str]":
        try:
            return subprocess.run(
                command,
                env=self._environment(user),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
                timeout=_COMMAND_PATIENCE,
            )
        except subprocess.TimeoutExpired:
            why = f"it had not ended after {_COMMAND_PATIENCE:.0f} s"
            return subprocess.CompletedProcess(command, _TIMED_OUT, "", why)

    def _environment(self, user: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("OS_")}
        path = f"{self.cloud.venv / 'bin'}:{os.environ['PATH']}"
        common = {**kept, "PATH": path, "PYTHONWARNINGS": "ignore"}
        if user == "operator":
            etc = str(self.cloud.path("etc", "glance-one"))
            return {**common, "HOME": etc, "OS_GLANCE_CONFIG_DIR": etc}
        clouds = str(self.cloud.path("clouds.yaml"))
        return {**common, "OS_CLIENT_CONFIG_FILE": clouds, "OS_CLOUD": user}

    def _show(self, output: str) -> None:
        lines = output.splitlines()
        for line in lines[:_SHOWN_LINES]:
            self.say(f"     {line[:_SHOWN_WIDTH]}")
        if len(lines) > _SHOWN_LINES:
            self.say(f"     ... ({len(lines)} lines)")


def _last_line(result: "subprocess.CompletedProcess[str]") -> str:
    lines = (result.stderr.strip() or result.stdout.strip() or "no output").splitlines()
    return lines[-1]
