# SPDX-License-Identifier: Apache-2.0
"""Audit events wait in the database while the message queue is away, and go out in their order."""

import logging
import threading
from typing import Any

import pytest
import sqlalchemy as sa
from oslo_messaging import conffixture

from ims_glance.clouds.messaging import notifications
from ims_glance.clouds.messaging.notifications import NotSent
from ims_glance.db.audit import AuditEvents, Wanted
from ims_glance.db.lease import Leases
from ims_glance.jobs import audit
from ims_glance.jobs.audit import AuditRelay
from tests.unit.jobs.worker_bench import running, until


class Bus:
    """A message queue."""

    def __init__(self):
        self.seen = []
        self.room = 10**9
        self.never = set()
        self.fails_once = False
        self.connections = 0

    def connect(self):
        self.connections += 1
        return self.notify

    def notify(self, events):
        if not self.room:
            raise NotSent(reason="it is away")
        is_refused = self.fails_once or any(each["number"] in self.never for _, each in events)
        self.fails_once = False
        if is_refused:
            raise NotSent(reason="it is not taken")
        self.room -= 1
        self.seen += [(kind, content["number"]) for kind, content in events]

    @property
    def numbers(self):
        return [number for _kind, number in self.seen]


@pytest.fixture
def bus(monkeypatch):
    made = Bus()
    monkeypatch.setattr(notifications, "connector", lambda _conf: made.connect)
    return made


@pytest.fixture
def now(monkeypatch):
    """The relay's clock, which the test moves."""
    moments = [1000.0]
    monkeypatch.setattr(audit, "clock", lambda: moments[0])
    return moments


@pytest.fixture
def stopping():
    return threading.Event()


@pytest.fixture
def relay(tables, bus, now, stopping):
    return AuditRelay(tables.conf, tables.database, "worker", stopping)


@pytest.fixture
def events(tables):
    return AuditEvents(tables.conf, tables.database)


def add(events, *numbers):
    attached = {"content": {"project_id": "project"}}
    events.add(
        [("audit.image", {"number": number, "attachments": [attached]}) for number in numbers]
    )


def test_all_are_sent_once_and_in_their_order(relay, bus, events):
    relay.send()
    assert bus.connections == 0
    add(events, *range(120))
    relay.send()
    relay.send()
    assert bus.seen == [("audit.image", number) for number in range(120)]
    assert bus.connections == 1


def test_while_the_message_queue_is_away_they_wait(relay, bus, events, now, caplog):
    add(events, *range(5))
    bus.room = 2
    relay.send()
    assert bus.numbers == [0, 1]
    for _often in range(30):
        add(events, len(events.unsent(99)) + 2)
        now[0] += 1
        relay.send()
    # It is not asked each second.
    assert bus.numbers == [0, 1]
    assert caplog.text.count("Audit events wait in the database") == 1
    bus.room = 99
    now[0] += 15
    relay.send()
    assert bus.numbers == list(range(35))
    assert events.unsent(1) == []


def test_one_that_the_message_queue_never_takes_holds_up_no_other(relay, bus, events, now, caplog):
    bus.never = {2}
    add(events, 1, 2, 3, 4, 5, 6)
    for _round in range(8):
        relay.send()
        now[0] += 60
    assert sorted(bus.numbers) == [1, 3, 4, 5, 6]
    assert bus.numbers[:2] == [1, 3]
    assert events.unsent(9) == []
    assert caplog.text.count("is set aside") == 1
    assert [each.is_set_aside for each in events.last(9, Wanted())] == [False, True, *4 * [False]]


def test_a_message_queue_that_comes_back_meanwhile_sets_nothing_aside(relay, bus, events, now):
    """It takes the next one, and this one then."""
    add(events, 1, 2, 3)
    for _round in range(5):
        bus.fails_once = len(bus.numbers) < 2
        relay.send()
        now[0] += 60
    assert sorted(bus.numbers) == [1, 2, 3]
    assert not any(each.is_set_aside for each in events.last(9, Wanted()))


def test_the_only_one_is_waited_for(relay, bus, events, now):
    bus.never = {1}
    add(events, 1)
    for _round in range(8):
        relay.send()
        now[0] += 60
    assert len(events.unsent(9)) == 1


def test_one_that_nobody_can_read_is_set_aside(tables, relay, bus, events, caplog):
    add(events, 1, 2, 3)
    damaged = sa.text("UPDATE audit_events SET content = '{' WHERE content LIKE '%: 2,%'")
    tables.database.write(lambda connection: connection.execute(damaged))
    relay.send()
    assert bus.numbers == [1, 3]
    assert events.unsent(9) == []
    assert "it cannot be read" in caplog.text


def test_another_worker_goes_on_where_one_ended(tables, relay, bus, events, now):
    add(events, *range(5))
    bus.room = 2
    relay.send()
    bus.room = 99
    AuditRelay(tables.conf, tables.database, "another", threading.Event()).send()
    assert bus.numbers == list(range(5))


def test_one_worker_at_a_time(tables, relay, bus, events):
    leases = Leases(tables.database)
    assert leases.take("audit", "another", 60)
    add(events, 1)
    relay.send()
    assert bus.numbers == []
    leases.give_back("audit", "another")
    relay.send()
    assert bus.numbers == [1]
    assert leases.take("audit", "another", 60)


def test_a_message_queue_that_takes_very_long(tables, relay, bus, events, now, monkeypatch):
    """Then another worker may have begun with the next: this one looks before it goes on."""
    add(events, *range(4))

    def slow(batch):
        Bus.notify(bus, batch)
        now[0] += 40
        Leases(tables.database).give_back("audit", "worker")
        Leases(tables.database).take("audit", "another", 60)

    monkeypatch.setattr(bus, "notify", slow)
    monkeypatch.setattr(audit, "_BATCH", 4)
    relay.send()
    assert bus.numbers == [0]
    assert len(events.unsent(9)) == 3


def test_a_worker_that_stops_leaves_the_rest_to_others(relay, bus, events, stopping, monkeypatch):
    add(events, *range(4))
    take = Bus.notify

    def last(batch):
        take(bus, batch)
        stopping.set()

    monkeypatch.setattr(bus, "notify", last)
    relay.send()
    assert bus.numbers == [0]
    assert len(events.unsent(9)) == 3


def test_old_ones_are_deleted(tables, relay, events):
    tables.conf.set_override("keep_events", 3, "ims_audit")
    add(events, *range(9))
    relay.prune()
    assert len(events.unsent(9)) == 3


def test_audit_events_are_sent_and_old_ones_deleted(tables, caplog):
    caplog.set_level(logging.INFO, "oslo.messaging.notification")
    conffixture.ConfFixture(tables.conf)
    tables.conf.set_override("transport_url", "fake://")
    tables.conf.set_override("driver", "log", "ims_audit")
    tables.conf.set_override("keep_events", 2, "ims_audit")
    events = AuditEvents(tables.conf, tables.database)
    content: dict[str, Any] = {"attachments": [{"content": {}}]}
    events.add([(f"audit.ims.{number}", content) for number in range(5)])
    with running(tables):
        until(lambda: "audit.ims.4" in caplog.text)
        until(lambda: len(events.last(9, Wanted())) == 2)
