# SPDX-License-Identifier: Apache-2.0
import subprocess

import pytest
from pocket_cloud import cli, demo
from pocket_cloud.cloud import CHECKOUT


@pytest.fixture(autouse=True)
def home(short_path, monkeypatch):
    for name in ("POCKET_PORT", "POCKET_VENV"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("POCKET_HOME", str(short_path))
    return short_path


def test_help_tells_every_verb():
    shown = subprocess.run(
        [CHECKOUT / "devstack" / "pocket", "--help"], capture_output=True, text=True, check=True
    ).stdout
    for verb in ("up", "down", "status", "demo", "test", "logs", "openrc", "clean"):
        assert f"\n    {verb} " in shown
    assert "POCKET_HOME" in shown


@pytest.mark.parametrize("argv", [[], ["fly"], ["openrc", "mallory"], ["clean", "--all", "--demo"]])
def test_what_makes_no_sense_is_refused(argv, capsys):
    with pytest.raises(SystemExit) as caught:
        cli.main(argv)
    assert caught.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_status_of_nothing_is_no_success(capsys):
    assert cli.main(["status"]) == 1
    assert "keystone" in capsys.readouterr().out


def test_openrc(capsys):
    assert cli.main(["openrc", "other"]) == 0
    assert "export OS_USERNAME=other\n" in capsys.readouterr().out


def test_logs(home, capsys):
    (home / "logs").mkdir()
    (home / "logs" / "keystone.log").write_text("a\nb\nc\n")
    assert cli.main(["logs"]) == 0
    assert capsys.readouterr().out == "keystone\n"
    assert cli.main(["logs", "-n", "2", "keystone"]) == 0
    assert capsys.readouterr().out == "b\nc\n"
    assert cli.main(["logs", "glance"]) == 1
    assert "no log of glance" in capsys.readouterr().err


def test_down_and_clean_of_nothing_are_good(home, capsys):
    assert cli.main(["down"]) == 0
    assert cli.main(["clean", "--all"]) == 0
    assert not home.exists()


def test_cleaning_up_behind_a_demo_stops_nothing(home, monkeypatch):
    cleaned = []

    def clean(cloud):
        cleaned.append(cloud.home)
        return 1

    monkeypatch.setattr(demo, "clean", clean)
    (home / "data").mkdir()
    assert cli.main(["clean", "--demo"]) == 1
    assert cleaned == [home]
    assert (home / "data").exists()


def test_a_mistake_in_the_settings_is_one_line(monkeypatch, capsys):
    monkeypatch.setenv("POCKET_PORT", "x")
    assert cli.main(["status"]) == 1
    assert capsys.readouterr().err == "pocket: POCKET_PORT=x: not a number\n"
