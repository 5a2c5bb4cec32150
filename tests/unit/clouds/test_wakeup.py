# SPDX-License-Identifier: Apache-2.0
import os
import queue

import oslo_messaging
import pytest
from oslo_messaging import conffixture

from ims_glance.clouds import wakeup
from ims_glance.clouds.wakeup import Wakeups
from tests.unit import job_database


@pytest.fixture
def conf():
    made = job_database.configuration(None, topic="test")
    conffixture.ConfFixture(made)
    made.set_override("transport_url", "fake://")
    return made


class Endpoint:
    target = oslo_messaging.Target(version=wakeup.VERSION)

    def __init__(self):
        self.heard: queue.Queue[str] = queue.Queue()

    def run(self, _context, job_id):
        self.heard.put(job_id)


def test_some_worker_hears_it(conf):
    endpoint = Endpoint()
    target = oslo_messaging.Target(topic="test", server="one")
    server = oslo_messaging.get_rpc_server(
        oslo_messaging.get_rpc_transport(conf), target, [endpoint], executor="threading"
    )
    server.start()
    try:
        wakeups = Wakeups(conf)
        for job_id in ("a", "b"):
            wakeups.send(job_id)
        assert {endpoint.heard.get(timeout=10) for _ in "ab"} == {"a", "b"}
    finally:
        server.stop()
        server.wait()


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
    assert tried.get(timeout=10) == "a"
    wakeups.send("b")
    assert tried.get(timeout=10) == "b"
    # As if the thread hung in an attempt to connect.
    wakeups._queue = queue.Queue(1)
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
    assert {sent.get(timeout=10) for _ in "ab"} == {"a", "b"}
