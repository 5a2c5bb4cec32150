# SPDX-License-Identifier: Apache-2.0
"""A second cloud beside the first: up, again, crashed, down."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from pocket_cloud import catalog, process, procfs
from pocket_cloud.cloud import CHECKOUT, Cloud
from pocket_cloud.namespace import BINDS

pytestmark = pytest.mark.pocket

_PORT = "31000"
_SECOND_UP = 45.0


class Beside:
    """A light cloud of its own, with the environment of the first."""

    def __init__(self, home: Path, venv: Path) -> None:
        self.settings = {
            "POCKET_HOME": str(home),
            "POCKET_PORT": _PORT,
            "POCKET_VENV": str(venv),
        }
        self.cloud = Cloud.from_environment(self.settings)

    def __call__(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [str(CHECKOUT / "devstack" / "pocket"), *arguments],
            env={**os.environ, **self.settings},
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )

    def up(self) -> str:
        """Bring it up; what was shown."""
        shown = self("up", "--light")
        assert shown.returncode == 0, shown.stderr
        return shown.stdout

    def pids(self) -> dict[str, int]:
        """The process of each service that runs."""
        found = {s.name: process.running(self.cloud, s.name) for s in catalog.LIGHT}
        return {name: running.pid for name, running in found.items() if running}


@pytest.fixture(scope="module")
def beside(cloud, tmp_path_factory):
    second = Beside(tmp_path_factory.mktemp("beside"), cloud.venv)
    yield second
    assert second("clean").returncode == 0


@pytest.fixture
def up(beside):
    """The second cloud, up."""
    beside.up()
    return beside


def test_up_is_quick_the_second_time_and_changes_nothing(up):
    before = up.pids()
    assert before.keys() == {service.name for service in catalog.LIGHT}
    begin = time.monotonic()
    shown = up.up()
    assert time.monotonic() - begin < _SECOND_UP
    assert up.pids() == before
    assert "started" not in shown
    assert up("status").returncode == 0


def test_both_clouds_answer_for_themselves(up, cloud):
    assert not set(up.cloud.ports.values()) & set(cloud.ports.values())
    mine = {member.pid for member in process.members(up.cloud)}
    assert mine >= set(up.pids().values())
    assert not mine & {member.pid for member in process.members(cloud)}


def test_a_crash_is_named_with_its_log_and_mended(up):
    before = up.pids()
    os.killpg(before["keystone"], signal.SIGKILL)
    shown = up("status")
    assert shown.returncode == 1
    assert "\nkeystone is gone; the end of " in shown.stdout
    assert "keystone                 had crashed, started again" in up.up()
    after = up.pids()
    assert after.pop("keystone") != before.pop("keystone")
    assert after == before


def test_what_cannot_start_is_named_with_the_end_of_its_log(up):
    up("down")
    database = up.cloud.path("data", "mariadb")
    hidden = database.with_name("hidden")
    database.rename(hidden)
    try:
        shown = up("up", "--light")
    finally:
        hidden.rename(database)
    assert shown.returncode == 1
    assert "mariadb: ended with exit code" in shown.stderr
    assert str(database) in shown.stderr
    assert "mariadb" in up.up()


def test_data_outlives_down_and_a_stale_pid_file_harms_nobody(up):
    script = 'eval "$(devstack/pocket openrc demo)"; '
    made = _shell(up, script + "openstack image create -f value -c id kept </dev/null")
    up("down")
    with subprocess.Popen(["sleep", "600"]) as stranger:
        record = {
            "pid": stranger.pid,
            "started": 1,
            "fingerprint": "x",
            "boot": procfs.boot_id(),
        }
        for service in catalog.LIGHT:
            process.pid_file(up.cloud, service.name).write_text(json.dumps(record))
        shown = up("status")
        assert (shown.returncode, shown.stdout.count(" crashed ")) == (1, len(catalog.LIGHT))
        assert up("down").returncode == 0
        assert stranger.poll() is None
        up.up()
        assert stranger.poll() is None
        stranger.kill()
    assert len(up.pids()) == len(catalog.LIGHT)
    assert _shell(up, script + "openstack image list -f value -c ID") == made
    _shell(up, script + f"openstack image delete {made}")


def test_down_leaves_no_process_no_port_and_no_mount(up):
    assert process.members(up.cloud)
    assert up("down").returncode == 0
    assert process.members(up.cloud) == []
    taken = {listener.port for listener in procfs.listeners()}
    assert taken & set(up.cloud.ports.values()) == set()
    mounts = Path("/proc/self/mountinfo").read_text()
    assert str(up.cloud.home) not in mounts
    assert [seen for seen in BINDS if f" {seen} " in mounts] == []
    shown = up("status")
    assert (shown.returncode, shown.stdout.count(" down ")) == (1, len(catalog.LIGHT))


def _shell(beside: Beside, script: str) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OS_")}
    return subprocess.run(
        ["sh", "-ec", script],
        cwd=CHECKOUT,
        env={**environment, **beside.settings},
        capture_output=True,
        text=True,
        check=True,
        timeout=600,
    ).stdout.strip()
