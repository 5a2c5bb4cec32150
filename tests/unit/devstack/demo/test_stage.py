# SPDX-License-Identifier: Apache-2.0
"""The stage: what it shows, what it hides, and what it takes for a refusal."""

import os
import signal
import subprocess
import sys
import time

import pytest
from pocket_cloud.demo import stage as module
from pocket_cloud.demo.signals import Stopped
from pocket_cloud.demo.stage import Unexpected


def test_a_command_that_fails_ends_the_demo(stage):
    with pytest.raises(Unexpected, match="no such thing"):
        stage.run("sh", "-c", "echo no such thing >&2; exit 3")


def test_a_command_that_is_not_installed_ends_the_demo(stage):
    with pytest.raises(Unexpected, match="there is no ims-nothing"):
        stage.run("ims-nothing")


def refusal(text, code=1):
    return "sh", "-c", f"echo '{text}' >&2; exit {code}"


def test_a_command_that_must_be_refused(stage):
    said = "IMG.0096: no. (HTTP 400, request req-7)"
    assert stage.refuse(*refusal(said), because="IMG.0096", status=400) == said
    with pytest.raises(Unexpected, match="refused"):
        stage.refuse("true", because="forbidden")


@pytest.mark.parametrize(
    ("said", "code"),
    [("out of order", 1), ("IMG.0097: no. (HTTP 400)", 1), ("IMG.0096: no. (HTTP 400)", 2)],
)
def test_a_command_that_fails_for_another_reason_is_not_refused(stage, said, code):
    with pytest.raises(Unexpected, match=r"not because of 'IMG\.0096'"):
        stage.refuse(*refusal(said, code), because="IMG.0096", status=400)


def test_a_refusal_with_another_status_is_none(stage):
    with pytest.raises(Unexpected, match="not with HTTP status 400"):
        stage.refuse(*refusal("IMG.0096: no. (HTTP 403)"), because="IMG.0096", status=400)


@pytest.fixture
def curl(stage, monkeypatch, tmp_path):
    """Sets what curl gets: a status, and a body."""
    monkeypatch.setattr(stage, "session", lambda _user="demo": type("S", (), {"token": "gAAAA"}))
    folder = tmp_path / "venv" / "bin"
    folder.mkdir(parents=True)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")

    def answer(status, body, code=0):
        program = folder / "curl"
        program.write_text(f"#!/bin/sh\nprintf '{body}' > $3\nprintf {status}\nexit {code}\n")
        program.chmod(0o755)

    return answer


def test_a_request_that_must_be_refused(stage, curl, capsys):
    curl(404, '{"error": {"code": "IMG.0027"}}')
    stage.refuse_request("http://h/x", "-d", "{}", status=404, because="IMG.0027", user="other")
    shown = capsys.readouterr().out
    assert "other$ curl -i -H 'X-Auth-Token: $TOKEN' -d '{}' http://h/x" in shown
    assert 'refused: 404 {"error": {"code": "IMG.0027"}}' in shown


def test_the_words_of_a_page(stage, curl, capsys):
    curl(500, "<title>500</title><h1>500 Oh</h1>It erred<br />\\nIMG.0057: damaged.")
    stage.refuse_request("http://h/x", status=500, because="IMG.0057")
    assert "refused: 500 It erred IMG.0057: damaged." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [(403, "IMG.0027", 0), (404, "IMG.0028", 0), (200, "IMG.0027", 0), (404, "IMG.0027", 7)],
)
def test_a_request_that_ends_otherwise(stage, curl, status, body, code):
    curl(status, body, code)
    with pytest.raises(Unexpected):
        stage.refuse_request("http://h/x", status=404, because="IMG.0027")


def test_a_command_that_hangs_ends_the_demo(stage, monkeypatch):
    monkeypatch.setattr("pocket_cloud.demo.stage._COMMAND_PATIENCE", 0.2)
    began = time.monotonic()
    with pytest.raises(Unexpected, match="had not ended"):
        stage.run("sleep", "60")
    assert time.monotonic() - began < 30


def test_a_signal_ends_the_command_too(stage, tmp_path, signal_after):
    mark = tmp_path / "mark"
    signal_after(signal.SIGTERM, mark)
    with pytest.raises(Stopped):
        stage.run("sh", "-c", f"echo $$ > {mark}; exec sleep 60")
    with pytest.raises(ProcessLookupError):
        os.kill(int(mark.read_text()), 0)


def test_a_killed_demo_takes_its_command_along(tmp_path):
    code = f"""
from pocket_cloud.cloud import Cloud
from pocket_cloud.demo.claim import Claim
from pocket_cloud.demo.signals import Stopper
from pocket_cloud.demo.stage import Stage
from pathlib import Path
cloud = Cloud(Path({str(tmp_path)!r}))
claim = Claim(cloud)
claim.take()
Stage(cloud, claim, Stopper()).run("sh", "-c", "echo $$ > {tmp_path}/mark.part; "
    "mv {tmp_path}/mark.part {tmp_path}/mark; exec sleep 60")
"""
    path = os.pathsep.join(sys.path)
    demo = subprocess.Popen([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": path})
    mark = tmp_path / "mark"
    deadline = time.monotonic() + 30
    while not mark.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    child = int(mark.read_text())
    demo.kill()
    demo.wait()
    state = f"/proc/{child}/stat"
    while time.monotonic() < deadline and os.path.exists(state):
        with open(state, encoding="utf-8") as file:
            if ") Z " in file.read():
                break
        time.sleep(0.05)
    assert time.monotonic() < deadline


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


def test_waiting_in_vain(stage, monkeypatch):
    monkeypatch.setattr(module, "_PATIENCE", 0.0)
    with pytest.raises(Unexpected, match="in vain for snow"):
        stage.wait_for("snow", lambda: "")


def test_whoever_listens_no_more_stops_it(tmp_path):
    code = "from pocket_cloud.demo.stage import tell\nwhile tell('x' * 999): pass\nprint('quiet')"
    path = os.pathsep.join(sys.path)
    command = f'{sys.executable} -c "$CODE" | head -c 10; echo ${{PIPESTATUS[0]}}'
    done = subprocess.run(
        ["bash", "-c", command],
        env={**os.environ, "PYTHONPATH": path, "CODE": code},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1].endswith("0")
    assert done.stderr == ""


def test_nobody_to_be_told(stage, monkeypatch):
    monkeypatch.setattr(module, "tell", lambda _text: False)
    with pytest.raises(Stopped):
        stage.say("hello")


@pytest.mark.parametrize(("found", "words"), [([], "is gone"), ([{"status": "ERROR"}], "failed")])
def test_a_server_that_does_not_run_ends_the_waiting(stage, monkeypatch, found, words):
    monkeypatch.setattr(stage, "get", lambda *_: {"servers": found})
    with pytest.raises(Unexpected, match=words):
        stage.console("web")


def test_where_a_file_is():
    assert str(module.file_of("file:///srv/a")) == "/srv/a"
    with pytest.raises(Unexpected, match="rbd://x"):
        module.file_of("rbd://x")


def test_environment_of_a_user_has_no_credentials_of_another(stage, monkeypatch):
    monkeypatch.setenv("OS_TOKEN", "of somebody else")
    environment = stage._environment("other")
    assert environment["OS_CLOUD"] == "other"
    assert "OS_TOKEN" not in environment
    assert "OS_CLOUD" not in stage._environment("operator")
