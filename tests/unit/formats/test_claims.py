# SPDX-License-Identifier: Apache-2.0
"""No place of a file is two places of its disk."""

import pytest

from ims_glance.formats.claims import Areas, Claims
from ims_glance.formats.refusals import FileCut, FileRefused
from tests.unit.formats.files import InMemory


class Huge(InMemory):
    size = 1 << 50


def test_each_block_is_taken_once():
    claims = Claims(InMemory(bytes(1000)), 10)
    for offset in range(0, 1000, 10):
        claims.take(offset, 10, "a block")
    with pytest.raises(FileRefused, match="a block at byte 50 overlaps"):
        claims.take(50, 10, "a block")


def test_blocks_that_overlap_a_little():
    claims = Claims(InMemory(bytes(1000)), 10)
    claims.take(13, 10, "a block")
    with pytest.raises(FileRefused, match="overlaps"):
        claims.take(17, 10, "a block")


def test_blocks_are_not_more_than_the_file():
    """Each overlaps the next one by a half, so none begins in the unit of another."""
    claims = Claims(InMemory(bytes(100)), 10)
    with pytest.raises(FileRefused, match="overlaps"):
        for offset in range(0, 90, 10):
            claims.take(offset, 20, "a block")


@pytest.mark.parametrize(("offset", "length"), [(95, 10), (1 << 62, 10)])
def test_blocks_lie_in_the_file(offset, length):
    with pytest.raises(FileCut, match="a block should lie at byte"):
        Claims(InMemory(bytes(100)), 10).take(offset, length, "a block")
    with pytest.raises(FileCut, match="its table should lie at byte"):
        Areas(InMemory(bytes(100))).take(offset, length, "table")


def test_little_is_kept_of_a_large_file():
    claims = Claims(Huge(b""), 64 << 20)
    claims.take(1 << 49, 1, "a block")
    claims.take(0, 1, "a block")
    assert sum(map(len, claims._pages.values())) <= 8192
    with pytest.raises(FileRefused, match="too small"):
        Claims(Huge(b""), 512)


def test_areas_do_not_overlap():
    areas = Areas(InMemory(bytes(100)))
    areas.take(0, 10, "header")
    areas.take(50, 0, "nothing")
    areas.take(10, 20, "table")
    areas.free(30, 10, "a block")
    with pytest.raises(FileRefused, match="its other at byte 29 overlaps its table"):
        areas.take(29, 5, "other")
    with pytest.raises(FileRefused, match="a block at byte 5 overlaps its header"):
        areas.free(5, 3, "a block")
