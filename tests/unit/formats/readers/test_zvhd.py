# SPDX-License-Identifier: Apache-2.0
"""zvhd as the published driver lays it out is read back identical; what is damaged is refused."""

import struct
import zlib

import pytest

from ims_glance import formats
from ims_glance.formats.found import Bounds
from ims_glance.formats.readers import zvhd
from ims_glance.formats.refusals import DiskFileTooLarge
from tests.unit.formats import zvhd_files
from tests.unit.formats.files import MIB, InMemory, disk, drained, joined, opened, patched, refused

RAW = disk(9 * MIB)
FILE = zvhd_files.zvhd(RAW)
HEADER = FILE[:4096]


@pytest.mark.parametrize("size", [512, 2 * MIB, 9 * MIB])
def test_what_was_written_is_read_back(size):
    assert opened(zvhd_files.zvhd(disk(size)), "disk.zvhd") == disk(size)


def test_what_is_told_of_it():
    source = InMemory(FILE)
    found = formats.recognise(source)
    assert (found.format, found.virtual_size) == ("zvhd", len(RAW))
    assert found.facts == {"original_size": len(RAW)}
    assert source.reads <= 3


def test_it_is_read_once():
    source = InMemory(zvhd_files.zvhd(disk(24 * MIB, 3)))
    found = formats.recognise(source)
    assert joined(formats.reader(source, found)) == disk(24 * MIB, 3)
    assert source.got < source.size + MIB


def test_a_disk_of_zeros():
    assert opened(zvhd_files.zvhd(bytes(5 * MIB))) == bytes(5 * MIB)


def sealed(offset, form, value):
    """The file with another field in both headers."""
    head = zvhd_files.resealed(patched(HEADER, offset, form, value))
    return head + FILE[4096:-4096] + head


@pytest.mark.parametrize(
    ("offset", "form", "value", "why"),
    [
        (12, "<I", 2, "version 0x2"),
        (48, "<Q", 0, "empty"),
        (48, "<Q", 513, "no whole sectors"),
        (48, "<Q", 2 * MIB, "no place of the disk"),
        (60, "<I", 3, "type 3"),
    ],
)
def test_headers_that_are_refused(offset, form, value, why):
    refused(sealed(offset, form, value), why)


def test_headers_that_are_damaged_or_not_alike():
    refused(patched(FILE, 40, "<Q", 1), "wrong checksum")
    head = zvhd_files.resealed(patched(HEADER, 40, "<Q", 1))
    refused(head + FILE[4096:], "not alike")


def test_a_disk_of_a_pebibyte():
    with pytest.raises(DiskFileTooLarge):
        formats.recognise(InMemory(sealed(48, "<Q", 1 << 50)))


def records(*chosen):
    return HEADER + b"".join(chosen) + HEADER


PACKED = zlib.compress(bytes(2 * MIB))


@pytest.mark.parametrize(
    ("file", "why"),
    [
        (records(zvhd_files.record(9, PACKED)), "no place of the disk"),
        (records(zvhd_files.record(0, b"\xff" * 100)), "cannot be expanded"),
        (records(zvhd_files.record(0, PACKED[:-40])), "does not expand"),
        (records(zvhd_files.record(0, zlib.compress(bytes(2 * MIB + 1)))), "does not expand"),
        (records(zvhd_files.record(0, zlib.compress(bytes(2 * MIB - 1)))), "does not expand"),
        (records(zvhd_files.record(0, b"x" * (3 * MIB))), "cannot have 3145728 bytes"),
        (records(zvhd_files.record(0, PACKED)[:-4] + b"end!"), "no end mark"),
        (records(b"x" * 4096), "something else is where a record should be"),
        (FILE + b"x", "no end mark|header"),
        (FILE + FILE, "data behind its end mark"),
    ],
)
def test_records_that_are_damaged(file, why):
    refused(file, why)


def test_records_in_rising_order():
    one = FILE[4096:-4096]
    refused(records(one, one), "not in rising order")


@pytest.mark.parametrize(
    "keep", [0, 3, 4096, 5000, len(FILE) // 2, len(FILE) - 4096, len(FILE) - 1]
)
def test_files_that_are_cut(keep):
    refused(FILE[:keep], ".", "disk.zvhd")


def test_a_record_that_ends_too_early():
    size = struct.pack("<I", 2 * MIB)
    refused(FILE[: 4096 + 12] + size + FILE[4096 + 16 :], "not there as a whole|no end mark")


def test_runs_check_for_themselves():
    with pytest.raises(formats.FileRefused, match="no header where one should be"):
        drained(zvhd.runs(InMemory(bytes(8192)), Bounds()))
