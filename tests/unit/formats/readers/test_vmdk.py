# SPDX-License-Identifier: Apache-2.0
"""VMDK as ``qemu-img`` writes it is read back identical; what is damaged or made to do harm is refused."""

import gzip
import struct
import zlib

import pytest

from ims_glance import formats
from ims_glance.formats.found import Bounds
from ims_glance.formats.readers import vmdk
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
VARIANTS = ["subformat=streamOptimized", "compat6=on", "zeroed_grain=on", "adapter_type=lsilogic"]
SPARSE = made(disk(300_032), "vmdk")
STREAM = made(disk(300_032), "vmdk", "subformat=streamOptimized")


@pytest.mark.parametrize("option", VARIANTS)
@pytest.mark.parametrize("size", SIZES)
def test_what_qemu_wrote_is_read_back(size, option):
    assert opened(made(disk(size), "vmdk", option), "disk.vmdk") == disk(size)


def test_what_is_told_of_it():
    source = InMemory(SPARSE)
    found = formats.recognise(source)
    assert (found.format, found.virtual_size) == ("vmdk", 300_032)
    assert found.facts == {"subformat": "monolithicSparse", "grain_size": 65536}
    assert source.reads <= 4
    assert formats.recognise(InMemory(STREAM)).facts["subformat"] == "streamOptimized"
    unclean = patched(SPARSE, 72, "B", 1)
    assert formats.recognise(InMemory(unclean)).facts["not_closed"] is True


@pytest.mark.parametrize("options", [(), ("subformat=streamOptimized",)])
def test_it_is_read_once(options):
    source = InMemory(made(disk(40 * MIB, 3), "vmdk", *options))
    found = formats.recognise(source)
    assert joined(formats.reader(source, found)) == disk(40 * MIB, 3)
    assert source.got < source.size + MIB


def test_zero_grains():
    file = made(disk(300_032), "vmdk", "zeroed_grain=on")
    table = struct.unpack_from("<I", file, struct.unpack_from("<Q", file, 56)[0] * 512)[0] * 512
    zeroed = patched(file, table, "<I", 1)
    assert opened(zeroed) == bytes(65536) + disk(300_032)[65536:]
    assert qemu_reads(zeroed, "vmdk") == opened(zeroed)
    refused(patched(SPARSE, table, "<I", 1), "overlaps its descriptor")


@pytest.mark.parametrize(
    ("offset", "form", "value", "why"),
    [
        (4, "<I", 4, "version 4"),
        (8, "<I", 1 << 16 | 3, "the same kind"),
        (8, "<I", 1 << 17 | 3, "the same kind"),
        (12, "<Q", 0, "empty"),
        (12, "<Q", 599, "different sizes"),
        (20, "<Q", 0, "0 sectors"),
        (20, "<Q", 4, "4 sectors"),
        (20, "<Q", 100, "100 sectors"),
        (20, "<Q", 1 << 40, "sectors"),
        (28, "<Q", 0, "several files"),
        (28, "<Q", 2, "several files"),
        (36, "<Q", 0, "several files"),
        (36, "<Q", 1 << 30, "several files"),
        (44, "<I", 0, "0 entries"),
        (44, "<I", 513, "513 entries"),
        (56, "<Q", 0, "overlaps its header"),
        (56, "<Q", 5, "overlaps its descriptor"),
        (56, "<Q", 1 << 40, "directory should lie"),
        (56, "<Q", (1 << 64) - 1, "directory should lie"),
        (73, "<4s", b"\r\n \n", "line ends were changed"),
    ],
)
def test_headers_that_are_refused(offset, form, value, why):
    refused(patched(SPARSE, offset, form, value), why)


def test_streams_that_are_refused():
    refused(patched(STREAM, 8, "<I", 3), "the same kind")
    refused(patched(STREAM, 77, "<H", 2), "number 2")
    refused(patched(STREAM, 64, "<Q", 3), "before its header ends")


def test_what_is_behind_a_stream_is_seen_also_if_its_last_grain_ends_the_disk():
    assert disk(300_032)[-512:].count(0) < 512
    refused(STREAM + b"\1".ljust(512, b"\0") + bytes(512), "behind its end mark")


def test_kinds_in_several_files():
    flat = b'# Disk DescriptorFile\nversion=1\ncreateType="monolithicFlat"\nRW 600 FLAT "/etc/passwd" 0\n'
    assert isinstance(refused(flat, "data are in other files"), FormatNotRead)
    text = b'createType="monolithicFlat"'
    start = SPARSE.index(b"createType=")
    file = SPARSE[:start] + text + SPARSE[start + len(b'createType="monolithicSparse"') :]
    assert isinstance(refused(file, "kind 'monolithicflat'"), FormatNotRead)
    refused(b"COWD" + bytes(1000), "ESX host")
    refused(b"\xbe\xba\xfe\xca" + bytes(1000), "SESparse")


def test_an_extent_that_is_a_file_of_the_host():
    start = SPARSE.index(b'SPARSE "') + len(b'SPARSE "')
    end = SPARSE.index(b'"', start)
    name = b"/etc/passwd"[: end - start].ljust(end - start, b"x")
    refused(SPARSE[:start] + name + SPARSE[end:], "not in this file")


def _tables(file):
    directory = struct.unpack_from("<Q", file, 56)[0] * 512
    return directory, struct.unpack_from("<I", file, directory)[0] * 512


def test_tables_and_grains_that_overlap():
    directory, table = _tables(SPARSE)
    grain = struct.unpack_from("<I", SPARSE, table)[0]
    refused(
        patched(SPARSE, directory, "<I", 1), "a grain table at byte 512 overlaps its descriptor"
    )
    refused(patched(SPARSE, table, "<I", 1), "a grain at byte 512 overlaps its descriptor")
    refused(patched(SPARSE, table + 4, "<I", grain), "a grain at byte .* overlaps something else")
    refused(patched(SPARSE, table, "<I", 1 << 30), "a grain should lie")
    refused(patched(SPARSE, directory, "<I", 1 << 30), "a grain table should lie")
    wide = made(disk(40 * MIB, 3), "vmdk")
    directory, table = _tables(wide)
    refused(patched(wide, directory + 4, "<I", table // 512), "a grain table at byte .* overlaps")


@pytest.mark.parametrize("file", [SPARSE, STREAM])
@pytest.mark.parametrize("keep", [0, 100, 600, 11_000, 70_000, 100_100])
def test_files_that_are_cut(file, keep):
    refused(file[:keep], ".", "disk.vmdk")


def test_a_disk_of_a_pebibyte():
    bomb = patched(SPARSE, 12, "<Q", 1 << 41)
    with pytest.raises(DiskFileTooLarge):
        formats.recognise(InMemory(bomb))


def test_runs_check_for_themselves():
    with pytest.raises(formats.FileRefused, match="no VMDK header"):
        drained(vmdk.runs(InMemory(bytes(2048)), Bounds()))


def as_of_esx(raw: bytes) -> bytes:
    """A stream as ESX exports it: its directory is at the end, after the grains, and a footer says where."""
    grain, size = 65536, len(raw)
    text = STREAM[512 : 512 * 21].split(b"\0")[0]
    text = text.replace(b"RW 586 ", b"RDONLY %d " % (size // 512))
    header = bytearray(STREAM[:512])
    struct.pack_into("<Q", header, 12, size // 512)
    struct.pack_into("<QQQ", header, 48, 0, (1 << 64) - 1, 128)
    out = bytes(header) + text.ljust(512 * 127, b"\0")
    places = []
    for start in range(0, size, grain):
        block = raw[start : start + grain].ljust(grain, b"\0")
        places.append(len(out) // 512 if any(block) else 0)
        if any(block):
            packed = zlib.compress(block)
            data = struct.pack("<QI", start // 512, len(packed)) + packed
            out += data + bytes(-len(data) % 512)
    marker = struct.Struct("<QII496x")
    out += marker.pack(4, 0, 1)
    table = len(out) // 512
    out += struct.pack(f"<{len(places)}I", *places).ljust(2048, b"\0") + marker.pack(1, 0, 2)
    struct.pack_into("<Q", header, 56, len(out) // 512)
    out += struct.pack("<I", table).ljust(512, b"\0") + marker.pack(1, 0, 3)
    return out + bytes(header) + bytes(512)


def test_streams_whose_directory_is_at_the_end():
    file = as_of_esx(disk(300_032))
    assert qemu_reads(file, "vmdk") == disk(300_032) == opened(file, "disk.vmdk")
    assert opened(gzip.compress(file), "disk.vmdk.gz") == disk(300_032)
    source = InMemory(file)
    for _ in formats.reader(source, formats.recognise(source)):
        pass
    assert source.reads <= 6
    # What the footer says of the descriptor, which a reader of the directory would believe.
    refused(patched(file, len(file) - 1024 + 28, "<Q", 9), "inspector says")
    refused(file[:-512], "inspector says|no end mark")
