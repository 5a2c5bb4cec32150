# SPDX-License-Identifier: Apache-2.0
"""What holds for every format that images are exported in."""

import pytest

from ims_glance import formats
from ims_glance.writers import factory
from ims_glance.writers.base import MIB, DiskOfOtherLength
from tests.unit.writers import disks

NAMES = list(factory.WRITERS)


@pytest.mark.parametrize("name", NAMES)
def test_pieces_and_zero_runs_make_no_difference(name):
    """Not how the disk is cut, nor whether its zeros are told or sent."""
    disk = disks.disks()["sparse"]
    whole = factory.writer(name, len(disk))
    file = b"".join([*whole.feed(disk), *whole.finish()])
    file = whole.head() + file
    for seed in range(3):
        assert disks.write(name, disk, seed) == file


class _Stored:
    """A file as our own readers read it."""

    def __init__(self, content):
        self._content = content
        self.size = len(content)

    def read(self, offset, length):
        return self._content[offset : offset + length]


@pytest.mark.parametrize("disk", disks.disks())
@pytest.mark.parametrize(
    "name", [name for name in NAMES if name in formats.FORMATS and name != "raw"]
)
def test_our_own_readers_read_the_same_disk(name, disk):
    """So an image that was exported can be imported. (A raw one may look like anything.)"""
    expected = disks.disks()[disk]
    file = _Stored(disks.write(name, expected))
    found = formats.recognise(file)
    assert found.format == name
    read = bytearray()
    for extent in formats.reader(file, found):
        # Huawei's formats have whole GiB: behind the disk there is nothing but zeros.
        zeros = bytes(min(extent.length, max(0, len(expected) - len(read))))
        read += extent.data if isinstance(extent, formats.DataPiece) else zeros
    assert read[: len(expected)] == expected
    assert not any(read[len(expected) :])


@pytest.mark.parametrize("name", NAMES)
def test_a_buffer_may_be_filled_anew(name):
    """What a piece of a block was taken from may be used for the next piece."""
    disk = disks.disks()["noise"]
    writer = factory.writer(name, len(disk))
    buffer, file = bytearray(10_000), b""
    for at in range(0, len(disk), len(buffer)):
        piece = disk[at : at + len(buffer)]
        buffer[: len(piece)] = piece
        file += b"".join(writer.feed(memoryview(buffer)[: len(piece)]))
    file += b"".join(writer.finish())
    assert writer.head() + file == disks.write(name, disk)


@pytest.mark.parametrize("name", NAMES)
def test_a_disk_of_another_length_is_refused(name):
    writer = factory.writer(name, MIB)
    list(writer.feed(b"x" * 1000))
    with pytest.raises(DiskOfOtherLength, match=r"ends at byte 1000.*1048576"):
        writer.finish()
    with pytest.raises(DiskOfOtherLength, match="ends at byte 1048577"):
        writer.feed(bytes(MIB - 999))
    with pytest.raises(DiskOfOtherLength):
        writer.skip(MIB - 999)
    with pytest.raises(DiskOfOtherLength):
        writer.skip(-1)
    assert writer.position == 1000


@pytest.mark.parametrize("name", NAMES)
def test_nothing_comes_after_the_end(name):
    writer = factory.writer(name, 1000)
    with pytest.raises(ValueError, match="known at the end"):
        writer.head()
    list(writer.skip(1000))
    list(writer.finish())
    with pytest.raises(DiskOfOtherLength):
        writer.feed(b"x")


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_disk(name):
    writer = factory.writer(name, 0)
    file = b"".join(writer.finish())
    assert len(writer.head() + file) == writer.offset


@pytest.mark.parametrize(
    ("name", "room", "size"),
    [
        ("raw", 5 * MIB, 0),
        ("vmdk", 5 * MIB, 0),
        ("qcow2", 0, 1 << 16),
        ("qcow2", 5 * MIB, 5 * MIB),
        ("vhd", 0, 2560),
        ("vhd", 5 * MIB, 5 * MIB),
    ],
)
def test_the_head_has_a_size_that_is_known_before(name, room, size):
    writer = factory.writer(name, 500 * MIB, head_room=room)
    assert writer.head_size == size
    list(writer.skip(500 * MIB))
    list(writer.finish())
    assert len(writer.head()) == size
