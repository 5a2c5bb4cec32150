# SPDX-License-Identifier: Apache-2.0
"""The search for plaintext really finds plaintext."""

import hashlib

import pytest
from pocket_cloud.cloud import Cloud
from pocket_cloud.demo import encrypted_image
from pocket_cloud.demo.stage import Stage, Unexpected


def _look(tmp_path, disk: bytes, stored: bytes) -> None:
    (tmp_path / "disk").write_bytes(disk)
    (tmp_path / "stored").write_bytes(stored)
    with Stage(Cloud(tmp_path)) as stage:
        encrypted_image._look_for_plaintext(stage, tmp_path / "disk", [tmp_path / "stored"])


def test_finds_one_run_at_any_place(tmp_path):
    disk = bytes(range(256)) * 4
    with pytest.raises(Unexpected, match="none of"):
        _look(tmp_path, disk, b"?" * 1001 + disk[64:96] + b"?" * 1000)


def test_is_content_with_other_bytes(tmp_path, capsys):
    _look(tmp_path, bytes(range(256)), b"?" * 300)
    assert "ok: none of 8 runs" in capsys.readouterr().out


def test_empty_space_is_no_run():
    assert encrypted_image._windows(bytes(64) + b"ab" * 16, 32) == [b"ab" * 16]


def test_only_what_nova_keeps_of_the_demo_s_own_images_is_removed(tmp_path):
    kept = tmp_path / "data" / "nova" / "instances" / "_base"
    kept.mkdir(parents=True)
    own, other = (hashlib.sha1(image).hexdigest() for image in (b"own", b"other"))
    for name in (own, f"{own}_1", other):
        (kept / name).touch()
    with Stage(Cloud(tmp_path)) as stage:
        encrypted_image._forget(stage, "own")
    assert [path.name for path in kept.iterdir()] == [other]
