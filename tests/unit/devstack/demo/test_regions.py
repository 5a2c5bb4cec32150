# SPDX-License-Identifier: Apache-2.0
"""The steps of the demo of copies in the other region fail when what they show is not so."""

import json
import os

import pytest
from pocket_cloud.demo import regions
from pocket_cloud.demo.stage import Unexpected

TOLD = {"image_id": "copy", "received": 1_100_000, "saved": 47_000_000, "total": 50_000_000}


@pytest.fixture
def play(stage, monkeypatch):
    """Copies an image as the job told, with the digests that both regions show."""

    def copy(digests, *options, **told):
        shown = dict(zip(("glance_two", "glance_one"), digests, strict=True))
        monkeypatch.setattr(stage, "run", lambda *_, **__: json.dumps(TOLD | told))
        monkeypatch.setattr(stage, "get", lambda port, _path: {"os_hash_value": shown[port]})
        return regions._copy(stage, "name", "copy of it", "original", *options)

    return copy


def test_a_copy(play, capsys):
    assert play(["same", "same"], "--base", "b") == "copy"
    assert "1100000 bytes went over the link, 47000000 of 50000000" in capsys.readouterr().out


def test_a_copy_that_differs_is_seen(play):
    with pytest.raises(Unexpected, match="in both regions"):
        play(["one", "other"])


def test_that_all_was_sent_is_seen(play):
    with pytest.raises(Unexpected, match="little more"):
        play(["same", "same"], "--base", "b", received=40_000_000)


def test_the_next_version_differs_at_its_end(stage):
    disk = stage.files / "disk"
    disk.write_bytes(os.urandom(3 << 20))
    before, after = disk.read_bytes(), regions._next_version(stage, disk).read_bytes()
    assert len(before) == len(after)
    assert before[: 2 << 20] == after[: 2 << 20]
    assert before[2 << 20 :] != after[2 << 20 :]
