# SPDX-License-Identifier: Apache-2.0
"""The archive that the guest's kernel unpacks."""

import subprocess

import pytest
from pocket_cloud import guest
from pocket_cloud.errors import PocketError


def test_cpio_is_read_by_the_real_tool(tmp_path):
    archive = guest._cpio(
        [
            ("bin", guest._DIRECTORY, b""),
            ("bin/odd", guest._PROGRAM, b"12345"),
            ("etc-file", guest._FILE, b"x" * 4096),
        ]
    )
    # busybox has it where the cpio package is not installed; the guest needs busybox anyway.
    unpacked = subprocess.run(
        ["busybox", "cpio", "-idm"], input=archive, cwd=tmp_path, capture_output=True, check=True
    )
    assert b"error" not in unpacked.stderr.lower()
    assert (tmp_path / "bin/odd").read_bytes() == b"12345"
    assert (tmp_path / "bin/odd").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "etc-file").read_bytes() == b"x" * 4096


def test_trailer_ends_the_archive():
    archive = guest._cpio([])
    assert archive.startswith(b"070701")
    assert b"TRAILER!!!\0" in archive
    assert len(archive) % 4 == 0


LDD = """\
\tlinux-vdso.so.1 (0x00007f62193db000)
\tlibc.so.6 => {folder}/libc.so.6 (0x00007f6218e8d000)
\t{folder}/ld-linux-x86-64.so.2 (0x00007f62193dd000)
"""


def test_an_agent_comes_with_its_libraries_and_its_loader(tmp_path, monkeypatch):
    for name in ("qemu-ga", "libc.so.6", "ld-linux-x86-64.so.2"):
        (tmp_path / name).write_text(name)
    monkeypatch.setattr(guest, "_AGENT", tmp_path / "qemu-ga")
    monkeypatch.setattr(guest, "_run", lambda *_command: LDD.format(folder=tmp_path))
    monkeypatch.setattr(guest, "_module", lambda _kernel, name: (name, guest._FILE, b""))
    found = {name: (mode, data) for name, mode, data in guest._agent_entries(tmp_path, b"hook")}
    folder = str(tmp_path).lstrip("/")
    for name in ("qemu-ga", "libc.so.6", "ld-linux-x86-64.so.2"):
        assert found[f"{folder}/{name}"] == (guest._PROGRAM, name.encode())
    assert found["etc/qemu/fsfreeze-hook"] == (guest._PROGRAM, b"hook")
    names = list(found)
    # The kernel makes no folders by itself.
    assert names.index("etc") < names.index("etc/qemu") < names.index("etc/qemu/fsfreeze-hook")
    assert found[folder][0] == guest._DIRECTORY


def test_without_its_package_there_is_no_agent(tmp_path, monkeypatch):
    monkeypatch.setattr(guest, "_AGENT", tmp_path / "qemu-ga")
    with pytest.raises(PocketError, match="qemu-guest-agent"):
        guest._agent()
