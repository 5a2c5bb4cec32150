# SPDX-License-Identifier: Apache-2.0
"""Export as zvhd: what a strict reader of the published layout reads of it."""

import pytest

from ims_glance.writers.zvhd import geometry, record
from tests.unit.writers import disks, zvhd_reader


def _sectors(disk):
    return disk + bytes(-len(disk) % 512)


@pytest.mark.parametrize("name", disks.disks())
def test_the_same_disk_is_read(name):
    disk = disks.disks()[name]
    assert zvhd_reader.zvhd(disks.write("zvhd", disk)) == _sectors(disk)


def test_what_is_zero_takes_no_room():
    assert len(disks.write("zvhd", disks.disks()["zeros"])) == 2 * 4096


def test_the_end_of_a_record_has_room():
    """Data of every length up to the next unit: its end mark lies in what is then the last one."""
    for size in range(4096 - 60, 4096 + 2):
        written = record(7, b"x" * size)
        assert len(written) % 4096 == 0
        assert zvhd_reader.record(written, 0) == (7, b"x" * size, len(written))


@pytest.mark.parametrize(
    ("sectors", "cylinders", "heads", "per_track"),
    [
        # As qemu-img gives them to vhds of these sizes.
        (0, 0, 4, 17),
        (2048, 30, 4, 17),
        (20480, 301, 4, 17),
        (2097152, 2080, 16, 63),
        (83886080, 20560, 16, 255),
        (1 << 40, 65535, 16, 255),
    ],
)
def test_geometry(sectors, cylinders, heads, per_track):
    assert geometry(sectors) == cylinders << 16 | heads << 8 | per_track
