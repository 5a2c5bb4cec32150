# SPDX-License-Identifier: Apache-2.0
"""Where the bytes of a file come from: ranged reads, and nothing else is asked of it."""

import collections
from typing import Protocol

from ims_glance.formats.refusals import FileCut

PIECE = 1 << 20
"""Bytes of a read of data at most, and of a piece of data that is given on."""

_BLOCK = 1 << 16
_BLOCKS = 64
_MOST_AHEAD = PIECE // _BLOCK


class Source(Protocol):
    """A file that is read by ranges; it does not change meanwhile.

    What it raises (``OSError``, say) passes through this package as it is.
    """

    @property
    def size(self) -> int:
        """Of the file, in bytes."""
        ...

    def read(self, offset: int, length: int) -> bytes:
        """The bytes from *offset* on: *length* of them, or fewer at the end of the file."""
        ...


def is_open_ended(source: Source) -> bool:
    """Whether ``size`` is only the most that there may be: of what is expanded while it is read."""
    return bool(getattr(source, "open_ended", False))


def read(source: Source, offset: int, length: int, what: str) -> bytes:
    """Exactly these bytes of a file.

    :param what: the name of what lies there, for the refusal
    :raises FileCut: if they do not all lie in the file
    """
    if offset < 0 or length < 0 or offset + length > source.size:
        raise FileCut(f"{what} should lie at byte {offset}, but the file ends before its end")
    data = source.read(offset, length)
    if len(data) != length:
        raise FileCut(f"{what} at byte {offset} is not there as a whole")
    return data


class Part:
    """A range of a source, which is a source itself: a member of an archive, say."""

    def __init__(self, source: Source, offset: int, size: int) -> None:
        self._source = source
        self._offset = offset
        self._size = size

    @property
    def size(self) -> int:
        """Of the range, in bytes."""
        return self._size

    def read(self, offset: int, length: int) -> bytes:
        """The bytes from *offset* of the range on, fewer at its end."""
        length = max(0, min(length, self._size - offset))
        return self._source.read(self._offset + offset, length) if length else b""


class Blocks:
    """A source with a cache of 4 MiB, for what is read in little pieces: tables, packed data.

    It reads 64 KiB, and the more at once (up to 1 MiB) the longer one block follows the other.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._blocks: collections.OrderedDict[int, bytes] = collections.OrderedDict()
        self._next = -1
        self._ahead = 1

    @property
    def open_ended(self) -> bool:
        """As the source."""
        return is_open_ended(self._source)

    @property
    def size(self) -> int:
        """Of the file, in bytes."""
        return self._source.size

    def read(self, offset: int, length: int) -> bytes:
        """As the source's."""
        end = min(offset + length, self.size)
        parts = []
        while offset < end:
            index = offset // _BLOCK
            start = offset - index * _BLOCK
            part = self._block(index)[start : start + end - offset]
            if not part:
                break
            parts.append(part)
            offset += len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _block(self, index: int) -> bytes:
        if index in self._blocks:
            self._blocks.move_to_end(index)
            return self._blocks[index]
        self._ahead = min(self._ahead * 2, _MOST_AHEAD) if index == self._next else 1
        offset = index * _BLOCK
        data = self._source.read(offset, min(self._ahead * _BLOCK, self.size - offset))
        for number in range(max(1, -(-len(data) // _BLOCK))):
            self._blocks[index + number] = data[number * _BLOCK : (number + 1) * _BLOCK]
        self._next = index + self._ahead
        while len(self._blocks) > _BLOCKS:
            self._blocks.popitem(last=False)
        return self._blocks[index]


class Cursor:
    """Reads a source once, from front to back, 1 MiB at a time."""

    def __init__(self, source: Source, offset: int = 0) -> None:
        self._source = source
        self._buffer = memoryview(b"")
        self.offset = offset

    @property
    def left(self) -> int:
        """Bytes to the end of the file."""
        return max(0, self._source.size - self.offset)

    def read(self, length: int, what: str) -> bytes:
        """The next bytes.

        :raises FileCut: if the file has not so many
        """
        parts = []
        missing = length
        while missing > 0:
            self._fill()
            if not self._buffer:
                raise FileCut(f"{what} at byte {self.offset} is not there as a whole")
            part = self._buffer[:missing]
            self._buffer = self._buffer[len(part) :]
            self.offset += len(part)
            missing -= len(part)
            parts.append(part)
        return b"".join(parts)

    def some(self, most: int = PIECE) -> bytes:
        """The next bytes, as many as are at hand; none at the end of the file."""
        self._fill()
        part = bytes(self._buffer[:most])
        self._buffer = self._buffer[len(part) :]
        self.offset += len(part)
        return part

    def _fill(self) -> None:
        if not self._buffer and self.left:
            self._buffer = memoryview(self._source.read(self.offset, min(PIECE, self.left)))

    def skip(self, length: int) -> None:
        """Pass over bytes, which are not read if they are many."""
        inside = min(length, len(self._buffer))
        self._buffer = self._buffer[inside:]
        self.offset += length
