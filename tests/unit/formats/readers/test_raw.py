# SPDX-License-Identifier: Apache-2.0
"""Raw disks and ISO images are read as they are; their zeros are told."""

import struct

import pytest

from ims_glance import formats
from ims_glance.formats.found import Bounds
from ims_glance.formats.readers import raw
from ims_glance.formats.refusals import DiskFileTooLarge
from tests.unit.formats.files import MIB, InMemory, disk, joined, opened, patched, refused


def iso(size=100 * 2048, blocks=None):
    """As much of an ISO 9660 image as is looked at."""
    data = bytearray(disk(size))
    data[:512] = bytes(512)
    data[32768:34816] = b"\1CD001\1".ljust(2048, b"\0")
    data[32808:32840] = b"INSTALL".ljust(32)
    struct.pack_into("<I", data, 32768 + 80, size // 2048 if blocks is None else blocks)
    struct.pack_into("<H", data, 32768 + 128, 2048)
    return bytes(data)


@pytest.mark.parametrize("size", [1, 511, 512, 65537, 3 * MIB + 1536])
def test_raw_disks_of_any_size(size):
    data = disk(max(size, 512))[:size]
    assert opened(data, "disk.raw") == data
    found = formats.recognise(InMemory(data), "disk.img")
    assert (found.format, found.virtual_size) == ("raw", size)


def test_it_is_read_once():
    source = InMemory(disk(16 * MIB, 4))
    found = formats.recognise(source)
    assert source.reads <= 2
    assert joined(formats.reader(source, found)) == source.data
    assert source.got < source.size + MIB // 4
    assert any(isinstance(each, formats.ZeroRun) for each in formats.reader(source, found))


def test_what_is_told_of_a_raw_disk():
    def facts(data):
        return formats.recognise(InMemory(data)).facts

    mbr = bytes(510) + b"\x55\xaa"
    assert facts(bytes(1024)) == {"partitions": "none"}
    assert facts(mbr + bytes(512)) == {"partitions": "mbr"}
    assert facts(mbr + b"EFI PART".ljust(512, b"\0")) == {"partitions": "gpt"}
    assert facts(b"LUKS\xba\xbe".ljust(1024, b"\0"))["encrypted"] == "LUKS"


def test_an_iso():
    found = formats.recognise(InMemory(iso()), "install.iso")
    assert (found.format, found.virtual_size, found.facts) == ("iso", 204_800, {"label": "INSTALL"})
    assert opened(iso()) == iso()


def test_an_iso_that_boots_from_a_stick_too():
    hybrid = patched(iso(), 510, "<2s", b"\x55\xaa")
    assert opened(hybrid) == hybrid


def test_an_iso_that_is_cut():
    refused(iso(blocks=101), "holds 204800 bytes of a volume of 206848")
    assert opened(iso(blocks=99)) == iso(blocks=99)


def test_labels_of_strangers():
    odd = patched(iso(), 32808, "<8s", b"\x1b[31m\xff\0x")
    assert formats.recognise(InMemory(odd)).facts == {}


def test_a_disk_that_is_too_large():
    with pytest.raises(DiskFileTooLarge):
        formats.recognise(InMemory(bytes(1024)), bounds=Bounds(virtual_size=1023))
    with pytest.raises(DiskFileTooLarge):
        list(raw.runs(InMemory(bytes(1024)), Bounds(virtual_size=1023)))
