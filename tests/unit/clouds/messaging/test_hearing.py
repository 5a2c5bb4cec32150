# SPDX-License-Identifier: Apache-2.0
"""Nova's notifications reach us, and everybody else who listens."""

import queue
import threading
from typing import Any

import oslo_messaging
import pytest
from oslo_messaging import conffixture

from ims_glance import exceptions
from ims_glance.clouds.messaging.hearing import NovaEar, NovaEndpoint
from tests.unit import job_database

PATIENCE = 30.0
HANDLED = oslo_messaging.NotificationResult.HANDLED
REQUEUE = oslo_messaging.NotificationResult.REQUEUE


class NovaAway(exceptions.Unavailable):
    template = "It is away."


@pytest.fixture
def conf(request: pytest.FixtureRequest) -> Any:
    made = job_database.configuration(None)
    conffixture.ConfFixture(made)
    made.set_override("transport_url", "fake://")
    made.set_override("notification_topics", [request.node.name], "ims_usage")
    return made


def notifier(conf: Any) -> Any:
    """Nova, as far as it sends notifications."""
    conf.set_override("control_exchange", "nova")
    transport = oslo_messaging.get_notification_transport(conf)
    [topic] = conf.ims_usage.notification_topics
    return oslo_messaging.Notifier(
        transport, publisher_id="compute.host", driver="messaging", topics=[topic]
    )


def test_it_is_heard_with_the_moment_when_it_was_sent(conf: Any) -> None:
    heard: queue.Queue[tuple[str, Any, str]] = queue.Queue()
    ear = NovaEar(conf, lambda *told: heard.put(told))
    ear.open()
    notifier(conf).info({}, "compute.instance.create.end", {"instance_id": "s"})
    kind, payload, sent = heard.get(timeout=PATIENCE)
    assert (kind, payload) == ("compute.instance.create.end", {"instance_id": "s"})
    assert sent.startswith("20")
    ear.close(PATIENCE)
    assert not ear._thread.is_alive()


def test_nobody_listens_unless_it_is_configured(conf: Any) -> None:
    conf.set_override("notification_topics", [], "ims_usage")
    ear = NovaEar(conf, lambda *_told: None)
    ear.open()
    assert not ear._thread.is_alive()
    ear.close()


def test_what_cannot_be_taken_now_stays_in_the_queue() -> None:
    stopping = threading.Event()
    stopping.set()
    failures: list[Exception] = [NovaAway(), ValueError("a secret")]

    def heard(*_told: object) -> None:
        if failures:
            raise failures.pop(0)

    endpoint = NovaEndpoint(heard, stopping)
    results = [endpoint.info({}, "p", "k", {}, {"timestamp": "t"}) for _time in range(3)]
    assert results == [REQUEUE, HANDLED, HANDLED]
    assert endpoint.info({}, "p", "k", "no payload", {}) == HANDLED


def test_a_message_queue_that_there_is_none_of(conf: Any, caplog: Any) -> None:
    conf.set_override("notification_url", "nonsense://", "ims_usage")
    ear = NovaEar(conf, lambda *_told: None)
    ear.open()
    ear._thread.join(PATIENCE)
    assert "notifications are not heard" in caplog.text
