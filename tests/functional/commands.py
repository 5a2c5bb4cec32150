# SPDX-License-Identifier: Apache-2.0
"""``ims-manage`` many times over: loading all of Glance takes longer than most commands.

A process that has loaded everything forks for each command, which then reads its configuration and
does its work as if it had been started by itself. A command may also be killed in the middle: the
inner store that it works on then has a :class:`Fault`.
"""

import dataclasses
import gc
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from typing import Any, NoReturn

from tests.functional import sqlite
from tests.functional.service import GlanceService


@dataclasses.dataclass(frozen=True)
class Fault:
    """Where the command is killed: at a call of the inner store's.

    :ivar call: ``put`` or ``delete``
    :ivar when: ``before`` it, ``half`` way through, or ``after`` it
    :ivar number: which of several such calls, counted from 1
    """

    call: str
    when: str
    number: int = 1


class Commands:
    """Runs commands; to be closed."""

    def __init__(self) -> None:
        self._server = subprocess.Popen(
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd="/",
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            text=True,
        )

    def close(self) -> None:
        """End the process."""
        assert self._server.stdin is not None
        self._server.stdin.close()
        self._server.wait()

    def run(
        self, service: GlanceService, *arguments: str, fault: Fault | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run ``ims-manage`` with the configuration of *service*."""
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        request = {
            "arguments": arguments,
            "environment": service.environment,
            "directory": str(service.directories.root),
            "fault": dataclasses.asdict(fault) if fault else None,
        }
        print(json.dumps(request), file=self._server.stdin, flush=True)
        code, output, errors = json.loads(self._server.stdout.readline())
        return subprocess.CompletedProcess(arguments, code, output, errors)


def _serve() -> None:
    # Once, here.
    from ims_glance.cmd import manage  # noqa: F401, PLC0415
    from tests.functional import loaded  # noqa: F401, PLC0415

    gc.freeze()
    for line in sys.stdin:
        with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
            child = os.fork()
            if child == 0:
                os.dup2(output.fileno(), 1)
                os.dup2(errors.fileno(), 2)
                _run(json.loads(line))
            code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            output.seek(0)
            errors.seek(0)
            print(json.dumps([code, output.read(), errors.read()]), flush=True)


def _run(request: dict[str, Any]) -> NoReturn:
    from ims_glance.cmd import manage  # noqa: PLC0415

    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["directory"])
    code = 1
    sqlite.take_turns()
    try:
        if request["fault"]:
            _inject(Fault(**request["fault"]))
        code = manage.main(request["arguments"])
    except SystemExit as end:
        code = int(end.code or 0)
    except BaseException as error:  # boundary: the end of this process
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _inject(fault: Fault) -> None:
    """Have the inner store kill this process."""
    from ims_glance.store.inner import file  # noqa: PLC0415

    class Faulty(file.FileInner):
        calls = 0

        def put(self, name: str, chunks: Iterable[Any], size: int) -> None:
            self._call("put", lambda half: super(Faulty, self).put(name, half(chunks), size))

        def delete(self, name: str) -> None:
            self._call("delete", lambda _half: super(Faulty, self).delete(name))

        def _call(self, call: str, function: Any) -> None:
            Faulty.calls += call == fault.call
            hit = call == fault.call and Faulty.calls == fault.number
            if hit and fault.when == "before":
                _die()
            function(_half if hit and fault.when == "half" else iter)
            if hit:
                _die()

    file.FileInner = Faulty  # type: ignore[misc]


def _half(chunks: Iterable[Any]) -> Iterator[Any]:
    for chunk in chunks:
        yield chunk[: len(chunk) // 2]
        _die()


def _die() -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("still alive")


if __name__ == "__main__":
    _serve()
