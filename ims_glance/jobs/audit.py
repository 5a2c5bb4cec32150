# SPDX-License-Identifier: Apache-2.0
"""Sends the audit events that wait in the database, in their order, by one worker at a time.

An event that could not be sent waits, and those behind it do, unless it is the event: if the one behind it can
be sent, again and again, it is set aside. One is sent twice if a worker dies
between sending and recording that: who reads them knows it again by its ``id``.
"""

import logging
import threading
from collections.abc import Callable, Sequence

from oslo_config import cfg

from ims_glance import exceptions
from ims_glance.clouds.messaging import notifications
from ims_glance.db.audit import AuditEvent, AuditEvents
from ims_glance.db.database import Database
from ims_glance.db.lease import Leases
from ims_glance.jobs.lease import clock

LOG = logging.getLogger(__name__)

SECONDS = 1.0
"""How often a worker looks for events."""

_LEASE = "audit"
_LEASE_SECONDS = 60.0
_BATCH = 50
_LONGEST_PAUSE = 15.0
# So often one event may fail alone before it is set aside.
_ATTEMPTS = 3


class AuditRelay:
    """What one worker does for it.

    :param worker: its name
    :param stopping: set when the worker stops
    """

    def __init__(
        self, conf: cfg.ConfigOpts, database: Database, worker: str, stopping: threading.Event
    ) -> None:
        self._events = AuditEvents(conf, database)
        self._leases = Leases(database)
        self._worker = worker
        self._stopping = stopping
        self._connect: Callable[[], notifications.Notify] = notifications.connector(conf)
        self._notify: notifications.Notify | None = None
        # While the message queue is away: how long it is left alone, and until when.
        self._pause = 0.0
        self._until = 0.0
        # The event that could not be sent last, and how often that was so while another one could.
        self._stuck: tuple[int, int] = (0, 0)

    def send(self) -> None:
        """Send what waits, unless another worker does, or the message queue is away.

        :raises DatabaseUnavailable: if the database is away
        """
        if clock() < self._until or not self._events.unsent(1):
            return
        if not self._leases.take(_LEASE, self._worker, _LEASE_SECONDS):
            return
        try:
            while self._send_some():
                pass
        finally:
            self._leases.give_back(_LEASE, self._worker)

    def prune(self) -> None:
        """Delete events that are kept no longer.

        :raises DatabaseUnavailable: if the database is away
        """
        self._events.prune()

    def _send_some(self) -> bool:
        """Send the oldest; whether to go on."""
        events = self._events.unsent(_BATCH)
        sent: list[int] = []
        try:
            self._send_each(events, sent)
        except exceptions.Unavailable as error:
            if self._is_stuck(events, sent, error):
                return True
            self._meet(error)
            return False
        finally:
            if sent:
                self._events.record_sent(sent)
        self._pause = 0.0
        is_all = len(events) < _BATCH or self._stopping.is_set()
        return not is_all and self._leases.take(_LEASE, self._worker, _LEASE_SECONDS)

    def _send_each(self, events: Sequence[AuditEvent], sent: list[int]) -> None:
        """Send events, and write down which were."""
        # A message queue that takes very long for each: another worker may have begun with the next.
        end = clock() + _LEASE_SECONDS / 2
        for event in events:
            if self._stopping.is_set() or clock() > end:
                return
            if event.content:
                self._notify_one(event)
                sent.append(event.id)
            else:
                self._set_aside(event, "it cannot be read")

    def _is_stuck(
        self, events: Sequence[AuditEvent], sent: list[int], error: exceptions.Unavailable
    ) -> bool:
        """Whether it was the event that could not be sent, and it is set aside now.

        The one behind it is tried, and then it once more: if the message queue takes but the other one, it
        is there.
        """
        waiting = [each for each in events if each.id not in sent and each.content]
        if len(waiting) < 2:
            return False
        stuck, next_one = waiting[:2]
        if not self._is_taken(next_one, sent) or self._is_taken(stuck, sent):
            return False
        event_id, failed = self._stuck
        self._stuck = stuck.id, failed + 1 if event_id == stuck.id else 1
        if self._stuck[1] < _ATTEMPTS:
            return False
        self._set_aside(stuck, str(error))
        return True

    def _is_taken(self, event: AuditEvent, sent: list[int]) -> bool:
        try:
            self._notify_one(event)
        except exceptions.Unavailable:
            return False
        sent.append(event.id)
        return True

    def _notify_one(self, event: AuditEvent) -> None:
        self._notify = self._notify or self._connect()
        self._notify([(event.type, event.content)])

    def _set_aside(self, event: AuditEvent, reason: str) -> None:
        LOG.error(
            "Audit event %d (%s) is set aside, others are sent: %s ('ims-manage audit' shows it)",
            event.id,
            event.type,
            reason,
        )
        self._events.set_aside(event.id)

    def _meet(self, error: exceptions.Unavailable) -> None:
        if not self._pause:
            LOG.warning("Audit events wait in the database: %s", error)
        self._pause = min(_LONGEST_PAUSE, self._pause * 2 or SECONDS)
        self._until = clock() + self._pause
