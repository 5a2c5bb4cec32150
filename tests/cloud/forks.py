# SPDX-License-Identifier: Apache-2.0
"""Commands and workers in processes that are forked from a warm one (:mod:`tests.cloud.warm`)."""

import functools
import multiprocessing
import multiprocessing.context
import multiprocessing.process
import os
import signal
import subprocess
import tempfile
from collections.abc import Callable
from multiprocessing import forkserver
from pathlib import Path
from typing import Any
from unittest import mock

from pocket_cloud import warm
from pocket_cloud.cloud import CHECKOUT

# To make a system ready takes minutes where all is emulated, and more beside other tests.
_HUNG = 1500.0


@functools.cache
def _warm() -> multiprocessing.context.ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.cloud.warm"])
    # The server finds our modules by it; those that it forks get an environment each.
    path = f"{CHECKOUT}:{CHECKOUT / 'devstack'}"
    with mock.patch.dict(os.environ, PYTHONPATH=path):
        forkserver.ensure_running()
    return context


def start(
    work: Callable[..., int | None], *arguments: Any, environment: dict[str, str], output: Path
) -> multiprocessing.process.BaseProcess:
    """Begin a function in a process of its own.

    :param work: a function of a module; what it returns is the exit status
    :param environment: all of the process's environment
    :param output: the file of its standard output; its errors go to ``<output>.err`` if that is
        there, else to the same file
    """
    process = _warm().Process(
        target=_run, args=(work, arguments, environment, str(output)), daemon=True
    )
    process.start()
    return process


def openstack(arguments: tuple[str, ...], environment: dict[str, str]) -> Any:
    """Run the ``openstack`` command; as :func:`subprocess.run` with the output as text.

    :raises subprocess.TimeoutExpired: if it does not end
    """
    with tempfile.TemporaryDirectory() as folder:
        output, errors = Path(folder, "output"), Path(folder, "output.err")
        errors.touch()
        process = start(warm.shell, list(arguments), environment=environment, output=output)
        process.join(_HUNG)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired(["openstack", *arguments], _HUNG)
        code, said = process.exitcode, (output.read_text(), errors.read_text())
        process.close()
        return subprocess.CompletedProcess(["openstack", *arguments], code, *said)


def _run(
    work: Callable[..., int | None],
    arguments: tuple[Any, ...],
    environment: dict[str, str],
    output: str,
) -> None:
    """In the forked process: become what was asked for."""
    # The fork server ends with the run that has it; a run that is killed leaves nobody behind.
    warm.die_with_parent()
    # The fork server takes no notice of Ctrl-C; a process that was started by a shell does.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(environment)
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    errors = f"{output}.err" if os.path.exists(f"{output}.err") else output
    for path, number in ((output, 1), (errors, 2)):
        opened = os.open(path, flags, 0o600)
        os.dup2(opened, number)
        os.close(opened)
    warm.end_with(functools.partial(work, *arguments))
