# SPDX-License-Identifier: Apache-2.0
import dataclasses
import os
import signal
import time

import pytest
from pocket_cloud import process, procfs, status
from pocket_cloud.service import Service
from pocket_cloud.status import State

SERVICE = Service("one", "sleep 60", lambda _cloud: "", ports=("keystone",))


@pytest.fixture
def child(cloud):
    """A process that is recorded as the service's."""
    cloud.home.mkdir()
    started = process.start(cloud, "one", ["sleep", "60"], {}, "mark")
    while procfs.command(started.pid) != "sleep 60":
        time.sleep(0.01)
    yield started
    started.kill()
    started.wait()


def test_never_started(cloud):
    state = status.examine(cloud, SERVICE)
    assert (state.condition, state.pid, state.memory) == ("down", 0, 0)
    assert state.ports == (cloud.ports["keystone"],)
    assert not state.is_up


def test_up(cloud, child):
    state = status.examine(cloud, SERVICE)
    assert (state.condition, state.pid) == ("up", child.pid)
    assert state.memory > 0


def test_a_process_that_does_not_answer_is_not_up(cloud, child):
    state = status.examine(cloud, dataclasses.replace(SERVICE, probe=lambda _cloud: "refused"))
    assert (state.condition, state.reason) == ("not ready", "refused")


def test_an_answer_without_the_process_is_not_believed(cloud, child):
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    assert status.examine(cloud, SERVICE).condition == "crashed"


def test_the_table():
    states = [
        State("keystone", "up", 4711, 3 << 20, (21010,), "/l/keystone.log"),
        State("rabbitmq", "crashed", 0, 0, (21003, 21004), "/l/rabbitmq.log"),
    ]
    assert status.services_table(states) == [
        "SERVICE   STATE    PID   MEMORY  PORT         LOG",
        "keystone  up       4711  3 MiB   21010        /l/keystone.log",
        "rabbitmq  crashed  -     -       21003,21004  /l/rabbitmq.log",
        "1 of 2 up, 0.0 GiB",
    ]


def test_a_cloud_that_never_was_is_not_up(cloud):
    text, is_up = status.report(cloud)
    assert not is_up
    assert "none (never up)" in text
    assert "0 of" in text


def test_a_crash_is_shown_with_the_end_of_its_log(cloud):
    cloud.home.mkdir()
    process.start(cloud, "keystone", ["echo", "no such table"], {}, "mark").wait()
    text, is_up = status.report(cloud)
    assert not is_up
    assert f"keystone is gone; the end of {cloud.log('keystone')}:\nno such table" in text
