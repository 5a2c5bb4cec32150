# SPDX-License-Identifier: Apache-2.0
"""Events are sent in order, and whoever sends one neither waits nor fails."""

import logging
import threading
from typing import Any

import oslo_messaging
import pytest
from oslo_messaging._drivers import impl_fake

from ims_glance import exceptions
from ims_glance.clouds.messaging import notifications
from tests.base import in_child
from tests.unit.conftest import make_conf


class Away(exceptions.Unavailable):
    template = "It is away."


class Bus:
    """What sends the events."""

    def __init__(self):
        self.seen = []
        self.batches = []
        self.refusals = []
        self.failures = 0
        self.connections = 0
        self.is_open = threading.Event()
        self.is_open.set()

    def connect(self):
        self.connections += 1
        if self.failures:
            self.failures -= 1
            raise OSError("secret in the message")
        return self.notify

    def notify(self, events):
        self.is_open.wait(10)
        if self.refusals:
            self.refusals.pop()
            raise Away
        self.batches.append(len(events))
        self.seen += [(event_type, payload["number"]) for event_type, payload in events]


@pytest.fixture
def bus():
    return Bus()


def test_events_are_sent_in_order(bus):
    sender = notifications.Notifications(100, bus.connect)
    for number in range(50):
        sender.send("event", {"number": number})
    assert sender.flush()
    assert bus.seen == [("event", number) for number in range(50)]
    assert bus.connections == 1


def test_nothing_begins_before_the_first_event(bus):
    sender = notifications.Notifications(1, bus.connect)
    assert sender.flush()
    assert bus.connections == 0


def test_what_does_not_fit_is_dropped_and_counted(bus, caplog):
    caplog.set_level(logging.WARNING)
    sender = notifications.Notifications(3, bus.connect)
    bus.is_open.clear()
    for number in range(20):
        sender.send("event", {"number": number})
    assert not sender.flush(0.05)
    bus.is_open.set()
    assert sender.flush()
    dropped = 20 - len(bus.seen)
    assert dropped in (16, 17)
    assert f"{dropped} notifications were dropped" in caplog.text
    assert caplog.text.count("Notifications are dropped") == 1


def test_after_a_failure_it_goes_on(bus, caplog):
    bus.failures = 1
    sender = notifications.Notifications(3, bus.connect)
    for number in range(2):
        sender.send("event", {"number": number})
    assert sender.flush()
    assert bus.seen == [("event", 1)]
    assert "was not sent: OSError" in caplog.text
    assert "secret" not in caplog.text


def _send_in_child(sender):
    sender.send("event", {"number": 2})
    assert sender.flush()
    return [number for _type, number in sender._connect.__self__.seen]


def test_a_forked_process_has_a_thread_of_its_own(bus):
    sender = notifications.Notifications(3, bus.connect)
    sender.send("event", {"number": 1})
    assert sender.flush()
    in_child(_send_in_child, sender)
    assert bus.seen == [("event", 1)]


def test_what_is_not_to_be_lost_waits_in_its_order(bus, caplog):
    sender = notifications.Notifications(100, bus.connect, batch=8, waits_for=(Away,))
    bus.refusals = [1, 2, 3]
    bus.is_open.clear()
    for number in range(20):
        sender.send("event", {"number": number})
    bus.is_open.set()
    assert sender.flush(30)
    assert bus.seen == [("event", number) for number in range(20)]
    assert max(bus.batches) <= 8
    assert len(bus.batches) < 20
    assert caplog.text.count("Notifications wait: It is away") == 1
    assert "not sent" not in caplog.text


def test_what_is_lost_is_in_the_log(bus, caplog):
    sender = notifications.Notifications(100, bus.connect)
    bus.refusals = [1]
    sender.send("event", {"number": 7})
    assert sender.flush()
    assert "event was not sent: It is away. {'number': 7}" in caplog.text


def test_it_connects_with_the_configured_drivers(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    options = {"DEFAULT": {"transport_url": "fake:/"}, "ims_audit": {"driver": "log"}}
    conf = make_conf(tmp_path / "glance.conf", options)
    notify = notifications.connector(conf)()
    notify([("audit.ims.createImage", {"number": 7})])
    assert "audit.ims.createImage" in caplog.text


def test_a_message_queue_that_takes_nothing_is_noticed(tmp_path, caplog, monkeypatch):
    """oslo.messaging logs the failure with all of the event, and forgets it."""
    options = {"DEFAULT": {"transport_url": "fake:/"}, "ims_audit": {"driver": "messagingv2"}}
    notify = notifications.connector(make_conf(tmp_path / "glance.conf", options))()
    sent: list[Any] = []
    failures = [oslo_messaging.MessageDeliveryFailure("secret")]

    def send_notification(_self, _target, _context, message, *_more, **_options):
        if failures and sent:
            raise failures.pop()
        sent.append(message["payload"])

    monkeypatch.setattr(impl_fake.FakeDriver, "send_notification", send_notification)
    events = [("audit", {"number": number}) for number in range(3)]
    with pytest.raises(notifications.NotSent, match=r"no notification \(MessageDeliveryFailure\)"):
        notify(events)
    assert sent == [{"number": 0}]
    notify(events[1:])
    assert sent == [{"number": number} for number in range(3)]
    assert "secret" not in caplog.text


def test_they_go_to_the_exchange_of_glance_from_every_process(tmp_path, monkeypatch):
    """Only Glance itself has it as its default."""
    oslo_messaging.set_transport_defaults("openstack")
    options = {"DEFAULT": {"transport_url": "fake:/"}, "ims_audit": {"driver": "messagingv2"}}
    exchanges = []

    def send_notification(driver, *_arguments, **_options):
        exchanges.append(driver._exchange_manager._default_exchange)

    monkeypatch.setattr(impl_fake.FakeDriver, "send_notification", send_notification)
    notifications.connector(make_conf(tmp_path / "glance.conf", options))()([("audit", {})])
    options["DEFAULT"]["control_exchange"] = "own"
    notifications.connector(make_conf(tmp_path / "other.conf", options))()([("audit", {})])
    assert exchanges == ["glance", "own"]


def test_a_message_queue_of_no_kind(tmp_path):
    options = {"DEFAULT": {"transport_url": "nonsense:/"}}
    with pytest.raises(notifications.NotSent, match="DriverLoadFailure"):
        notifications.connector(make_conf(tmp_path / "glance.conf", options))()
