# SPDX-License-Identifier: Apache-2.0
"""Notifications over oslo.messaging, and a thread that hands events on while nobody waits for it."""

import atexit
import logging
import os
import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import oslo_messaging
from oslo_config import cfg
from oslo_messaging import transport as messaging_transport

from ims_glance import exceptions

LOG = logging.getLogger(__name__)

Event = tuple[str, Mapping[str, Any]]
Notify = Callable[[Sequence[Event]], None]

_PUBLISHER = "ims_glance"
# Glance's own (glance/notifier.py), in whichever process: its audience listens there.
_EXCHANGE = "glance"
# What the process gives the thread when it ends; seconds.
_LAST = 3.0
_PAUSE = 0.01
# Between attempts to hand over what is not to be lost: the first, and the longest; seconds.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0


class NotSent(exceptions.Unavailable):
    """A notification could not be sent, as far as the driver tells."""

    template = "The message queue took no notification ({reason})."


class Notifications:
    """A bounded queue and the thread that empties it.

    The thread begins with the first event, after all forks.

    :param size: how many events wait at most
    :param connect: makes what takes events; called in the thread
    :param batch: how many events it takes at once
    :param waits_for: errors after which they are handed over again, until they are taken; after
        others they are lost
    """

    def __init__(
        self,
        size: int,
        connect: Callable[[], Notify],
        batch: int = 1,
        waits_for: tuple[type[exceptions.ImsError], ...] = (),
    ) -> None:
        self._size = size
        self._connect = connect
        self._batch = batch
        self._waits_for = waits_for
        self._mutex = threading.Lock()
        self._process: int | None = None
        self._waiting: queue.Queue[Event] = queue.Queue(size)
        self._notify: Notify | None = None
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
                LOG.warning("Notifications are dropped: %d wait already", self._size)

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
        self._notify = None
        self._dropped = 0
        atexit.register(self.flush)
        threading.Thread(target=self._work, name="ims-notifications", daemon=True).start()

    def _work(self) -> None:
        waiting = self._waiting
        while True:
            events = _next(waiting, self._batch)
            pause = _FIRST_PAUSE
            while not self._hand_over(events, is_first=pause == _FIRST_PAUSE):
                time.sleep(pause)
                pause = min(_LONGEST_PAUSE, pause * 2)
            for _event in events:
                waiting.task_done()
            self._tell_dropped()

    def _hand_over(self, events: Sequence[Event], is_first: bool) -> bool:
        """Whether the events were taken, or are lost."""
        try:
            self._notify = self._notify or self._connect()
            self._notify(events)
        except self._waits_for as error:
            if is_first:
                LOG.warning("Notifications wait: %s", error)
            return False
        except Exception as error:  # boundary: the next event may have more luck
            why = error if isinstance(error, exceptions.ImsError) else type(error).__name__
            for event_type, payload in events:
                LOG.warning("Notification %s was not sent: %s %s", event_type, why, dict(payload))
        return True

    def _tell_dropped(self) -> None:
        with self._mutex:
            dropped, self._dropped = self._dropped, 0
        if dropped:
            LOG.warning("%d notifications were dropped", dropped)


def _next(waiting: queue.Queue[Event], most: int) -> list[Event]:
    """Wait for an event; that one, and those that wait behind it."""
    events = [waiting.get()]
    while len(events) < most:
        try:
            events.append(waiting.get_nowait())
        except queue.Empty:
            break
    return events


class _Witness(messaging_transport.NotificationTransport):  # type: ignore[misc]
    """A transport that remembers a failure, which a notifier logs with all of the event, and forgets.

    (oslo_messaging/notify/messaging.py and notifier.py; no driver may let an error pass.)
    """

    def __init__(self, transport: Any) -> None:
        self._transport = transport
        self.conf = transport.conf
        self.failure: Exception | None = None

    def _send_notification(self, *arguments: Any, **options: Any) -> None:
        try:
            self._transport._send_notification(*arguments, **options)
        except Exception as error:  # boundary: who asked for the notification looks at it
            self.failure = error


def open_transport(conf: cfg.ConfigOpts) -> Any:
    """The way to the exchange that Glance sends its notifications to, unless ``control_exchange`` says another.

    :raises oslo_messaging.MessagingException: if there is none
    """
    oslo_messaging.set_transport_defaults(_EXCHANGE)
    return oslo_messaging.get_notification_transport(conf)


def connector(conf: cfg.ConfigOpts) -> Callable[[], Notify]:
    """What sends events with the drivers and on the topics of ``[ims_audit]``, once it is connected.

    It raises :class:`NotSent` if the message queue did not take one of them; the ones before it were
    sent.
    """

    def connect() -> Notify:
        options = conf.ims_audit
        try:
            transport = _Witness(open_transport(conf))
        except oslo_messaging.MessagingException as error:
            raise NotSent(reason=type(error).__name__) from error
        notifier = oslo_messaging.Notifier(
            transport,
            publisher_id=_PUBLISHER,
            driver=options.driver or None,
            topics=list(options.topics) or None,
            # One attempt to connect again, then it has failed.
            retry=1,
        )

        def notify(events: Sequence[Event]) -> None:
            for event_type, payload in events:
                transport.failure = None
                notifier.info({}, event_type, payload)
                if transport.failure is not None:
                    raise NotSent(reason=type(transport.failure).__name__)

        return notify

    return connect
