# SPDX-License-Identifier: Apache-2.0
"""Strangers' disk files: recognised by their bytes, and read in rising order with little memory."""

import gzip
import tracemalloc

import pytest

from ims_glance import formats
from ims_glance.formats.source import PIECE
from tests.unit.formats import zvhd_files
from tests.unit.formats.archives import ova
from tests.unit.formats.files import MIB, InMemory, disk, joined, made, opened, refused

MADE = {
    "raw": bytes,
    "qcow2": lambda raw: made(raw, "qcow2"),
    "vhd": lambda raw: made(raw, "vpc", "force_size=on"),
    "vmdk": lambda raw: made(raw, "vmdk"),
    "vdi": lambda raw: made(raw, "vdi"),
    "vhdx": lambda raw: made(raw, "vhdx", "block_size=1M"),
    "qed": lambda raw: made(raw, "qed"),
    "qcow": lambda raw: made(raw, "qcow"),
    "zvhd": zvhd_files.zvhd,
    "zvhd2": zvhd_files.zvhd2,
}


def sample(name, raw):
    return MADE[name](raw)


@pytest.mark.parametrize("name", MADE)
def test_it_is_recognised_by_its_bytes(name):
    found = formats.recognise(InMemory(sample(name, disk())))
    assert (found.format, found.virtual_size) == (name, len(disk()))


@pytest.mark.parametrize("name", MADE)
def test_memory_does_not_grow_with_the_disk(name):
    raw = disk(32 * MIB, 3)
    source = InMemory(sample(name, raw))
    found = formats.recognise(source)
    tracemalloc.start()
    for extent in formats.reader(source, found):
        assert isinstance(extent, formats.ZeroRun) or extent.length <= PIECE
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 12 * MIB


def test_an_empty_file():
    refused(b"", "it is empty", "disk.raw")


def test_a_disk_of_zeros_is_one_run():
    source = InMemory(bytes(5 * MIB))
    found = formats.recognise(source)
    assert list(formats.reader(source, found)) == [formats.ZeroRun(0, 5 * MIB)]


def test_a_name_that_promises_more():
    refused(disk(), "its name ends in '.vmdk'", "disk.vmdk")
    assert opened(disk(), "disk.img") == disk()


def test_a_size_that_only_reading_tells():
    raw = disk()
    packed = InMemory(gzip.compress(raw))
    found = formats.recognise(packed)
    assert found.virtual_size is None
    assert formats.measured(packed, found).virtual_size == len(raw)
    known = formats.recognise(InMemory(raw))
    assert formats.measured(InMemory(raw), known) is known
    with pytest.raises(formats.FileRefused, match="at most"):
        formats.measured(packed, found, bounds=formats.Bounds(virtual_size=len(raw) - 1))


def test_sizes_of_disks_in_an_archive():
    raw = disk()
    archive = InMemory(ova({"a.raw.gz": gzip.compress(raw), "b.raw": raw}))
    found = formats.measured(archive, formats.recognise(archive))
    assert found.virtual_size == 2 * len(raw)
    assert [each.found.virtual_size for each in found.disks] == [len(raw)] * 2
    assert joined(formats.reader(archive, found)) == raw


def test_reading_begins_anew_each_time():
    source = InMemory(sample("qcow2", disk()))
    found = formats.recognise(source)
    assert joined(formats.reader(source, found)) == joined(formats.reader(source, found))
