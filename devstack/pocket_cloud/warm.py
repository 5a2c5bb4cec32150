# SPDX-License-Identifier: Apache-2.0
"""The ``openstack`` command, loaded once: a fork of this process begins in a tenth of a second, not in two.

As a program it runs one command after the other, for :mod:`pocket_cloud.demo.openstack`: a line of JSON says
what, a line with the exit status answers. (In the virtual environment; the demo's own interpreter has none of it.)
"""

import contextlib
import ctypes
import io
import json
import logging
import os
import signal
import sys
from collections.abc import Callable
from typing import Any, NoReturn

_SET_DEATH_SIGNAL = 1
_PRCTL = ctypes.CDLL(None).prctl
# Of the client these build every part once, and ask no server.
_COMMANDS = (
    "ims image show --help",
    "image list --help",
    "server list --help",
    "volume list --help",
    "secret list --help",
)


def load() -> None:
    """Import the client, with the parts that most commands need."""
    # What it calls itself in its messages: it reads that as it is imported.
    sys.argv = ["openstack"]
    from openstackclient import shell  # noqa: PLC0415

    for command in _COMMANDS:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
            shell.main(command.split())
    # Each run adds its own.
    logging.getLogger().handlers.clear()


def die_with_parent() -> None:
    """Have the kernel end this process when the thread that began it ends."""
    _PRCTL(_SET_DEATH_SIGNAL, signal.SIGKILL)


def end_with(work: Callable[[], int | None]) -> NoReturn:
    """In a fork: do something, and end.

    Threads that still run, and what is registered for the end of the process that was forked, are not its own.

    :param work: what it returns is the exit status
    """
    code: Any = 70
    try:
        code = work()
    except SystemExit as left:
        code = left.code
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else int(code is not None))


def shell(arguments: list[str]) -> int:
    """Run the command; its exit status."""
    from openstackclient import shell as client  # noqa: PLC0415 - there already

    sys.argv = ["openstack", *arguments]
    return int(client.main(arguments))


def _serve() -> None:
    die_with_parent()
    # That is for the commands alone.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    load()
    for line in sys.stdin:
        child = os.fork()
        if not child:
            _run(json.loads(line))
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _run(asked: dict[str, Any]) -> NoReturn:
    """In a fork: become the command.

    :param asked: its *arguments*, all of its *environment*, and files for its *output* and *errors*
    """

    def command() -> int:
        die_with_parent()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        # Whoever waits for this process to be gone sees that its end of this pipe is.
        os.dup(1)
        for path, number in ((os.devnull, 0), (asked["output"], 1), (asked["errors"], 2)):
            opened = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
            os.dup2(opened, number)
            os.close(opened)
        os.environ.clear()
        os.environ.update(asked["environment"])
        return shell(asked["arguments"])

    end_with(command)


if __name__ == "__main__":
    _serve()
