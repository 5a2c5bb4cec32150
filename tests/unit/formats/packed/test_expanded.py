# SPDX-License-Identifier: Apache-2.0
"""Disk files in gz and zst are read in one pass, without being unpacked anywhere."""

import gzip
from collections.abc import Callable

import pytest
import zstandard

from ims_glance import formats
from ims_glance.formats.found import Bounds
from ims_glance.formats.packed.expanded import Expanded
from ims_glance.formats.refusals import DiskFileTooLarge, FileRefused, FormatNotRead
from tests.unit.formats import archives, zvhd_files
from tests.unit.formats.files import MIB, InMemory, disk, joined, made, patched

RAW = disk(5 * MIB + 512)
PACK: dict[str, Callable[[bytes], bytes]] = {"gz": gzip.compress, "zst": zstandard.compress}
INSIDE = {
    "raw": RAW,
    "qcow2": made(RAW, "qcow2"),
    "qcow2 small": made(RAW, "qcow2", "cluster_size=512"),
    "vhd": made(RAW, "vpc", "force_size=on"),
    "vhd fixed": made(RAW, "vpc", "subformat=fixed", "force_size=on"),
    "vmdk": made(RAW, "vmdk"),
    "vmdk stream": made(RAW, "vmdk", "subformat=streamOptimized"),
    "vdi": made(RAW, "vdi"),
    "vhdx": made(RAW, "vhdx", "block_size=1M"),
    "qed": made(RAW, "qed"),
    "zvhd": zvhd_files.zvhd(RAW),
}
kinds = pytest.mark.parametrize("kind", PACK)


def opened(data, name=None, bounds=None):
    source = InMemory(data)
    found = formats.recognise(source, name, bounds=bounds)
    return found, joined(formats.reader(source, found, bounds=bounds), found.virtual_size)


@kinds
@pytest.mark.parametrize("inside", INSIDE)
def test_what_is_inside_is_read(inside, kind):
    found, got = opened(PACK[kind](INSIDE[inside]), f"disk.{inside.split()[0]}.{kind}")
    assert got == RAW
    assert found.outer == kind


@kinds
def test_small_disks_tell_their_size(kind):
    """Their end is reached when they are looked at."""
    small = disk(20_480)
    assert opened(PACK[kind](small)) == (
        formats.FormatFound("raw", 20_480, {"partitions": "mbr"}, kind),
        small,
    )
    fixed = made(small, "vpc", "subformat=fixed", "force_size=on")
    found, got = opened(PACK[kind](fixed), f"disk.vhd.{kind}")
    assert (found.format, got) == ("vhd", small)


@kinds
def test_large_raw_disks_do_not(kind):
    assert opened(PACK[kind](RAW))[0].virtual_size is None


@kinds
@pytest.mark.parametrize("inside", ["raw", "qcow2", "vmdk stream"])
def test_it_is_read_once(inside, kind):
    source = InMemory(PACK[kind](INSIDE[inside]))
    found = formats.recognise(source)
    source.got = 0
    for _ in formats.reader(source, found):
        pass
    assert source.got <= source.size + MIB


@kinds
def test_a_bomb(kind):
    small = Bounds(virtual_size=4 * MIB)
    with pytest.raises(DiskFileTooLarge):
        opened(PACK[kind](RAW), bounds=small)
    with pytest.raises(DiskFileTooLarge):
        opened(PACK[kind](INSIDE["qcow2"]), bounds=small)


@kinds
def test_what_expands_without_end(kind, monkeypatch):
    monkeypatch.setattr("ims_glance.formats.packed.expanded._OVERHEAD", 0)
    padded = INSIDE["qcow2"] + bytes(20 * MIB)
    with pytest.raises(DiskFileTooLarge, match="expands to more than"):
        opened(PACK[kind](padded), bounds=Bounds(virtual_size=6 * MIB))


@kinds
def test_files_that_are_cut_or_damaged_behind_the_disk(kind):
    for inside in ("raw", "qcow2"):
        packed = PACK[kind](INSIDE[inside])
        with pytest.raises(FileRefused):
            opened(packed[:-2])
        with pytest.raises(FileRefused):
            opened(packed + b"something")


@kinds
def test_what_is_not_read_in_something_else(kind):
    pack = PACK[kind]
    for inside in (pack(RAW), archives.ova({"a.raw": RAW}), zvhd_files.zvhd2(RAW)):
        with pytest.raises(FormatNotRead, match=f" in {kind}"):
            opened(pack(inside))


@kinds
def test_names_and_what_is_inside(kind):
    with pytest.raises(FileRefused, match=r"its name ends in '\.vmdk'"):
        opened(PACK[kind](RAW), f"disk.vmdk.{kind}")
    assert opened(PACK[kind](RAW), f"disk.raw.{kind}")[1] == RAW
    assert opened(PACK[kind](RAW), "disk.img")[1] == RAW
    with pytest.raises(FileRefused, match="its name ends in"):
        opened(RAW, f"disk.raw.{kind}")


@kinds
def test_attacks_inside_are_refused(kind):
    backing = patched(INSIDE["qcow2"], 8, ">Q", 512)
    with pytest.raises(FileRefused, match="backing file"):
        opened(PACK[kind](backing))


@kinds
def test_a_fixed_vhd_that_is_cut(kind):
    fixed = INSIDE["vhd fixed"]
    with pytest.raises(FileRefused, match="of a disk of"):
        opened(PACK[kind](fixed[MIB:]))


@kinds
def test_going_back(kind):
    plain = disk(24 * MIB, 3)
    source = Expanded(InMemory(PACK[kind](plain)), kind, Bounds())
    assert source.open_ended
    assert source.read(20 * MIB, 100) == plain[20 * MIB :][:100]
    assert source.read(14 * MIB, 100) == plain[14 * MIB :][:100]
    for number in range(5):
        assert source.read(number, 100) == plain[number : number + 100]
        source.read(23 * MIB, 1)
    with pytest.raises(FormatNotRead, match="in such an order"):
        source.read(0, 100)


@kinds
def test_the_end(kind):
    source = Expanded(InMemory(PACK[kind](b"abc")), kind, Bounds())
    assert source.size > 1 << 40
    assert source.read(0, 100) == b"abc"
    assert (source.size, source.open_ended) == (3, False)
    assert source.read(3, 5) == b""


@kinds
def test_little_is_kept(kind):
    plain = bytes(24 * MIB)
    source = Expanded(InMemory(PACK[kind](plain)), kind, Bounds())
    for offset in range(0, len(plain), MIB):
        source.read(offset, MIB)
    assert sum(map(len, source._kept)) <= 10 * MIB
