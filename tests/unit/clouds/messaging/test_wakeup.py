# SPDX-License-Identifier: Apache-2.0
import os
import queue
import threading
import time
from unittest import mock

import oslo_messaging
import pytest
from oslo_messaging import conffixture

from ims_glance.clouds.messaging import wakeup
from ims_glance.clouds.messaging.wakeup import Ear, Endpoint, Wakeups
from tests.unit import job_database

PATIENCE = 240.0


@pytest.fixture
def conf(request):
    made = job_database.configuration(None, topic=request.node.name)
    conffixture.ConfFixture(made)
    made.set_override("transport_url", "fake://")
    return made


def listen(conf, name):
    """An ear, and what it hears."""
    heard: queue.Queue[str] = queue.Queue()
    ear = Ear(conf, name, heard.put)
    ear.open()
    return ear, heard


def test_some_worker_hears_it(conf):
    heard: queue.Queue[str] = queue.Queue()
    ears = [Ear(conf, name, heard.put) for name in ("one", "two")]
    for ear in ears:
        ear.open()
    wakeups = Wakeups(conf)
    for job_id in ("a", "b"):
        wakeups.send(job_id)
    assert {heard.get(timeout=PATIENCE) for _ in "ab"} == {"a", "b"}
    assert all(ear.close(PATIENCE) for ear in ears)


def test_glance_is_heard_whatever_its_exchange_is(conf):
    """It has set another default than a worker has (glance/notifier.py)."""
    conf.set_override("control_exchange", "openstack")
    ear, heard = listen(conf, "one")
    of_glance = job_database.configuration(None, topic=conf.ims_jobs.topic)
    conffixture.ConfFixture(of_glance)
    of_glance.set_override("transport_url", "fake://")
    of_glance.set_override("control_exchange", "glance")
    Wakeups(of_glance).send("a")
    assert heard.get(timeout=PATIENCE) == "a"
    assert ear.close(PATIENCE)


def test_a_closed_ear_leaves_the_messages_to_others(conf):
    ear, heard = listen(conf, "one")
    wakeups = Wakeups(conf)
    wakeups.send("a")
    assert heard.get(timeout=PATIENCE) == "a"
    assert ear.close(PATIENCE)
    wakeups.send("b")
    assert wakeups.flush(PATIENCE)
    time.sleep(0.3)
    assert heard.empty()
    other, heard_by_other = listen(conf, "two")
    assert heard_by_other.get(timeout=PATIENCE) == "b"
    assert other.close(PATIENCE)


def test_an_ear_is_closed_when_all_that_it_heard_is_offered(conf):
    begun, offered = threading.Event(), []

    def offer(job_id):
        begun.set()
        time.sleep(0.5)
        offered.append(job_id)

    ear = Ear(conf, "one", offer)
    ear.open()
    Wakeups(conf).send("a")
    assert begun.wait(PATIENCE)
    assert ear.close(PATIENCE)
    assert offered == ["a"]


def test_nobody_waits_for_long_to_close_the_ear_of_a_queue_that_is_away(conf, monkeypatch, caplog):
    is_back = threading.Event()
    server = mock.Mock()
    server.start.side_effect = lambda: is_back.wait(PATIENCE)
    monkeypatch.setattr(oslo_messaging, "get_rpc_server", lambda *_, **_named: server)
    ear, _heard = listen(conf, "one")
    begin = time.monotonic()
    assert not ear.close(0.2)
    assert time.monotonic() - begin < PATIENCE / 2
    assert "still listens" in caplog.text
    is_back.set()


def test_what_the_queue_may_ask():
    heard: list[str] = []
    endpoint = Endpoint(heard.append)
    dispatcher = oslo_messaging.RPCDispatcher([endpoint], None)
    assert dispatcher.endpoints == [endpoint]
    endpoint.run({}, job_id="a")
    assert heard == ["a"]


def test_all_is_sent_before_the_process_ends(conf, monkeypatch):
    sent = []

    class Slow:
        def cast(self, *_positional, job_id):
            time.sleep(0.2)
            sent.append(job_id)

    wakeups = Wakeups(conf)
    monkeypatch.setattr(wakeups, "_client", Slow)
    assert wakeups.flush(0)
    for job_id in "abc":
        wakeups.send(job_id)
    assert not wakeups.flush(0)
    assert wakeups.flush(PATIENCE)
    assert sent == ["a", "b", "c"]


def test_without_a_queue_nobody_waits(conf, monkeypatch, caplog):
    monkeypatch.setattr(wakeup, "_WAITING", 2)
    tried: queue.Queue[str] = queue.Queue()

    class Away:
        def cast(self, *_positional, job_id):
            tried.put(job_id)
            raise oslo_messaging.MessageDeliveryFailure("away")

    wakeups = Wakeups(conf)
    monkeypatch.setattr(wakeups, "_client", Away)
    wakeups.send("a")
    assert tried.get(timeout=PATIENCE) == "a"
    wakeups.send("b")
    assert tried.get(timeout=PATIENCE) == "b"
    # As if the thread hung in an attempt to connect.
    monkeypatch.setattr(wakeups, "_queue", queue.Queue(1))
    for job_id in "cde":
        wakeups.send(job_id)
    assert "the message queue is away" in caplog.text


def test_after_a_fork_there_is_a_thread_again(conf, monkeypatch):
    wakeups = Wakeups(conf)
    sent: queue.Queue[str] = queue.Queue()

    class Client:
        def cast(self, *_positional, job_id):
            sent.put(job_id)

    monkeypatch.setattr(wakeups, "_client", Client)
    wakeups.send("a")
    first = wakeups._queue
    monkeypatch.setattr(os, "getpid", lambda: -1)
    wakeups.send("b")
    assert wakeups._queue is not first
    assert {sent.get(timeout=PATIENCE) for _ in "ab"} == {"a", "b"}
