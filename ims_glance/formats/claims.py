# SPDX-License-Identifier: Apache-2.0
"""That no two places of a disk are one place of the file: tables that overlap are refused.

A small file whose tables name the same block a million times would be a large disk, made of nothing.
"""

from ims_glance.formats.refusals import FileCut, FileRefused
from ims_glance.formats.source import Source, is_open_ended

_PAGE_BITS = 1 << 15
_MOST_UNITS = 1 << 28


class Claims:
    """What of a file is taken. It costs a bit for each unit of the file at most.

    :param unit: bytes of a block, of which all are of one size
    """

    def __init__(self, source: Source, unit: int) -> None:
        if source.size // unit > _MOST_UNITS and not is_open_ended(source):
            raise FileRefused(f"its blocks of {unit} bytes are too small for a file so large")
        self._end = source.size
        self._unit = unit
        self._pages: dict[int, bytearray] = {}
        self._left = source.size

    def take(self, offset: int, length: int, what: str) -> None:
        """Claim a block, of *length* bytes if it is the last and shorter.

        Two blocks that begin in the same unit overlap. Other ways to overlap are found by all of
        them together being longer than the file.

        :raises FileCut: if it ends behind the file
        :raises FileRefused: if it, or a part of it, is taken already
        """
        if offset + length > self._end:
            raise FileCut(f"{what} should lie at byte {offset}, but the file ends before its end")
        number = offset // self._unit
        page = self._pages.get(number // _PAGE_BITS)
        if page is None:
            page = self._pages[number // _PAGE_BITS] = bytearray(_PAGE_BITS // 8)
        index, bit = number % _PAGE_BITS // 8, 1 << number % 8
        self._left -= length
        if page[index] & bit or self._left < 0:
            raise FileRefused(f"{what} at byte {offset} overlaps something else in it")
        page[index] |= bit


class Areas:
    """Headers and tables at the beginning of a file, of any size; there are few of them."""

    def __init__(self, source: Source) -> None:
        self._end = source.size
        self._taken: list[tuple[int, int, str]] = []

    def take(self, offset: int, length: int, what: str) -> None:
        """Claim an area.

        :raises FileCut: if it ends behind the file
        :raises FileRefused: if it, or a part of it, is taken already
        """
        if offset + length > self._end:
            raise FileCut(
                f"its {what} should lie at byte {offset}, but the file ends before its end"
            )
        for start, end, other in self._taken:
            if offset < end and start < offset + length:
                raise FileRefused(f"its {what} at byte {offset} overlaps its {other}")
        if length:
            self._taken.append((offset, offset + length, what))

    def free(self, offset: int, length: int, what: str) -> None:
        """See that a block does not lie in any of the areas.

        :raises FileRefused: if it does
        """
        for start, end, other in self._taken:
            if offset < end and start < offset + length:
                raise FileRefused(f"{what} at byte {offset} overlaps its {other}")
