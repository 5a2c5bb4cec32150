# SPDX-License-Identifier: Apache-2.0
"""VHDX as ``qemu-img`` writes it is read back identical; what is damaged or made to do harm is refused."""

import struct
from collections.abc import Iterator

import pytest

from ims_glance import formats
from ims_glance.formats.crc32c import crc32c
from ims_glance.formats.found import Bounds
from ims_glance.formats.readers import vhdx
from ims_glance.formats.refusals import DiskFileTooLarge
from ims_glance.formats.source import Source
from tests.unit.formats.files import (
    MIB,
    InMemory,
    disk,
    drained,
    joined,
    made,
    opened,
    patched,
    refused,
)

OPTIONS = [
    ("block_size=1M",),
    ("block_size=8M", "log_size=2M"),
    ("subformat=fixed", "block_size=1M"),
    ("block_state_zero=off", "block_size=1M"),
]
FILE = made(disk(), "vhdx", "block_size=1M")
SEALED = {64 << 10: 4096, 128 << 10: 4096, 192 << 10: 65536, 256 << 10: 65536}
REGION = (192 << 10) + 16


def seals(file: Source) -> Iterator[tuple[int, bytes]]:
    """The right checksums of its headers and its region tables."""
    for start, size in SEALED.items():
        part = file.read(start, size)
        yield start + 4, struct.pack("<I", crc32c(part[:4] + bytes(4) + part[8:]))


def resealed(file: bytes) -> bytes:
    """The file with right checksums."""
    for offset, checksum in seals(InMemory(file)):
        file = file[:offset] + checksum + file[offset + 4 :]
    return file


def both(offset: int, form: str, value: int) -> bytes:
    """The file with another field in both copies of the header or the region table."""
    away = 65536
    return resealed(patched(patched(FILE, offset, form, value), offset + away, form, value))


def _region(name: bytes) -> int:
    for number in range(2):
        if FILE[REGION + 32 * number :].startswith(name):
            return REGION + 32 * number
    raise AssertionError(name)


TABLE_ENTRY = _region(b"\x66\x77\xc2\x2d")
METADATA_ENTRY = _region(b"\x06\xa2\x7c\x8b")
TABLE = struct.unpack_from("<Q", FILE, TABLE_ENTRY + 16)[0]
METADATA = struct.unpack_from("<Q", FILE, METADATA_ENTRY + 16)[0]
ITEMS = {
    FILE[place : place + 4]: place
    for place in range(METADATA + 32, METADATA + 32 + 32 * FILE[METADATA + 10], 32)
}
PARAMETERS, SIZE, SECTOR = (
    ITEMS[name] for name in (b"\x37\x67\xa1\xca", b"\x24\x42\xa5\x2f", b"\x1d\xbf\x41\x81")
)


def value_of(item: int) -> int:
    """Where the value of an item of metadata is."""
    place: int = METADATA + struct.unpack_from("<I", FILE, item + 16)[0]
    return place


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("size", [512, MIB, 3 * MIB + 1536])
def test_what_qemu_wrote_is_read_back(size, options):
    assert opened(made(disk(size), "vhdx", *options), "disk.vhdx") == disk(size)


def test_what_is_told_of_it():
    source = InMemory(FILE)
    found = formats.recognise(source)
    assert (found.format, found.virtual_size) == ("vhdx", len(disk()))
    assert found.facts == {"subformat": "dynamic", "block_size": MIB, "sector_size": 512}
    assert source.reads <= 8
    fixed = made(disk(), "vhdx", "subformat=fixed", "block_size=1M")
    assert formats.recognise(InMemory(fixed)).facts["subformat"] == "fixed"


def test_holes_are_not_read():
    source = InMemory(made(disk(64 * MIB, 3), "vhdx", "block_size=1M"))
    found = formats.recognise(source)
    assert joined(formats.reader(source, found)) == disk(64 * MIB, 3)
    assert source.got < source.size


def test_bitmaps_among_the_entries_are_passed_over():
    """With blocks of 256 MiB each seventeenth entry is one."""
    file = patched(
        patched(FILE, value_of(SIZE), "<Q", 5 << 30), value_of(PARAMETERS), "<I", 1 << 28
    )
    file = patched(file, TABLE, "<21Q", *([0] * 16), 6 | 1 << 50, *([0] * 4))
    found = formats.recognise(InMemory(file))
    told = list(formats.reader(InMemory(file), found))
    assert {type(each) for each in told} == {formats.ZeroRun}
    assert sum(each.length for each in told) == 5 << 30


def test_one_right_copy_is_enough():
    for start in SEALED:
        assert opened(patched(FILE, start + 100, "<Q", 99)) == disk()
    broken = FILE
    for start in (64 << 10, 128 << 10):
        broken = patched(broken, start + 100, "<Q", 99)
    refused(broken, "neither of its two headers")
    broken = FILE
    for start in (192 << 10, 256 << 10):
        broken = patched(broken, start + 100, "<Q", 99)
    refused(broken, "neither of its two region tables")


def test_a_log_that_has_to_be_replayed():
    assert struct.unpack_from("<Q", FILE, (64 << 10) + 8) < struct.unpack_from(
        "<Q", FILE, (128 << 10) + 8
    )
    refused(resealed(patched(FILE, (128 << 10) + 48, "<Q", 7)), "log has still to be replayed")
    assert opened(resealed(patched(FILE, (64 << 10) + 48, "<Q", 7))) == disk()


@pytest.mark.parametrize(
    ("offset", "form", "value", "why"),
    [
        ((64 << 10) + 66, "<H", 2, "version 2"),
        ((64 << 10) + 72, "<Q", 0, "log at byte 0 overlaps its header"),
        ((64 << 10) + 68, "<I", 1 << 31, "log should lie"),
        ((192 << 10) + 8, "<I", 0, "no table of blocks"),
        ((192 << 10) + 8, "<I", 2048, "2048 regions"),
        (TABLE_ENTRY, "<I", 1, "no table of blocks"),
        (TABLE_ENTRY + 16, "<Q", METADATA, "overlaps its metadata"),
        (TABLE_ENTRY + 16, "<Q", 3, "no place|none can be"),
        (TABLE_ENTRY + 16, "<Q", 1 << 40, "should lie"),
        (TABLE_ENTRY + 24, "<I", 0, "none can be"),
        (METADATA_ENTRY + 16, "<Q", 0, "overlaps its header"),
        (METADATA_ENTRY + 16, "<Q", 1 << 40, "should lie"),
    ],
)
def test_headers_that_are_refused(offset, form, value, why):
    refused(both(offset, form, value), why)


@pytest.mark.parametrize(
    ("offset", "form", "value", "why"),
    [
        (METADATA, "<Q", 0, "not where its header says"),
        (METADATA + 10, "<H", 2048, "not where its header says"),
        (METADATA + 10, "<H", 0, "do not say how large"),
        (PARAMETERS, "<I", 1, "metadata that are not known"),
        (PARAMETERS + 16, "<I", 1 << 31, "twice, or outside"),
        (PARAMETERS + 20, "<I", 4, "do not say how large"),
        (SIZE, "<4s", FILE[SECTOR : SECTOR + 4], "not known|twice"),
        (value_of(PARAMETERS), "<I", 0, "cannot be of 0 bytes"),
        (value_of(PARAMETERS), "<I", 3 << 20, "cannot be of"),
        (value_of(PARAMETERS), "<I", 1 << 30, "cannot be of"),
        (value_of(PARAMETERS) + 4, "<I", 2, "differs from another disk"),
        (value_of(SIZE), "<Q", 0, "empty"),
        (value_of(SIZE), "<Q", 513, "cannot have sectors"),
        (value_of(SIZE), "<Q", 1 << 40, "too short for its disk"),
        (value_of(SECTOR), "<I", 0, "cannot have sectors"),
        (TABLE, "<Q", 7 | 4 << 20, "differs from another disk"),
        (TABLE, "<Q", 6, "overlaps its header"),
        (TABLE, "<Q", 6 | TABLE, "overlaps its table"),
        (TABLE, "<Q", 6 | 1 << 45, "should lie"),
        (TABLE + 8, "<Q", struct.unpack_from("<Q", FILE, TABLE)[0], "overlaps something else"),
    ],
)
def test_metadata_and_blocks_that_are_refused(offset, form, value, why):
    refused(patched(FILE, offset, form, value), why)


def test_a_parent_locator():
    name = bytes.fromhex("2d5fd3a80bb34d45abf7d3d84834ab0c")
    disk_id = next(place for id_, place in ITEMS.items() if id_ == b"\xab\x12\xca\xbe")
    refused(patched(FILE, disk_id, "<16s", name), "names another disk")


@pytest.mark.parametrize("keep", [0, 600, 70_000, 200_000, 330_000, MIB, 4 * MIB, 6 * MIB])
def test_files_that_are_cut(keep):
    refused(FILE[:keep], ".", "disk.vhdx")


def test_a_disk_of_60_tebibytes():
    with pytest.raises(DiskFileTooLarge):
        formats.recognise(InMemory(patched(FILE, value_of(SIZE), "<Q", 60 << 40)), bounds=Bounds())
    wide = Bounds(virtual_size=1 << 50)
    with pytest.raises(formats.FileRefused, match="too short for its disk"):
        formats.recognise(InMemory(patched(FILE, value_of(SIZE), "<Q", 60 << 40)), bounds=wide)


def test_runs_check_for_themselves():
    with pytest.raises(formats.FileRefused, match="neither of its two headers"):
        drained(vhdx.runs(InMemory(bytes(2 * MIB)), Bounds()))
