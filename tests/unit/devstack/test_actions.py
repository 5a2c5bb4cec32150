# SPDX-License-Identifier: Apache-2.0
"""With real processes, but of programs that every machine has."""

import dataclasses
import os
import signal
import socket
import threading

import pytest
from pocket_cloud import actions, process
from pocket_cloud.cloud import Cloud
from pocket_cloud.errors import StepFailed
from pocket_cloud.service import Service, Step


def ready(_cloud):
    return ""


@pytest.fixture
def up(cloud):
    """Brings services up; they are gone after the test."""
    cloud.home.mkdir()

    def run(service):
        return actions.service_action(cloud, service, threading.Event())()

    yield run
    for member in process.members(cloud):
        os.kill(member.pid, signal.SIGKILL)


def pid(cloud, name):
    found = process.running(cloud, name)
    return found and found.pid


SLEEPER = Service("sleeper", "sleep 60", ready)


def test_up_is_idempotent(cloud, up):
    assert up(SLEEPER).startswith("started")
    first = pid(cloud, "sleeper")
    assert up(SLEEPER) == ""
    assert pid(cloud, "sleeper") == first


@pytest.mark.parametrize(
    "change", [{"command": "sleep 61"}, {"environment": {"A": "b"}}, {"folders": ("x",)}]
)
def test_a_service_is_restarted_when_it_is_to_be_another(cloud, up, change):
    up(SLEEPER)
    first = pid(cloud, "sleeper")
    said = up(dataclasses.replace(SLEEPER, **change))
    assert said.startswith("restarted") == ("folders" not in change)
    assert (pid(cloud, "sleeper") == first) == ("folders" in change)


def test_a_service_is_restarted_when_its_code_changes(cloud, up):
    code = cloud.home / "code"
    code.mkdir()
    (code / "a.py").write_text("x = 1")
    service = dataclasses.replace(SLEEPER, watches=("${home}/code",))
    up(service)
    assert up(service) == ""
    (code / "a.py").write_text("x = 12")
    assert up(service).startswith("restarted")


def test_a_crashed_service_is_started_again(cloud, up):
    up(SLEEPER)
    crashed = pid(cloud, "sleeper")
    os.kill(crashed, signal.SIGKILL)
    os.waitpid(crashed, 0)
    assert up(SLEEPER).startswith("had crashed")


def test_a_service_that_ends_is_named_with_its_log(up):
    service = Service("broken", "sh -c 'echo no such table; exit 3'", lambda _cloud: "not yet")
    with pytest.raises(StepFailed, match="broken: ended with exit code 3") as caught:
        up(service)
    assert caught.value.log == "no such table"


def test_a_dead_service_is_not_ready_even_if_another_answers_for_it(up):
    def answers(_cloud):
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
        return ""

    with pytest.raises(StepFailed, match="ended with exit code 0"):
        up(Service("dead", "true", answers))


def test_a_port_that_somebody_has_is_named_with_its_owner(cloud, up):
    taken = dataclasses.replace(SLEEPER, ports=("keystone",))
    with (
        socket.create_server(("127.0.0.1", cloud.ports["keystone"])),
        pytest.raises(StepFailed, match=f"port {cloud.ports['keystone']} is taken by process") as e,
    ):
        up(taken)
    assert f"process {os.getpid()} (" in e.value.reason
    assert up(taken).startswith("started")


def test_patience_ends(up):
    with pytest.raises(StepFailed, match="not ready after 0 s: still loading"):
        up(dataclasses.replace(SLEEPER, probe=lambda _cloud: "still loading", patience=0.1))


def test_waiting_is_given_up_when_something_else_failed(cloud):
    cloud.home.mkdir()
    abort = threading.Event()
    abort.set()
    service = dataclasses.replace(SLEEPER, probe=lambda _cloud: "not yet")
    with pytest.raises(StepFailed, match="given up"):
        actions.service_action(cloud, service, abort)()
    for member in process.members(cloud):
        os.kill(member.pid, signal.SIGKILL)


def test_files_are_rendered_copied_and_folders_made(cloud):
    source = cloud.checkout / "etc" / "a.ini"
    source.parent.mkdir(parents=True)
    source.write_text("[a] ${b}")
    service = dataclasses.replace(
        SLEEPER,
        files={"x/swift.conf": "swift-store.conf", "x/a.ini": "${checkout}/etc/a.ini"},
        folders=("x/y",),
    )
    mark = actions.write_files(cloud, service)
    text = cloud.path("etc", "x", "swift.conf").read_text()
    assert f"auth_address = {cloud.url('keystone', '/v3')}" in text
    assert cloud.path("etc", "x", "a.ini").read_text() == "[a] ${b}"
    assert cloud.path("data", "x", "y").is_dir()
    assert actions.write_files(cloud, service) == mark
    source.write_text("[a] c")
    assert actions.write_files(cloud, service) != mark


def test_a_drop_in_file_of_another_profile_is_removed(cloud):
    drop_in = {"x/a.conf.d/one.conf": "swift-store.conf"}
    both = {**drop_in, "x/a.conf.d/two.conf": "swift-store.conf"}
    actions.write_files(cloud, dataclasses.replace(SLEEPER, files=both))
    actions.write_files(cloud, dataclasses.replace(SLEEPER, files=drop_in))
    assert [path.name for path in cloud.path("etc", "x", "a.conf.d").iterdir()] == ["one.conf"]


def test_a_step_is_done_once_unless_its_version_changes(cloud):
    cloud.home.mkdir()
    step = Step("count", command="echo x >> ${home}/count")
    for changed in (step, step, dataclasses.replace(step, version="2")):
        actions.step_action(cloud, changed)()
    assert cloud.path("count").read_text() == "x\nx\n"


def test_a_repeated_step_is_done_each_time_and_quietly(cloud):
    cloud.home.mkdir()
    done: list[Cloud] = []
    step = Step("again", function=done.append, is_repeated=True)
    assert [actions.step_action(cloud, step)() for _ in range(2)] == ["", ""]
    assert done == [cloud, cloud]


def test_a_failed_step_is_named_with_its_log_and_tried_again(cloud):
    cloud.home.mkdir()
    step = Step("sync", command="echo table is locked\nfalse\necho not reached")
    for _ in range(2):
        with pytest.raises(StepFailed, match="sync: failed with exit code 1") as caught:
            actions.step_action(cloud, step)()
        assert caught.value.log == "table is locked"
