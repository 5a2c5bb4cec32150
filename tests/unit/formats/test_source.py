# SPDX-License-Identifier: Apache-2.0
"""Ranged reads: never outside of the file, in few requests, and without keeping much."""

import random

import pytest

from ims_glance.formats import source as sources
from ims_glance.formats.refusals import FileCut
from tests.unit.formats.files import MIB, InMemory

DATA = random.Random(5).randbytes(3 * MIB + 100)


class Short(InMemory):
    """It tells more bytes than it has."""

    @property
    def size(self) -> int:
        return len(self.data) + 10


@pytest.mark.parametrize(("offset", "length"), [(-1, 1), (0, 101), (100, 1), (1 << 70, 1), (0, -1)])
def test_nothing_is_read_outside_of_the_file(offset, length):
    with pytest.raises(FileCut, match="a table"):
        sources.read(InMemory(bytes(100)), offset, length, "a table")


def test_fewer_bytes_than_promised_are_a_file_that_is_cut():
    with pytest.raises(FileCut, match="not there as a whole"):
        sources.read(Short(bytes(100)), 95, 10, "a table")


def test_what_a_source_raises_is_raised():
    class Broken(InMemory):
        def read(self, offset, length):
            raise ConnectionError("gone")

    with pytest.raises(ConnectionError):
        sources.Cursor(Broken(DATA)).read(1, "it")
    with pytest.raises(ConnectionError):
        sources.Blocks(Broken(DATA)).read(0, 1)


def test_a_part_is_a_source():
    part = sources.Part(InMemory(DATA), 1000, 50)
    assert part.size == 50
    assert part.read(0, 10) == DATA[1000:1010]
    assert part.read(45, 10) == DATA[1045:1050]
    assert part.read(50, 10) == b""
    assert sources.Part(part, 10, 5).read(0, 99) == DATA[1010:1015]


@pytest.mark.parametrize("seed", range(5))
def test_blocks_are_the_bytes_of_the_source(seed):
    chance = random.Random(seed)
    inner = InMemory(DATA)
    blocks = sources.Blocks(inner)
    assert blocks.size == len(DATA)
    for _ in range(100):
        offset = chance.randrange(len(DATA) + 10)
        length = chance.randrange(1, 200_000)
        assert blocks.read(offset, length) == DATA[offset : offset + length]


def test_blocks_that_follow_each_other_are_read_at_once():
    inner = InMemory(DATA)
    blocks = sources.Blocks(inner)
    for offset in range(0, len(DATA), 1000):
        blocks.read(offset, 1000)
    assert inner.reads <= 8
    assert inner.got <= len(DATA) + MIB


def test_the_same_block_is_read_once():
    inner = InMemory(DATA)
    blocks = sources.Blocks(inner)
    for _ in range(10):
        blocks.read(70_000, 10)
    assert inner.reads == 1
    assert inner.got == 65536


def test_blocks_keep_little():
    inner = InMemory(DATA * 5)
    blocks = sources.Blocks(inner)
    for offset in range(0, inner.size, 65536):
        blocks.read(offset, 1)
    assert sum(map(len, blocks._blocks.values())) <= 5 * MIB


def test_blocks_of_a_source_that_has_less_than_it_told():
    blocks = sources.Blocks(Short(bytes(100)))
    assert blocks.read(95, 10) == bytes(5)
    assert blocks.read(105, 10) == b""


def test_a_cursor_reads_each_byte_once():
    inner = InMemory(DATA)
    cursor = sources.Cursor(inner, 100)
    assert cursor.read(50, "it") == DATA[100:150]
    cursor.skip(50)
    assert cursor.offset == 200
    assert cursor.some(10) == DATA[200:210]
    assert cursor.read(2 * MIB, "it") == DATA[210 : 210 + 2 * MIB]
    assert cursor.left == len(DATA) - 210 - 2 * MIB
    assert inner.got <= len(DATA)
    with pytest.raises(FileCut, match="the rest"):
        cursor.read(2 * MIB, "the rest")


def test_a_cursor_does_not_read_what_it_passes_over():
    inner = InMemory(DATA)
    cursor = sources.Cursor(inner)
    cursor.read(1, "it")
    cursor.skip(2 * MIB)
    assert inner.got == MIB
    assert cursor.read(10, "it") == DATA[2 * MIB + 1 :][:10]
    cursor.skip(10 * MIB)
    assert cursor.left == 0
    assert cursor.some() == b""


def test_only_what_says_so_has_no_known_end():
    inner = InMemory(DATA)
    assert not sources.is_open_ended(inner)
    inner.open_ended = True  # type: ignore[attr-defined]
    assert sources.is_open_ended(sources.Blocks(inner))
