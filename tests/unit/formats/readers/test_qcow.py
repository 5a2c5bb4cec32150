# SPDX-License-Identifier: Apache-2.0
"""The first qcow as ``qemu-img`` writes it is read back identical; what is damaged is refused."""

import struct

import pytest

from ims_glance import formats
from ims_glance.formats.found import Bounds
from ims_glance.formats.readers import qcow
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

FILE = made(disk(), "qcow")
PACKED = made(disk(), "qcow", packed=True)
L1 = struct.unpack_from(">Q", FILE, 40)[0]
L2 = struct.unpack_from(">Q", FILE, L1)[0]


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("size", [512, 4096 * 5 + 512, 3 * MIB + 1536])
def test_what_qemu_wrote_is_read_back(size, packed):
    assert opened(made(disk(size), "qcow", packed=packed), "disk.qcow") == disk(size)


def test_what_is_told_of_it():
    source = InMemory(FILE)
    found = formats.recognise(source)
    assert (found.format, found.virtual_size) == ("qcow", len(disk()))
    assert found.facts == {"cluster_size": 4096}
    assert source.reads <= 3


@pytest.mark.parametrize("packed", [False, True])
def test_it_is_read_about_once(packed):
    source = InMemory(made(disk(16 * MIB, 4), "qcow", packed=packed))
    found = formats.recognise(source)
    assert joined(formats.reader(source, found)) == disk(16 * MIB, 4)
    assert source.got < 1.5 * source.size + MIB


@pytest.mark.parametrize(
    ("offset", "form", "value", "why"),
    [
        (8, ">Q", 512, "backing file"),
        (16, ">I", 5, "backing file"),
        (24, ">Q", 0, "empty"),
        (32, ">B", 8, "clusters cannot be of"),
        (32, ">B", 17, "clusters cannot be of"),
        (33, ">B", 5, "tables cannot be of"),
        (33, ">B", 14, "tables cannot be of"),
        (36, ">I", 1, "encrypted inside"),
        (40, ">Q", 0, "overlaps its header"),
        (40, ">Q", 1 << 40, "L1 table should lie"),
        (L1, ">Q", L1, "an L2 table at byte .* overlaps its L1 table"),
        (L1, ">Q", 1 << 40, "an L2 table should lie"),
        (L1 + 8, ">Q", L2, "an L2 table at byte .* overlaps"),
        (L2, ">Q", L1, "a cluster at byte .* overlaps its L1 table"),
        (L2, ">Q", 1 << 40, "a cluster should lie"),
        (L2, ">Q", 1 << 63 | 1 << 40, "should lie at byte"),
        (L2, ">Q", 1 << 63 | 100 << 51, "overlaps its header"),
        (L2, ">Q", 1 << 63 | 100 << 51 | L2, "cannot be expanded|expands to"),
        (L2 + 8, ">Q", struct.unpack_from(">Q", FILE, L2)[0], "overlaps something else"),
    ],
)
def test_what_is_refused(offset, form, value, why):
    refused(patched(FILE, offset, form, value), why)


@pytest.mark.parametrize("file", [FILE, PACKED])
@pytest.mark.parametrize("keep", [0, 20, 50, 4096, 10_000, 30_000])
def test_files_that_are_cut(file, keep):
    refused(file[:keep], ".", "disk.qcow")


def test_a_disk_of_a_pebibyte():
    bomb = patched(FILE, 24, ">Q", 1 << 50)
    with pytest.raises(DiskFileTooLarge):
        formats.recognise(InMemory(bomb))
    with pytest.raises(formats.FileRefused, match="L1 table is too large"):
        formats.recognise(InMemory(bomb), bounds=Bounds(virtual_size=1 << 60))


def test_runs_check_for_themselves():
    with pytest.raises(formats.FileRefused, match="no header of the first qcow"):
        drained(qcow.runs(InMemory(bytes(2048)), Bounds()))
