# SPDX-License-Identifier: Apache-2.0
"""Waking up workers over the message queue.

The database says what there is to do; a message only saves the wait for a worker's next look. So
it is sent in the background, at best effort: whoever accepts a job never waits for the queue.
"""

import atexit
import logging
import os
import queue
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import oslo_messaging
from oslo_config import cfg

LOG = logging.getLogger(__name__)

VERSION = "1.0"
METHOD = "run"
# Of the service's own: each process has another by default (Glance's is "glance", a worker's "openstack"),
# and a message to an exchange where nobody listens is dropped without a word.
_EXCHANGE = "ims"
# What oslo.messaging makes a queue of, besides the one that all workers share. Nobody sends to it, and
# it stays for ever: with a name that each process chooses, each start would leave one behind.
_SERVER = "workers"
_WAITING = 1000
_TIMEOUT = 10
# What a process that ends gives the message queue, for each of hearing and sending; seconds.
_LAST = 3.0
_PAUSE = 0.01


class Wakeups:
    """Sends messages from a thread of its own, which begins with the first (after a fork)."""

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self._conf = conf
        self._mutex = threading.Lock()
        self._process: int | None = None
        self._queue: queue.Queue[str] = queue.Queue(_WAITING)

    def send(self, job_id: str) -> None:
        """Let some worker look at a job soon."""
        with self._mutex:
            if self._process != os.getpid():
                self._process = os.getpid()
                self._queue = queue.Queue(_WAITING)
                atexit.register(self.flush)
                threading.Thread(target=self._work, name="ims-wakeups", daemon=True).start()
        try:
            self._queue.put_nowait(job_id)
        except queue.Full:
            LOG.warning("Nobody is woken up for job %s: the message queue is away", job_id)

    def flush(self, patience: float = _LAST) -> bool:
        """Wait until all is sent, or for *patience* seconds; whether nothing is waiting any more.

        Who ends the process by :func:`os._exit` calls it before that.
        """
        deadline = time.monotonic() + patience
        while self._process == os.getpid() and self._queue.unfinished_tasks:
            if time.monotonic() > deadline:
                LOG.warning("Nobody is woken up for jobs: the message queue is away")
                return False
            time.sleep(_PAUSE)
        return True

    def _work(self) -> None:
        client = None
        waiting = self._queue
        while True:
            job_id = waiting.get()
            try:
                client = client or self._client()
                client.cast({}, METHOD, job_id=job_id)
            except Exception as error:  # boundary: best effort, the workers look by themselves
                LOG.warning("Nobody is woken up for job %s: %s", job_id, type(error).__name__)
            finally:
                waiting.task_done()

    def _client(self) -> oslo_messaging.RPCClient:
        transport = oslo_messaging.get_rpc_transport(self._conf)
        topic = self._conf.ims_jobs.topic
        target = oslo_messaging.Target(exchange=_EXCHANGE, topic=topic, version=VERSION)
        # One attempt to connect again, then the message is dropped.
        return oslo_messaging.get_rpc_client(transport, target, timeout=_TIMEOUT, retry=1)


class Endpoint:
    """What the message queue may ask of a worker.

    :param offer: what is called with a job's id
    """

    target = oslo_messaging.Target(version=VERSION)

    def __init__(self, offer: Callable[[str], None]) -> None:
        self._offer = offer

    def run(self, _context: Mapping[str, Any], job_id: str) -> None:
        """Begin a job."""
        self._offer(job_id)


class Ear:
    """Hears the messages for one worker, of all that share the queue.

    :param name: the worker's
    :param offer: what is called with each job's id, by several threads at once
    """

    def __init__(self, conf: cfg.ConfigOpts, name: str, offer: Callable[[str], None]) -> None:
        self._conf = conf
        self._name = name
        self._offer = offer
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="ims-listen", daemon=True)

    def open(self) -> None:
        """Begin to hear, as soon as the message queue is there; nobody waits for that."""
        self._thread.start()

    def close(self, patience: float = _LAST) -> bool:
        """Hear nothing more, and wait until what was heard has been offered; whether it has been.

        What others send from now on goes to others.

        :param patience: how long to wait at most (the message queue may be away); seconds
        """
        self._closing.set()
        self._thread.join(patience)
        if is_open := self._thread.is_alive():
            LOG.warning("Worker %s still listens: the message queue is away", self._name)
        return not is_open

    def _listen(self) -> None:
        topic = self._conf.ims_jobs.topic
        target = oslo_messaging.Target(exchange=_EXCHANGE, topic=topic, server=_SERVER)
        server = oslo_messaging.get_rpc_server(
            oslo_messaging.get_rpc_transport(self._conf),
            target,
            [Endpoint(self._offer)],
            executor="threading",
        )
        # Without a message queue it waits here, and the worker finds its jobs by itself.
        server.start()
        self._closing.wait()
        server.stop()
        server.wait()
