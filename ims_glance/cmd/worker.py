# SPDX-License-Identifier: Apache-2.0
"""``ims-worker``: one process that runs jobs. Start as many as you like, on any hosts.

It reads Glance's own configuration, as ``ims-manage`` does. SIGTERM lets its jobs go at their next
step, for other workers to go on with at once.
"""

import contextlib
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator, Mapping
from typing import NoReturn, Self

from oslo_config import cfg
from oslo_log import log as oslo_log

from ims_glance import conf as ims_conf
from ims_glance import flows
from ims_glance.clouds.messaging.wakeup import Ear
from ims_glance.cmd import configuration
from ims_glance.jobs.engine import FlowFactory
from ims_glance.jobs.worker import Worker

LOG = logging.getLogger(__name__)

# What a worker that was told to stop gets for all that it does when its jobs are gone, each of which waits
# for a neighbour for some seconds at most; and what its log gets in the end; seconds.
_LAST = 12.0
_LAST_LOG = 3.0


def main(argv: list[str] | None = None) -> NoReturn:
    """Run until SIGTERM or SIGINT, and end the process.

    :param argv: arguments without the program's name; ``None`` for those of the process
    """
    conf = cfg.CONF
    read_configuration(conf, sys.argv[1:] if argv is None else argv)
    if not conf.ims_database.connection:
        print("ims-worker: set 'connection' in [ims_database]", file=sys.stderr)
        _leave(1)
    os.nice(conf.ims_jobs.niceness)
    try:
        status = run(conf, flows.JOB_TYPES)
    except Exception:  # boundary: the process ends, whatever threads there are
        LOG.exception("The worker broke off")
        status = 1
    _leave(status)


def run(conf: cfg.ConfigOpts, job_types: Mapping[str, FlowFactory]) -> int:
    """Run a worker in this process until it is told to stop."""
    with _Told() as told:
        worker = Worker(conf, job_types)
        worker.start()
        ear = Ear(conf, worker.name, worker.offer)
        ear.open()
        LOG.info("Worker %s runs", worker.name)
        told.wait()
        with _in_time(worker):
            LOG.info("Worker %s stops", worker.name)
            # First the ear: else it could take the messages by which others hear of this worker's jobs.
            ear.close()
            worker.stop()
    return 0


@contextlib.contextmanager
def _in_time(worker: Worker) -> Iterator[None]:
    """End the process if stopping lasts for longer than all that it has to wait for.

    So does a log that is not read any more: it takes no line, and holds whoever writes one for ever.
    """
    is_over = threading.Event()

    def watch() -> None:
        worker.await_jobs()
        if not is_over.wait(_LAST):
            os._exit(0)

    # Without a thread more it is left to systemd, which kills what does not end.
    with contextlib.suppress(RuntimeError):
        threading.Thread(target=watch, name="ims-end", daemon=True).start()
    try:
        yield
    finally:
        is_over.set()


class _Told:
    """Hears SIGTERM and SIGINT, in whatever moment they come.

    A handler in Python runs in the midst of the main thread, which may hold the lock that an Event
    would take again; and one that is due in the moment when that thread goes to sleep in a queue
    does not wake it. The interpreter itself writes the signal's number to a socket at once.
    """

    _SIGNALS = (signal.SIGTERM, signal.SIGINT)

    def __enter__(self) -> Self:
        self._reader, self._writer = socket.socketpair()
        self._writer.setblocking(False)
        signal.set_wakeup_fd(self._writer.fileno())
        for number in self._SIGNALS:
            signal.signal(number, lambda _number, _frame: None)
        return self

    def __exit__(self, *_error: object) -> None:
        # Nobody hears them any more: they end what is left of the process.
        for number in self._SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        signal.set_wakeup_fd(-1)
        self._reader.close()
        self._writer.close()

    def wait(self) -> None:
        """Wait until it was told to stop."""
        while self._reader.recv(1)[0] not in self._SIGNALS:
            pass


def read_configuration(conf: cfg.ConfigOpts, argv: list[str]) -> None:
    """Read Glance's configuration files and begin to log."""
    oslo_log.register_options(conf)
    configuration.read(conf, argv, "ims-worker")
    ims_conf.register_opts(conf)
    oslo_log.setup(conf, "ims-worker")


def _leave(status: int) -> NoReturn:
    # Not by sys.exit: that would wait for threads of libraries, which may wait for a neighbour. Nor for
    # ever for a log.
    with contextlib.suppress(RuntimeError):
        end = threading.Timer(_LAST_LOG, os._exit, (status,))
        end.daemon = True
        end.start()
    logging.shutdown()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    main()
