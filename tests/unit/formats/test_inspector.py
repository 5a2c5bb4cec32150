# SPDX-License-Identifier: Apache-2.0
"""Glance's format inspector is asked as well, and what it refuses is refused."""

import dataclasses

import pytest

from ims_glance import formats
from ims_glance.formats import inspector
from ims_glance.formats.refusals import FileRefused
from tests.unit.formats.files import InMemory, disk, made, patched
from tests.unit.formats.readers.test_raw import iso

FILES = {
    "qcow2": made(disk(300_032), "qcow2"),
    "vhd": made(disk(300_032), "vpc"),
    "vmdk": made(disk(300_032), "vmdk"),
    "vmdk stream": made(disk(300_032), "vmdk", "subformat=streamOptimized"),
    "vdi": made(disk(300_032), "vdi"),
    "iso": iso(),
}


@pytest.mark.parametrize("name", FILES)
def test_it_agrees(name):
    source = InMemory(FILES[name])
    found = formats.recognise(source)
    assert found.format in inspector.KNOWN
    inspector.check(source, found)


def test_what_it_refuses_is_refused():
    source = InMemory(FILES["qcow2"])
    found = formats.recognise(source)
    with pytest.raises(FileRefused, match=r"inspector says: .*backing_file"):
        inspector.check(InMemory(patched(source.data, 8, ">Q", 512)), found)
    with pytest.raises(FileRefused, match="inspector says"):
        inspector.check(InMemory(bytes(100_000)), found)
    with pytest.raises(FileRefused, match="inspector says"):
        inspector.check(InMemory(source.data[:100]), found)


def test_it_sees_a_disk_of_the_same_size():
    source = InMemory(FILES["qcow2"])
    found = dataclasses.replace(formats.recognise(source), virtual_size=512)
    with pytest.raises(FileRefused, match="a disk of 300032 bytes, and not of 512"):
        inspector.check(source, found)


@pytest.mark.parametrize("format_name", ["raw", "qcow", "qed", "zvhd", "zvhd2"])
def test_what_it_does_not_know(format_name):
    inspector.check(InMemory(b"x"), formats.FormatFound(format_name, 512))


def test_a_fixed_vhd_is_none_of_its_formats():
    file = made(disk(300_032), "vpc", "subformat=fixed")
    source = InMemory(file)
    inspector.check(source, formats.recognise(source))
