# SPDX-License-Identifier: Apache-2.0
"""Export as zvhd2: what a strict reader of the published layout reads of it."""

import base64
import struct

import pytest

from ims_glance.writers import factory
from ims_glance.writers.base import GIB, MIB
from ims_glance.writers.zvhd2 import Zvhd2Writer
from tests.unit.writers import disks, zvhd_reader


@pytest.mark.parametrize("name", disks.disks())
def test_the_same_disk_is_read(name):
    disk = disks.disks()[name]
    assert zvhd_reader.zvhd2(disks.write("zvhd2", disk)) == disk + bytes(-len(disk) % 512)


def test_what_is_zero_takes_no_room():
    # Two headers, a segment of the bitmap, and the footer.
    assert len(disks.write("zvhd2", disks.disks()["zeros"])) == 4 * 4096


def test_a_bitmap_of_two_segments():
    """A segment of it tells of 64 GiB."""
    size = 65 * GIB
    writer = factory.writer("zvhd2", size)
    file = b"".join([*writer.skip(64 * GIB), *writer.feed(b"x"), *writer.skip(GIB - 1)])
    file += b"".join(writer.finish())
    assert file[-4096 - 2 * 4096 : -4096] == bytes(4096) + b"\1" + bytes(4095)
    assert int.from_bytes(file[-4096 + 132 : -4096 + 136], "little") == 2


def test_an_index_of_two_segments():
    """A segment of it tells of 32768 blocks, all of which would take long to compress."""
    writer = Zvhd2Writer((32768 + 1) * 2 * MIB)
    known = writer._tables()
    known["is_written"] = "1" * (32768 + 1)
    known["lengths"] = base64.b64encode(b"\1\0" * (32768 + 1)).decode()
    writer._load(known)
    segments = list(writer._index())
    assert [len(segment) for segment in segments] == [512 * 1024] * 2
    assert segments[1][:16] == struct.pack("<QII", 4096 * 32769, 32768, 4096)
    assert not any(segments[1][16:])
