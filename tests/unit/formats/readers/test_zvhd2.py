# SPDX-License-Identifier: Apache-2.0
"""zvhd2 as the published driver lays it out is read back identical; what is damaged is refused."""

import struct

import pytest

from ims_glance import formats
from ims_glance.formats.found import Bounds
from ims_glance.formats.readers import zvhd2
from ims_glance.formats.refusals import DiskFileTooLarge
from tests.unit.formats import zvhd_files
from tests.unit.formats.files import MIB, InMemory, disk, drained, joined, opened, patched, refused

RAW = disk(9 * MIB)
FILE = zvhd_files.zvhd2(RAW)
END = len(FILE) - 4096
INDEX = struct.unpack_from("<Q", FILE, END + 96)[0]


@pytest.mark.parametrize("method", [0, 1, 2])
@pytest.mark.parametrize("size", [512, 2 * MIB, 9 * MIB])
def test_what_was_written_is_read_back(size, method):
    assert opened(zvhd_files.zvhd2(disk(size), method=method), "disk.zvhd2") == disk(size)


def test_what_is_told_of_it():
    source = InMemory(FILE)
    found = formats.recognise(source)
    assert (found.format, found.virtual_size) == ("zvhd2", len(RAW))
    assert found.facts == {"original_size": len(RAW), "compression": "zstd"}
    assert source.reads <= 3
    packed = InMemory(zvhd_files.zvhd2(RAW, method=0))
    assert formats.recognise(packed).facts["compression"] == "zlib"


def test_it_is_read_about_once():
    source = InMemory(zvhd_files.zvhd2(disk(24 * MIB, 3)))
    found = formats.recognise(source)
    assert joined(formats.reader(source, found)) == disk(24 * MIB, 3)
    assert source.got < source.size + 2 * MIB


def test_a_disk_of_zeros():
    assert opened(zvhd_files.zvhd2(bytes(5 * MIB))) == bytes(5 * MIB)


def tail(offset, form, value):
    return FILE[:END] + zvhd_files.resealed(patched(FILE[END:], offset, form, value))


@pytest.mark.parametrize(
    ("offset", "form", "value", "why"),
    [
        (40, "<Q", 1, "not alike"),
        (87, "<B", 2, "version 2"),
        (88, "<I", 1 << 20, "blocks of 1048576"),
        (92, "<I", 1, "do not fit its disk"),
        (96, "<Q", 0, "overlaps its header"),
        (96, "<Q", 1 << 40, "index should lie"),
        (104, "<Q", INDEX, "overlaps its index"),
        (112, "<I", 1 << 31, "index should lie"),
        (112, "<I", 16, "too short for its records"),
        (136, "<I", 1 << 30, "do not fit its disk"),
        (140, "<B", 1, "kind that is not known"),
        (141, "<B", 2, "compression 2"),
    ],
)
def test_tails_that_are_refused(offset, form, value, why):
    refused(tail(offset, form, value), why)


def test_headers_that_are_damaged_or_missing():
    refused(patched(FILE, END + 40, "<Q", 1), "wrong checksum")
    refused(FILE[:END] + bytes(4096), "no header at its end")
    refused(FILE + bytes(512), "no header at its end")


@pytest.mark.parametrize(
    ("offset", "form", "value", "why"),
    [
        (INDEX, "<Q", 0, "out of its order"),
        (INDEX, "<Q", INDEX, "out of its order"),
        (INDEX, "<Q", 1 << 60, "out of its order"),
        (INDEX, "<Q", 4097, "is not that of block"),
        (INDEX + 8, "<I", 1 << 30, "out of its order"),
        (INDEX + 8, "<I", 1, "is not that of block|out of its order"),
        (INDEX + 16, "<Q", 4096, "out of its order"),
        (INDEX + 24, "<I", 0, "out of its order"),
        (4096 + 12, "<I", 3 * MIB, "is not that of block"),
        (4096 + 12, "<I", 1, "cannot be expanded|expands to"),
        (4096 + 48, "<Q", 1, "cannot be expanded|expands to"),
    ],
)
def test_records_that_are_damaged(offset, form, value, why):
    refused(patched(FILE, offset, form, value), why)


def test_records_that_overlap():
    """The index names one record for two blocks."""
    first = FILE[INDEX : INDEX + 8]
    refused(FILE[: INDEX + 16] + first + FILE[INDEX + 24 :], "out of its order")


@pytest.mark.parametrize("keep", [0, 3, 4096, 8192, len(FILE) // 2, END, len(FILE) - 1])
def test_files_that_are_cut(keep):
    refused(FILE[:keep], ".", "disk.zvhd2")


def test_a_disk_of_a_pebibyte():
    head = zvhd_files.resealed(patched(FILE[:4096], 48, "<Q", 1 << 50))
    file = head + tail(48, "<Q", 1 << 50)[4096:]
    with pytest.raises(DiskFileTooLarge):
        formats.recognise(InMemory(file))


def test_runs_check_for_themselves():
    with pytest.raises(formats.FileRefused, match="no header where one should be"):
        drained(zvhd2.runs(InMemory(bytes(8192)), Bounds()))
