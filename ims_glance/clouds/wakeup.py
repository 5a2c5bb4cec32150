# SPDX-License-Identifier: Apache-2.0
"""Waking up workers over the message queue.

The database says what there is to do; a message only saves the wait for a worker's next look. So
it is sent in the background, at best effort: whoever accepts a job never waits for the queue.
"""

import logging
import os
import queue
import threading

import oslo_messaging
from oslo_config import cfg

LOG = logging.getLogger(__name__)

VERSION = "1.0"
METHOD = "run"
_WAITING = 1000
_TIMEOUT = 10


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
                threading.Thread(target=self._work, name="ims-wakeups", daemon=True).start()
        try:
            self._queue.put_nowait(job_id)
        except queue.Full:
            LOG.warning("Nobody is woken up for job %s: the message queue is away", job_id)

    def _work(self) -> None:
        client = None
        while True:
            job_id = self._queue.get()
            try:
                client = client or self._client()
                client.cast({}, METHOD, job_id=job_id)
            except Exception as error:  # boundary: best effort, the workers look by themselves
                LOG.warning("Nobody is woken up for job %s: %s", job_id, type(error).__name__)

    def _client(self) -> oslo_messaging.RPCClient:
        transport = oslo_messaging.get_rpc_transport(self._conf)
        target = oslo_messaging.Target(topic=self._conf.ims_jobs.topic, version=VERSION)
        # One attempt to connect again, then the message is dropped.
        return oslo_messaging.get_rpc_client(transport, target, timeout=_TIMEOUT, retry=1)
