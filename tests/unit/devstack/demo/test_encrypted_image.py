# SPDX-License-Identifier: Apache-2.0
"""The demo of an encrypted image looks at its own objects, and says when something is not so."""

import json

import pytest
from pocket_cloud.demo import encrypted_image
from pocket_cloud.demo.encrypted_image import Stored
from pocket_cloud.demo.stage import Unexpected

DISK = bytes(range(256)) * 4
KEY = "k1"


def copy(folder, **changes):
    """What ``ims-manage show`` says of a copy."""
    header = {"name": "ims-1.header-a", "at": f"file://{folder}/ims-1.header-a", "key_ids": [KEY]}
    body = {"name": "ims-1", "at": f"file://{folder}/ims-1"}
    return {"store": "kms", "encrypted": True, "body": body, "headers": [header], **changes}


def shown(*copies):
    return json.dumps({"stores": copies})


@pytest.fixture
def folder(tmp_path):
    """A store with two images."""
    folder = tmp_path / "kms"
    folder.mkdir()
    for name in ("ims-1", "ims-1.header-a", "ims-2", "ims-2.header-a"):
        (folder / name).write_bytes(b"?" * 2000)
    return folder


def test_only_its_own_files_count(folder):
    stored = Stored.read(shown(copy(folder)))
    assert (stored.store, stored.key) == ("kms", KEY)
    assert [path.name for path in stored.files] == ["ims-1", "ims-1.header-a"]
    stored.header.rename(folder / "ims-1.header-b")
    assert [path.name for path in stored.files] == ["ims-1", "ims-1.header-b"]
    for path in stored.files:
        path.unlink()
    assert stored.files == []


@pytest.mark.parametrize("count", [0, 2])
def test_another_number_of_copies_or_headers_is_seen(folder, count):
    with pytest.raises(Unexpected, match="one encrypted copy"):
        Stored.read(shown(*[copy(folder)] * count))
    with pytest.raises(Unexpected, match="one encrypted copy"):
        Stored.read(shown(copy(folder, headers=copy(folder)["headers"] * count)))


def test_a_plain_copy_is_seen(folder):
    with pytest.raises(Unexpected, match="one encrypted copy"):
        Stored.read(shown({"store": "plain", "encrypted": False, "at": "file:///x"}))


@pytest.mark.parametrize("recorded", [KEY, "another"])
def test_the_key_that_glance_shows_opens_it(stage, folder, monkeypatch, capsys, recorded):
    monkeypatch.setattr(stage, "run", lambda *_, **__: shown(copy(folder)))
    monkeypatch.setattr(stage, "get", lambda *_: {"__system__cmkid": recorded})
    if recorded == KEY:
        assert encrypted_image._look_at(stage, "i1").body == folder / "ims-1"
        assert "2000  ims-1.header-a" in capsys.readouterr().out
    else:
        with pytest.raises(Unexpected, match="under key k1"):
            encrypted_image._look_at(stage, "i1")


def _look(stage, tmp_path, disk: bytes, stored: bytes) -> None:
    (tmp_path / "disk").write_bytes(disk)
    (tmp_path / "stored").write_bytes(stored)
    encrypted_image.look_for_plaintext(stage, tmp_path / "disk", [tmp_path / "stored"])


def test_one_run_of_plaintext_is_seen(stage, tmp_path):
    with pytest.raises(Unexpected, match="none of"):
        _look(stage, tmp_path, DISK, b"?" * 1001 + DISK[64:96] + b"?" * 1000)


def test_is_content_with_other_bytes(stage, tmp_path, capsys):
    _look(stage, tmp_path, DISK, b"?" * 1100)
    assert "ok: none of 32 runs" in capsys.readouterr().out


@pytest.fixture
def damaging(stage, folder, monkeypatch):
    """Damages the body; what the commands do is set."""
    body = folder / "ims-1"
    monkeypatch.setattr(encrypted_image, "_DAMAGED_BYTE", 1000)
    monkeypatch.setattr(stage, "refuse_request", lambda *_, **__: None)
    stored = Stored.read(shown(copy(folder)))
    return body, lambda: encrypted_image._damage(stage, "i1", stored)


def test_the_damaged_byte_is_mended(stage, monkeypatch, damaging):
    body, damage = damaging
    seen = []
    monkeypatch.setattr(stage, "refuse", lambda *_, **__: seen.append(body.read_bytes()))
    monkeypatch.setattr(stage, "run", lambda *_, **__: seen.append(body.read_bytes()))
    damage()
    good, bad = b"?" * 2000, b"?" * 1000 + b">" + b"?" * 999
    assert seen == [bad, bad, good]


def test_the_damaged_byte_is_mended_after_a_failure(stage, monkeypatch, damaging):
    body, damage = damaging

    def refuse(*_command, **_options):
        raise Unexpected("not refused")

    monkeypatch.setattr(stage, "refuse", refuse)
    with pytest.raises(Unexpected):
        damage()
    assert body.read_bytes() == b"?" * 2000
