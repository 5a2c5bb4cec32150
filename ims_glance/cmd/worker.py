# SPDX-License-Identifier: Apache-2.0
"""``ims-worker``: one process that runs jobs. Start as many as you like, on any hosts.

It reads Glance's own configuration, as ``ims-manage`` does. SIGTERM lets its jobs go at their next
step, for other workers to go on with at once.
"""

import logging
import os
import signal
import socket
import sys
from collections.abc import Mapping
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


def main(argv: list[str] | None = None) -> NoReturn:
    """Run until SIGTERM or SIGINT, and end the process.

    :param argv: arguments without the program's name; ``None`` for those of the process
    """
    conf = cfg.CONF
    read_configuration(conf, sys.argv[1:] if argv is None else argv)
    if not conf.ims_database.connection:
        print("ims-worker: set 'connection' in [ims_database]", file=sys.stderr)
        _leave(1)
    _leave(run(conf, flows.JOB_TYPES))


def run(conf: cfg.ConfigOpts, job_types: Mapping[str, FlowFactory]) -> int:
    """Run a worker in this process until it is told to stop."""
    with _Told() as told:
        worker = Worker(conf, job_types)
        worker.start()
        ear = Ear(conf, worker.name, worker.offer)
        ear.open()
        LOG.info("Worker %s runs", worker.name)
        told.wait()
        LOG.info("Worker %s stops", worker.name)
        # First the ear: else it could take the messages by which others hear of this worker's jobs.
        ear.close()
        worker.stop()
    return 0


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
    # Not by sys.exit: that would wait for threads of libraries, which may wait for a neighbour.
    logging.shutdown()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    main()
