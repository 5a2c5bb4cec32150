# SPDX-License-Identifier: Apache-2.0
"""What is written to a disk meanwhile: sealed, bounded, and gone afterwards."""

import os
import secrets
from pathlib import Path

import pytest

from ims_glance import guests
from ims_glance.guests.disk_client import DiskClient
from tests.base import in_child, mount, wait_for
from tests.unit.formats.files import InMemory, disk
from tests.unit.formats.samples import SAMPLES
from tests.unit.guests.disks import MARKER, content, family, guest_conf, opened_disk


def scratch_bytes(opened):
    """The scratch file, as root could read it, and every command line of its processes."""
    return Path(f"/proc/self/fd/{opened._scratch.fileno}").read_bytes()


def test_nothing_that_is_written_is_in_the_scratch_as_it_is(conf):
    with opened_disk(InMemory(disk(66_048)), conf, writable=True) as opened:
        with DiskClient(opened.socket) as client:
            client.write(8192, MARKER * 1000)
            client.flush()
        seen = scratch_bytes(opened)
        assert len(seen) > len(MARKER) * 1000
        assert MARKER not in seen
        # Not even how the disk is made up: that is in it as well.
        assert b"QFI\xfb" not in seen
        assert MARKER * 1000 in content(opened)


def test_nothing_that_is_poured_is_in_the_scratch_as_it_is(conf, small_blocks):
    raw = (MARKER * 4000)[:66_048]
    with opened_disk(InMemory(SAMPLES["gz"](raw)), conf) as opened:
        assert content(opened) == raw
        assert MARKER not in scratch_bytes(opened)


def test_the_password_is_in_no_command_line_and_no_environment(conf, monkeypatch):
    made_up = []
    token_hex = secrets.token_hex

    def remembered(length):
        made_up.append(token_hex(length))
        return made_up[-1]

    monkeypatch.setattr("ims_glance.guests.scratch.secrets.token_hex", remembered)
    with opened_disk(InMemory(disk(66_048)), conf, writable=True) as opened:
        seen = b""
        for each in opened.daemons:
            for pid in family(each.pid):
                seen += Path(f"/proc/{pid}/cmdline").read_bytes()
                seen += Path(f"/proc/{pid}/environ").read_bytes()
        password = max(made_up, key=len)
        assert len(password) == 64
        assert password.encode() not in seen
        assert password.encode() not in scratch_bytes(opened)
        assert b"qemu-storage-daemon" in seen


def _full(folder):
    folder.mkdir()
    mount("tmpfs", folder, "size=16m")
    conf = guest_conf(folder)
    words = []
    noise = os.urandom(1 << 20)
    raw = noise * 40
    for source, is_written in ((InMemory(SAMPLES["gz"](raw)), False), (InMemory(raw), True)):
        try:
            with opened_disk(source, conf, writable=True) as opened:
                if is_written:
                    try:
                        with DiskClient(opened.socket) as client:
                            for at in range(40):
                                client.write(at << 20, noise)
                    finally:
                        opened.check()
        except guests.ScratchFull as full:
            words.append(str(full))
    # The kernel ends what was in the sandbox a moment after its first process, and frees the file then.
    wait_for(lambda: _free(folder) == 16 << 20)
    return words, os.listdir(folder)


def _free(folder):
    free = os.statvfs(folder)
    return free.f_bavail * free.f_frsize


def test_a_full_scratch_is_told_and_nothing_is_left(tmp_path):
    words, left = in_child(_full, tmp_path / "scratch")
    assert len(words) == 2
    assert all("scratch_dir" in word for word in words)
    assert left == []


def test_a_disk_may_not_take_more_than_its_share(conf, monkeypatch):
    monkeypatch.setattr("ims_glance.guests.scratch.units.Gi", 16 << 20)
    conf.set_override("scratch_gib", 1, group="ims_guests")
    raw = bytes(64 << 20) + disk(66_048)
    with opened_disk(InMemory(raw), conf, writable=True) as opened:
        with (
            pytest.raises(guests.ScratchFull, match="of 16"),
            DiskClient(opened.socket, opened.check) as client,
        ):
            if True:
                noise = os.urandom(1 << 20)
                for at in range(40):
                    client.write(at << 20, noise)
        assert opened._scratch is not None
        assert os.fstat(opened._scratch.fileno).st_size <= 16 << 20
