# SPDX-License-Identifier: Apache-2.0
"""Events are sent in order, and whoever sends one neither waits nor fails."""

import logging
import threading

import pytest

from ims_glance.clouds.messaging import notifications
from tests.base import in_child
from tests.unit.conftest import make_conf


class Bus:
    """What sends the events."""

    def __init__(self):
        self.seen = []
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

    def notify(self, event_type, payload):
        self.is_open.wait(10)
        self.seen.append((event_type, payload["number"]))


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


def test_it_connects_with_the_configured_drivers(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    options = {"DEFAULT": {"transport_url": "fake:/"}, "ims_audit": {"driver": "log"}}
    conf = make_conf(tmp_path / "glance.conf", options)
    notify = notifications.connector(conf)()
    notify("audit.ims.createImage", {"number": 7})
    assert "audit.ims.createImage" in caplog.text
