# SPDX-License-Identifier: Apache-2.0
"""Notifications over oslo.messaging, sent by a thread of its own: nobody waits for the queue."""

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

Event = tuple[str, Mapping[str, Any]]
Notify = Callable[[str, Mapping[str, Any]], None]

_PUBLISHER = "ims_glance"
# What the process gives the thread when it ends; seconds.
_LAST = 3.0
_PAUSE = 0.01


class Notifications:
    """A bounded queue and the thread that empties it.

    The thread begins with the first event, after all forks.

    :param size: how many events wait at most
    :param connect: makes what sends one event; called in the thread
    """

    def __init__(self, size: int, connect: Callable[[], Notify]) -> None:
        self._size = size
        self._connect = connect
        self._mutex = threading.Lock()
        self._process: int | None = None
        self._waiting: queue.Queue[Event] = queue.Queue(size)
        self._dropped = 0

    def send(self, event_type: str, payload: Mapping[str, Any]) -> None:
        """Send an event soon, or drop it if too many are waiting. Never waits and never fails."""
        with self._mutex:
            if self._process != os.getpid():
                self._begin()
            waiting = self._waiting
        try:
            waiting.put_nowait((event_type, payload))
        except queue.Full:
            with self._mutex:
                self._dropped += 1
                is_first = self._dropped == 1
            if is_first:
                LOG.warning("Notifications are dropped: %d wait for the message queue", self._size)

    def flush(self, patience: float = _LAST) -> bool:
        """Wait until nothing is waiting, or for *patience* seconds; whether all was sent."""
        deadline = time.monotonic() + patience
        while self._process == os.getpid() and self._waiting.unfinished_tasks:
            if time.monotonic() > deadline:
                LOG.warning("%d notifications were not sent", self._waiting.unfinished_tasks)
                return False
            time.sleep(_PAUSE)
        return True

    def _begin(self) -> None:
        self._process = os.getpid()
        self._waiting = queue.Queue(self._size)
        self._dropped = 0
        atexit.register(self.flush)
        threading.Thread(target=self._work, name="ims-notifications", daemon=True).start()

    def _work(self) -> None:
        notify: Notify | None = None
        while True:
            event_type, payload = self._waiting.get()
            try:
                notify = notify or self._connect()
                notify(event_type, payload)
            except Exception as error:  # boundary: the next event may have more luck
                LOG.warning("Notification %s was not sent: %s", event_type, type(error).__name__)
            finally:
                self._waiting.task_done()
            self._tell_dropped()

    def _tell_dropped(self) -> None:
        with self._mutex:
            dropped, self._dropped = self._dropped, 0
        if dropped:
            LOG.warning("%d notifications were dropped", dropped)


def connector(conf: cfg.ConfigOpts) -> Callable[[], Notify]:
    """What :class:`Notifications` connects with, for the drivers and topics of ``[ims_audit]``."""

    def connect() -> Notify:
        options = conf.ims_audit
        notifier = oslo_messaging.Notifier(
            oslo_messaging.get_notification_transport(conf),
            publisher_id=_PUBLISHER,
            driver=options.driver or None,
            topics=list(options.topics) or None,
            # One attempt to connect again, then the event is lost.
            retry=1,
        )

        def notify(event_type: str, payload: Mapping[str, Any]) -> None:
            notifier.info({}, event_type, payload)

        return notify

    return connect
