# SPDX-License-Identifier: Apache-2.0
"""Disks in files as block devices, with the real qemu-storage-daemon, bubblewrap and libnbd."""

import json
import os
import struct

import pytest

from ims_glance import formats, guests
from ims_glance.formats.found import FormatFound
from ims_glance.formats.refusals import FileRefused
from ims_glance.guests.disk_client import DiskClient
from ims_glance.guests.layers import DRIVERS
from tests.unit.formats.files import InMemory, disk, joined, made, patched
from tests.unit.formats.samples import SAMPLES, sample
from tests.unit.guests.disks import MARKER, content, opened_disk

KINDS = sorted({*SAMPLES} - {"ova"})


@pytest.mark.parametrize("kind", KINDS)
def test_a_disk_of_any_format_is_what_our_readers_tell_and_what_is_written_to_it(
    conf, kind, small_blocks
):
    source = InMemory(sample(kind))
    expected = joined(formats.reader(source, formats.recognise(source)))
    written = MARKER * 300
    with opened_disk(source, conf, writable=True) as opened:
        assert opened.size == len(expected)
        assert content(opened) == expected
        with DiskClient(opened.socket) as client:
            client.write(5000, written)
            client.flush()
        assert content(opened) == expected[:5000] + written + expected[5000 + len(written) :]
    assert source.data == sample(kind)
    assert os.listdir(conf.ims_guests.scratch_dir) == []


def test_a_disk_whose_last_sector_is_short(conf):
    raw = disk(66_048)[:-100]
    with opened_disk(InMemory(raw), conf, writable=True) as opened:
        assert opened.size == len(raw)
        assert content(opened) == raw


def hostile(name, secret):
    """A qcow2 that names a file of this machine, in each of the ways that there are."""
    empty = bytes(1 << 20)
    if name == "backing":
        return _with_backing(empty, str(secret).encode())
    if name == "json":
        inner = {"driver": "raw", "file": {"driver": "file", "filename": str(secret)}}
        return _with_backing(empty, b"json:" + json.dumps(inner).encode())
    data = bytearray(made(empty, "qcow2", "cluster_size=65536"))
    # An external data file: an incompatible feature, and an extension with its name.
    data[72:80] = struct.pack(">Q", 4)
    named = str(secret).encode()
    extension = struct.pack(">II", 0x44415441, len(named)) + named.ljust(
        -(-len(named) // 8) * 8, b"\0"
    )
    data[112 : 112 + len(extension) + 8] = extension + bytes(8)
    return bytes(data)


def _with_backing(raw, name):
    data = made(raw, "qcow2")
    at = 0x800
    return patched(patched(data, 8, ">QI", at, len(name)), at, f"{len(name)}s", name)


@pytest.mark.parametrize("kind", ["backing", "json", "data file"])
def test_a_file_of_the_machine_that_a_disk_names_is_not_shown(conf, tmp_path, kind):
    """The sandbox holds alone: our own check, which refuses such files, is not asked here."""
    secret = tmp_path / "secret"
    secret.write_bytes((MARKER * 40_000)[: 1 << 19])
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.getuid():
            folder.chmod(folder.stat().st_mode | 0o711)
    secret.chmod(0o644)
    data = hostile("data file" if kind == "data file" else kind, secret)
    with pytest.raises(FileRefused):
        formats.recognise(InMemory(data))
    found = FormatFound("qcow2", 1 << 20)
    try:
        with guests.opened(InMemory(data), found, conf, writable=True) as opened:
            shown = content(opened)
    except FileRefused as refused:
        shown = str(refused).encode()
    assert MARKER not in shown


def test_a_vmdk_that_names_a_file_of_the_machine_shows_nothing_of_it(conf, tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes((MARKER * 40_000)[: 1 << 19])
    text = (
        f"# Disk DescriptorFile\nversion=1\nCID=ffffffff\nparentCID=ffffffff\n"
        f'createType="monolithicFlat"\nRW 1024 FLAT "{secret}" 0\n'
    )
    found = FormatFound("vmdk", 1 << 19)
    with (
        pytest.raises(FileRefused, match="QEMU does not read it") as refused,
        guests.opened(InMemory(text.encode().ljust(20_480)), found, conf, writable=False),
    ):
        pass
    assert MARKER.decode() not in str(refused.value)


@pytest.mark.parametrize("driver", sorted({*DRIVERS} - {"raw", "iso"}))
def test_what_qemu_does_not_read_is_refused(conf, driver):
    found = FormatFound(driver, 66_048, {"subformat": "dynamic"})
    with (
        pytest.raises(FileRefused, match="QEMU does not read it"),
        guests.opened(InMemory(disk(66_048)), found, conf, writable=False),
    ):
        pass
    assert os.listdir(conf.ims_guests.scratch_dir) == []


class Vanishing(InMemory):
    """An object that is replaced after it was looked at.

    :ivar gone: whether it was
    """

    gone = False

    def read(self, offset, length):
        if self.gone:
            raise PermissionError("the object changed")
        return super().read(offset, length)


def test_what_the_bucket_says_is_raised_as_it_was(conf):
    source = Vanishing(made(disk(), "qcow2"))
    with opened_disk(source, conf, writable=True) as opened:
        source.gone = True
        with pytest.raises(PermissionError, match="the object changed"):
            content(opened)


def test_what_the_bucket_says_while_qemu_opens_it_is_raised_as_it_was(conf):
    source = Vanishing(made(disk(), "qcow2"))
    found = formats.recognise(source)
    source.gone = True
    with (
        pytest.raises(PermissionError, match="the object changed"),
        guests.opened(source, found, conf, writable=True),
    ):
        pass


def test_a_job_that_ends_while_a_disk_is_poured(conf, small_blocks):
    class Cancelled(Exception):
        pass

    calls = iter(range(100))

    def check():
        if next(calls) > 8:
            raise Cancelled

    source = InMemory(sample("gz"))
    found = formats.recognise(source)
    with pytest.raises(Cancelled), guests.opened(source, found, conf, writable=True, check=check):
        pass
    assert os.listdir(conf.ims_guests.scratch_dir) == []
