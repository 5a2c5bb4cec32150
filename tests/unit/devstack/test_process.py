# SPDX-License-Identifier: Apache-2.0
import json
import os
import signal
import subprocess
import time

import pytest
from pocket_cloud import process, procfs
from pocket_cloud.process import Process

STUBBORN = "trap '' TERM; echo ready; while :; do sleep 1; done"


@pytest.fixture
def start(cloud):
    """Starts processes of the cloud; they are gone after the test."""
    children = []

    def run(name, *command, **environment):
        cloud.home.mkdir(exist_ok=True)
        children.append(process.start(cloud, name, list(command), environment, "mark"))
        return children[-1]

    yield run
    for child in children:
        child.kill()
        child.wait()
    for member in process.members(cloud):
        os.kill(member.pid, signal.SIGKILL)


def wait_for(text, path):
    deadline = time.monotonic() + 10
    while text not in path.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_started_process_is_recorded_and_logs(cloud, start, monkeypatch):
    monkeypatch.setenv("OS_PASSWORD", "the caller's")
    child = start("one", "sh", "-c", "echo $COLOUR $OS_PASSWORD; exec sleep 60", COLOUR="red")
    recorded = process.recorded(cloud, "one")
    assert recorded is not None
    assert (recorded[0].pid, recorded[1]) == (child.pid, "mark")
    assert process.running(cloud, "one") == recorded[0]
    wait_for("red\n", cloud.log("one"))
    assert cloud.log("one").read_text() == "red\n"
    assert process.memory(child.pid) > 0


def test_the_log_of_the_time_before_is_kept(cloud, start):
    start("one", "echo", "first").wait()
    start("one", "echo", "second").wait()
    assert cloud.log("one").read_text() == "second\n"
    assert cloud.log("one").with_suffix(".log.1").read_text() == "first\n"


def test_an_ended_process_is_not_running(cloud, start):
    start("one", "true").wait()
    assert process.recorded(cloud, "one") is not None
    assert process.running(cloud, "one") is None


def test_a_pid_that_another_process_has_now_is_stale(cloud, start):
    child = start("one", "sleep", "60")
    path = process.pid_file(cloud, "one")
    record = json.loads(path.read_text())
    path.write_text(json.dumps(record | {"started": record["started"] - 1}))
    assert process.running(cloud, "one") is None
    stale = process.recorded(cloud, "one")
    assert stale is not None
    assert process.stop([stale[0]], 5.0) == []
    assert child.poll() is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}', '{"pid": "x", "started": 1}'])
def test_a_damaged_pid_file_is_as_good_as_none(cloud, text):
    path = process.pid_file(cloud, "one")
    path.parent.mkdir(parents=True)
    path.write_text(text)
    assert process.recorded(cloud, "one") is None


def test_stop_asks_first_and_then_kills(cloud, start):
    start("polite", "sleep", "60")
    start("stubborn", "sh", "-c", STUBBORN)
    wait_for("ready", cloud.log("stubborn"))
    polite, stubborn = (process.running(cloud, name) for name in ("polite", "stubborn"))
    assert polite and stubborn
    assert process.stop([polite, stubborn], 0.5) == [stubborn]
    assert not polite.is_alive
    assert not stubborn.is_alive


def test_what_a_leader_leaves_behind_is_stopped_too(cloud, start):
    start("master", "sh", "-c", "sleep 61 & echo $!; wait")
    wait_for("\n", cloud.log("master"))
    worker = int(cloud.log("master").read_text())
    master = process.running(cloud, "master")
    assert master and procfs.stat(worker)
    process.stop([master], 5.0)
    assert procfs.stat(worker) is None


def test_members_are_those_with_our_mark(cloud, start):
    child = start("one", "sleep", "60")
    with subprocess.Popen(["sleep", "60"]) as stranger:
        pids = {member.pid for member in process.members(cloud)}
        stranger.kill()
    assert child.pid in pids
    assert stranger.pid not in pids
    assert os.getpid() not in pids


def test_a_process_that_does_not_exist_is_not_alive():
    assert not Process(2**22 + 1, 1).is_alive


def test_tail(tmp_path):
    log = tmp_path / "log"
    assert process.tail(log) == ""
    log.write_bytes(b"".join(b"line %d\n" % number for number in range(10000)) + b"\xff")
    assert process.tail(log, 2).splitlines() == ["line 9999", "\ufffd"]


def test_a_pid_of_an_earlier_boot_is_stale(cloud, start):
    start("one", "sleep", "60")
    path = process.pid_file(cloud, "one")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"boot": "another"}))
    assert process.running(cloud, "one") is None


def test_members_are_found_without_their_mark(cloud, start):
    """As with programs that write their title over their environment."""
    child = start("one", "env", "-i", "/bin/sh", "-c", "/bin/sleep 60 & wait")
    deadline = time.monotonic() + 10
    while len(process.members(cloud)) < 2 or procfs.environment(child.pid):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    child.kill()
    child.wait()
    assert len(process.members(cloud)) == 1
