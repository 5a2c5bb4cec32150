# SPDX-License-Identifier: Apache-2.0
"""QED as ``qemu-img`` writes it is read back identical; what is damaged or made to do harm is refused."""

import struct

import pytest

from ims_glance import formats
from ims_glance.formats.found import Bounds
from ims_glance.formats.readers import qed
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
    qemu_reads,
    refused,
)

OPTIONS = [(), ("cluster_size=16384",), ("cluster_size=1M", "table_size=2"), ("table_size=16",)]
FILE = made(disk(), "qed")
L1 = struct.unpack_from("<Q", FILE, 40)[0]
L2 = struct.unpack_from("<Q", FILE, L1)[0]


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("size", [512, 65536 * 5 + 512, 3 * MIB + 1536])
def test_what_qemu_wrote_is_read_back(size, options):
    assert opened(made(disk(size), "qed", *options), "disk.qed") == disk(size)


def test_what_is_told_of_it():
    source = InMemory(FILE)
    found = formats.recognise(source)
    assert (found.format, found.virtual_size) == ("qed", len(disk()))
    assert found.facts == {"cluster_size": 65536}
    assert source.reads <= 3
    assert formats.recognise(InMemory(patched(FILE, 16, "<Q", 2))).facts["not_closed"] is True


def test_holes_are_not_read():
    source = InMemory(made(disk(64 * MIB, 3), "qed"))
    found = formats.recognise(source)
    assert joined(formats.reader(source, found)) == disk(64 * MIB, 3)
    assert source.got < source.size + MIB


def test_zero_clusters():
    file = patched(FILE, L2, "<Q", 1)
    assert opened(file) == bytes(65536) + disk()[65536:] == qemu_reads(file, "qed")


@pytest.mark.parametrize(
    ("offset", "form", "value", "why"),
    [
        (4, "<I", 2048, "clusters cannot be of 2048"),
        (4, "<I", 5000, "clusters cannot be of 5000"),
        (4, "<I", 1 << 31, "clusters cannot be of"),
        (8, "<I", 0, "tables cannot be of 0"),
        (8, "<I", 3, "tables cannot be of 3"),
        (8, "<I", 32, "tables cannot be of 32"),
        (12, "<I", 0, "begin at clusters"),
        (12, "<I", 1 << 30, "header should lie"),
        (16, "<Q", 1, "backing file"),
        (16, "<Q", 4, "backing file"),
        (16, "<Q", 8, "features that are not known"),
        (40, "<Q", 0, "overlaps its header"),
        (40, "<Q", 65537, "begin at clusters"),
        (40, "<Q", 1 << 40, "L1 table should lie"),
        (48, "<Q", 0, "empty"),
        (48, "<Q", 513, "no whole sectors"),
        (L1, "<Q", L1, "an L2 table at byte .* overlaps its L1 table"),
        (L1, "<Q", L2 + 1, "begin at a cluster"),
        (L1, "<Q", 1 << 40, "an L2 table should lie"),
        (L2, "<Q", L1, "a cluster at byte .* overlaps its L1 table"),
        (L2, "<Q", L2, "overlaps something else"),
        (L2, "<Q", 1 << 40, "a cluster should lie"),
        (L2 + 8, "<Q", struct.unpack_from("<Q", FILE, L2)[0], "overlaps something else"),
    ],
)
def test_what_is_refused(offset, form, value, why):
    refused(patched(FILE, offset, form, value), why)


@pytest.mark.parametrize("keep", [0, 20, 65536, L2, L2 + 4 * 65536 + 1])
def test_files_that_are_cut(keep):
    refused(FILE[:keep], ".", "disk.qed")


def test_a_disk_of_a_pebibyte():
    with pytest.raises(DiskFileTooLarge):
        formats.recognise(InMemory(patched(FILE, 48, "<Q", 1 << 50)))


def test_tables_that_are_too_small():
    file = made(disk(), "qed", "cluster_size=16384", "table_size=2")
    refused(patched(file, 48, "<Q", 1 << 40), "too small for its disk")


def test_runs_check_for_themselves():
    with pytest.raises(formats.FileRefused, match="no QED header"):
        drained(qed.runs(InMemory(bytes(2048)), Bounds()))
