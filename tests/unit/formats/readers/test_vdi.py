# SPDX-License-Identifier: Apache-2.0
"""VDI as ``qemu-img`` writes it is read back identical; what is damaged or made to do harm is refused."""

import pytest

from ims_glance import formats
from ims_glance.formats.found import Bounds
from ims_glance.formats.readers import vdi
from ims_glance.formats.refusals import DiskFileTooLarge
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

DYNAMIC = made(disk(), "vdi")
TABLE = 512


@pytest.mark.parametrize("options", [(), ("static=on",)])
@pytest.mark.parametrize("size", [512, MIB, 3 * MIB + 1536])
def test_what_qemu_wrote_is_read_back(size, options):
    assert opened(made(disk(size), "vdi", *options), "disk.vdi") == disk(size)


def test_what_is_told_of_it():
    source = InMemory(DYNAMIC)
    found = formats.recognise(source)
    assert (found.format, found.virtual_size) == ("vdi", len(disk()))
    assert found.facts == {"subformat": "dynamic", "block_size": MIB}
    assert source.reads <= 3
    static = formats.recognise(InMemory(made(disk(), "vdi", "static=on")))
    assert static.facts["subformat"] == "static"


def test_holes_are_not_read():
    source = InMemory(made(disk(64 * MIB, 3), "vdi"))
    found = formats.recognise(source)
    assert joined(formats.reader(source, found)) == disk(64 * MIB, 3)
    assert source.got < source.size + MIB


def test_blocks_that_were_given_back_are_zeros():
    assert opened(patched(DYNAMIC, TABLE, "<I", 0xFFFFFFFE)) == bytes(MIB) + disk()[MIB:]


@pytest.mark.parametrize(
    ("offset", "form", "value", "why"),
    [
        (0x44, "<I", 0x00010000, "version 1.0"),
        (0x4C, "<I", 4, "differs from another disk"),
        (0x4C, "<I", 3, "differs from another disk"),
        (0x4C, "<I", 9, "unknown kind"),
        (0x154, "<I", 0, "overlaps its header"),
        (0x154, "<I", 1 << 30, "table should lie"),
        (0x158, "<I", 0, "its data at byte 0 overlaps"),
        (0x168, "<I", 4096, "sectors are of 4096"),
        (0x170, "<Q", 0, "empty"),
        (0x170, "<Q", 1 << 40, "does not fit its disk"),
        (0x178, "<I", 0, "cannot be of 0 bytes"),
        (0x178, "<I", 3 << 20, "cannot be of"),
        (0x17C, "<I", 512, "blocks of more than data"),
        (0x180, "<I", 1, "table of 1 blocks"),
        (0x184, "<I", 1 << 30, "does not fit its disk"),
        (0x1A8, "<I", 7, "differs from another disk"),
        (0x1B8, "<I", 7, "differs from another disk"),
        (TABLE, "<I", 4, "names block 4 of 4"),
        (TABLE, "<I", 1, "overlaps something else"),
    ],
)
def test_what_is_refused(offset, form, value, why):
    refused(patched(DYNAMIC, offset, form, value), why)


@pytest.mark.parametrize("keep", [0, 0x60, 513, MIB, 2 * MIB])
def test_files_that_are_cut(keep):
    refused(DYNAMIC[:keep], ".", "disk.vdi")


def test_a_disk_of_a_pebibyte():
    with pytest.raises(DiskFileTooLarge):
        formats.recognise(InMemory(patched(DYNAMIC, 0x170, "<Q", 1 << 50)))


def test_runs_check_for_themselves():
    with pytest.raises(formats.FileRefused, match="no VDI header"):
        drained(vdi.runs(InMemory(bytes(2048)), Bounds()))
