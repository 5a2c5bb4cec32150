# SPDX-License-Identifier: Apache-2.0
"""The steps of the demo of the IMS API fail when what they show is not so."""

from types import SimpleNamespace

import pytest
from pocket_cloud.demo import ims_api
from pocket_cloud.demo.stage import Unexpected

IMAGE = "0d9f7a52-0d52-4f83-8f2e-0e3b6d1f3c11"


@pytest.fixture
def playing(stage, monkeypatch):
    """A stage where every refusal is as it should be."""
    monkeypatch.setattr(stage, "refuse", lambda *_, **__: "")
    monkeypatch.setattr(stage, "refuse_request", lambda *_, **__: None)
    monkeypatch.setattr(stage, "session", lambda _user: SimpleNamespace(project_id="p2"))
    return stage


def test_a_copy_that_differs_is_seen(playing, monkeypatch):
    disk = playing.files / "disk"
    disk.write_bytes(b"data")

    def run(*command, **_options):
        if "save" in command:
            (playing.files / "copied").write_bytes(b"other")
        return ""

    monkeypatch.setattr(playing, "run", run)
    with pytest.raises(Unexpected, match="the same"):
        ims_api._copy(playing, "name", disk)


def test_an_image_that_is_not_received_is_seen(playing, monkeypatch):
    monkeypatch.setattr(playing, "run", lambda *command, **_: "" if "list" in command else "id")
    with pytest.raises(Unexpected, match="in the list"):
        ims_api._share(playing, IMAGE)


def line(action):
    return f"2026-01-01T00:00:00 demo {action} success images={IMAGE} request=req-1"


def test_the_trail(playing, monkeypatch, capsys):
    trail = [line(action) for action in ("addMember", "updateMember", "deleteMember")]
    monkeypatch.setattr(playing, "run", lambda *_, **__: "\n".join(trail))
    ims_api._audit(playing, IMAGE)
    shown = capsys.readouterr().out
    assert shown.count(" is on record") == 3
    assert shown.count(IMAGE) == 3


def test_an_event_that_is_missing_is_seen(playing, monkeypatch):
    trail = [line("addMember"), line("deleteMember")]
    monkeypatch.setattr(playing, "run", lambda *_, **__: "\n".join(trail))
    with pytest.raises(Unexpected, match="updateMember is on record"):
        ims_api._audit(playing, IMAGE)
