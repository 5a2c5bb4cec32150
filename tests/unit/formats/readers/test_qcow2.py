# SPDX-License-Identifier: Apache-2.0
"""qcow2 as ``qemu-img`` writes it is read back identical; what is damaged or made to do harm is refused."""

import struct

import pytest

from ims_glance import formats
from ims_glance.formats.found import Bounds
from ims_glance.formats.readers import qcow2
from ims_glance.formats.refusals import DiskFileTooLarge, FormatNotRead
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

SIZES = [512, 65536, 65536 * 5 + 512, 3 * MIB + 1536]
VARIANTS = {
    "plain": ((), False),
    "version 2": (("compat=0.10",), False),
    "clusters of 512": (("cluster_size=512",), False),
    "clusters of 4 KiB": (("cluster_size=4096",), False),
    "clusters of 2 MiB": (("cluster_size=2M",), False),
    "metadata first": (("preallocation=metadata",), False),
    "all preallocated": (("preallocation=full",), False),
    "lazy refcounts": (("lazy_refcounts=on",), False),
    "refcounts of a bit": (("refcount_bits=1",), False),
    "zlib": ((), True),
    "zlib in version 2": (("compat=0.10",), True),
    "zlib in 512": (("cluster_size=512",), True),
    "zlib in 2 MiB": (("cluster_size=2M",), True),
    "zstd": (("compression_type=zstd",), True),
    "zstd in 4 KiB": (("compression_type=zstd", "cluster_size=4096"), True),
}
SMALL = made(disk(300_032), "qcow2", "cluster_size=4096")
PACKED = made(disk(300_032), "qcow2", "cluster_size=4096", packed=True)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("size", SIZES)
def test_what_qemu_wrote_is_read_back(size, variant):
    options, packed = VARIANTS[variant]
    file = made(disk(size), "qcow2", *options, packed=packed)
    assert opened(file, "disk.qcow2") == disk(size)


def test_what_is_told_of_it():
    found = formats.recognise(InMemory(made(disk(), "qcow2", "compression_type=zstd", packed=True)))
    assert (found.format, found.virtual_size) == ("qcow2", len(disk()))
    assert found.facts == {"version": 3, "cluster_size": 65536, "compression": "zstd"}
    assert formats.recognise(InMemory(made(disk(), "qcow2", "compat=0.10"))).facts["version"] == 2


def test_holes_are_not_read():
    source = InMemory(made(disk(64 * MIB, 3), "qcow2"))
    found = formats.recognise(source)
    assert source.reads <= 5
    assert source.got < 400_000
    extents = list(formats.reader(source, found))
    assert joined(extents) == disk(64 * MIB, 3)
    assert source.got < source.size + 2 * MIB
    assert sum(isinstance(each, formats.ZeroRun) for each in extents) >= 5


def test_compressed_clusters_are_read_in_large_pieces():
    source = InMemory(made(disk(16 * MIB, 4), "qcow2", packed=True))
    found = formats.recognise(source)
    assert joined(formats.reader(source, found)) == disk(16 * MIB, 4)
    assert source.got < source.size + MIB


def test_zero_clusters():
    """Of version 3: what ``qemu-img`` makes of zeros over data, and of zeros without a place."""
    l1 = struct.unpack_from(">Q", SMALL, 40)[0]
    l2 = struct.unpack_from(">Q", SMALL, l1)[0] & 0x00FFFFFFFFFFFE00
    entry = struct.unpack_from(">Q", SMALL, l2)[0]
    for value in (entry | 1, 1):
        file = patched(SMALL, l2, ">Q", value)
        assert opened(file) == bytes(4096) + disk(300_032)[4096:]
        assert qemu_reads(file, "qcow2") == opened(file)
    old = made(disk(300_032), "qcow2", "cluster_size=4096", "compat=0.10")
    l2 = struct.unpack_from(">Q", old, struct.unpack_from(">Q", old, 40)[0])[0] & 0x00FFFFFFFFFFFE00
    refused(patched(old, l2, ">Q", 1), "which version 2 has not")


def test_a_snapshot_inside_is_left_out():
    file = patched(SMALL, 60, ">IQ", 2, 4096 * 4)
    assert formats.recognise(InMemory(file)).facts["snapshots_left_out"] == 2


def test_a_file_that_was_not_closed_is_read():
    file = patched(SMALL, 72, ">Q", 1)
    assert formats.recognise(InMemory(file)).facts["not_closed"] is True
    assert opened(file) == disk(300_032)


@pytest.mark.parametrize(
    ("offset", "form", "value", "why"),
    [
        (4, ">I", 4, "version 4"),
        (8, ">Q", 512, "backing file"),
        (20, ">I", 8, "2\\^8 bytes"),
        (20, ">I", 22, "2\\^22 bytes"),
        (24, ">Q", 0, "empty"),
        (32, ">I", 1, "encrypted inside"),
        (32, ">I", 2, "encrypted inside"),
        (36, ">I", 0, "L1 table of 0"),
        (36, ">I", 1 << 31, "L1 table of"),
        (40, ">Q", 4097, "do not begin at clusters"),
        (40, ">Q", 0, "overlaps its header"),
        (40, ">Q", 1 << 40, "ends before its end"),
        (48, ">Q", 1 << 40, "ends before its end"),
        (72, ">Q", 4, "data are in another file"),
        (72, ">Q", 2, "marked as damaged"),
        (72, ">Q", 16, "extended L2"),
        (72, ">Q", 1 << 40, "features that are not known"),
        (72, ">Q", 8, "compressed in a way"),
        (100, ">I", 20, "header cannot have 20 bytes"),
        (104, ">B", 1, "compressed in a way"),
        (112, ">II", (0x44415441, 8), "names a file for its data"),
        (112, ">II", (0xE2792ACA, 1 << 30), "longer than its first cluster"),
    ],
)
def test_headers_that_are_refused(offset, form, value, why):
    refused(patched(SMALL, offset, form, *(value if isinstance(value, tuple) else (value,))), why)


@pytest.mark.parametrize(
    "backing", ["/etc/passwd", 'json:{"driver":"file","filename":"/etc/passwd"}']
)
def test_names_of_other_files_are_never_followed(backing):
    file = patched(SMALL, 8, ">QI", 512, len(backing))
    refused(file[:512] + backing.encode() + file[512 + len(backing) :], "backing file")


def test_extended_l2_entries_are_told_by_their_name():
    file = made(disk(), "qcow2", "extended_l2=on", "cluster_size=65536")
    assert isinstance(refused(file, "extended_l2=off"), FormatNotRead)


def test_a_disk_of_a_pebibyte():
    bomb = patched(SMALL, 24, ">Q", 1 << 50)
    with pytest.raises(DiskFileTooLarge, match="1125899906842624 bytes"):
        formats.recognise(InMemory(bomb))
    with pytest.raises(DiskFileTooLarge):
        formats.recognise(InMemory(SMALL), bounds=Bounds(virtual_size=300_000))


def test_a_changed_file_is_refused_when_it_is_read():
    found = formats.recognise(InMemory(SMALL))
    bigger = patched(SMALL, 24, ">Q", 301_056)
    with pytest.raises(DiskFileTooLarge):
        list(formats.reader(InMemory(bigger), found))


def _table(file):
    l1 = struct.unpack_from(">Q", file, 40)[0]
    return l1, struct.unpack_from(">Q", file, l1)[0] & 0x00FFFFFFFFFFFE00


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (4097 << 9 | 1 << 63, "does not begin at a cluster"),
        (1 << 45, "ends before its end"),
        (4096 * 1000, "ends before its end"),
    ],
)
def test_places_outside_of_the_file(value, why):
    l1, l2 = _table(SMALL)
    refused(patched(SMALL, l1, ">Q", value), why)
    refused(patched(SMALL, l2, ">Q", value), why)


def test_tables_that_overlap():
    l1, l2 = _table(SMALL)
    refused(patched(SMALL, l1, ">Q", l1), "an L2 table at byte .* overlaps its L1 table")
    refused(patched(SMALL, l2, ">Q", l1), "a cluster at byte .* overlaps its L1 table")
    refused(patched(SMALL, l2, ">Q", l2), "a cluster at byte .* overlaps something else")
    first = struct.unpack_from(">Q", SMALL, l2)[0]
    refused(patched(SMALL, l2 + 8, ">Q", first), "a cluster at byte .* overlaps something else")
    wide = made(disk(300_032), "qcow2", "cluster_size=512")
    l1, l2 = _table(wide)
    refused(patched(wide, l1 + 8, ">Q", l2), "an L2 table at byte .* overlaps something else")


def test_compressed_clusters_that_are_damaged():
    _l1, l2 = _table(PACKED)
    refused(patched(PACKED, l2, ">Q", (1 << 62) | 1), "a compressed cluster at byte 1 overlaps")
    refused(patched(PACKED, l2, ">Q", (1 << 62) | (1 << 40)), "compressed cluster should lie")
    refused(patched(PACKED, l2, ">Q", (1 << 62) | l2), "cannot be expanded|expands to")


@pytest.mark.parametrize("keep", [0, 3, 60, 4096, 4096 * 3, 4096 * 5, 4096 * 20])
def test_files_that_are_cut(keep):
    refused(SMALL[:keep], ".", "disk.qcow2")


def test_the_last_cluster_may_end_with_the_disk():
    _l1, l2 = _table(SMALL)
    last = struct.unpack_from(">Q", SMALL, l2 + 300_032 // 4096 * 8)[0] & 0x00FFFFFFFFFFFE00
    assert last + 4096 == len(SMALL)
    assert opened(SMALL[: last + 300_032 % 4096]) == disk(300_032)
    refused(SMALL[: last + 300_032 % 4096 - 1], "a cluster should lie")


def test_what_cannot_be_seen_at_once_is_seen_when_it_is_read():
    _l1, l2 = _table(SMALL)
    file = patched(SMALL, l2, ">Q", 1 << 45)
    formats.recognise(InMemory(file))
    with pytest.raises(formats.FileRefused):
        drained(qcow2.runs(InMemory(file), Bounds()))


def test_runs_check_for_themselves():
    with pytest.raises(formats.FileRefused, match="no qcow2 header"):
        drained(qcow2.runs(InMemory(bytes(2048)), Bounds()))
