# SPDX-License-Identifier: Apache-2.0
import threading

import pytest
from pocket_cloud.cloud import CHECKOUT, LONGEST_HOME, Cloud
from pocket_cloud.errors import PocketError


def test_without_settings_it_lives_in_the_checkout():
    cloud = Cloud.from_environment({})
    assert cloud.home == (CHECKOUT / ".pocket").resolve()
    assert cloud.venv == CHECKOUT / ".pocket" / "venv"


def test_settings(short_path):
    given = {"POCKET_HOME": str(short_path), "POCKET_PORT": "24000", "POCKET_VENV": "/opt/venv"}
    cloud = Cloud.from_environment(given)
    assert (cloud.home, str(cloud.venv)) == (short_path, "/opt/venv")
    assert cloud.url("keystone", "/v3") == "http://127.0.0.1:24010/v3"


def test_the_environment_follows_the_home(short_path):
    assert Cloud.from_environment({"POCKET_HOME": str(short_path)}).venv == short_path / "venv"


@pytest.mark.parametrize("port", ["http", "-1", "2.5"])
def test_a_port_that_is_no_number_is_refused(short_path, port):
    with pytest.raises(PocketError, match="not a number"):
        Cloud.from_environment({"POCKET_HOME": str(short_path), "POCKET_PORT": port})


@pytest.mark.parametrize("port", ["80", "41000"])
def test_a_port_out_of_range_is_refused_before_anything_is_done(short_path, port):
    with pytest.raises(PocketError, match=f"POCKET_PORT={port}: the 100 ports must lie between"):
        Cloud.from_environment({"POCKET_HOME": str(short_path), "POCKET_PORT": port})


def test_a_cloud_keeps_the_ports_it_was_made_with(short_path):
    Cloud(home=short_path, base=24000).remember(profile="light")
    assert Cloud.from_environment({"POCKET_HOME": str(short_path)}).base == 24000
    with pytest.raises(
        PocketError, match="was made with POCKET_PORT=24000; 'clean' it first, without"
    ):
        Cloud.from_environment({"POCKET_HOME": str(short_path), "POCKET_PORT": "25000"})


def test_a_home_too_long_for_sockets_is_refused():
    with pytest.raises(PocketError, match="too long"):
        Cloud.from_environment({"POCKET_HOME": "/" + "x" * LONGEST_HOME})
    Cloud.from_environment({"POCKET_HOME": "/" + "x" * (LONGEST_HOME - 1)})


def test_state_is_kept_beside_what_was_there(cloud):
    assert cloud.state == {}
    assert not cloud.is_light
    cloud.remember(profile="light")
    cloud.remember(virt_type="kvm")
    assert cloud.state == {"base": "30000", "profile": "light", "virt_type": "kvm"}
    assert cloud.is_light
    assert cloud.values["virt_type"] == "kvm"


def test_a_second_command_waits_for_the_first(cloud):
    order = []

    def second():
        with cloud.locked():
            order.append("second")

    other = threading.Thread(target=second)
    with cloud.locked():
        other.start()
        other.join(0.3)
        order.append("first")
    other.join(10)
    assert order == ["first", "second"]


def test_a_command_that_waits_too_long_says_so(cloud):
    with (
        cloud.locked(),
        pytest.raises(PocketError, match="another command"),
        cloud.locked(patience=0.2),
    ):
        raise AssertionError("both have the lock")


def test_only_the_full_cloud_has_a_console(cloud):
    assert cloud.has_console
    cloud.remember(console="no")
    assert not cloud.has_console
    cloud.remember(console="yes", profile="light")
    assert not cloud.has_console
