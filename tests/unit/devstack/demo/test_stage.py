# SPDX-License-Identifier: Apache-2.0
"""The stage: what it shows, what it hides, and that it cleans up."""

import pytest
from pocket_cloud.cloud import Cloud
from pocket_cloud.demo.stage import Stage, Unexpected


@pytest.fixture
def stage(tmp_path):
    with Stage(Cloud(tmp_path)) as stage:
        yield stage


def test_a_command_that_fails_ends_the_demo(stage):
    with pytest.raises(Unexpected, match="no such thing"):
        stage.run("sh", "-c", "echo no such thing >&2; exit 3")


def test_a_command_that_must_be_refused(stage):
    refusal = ("sh", "-c", "echo forbidden >&2; exit 1")
    assert stage.refuse(*refusal, because="forbidden") == "forbidden"
    with pytest.raises(Unexpected, match="refused"):
        stage.refuse("true", because="forbidden")


def test_a_command_that_fails_for_another_reason_is_not_refused(stage):
    with pytest.raises(Unexpected, match="not because of 'forbidden': out of order"):
        stage.refuse("sh", "-c", "echo out of order >&2; exit 1", because="forbidden")


def test_a_command_that_hangs_ends_the_demo(stage, monkeypatch):
    monkeypatch.setattr("pocket_cloud.demo.stage._COMMAND_PATIENCE", 0.2)
    with pytest.raises(Unexpected, match="had not ended"):
        stage.run("sleep", "60")


def test_two_demos_make_things_of_different_names(tmp_path):
    with Stage(Cloud(tmp_path)) as one, Stage(Cloud(tmp_path)) as two:
        assert one.name != two.name


def test_output_is_shown_and_returned(stage, capsys):
    assert stage.run("echo", "hello") == "hello"
    assert "demo$ echo hello" in capsys.readouterr().out


def test_a_token_is_not_shown(stage, capsys):
    stage.run("true", "-H", "X-Auth-Token: gAAAAAsecret")
    shown = capsys.readouterr().out
    assert "secret" not in shown
    assert "$TOKEN" in shown


def test_a_check_that_does_not_hold_ends_the_demo(stage):
    with pytest.raises(Unexpected, match="it should hold that water is dry"):
        stage.check(False, "water is dry")


def test_cleans_up_last_first_also_after_a_failure(tmp_path):
    order = tmp_path / "order"

    def play() -> None:
        with Stage(Cloud(tmp_path)) as stage:
            stage.at_end("sh", "-c", f"echo first >>{order}")
            stage.call_at_end(lambda: order.write_text(order.read_text() + "between\n"))
            stage.at_end("sh", "-c", f"echo second >>{order}")
            stage.run("false")

    with pytest.raises(Unexpected):
        play()
    assert order.read_text().split() == ["second", "between", "first"]
    assert not list(tmp_path.glob("demo-*"))


def test_environment_of_a_user_has_no_credentials_of_another(stage, monkeypatch):
    monkeypatch.setenv("OS_TOKEN", "of somebody else")
    environment = stage._environment("other")
    assert environment["OS_CLOUD"] == "other"
    assert "OS_TOKEN" not in environment
    assert "OS_CLOUD" not in stage._environment("operator")
