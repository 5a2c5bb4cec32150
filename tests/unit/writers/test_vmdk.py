# SPDX-License-Identifier: Apache-2.0
"""Export as vmdk (streamOptimized): what qemu-img reads of it."""

import json
import uuid

import pytest

from ims_glance.writers import factory
from ims_glance.writers.base import MIB
from tests.unit.writers import disks

IMAGE = uuid.UUID("11111111-2222-4333-8444-555555555555")


@pytest.mark.parametrize("name", disks.disks())
def test_qemu_img_reads_the_same_disk(name, tmp_path):
    disks.compare("vmdk", disks.write("vmdk", disks.disks()[name]), disks.disks()[name], tmp_path)


def test_tables_far_from_each_other(tmp_path):
    disks.compare_far("vmdk", 200 * MIB, tmp_path)
    shown = json.loads(disks.qemu_img("info", "-f", "vmdk", "--output", "json", tmp_path / "file"))
    about = shown["format-specific"]["data"]
    assert about["create-type"] == "streamOptimized"
    assert about["extents"][0]["compressed"]
    disks.qemu_img("check", "-f", "vmdk", tmp_path / "file")


def test_what_is_zero_takes_no_room():
    # Header and descriptor, the directory, the footer and the end, and a marker before each.
    assert len(disks.write("vmdk", disks.disks()["zeros"])) == (128 + 2 + 2 + 1) * 512


def test_it_is_read_from_its_beginning_to_its_end():
    """As one that has only markers to go by: sizes of grains and tables, one after the other."""
    disk = disks.disks()["sparse"]
    file = disks.write("vmdk", disk)
    at, found = 128 * 512, []
    while True:
        value, size = int.from_bytes(file[at : at + 8], "little"), file[at + 8 : at + 12]
        kind = file[at + 12]
        if any(size):
            found.append("grain")
            at += -(-(12 + int.from_bytes(size, "little")) // 512) * 512
        elif value:
            found.append(("end", "table", "directory", "footer")[kind])
            at += 512 + value * 512
        else:
            break
    assert at == len(file) - 512
    grains = [disk[place : place + 65536] for place in range(0, len(disk), 65536)]
    assert found.count("grain") == sum(any(grain) for grain in grains)
    assert found[-3:] == ["table", "directory", "footer"]


def test_two_images_are_told_apart():
    one, other = (disks.write("vmdk", b"x", image_id=each) for each in (IMAGE, uuid.UUID(int=1)))
    assert one != other
    assert len(one) == len(other)


@pytest.mark.parametrize("room", [0, 5 * MIB, 5 * MIB + 1])
def test_in_an_ova_its_beginning_is_known_from_the_first(room, tmp_path):
    disk = disks.disks()["sparse"]
    writer = factory.of_archive(len(disk), IMAGE, room)
    head = writer.head()
    assert writer.offset == writer.head_size == len(head) >= max(room, 1 << 16)
    body = [bytes(each) for each in writer.feed(disk[:70_000])]
    writer = factory.restore(writer.state())
    body += [bytes(each) for each in writer.feed(disk[writer.position :])]
    body += [bytes(each) for each in writer.finish()]
    assert writer.head() == head
    file = head + b"".join(body)
    assert writer.offset == len(file)
    disks.compare("vmdk", file, disk, tmp_path)
    if not room:
        assert file == disks.write("vmdk", disk, image_id=IMAGE)
