# SPDX-License-Identifier: Apache-2.0
"""VHD as ``qemu-img`` writes it is read back identical; what is damaged or made to do harm is refused."""

import struct
from collections.abc import Iterator

import pytest

from ims_glance import formats
from ims_glance.formats.found import Bounds
from ims_glance.formats.layout import vhd as layout
from ims_glance.formats.readers import vhd
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

SIZES = [512, 2 * MIB, 5 * MIB + 512]
DYNAMIC = made(disk(), "vpc", "force_size=on")
FIXED = made(disk(300_032), "vpc", "subformat=fixed", "force_size=on")
LAST = len(DYNAMIC) - 512


def seals(file: Source) -> Iterator[tuple[int, bytes]]:
    """The right checksums of the footer at its end, its copy, and the header behind it."""
    for start in (0, file.size - 512):
        footer = file.read(start, 512)
        if footer.startswith(layout.COOKIE):
            yield start + 64, struct.pack(">I", layout.checksum(footer, 64))
    header = file.read(512, 1024)
    if header.startswith(layout.DYNAMIC_COOKIE):
        yield 512 + 36, struct.pack(">I", layout.checksum(header, 36))


def resealed(file: bytes) -> bytes:
    """The file with right checksums."""
    for offset, checksum in seals(InMemory(file)):
        file = file[:offset] + checksum + file[offset + 4 :]
    return file


def footers(file: bytes, offset: int, form: str, value: int) -> bytes:
    """The file with another field in its footer and in the copy."""
    both = patched(patched(file, offset, form, value), len(file) - 512 + offset, form, value)
    return resealed(both)


@pytest.mark.parametrize("options", [("force_size=on",), ("subformat=fixed", "force_size=on")])
@pytest.mark.parametrize("size", SIZES)
def test_what_qemu_wrote_is_read_back(size, options):
    file = made(disk(size), "vpc", *options)
    assert opened(file, "disk.vhd") == disk(size)


@pytest.mark.parametrize("kind", ["dynamic", "fixed"])
def test_disks_of_whole_cylinders_are_longer(kind):
    """Without ``force_size`` QEMU rounds a disk up; the rest is zeros."""
    got = opened(made(disk(), "vpc", f"subformat={kind}"))
    assert len(got) > len(disk())
    assert got == disk() + bytes(len(got) - len(disk()))


def test_what_is_told_of_it():
    source = InMemory(DYNAMIC)
    found = formats.recognise(source)
    assert (found.format, found.virtual_size) == ("vhd", len(disk()))
    assert found.facts == {"made_by": "qem2", "subformat": "dynamic", "block_size": 2 * MIB}
    assert source.reads <= 4
    assert formats.recognise(InMemory(FIXED)).facts["subformat"] == "fixed"


def test_holes_are_not_read():
    source = InMemory(made(disk(64 * MIB, 3), "vpc", "force_size=on"))
    found = formats.recognise(source)
    assert joined(formats.reader(source, found)) == disk(64 * MIB, 3)
    assert source.got < source.size + MIB


def test_the_size_is_the_footers_also_where_the_geometry_tells_less():
    file = footers(DYNAMIC, 56, ">I", 0)
    assert opened(file) == disk()


@pytest.mark.parametrize(
    ("offset", "form", "value", "why"),
    [
        (12, ">I", 0x00020000, "version 0x20000"),
        (48, ">Q", 0, "empty"),
        (48, ">Q", 513, "no whole sectors"),
        (48, ">Q", 1 << 40, "too short for its disk"),
        (60, ">I", 4, "differs from another disk"),
        (60, ">I", 2, "bytes more than its disk"),
        (60, ">I", 7, "unknown type"),
        (16, ">Q", (1 << 64) - 1, "the header should lie"),
        (16, ">Q", 1 << 20, "no header where its footer says"),
    ],
)
def test_footers_that_are_refused(offset, form, value, why):
    refused(footers(DYNAMIC, offset, form, value), why)


@pytest.mark.parametrize(
    ("offset", "form", "value", "why"),
    [
        (512 + 16, ">Q", 256, "overlaps its copy of the footer"),
        (512 + 16, ">Q", 1 << 40, "block table should lie"),
        (512 + 28, ">I", 1, "too short for its disk"),
        (512 + 32, ">I", 0, "cannot be of 0 bytes"),
        (512 + 32, ">I", 512, "cannot be of 512 bytes"),
        (512 + 32, ">I", 3 << 20, "cannot be of"),
        (512 + 32, ">I", 1 << 31, "cannot be of"),
        (512 + 576, ">I", 0x57327275, "names another disk"),
    ],
)
def test_headers_that_are_refused(offset, form, value, why):
    refused(resealed(patched(DYNAMIC, offset, form, value)), why)


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (0, "overlaps its copy of the footer"),
        (2, "overlaps its header"),
        (1 << 30, "ends before its end"),
        (LAST // 512, "ends before its end|overlaps its footer"),
        (LAST // 512 - 1, "ends before its end|overlaps its footer"),
    ],
)
def test_blocks_at_places_that_are_not_theirs(value, why):
    refused(patched(DYNAMIC, 1536, ">I", value), why)


def test_blocks_that_overlap():
    first = struct.unpack_from(">I", DYNAMIC, 1536)[0]
    refused(patched(DYNAMIC, 1540, ">I", first), "a block at byte .* overlaps something else")
    refused(patched(DYNAMIC, 1540, ">I", first + 1), "overlaps something else")


def test_checksums():
    refused(patched(DYNAMIC, LAST + 24, ">I", 1), "footer has a wrong checksum")
    refused(patched(DYNAMIC, 512 + 24, ">I", 0), "header has a wrong checksum")
    other = patched(patched(DYNAMIC, 48, ">Q", 512), LAST, ">Q", int.from_bytes(b"conectix", "big"))
    refused(resealed(other), "not alike")


@pytest.mark.parametrize("keep", [0, 511, 1536, 70_000, LAST, len(DYNAMIC) - 1])
def test_dynamic_files_that_are_cut(keep):
    refused(DYNAMIC[:keep], ".", "disk.vhd")


def test_fixed_files_that_are_cut_or_longer():
    refused(FIXED[:-512], "its name ends in '.vhd'", "disk.vhd")
    refused(FIXED[512:], "holds 299520 bytes of a disk of 300032")
    refused(bytes(512) + FIXED, "holds 512 bytes more")
    refused(FIXED + bytes(512), "its name ends in '.vhd'", "disk.vhd")


def test_a_disk_of_a_pebibyte():
    bomb = footers(DYNAMIC, 48, ">Q", 1 << 50)
    with pytest.raises(DiskFileTooLarge):
        formats.recognise(InMemory(bomb))


def test_runs_check_for_themselves():
    with pytest.raises(formats.FileRefused, match="no footer"):
        drained(vhd.runs(InMemory(bytes(2048)), Bounds()))
    with pytest.raises(formats.FileRefused, match="of a disk of"):
        drained(vhd.runs(InMemory(FIXED[512:]), Bounds()))
