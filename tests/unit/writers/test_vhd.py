# SPDX-License-Identifier: Apache-2.0
"""Export as vhd: what qemu-img reads of it."""

import json
import uuid

import pytest

from ims_glance.writers.base import GIB, MIB
from tests.unit.writers import disks

IMAGE = uuid.UUID("11111111-2222-4333-8444-555555555555")


@pytest.mark.parametrize("name", disks.disks())
def test_qemu_img_reads_the_same_disk(name, tmp_path):
    disk = disks.disks()[name]
    disks.compare("vhd", disks.write("vhd", disk), disk, tmp_path)
    shown = json.loads(disks.qemu_img("info", "-f", "vpc", "--output", "json", tmp_path / "file"))
    assert shown["virtual-size"] == -(-len(disk) // 512) * 512


def test_blocks_far_from_each_other(tmp_path):
    disks.compare_far("vhd", 2 * GIB, tmp_path)


def test_a_head_of_the_size_of_a_part(tmp_path):
    disk = disks.disks()["sparse"]
    disks.compare("vhd", disks.write("vhd", disk, head_room=5 * MIB), disk, tmp_path)


def test_the_footer_is_at_both_ends_and_names_the_image():
    file = disks.write("vhd", disks.disks()["noise"], image_id=IMAGE)
    assert file[:512] == file[-512:]
    assert file[68:84] == IMAGE.bytes
    assert sum(file[:64] + file[68:512]) == 0xFFFFFFFF - int.from_bytes(file[64:68], "big")


def test_the_same_as_qemu_img_makes(tmp_path):
    """Of a disk of data: all but its time and identifier, and what qemu leaves unsaid."""
    disk = disks.disks()["noise"]
    (tmp_path / "disk").write_bytes(disk)
    made = tmp_path / "made"
    convert = ["convert", "-f", "raw", "-O", "vpc", "-o", "force_size=on"]
    disks.qemu_img(*convert, tmp_path / "disk", made)
    ours, theirs = disks.write("vhd", disk), made.read_bytes()

    def without(footer):
        # Timestamp, version of the creator, checksum, and identifier.
        return footer[:24] + footer[28:32] + footer[36:64] + footer[84:]

    assert without(ours[-512:]) == without(theirs[-512:])
    # Its table has room for one block more.
    header = slice(512, 512 + 28)
    assert ours[header] == theirs[header]


def test_what_is_zero_takes_no_room():
    assert len(disks.write("vhd", disks.disks()["zeros"])) == 512 + 1024 + 512 + 512
