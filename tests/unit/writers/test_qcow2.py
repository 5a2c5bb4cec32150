# SPDX-License-Identifier: Apache-2.0
"""Export as qcow2: what qemu-img reads of it."""

import json

import pytest

from ims_glance.writers import factory
from ims_glance.writers.base import GIB, MIB
from tests.unit.writers import disks


def _check(file):
    """``qemu-img check``, which fails for leaked and for doubly used clusters, too."""
    return json.loads(disks.qemu_img("check", "-f", "qcow2", "--output", "json", file))


@pytest.mark.parametrize("name", disks.disks())
def test_qemu_img_reads_the_same_disk(name, tmp_path):
    disks.compare("qcow2", disks.write("qcow2", disks.disks()[name]), disks.disks()[name], tmp_path)
    checked = _check(tmp_path / "file")
    assert checked["check-errors"] == 0
    assert checked["image-end-offset"] == (tmp_path / "file").stat().st_size


def test_tables_far_from_each_other(tmp_path):
    disks.compare_far("qcow2", 2 * GIB, tmp_path)
    assert _check(tmp_path / "file")["check-errors"] == 0


def test_a_head_of_the_size_of_a_part_is_free_behind_the_header(tmp_path):
    disk = disks.disks()["sparse"]
    file = disks.write("qcow2", disk, head_room=5 * MIB)
    assert not any(file[1 << 16 : 5 * MIB])
    disks.compare("qcow2", file, disk, tmp_path)
    assert _check(tmp_path / "file")["check-errors"] == 0


def test_what_is_zero_takes_no_room():
    assert len(disks.write("qcow2", disks.disks()["zeros"])) == 4 << 16
    # The header, a cluster for each of the places with data, and four tables.
    assert len(disks.write("qcow2", disks.disks()["sparse"])) <= (1 + 8 + 4) << 16


def test_reference_counts_of_more_than_one_block(tmp_path):
    """Of a disk that is full: more clusters than one block of counts has room for."""
    size = (1 << 15) * (1 << 16) + 5
    writer = factory.writer("qcow2", size)
    data = b"x" * (1 << 20)
    with (tmp_path / "file").open("wb") as file:
        file.seek(writer.head_size)
        while left := size - writer.position:
            for piece in writer.feed(data[:left]):
                # Only the tables are looked at: what is not written is a hole in the file.
                if bytes(piece[:1]) == b"x":
                    file.seek(len(piece), 1)
                else:
                    file.write(piece)
        for piece in writer.finish():
            file.write(piece)
        file.seek(0)
        file.write(writer.head())
    checked = _check(tmp_path / "file")
    assert (checked["check-errors"], checked["allocated-clusters"]) == (0, (1 << 15) + 1)
