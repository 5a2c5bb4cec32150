# SPDX-License-Identifier: Apache-2.0
"""A file in parts, for a store that takes them in any order and needs all but the last of some size.

The head comes last, as a part of its own: with S3, whose parts have 5 MiB at least, a writer is made with so
much ``head_room``, and nothing is kept in memory for it. Of a part no more is in memory than what one piece of the
disk makes of it, so a part may be of any size. Behind each part is known from what another process goes on with the
next one, and the same process makes a part again that a store did not take.
"""

from collections.abc import Callable, Iterable, Iterator

from ims_glance.writers import factory
from ims_glance.writers.base import MIB, Buffer, ExportWriter

S3_LEAST = 5 * MIB
"""Bytes of a part of S3 at least, unless it is the last one."""

UNIT = MIB
"""Parts end where such a unit of the disk does, or a block of the format that is larger."""

Chunks = Iterable[Buffer | int]
"""A disk, or the rest of one, in pieces of any length; a number stands for so many zeros."""


class FileParts:
    """What a writer makes of the rest of a disk, one part after the other; the head is none of them.

    :param writer: a new one, or a restored one, of which nothing was taken yet
    :param opened: gives the disk from a byte on
    :param least: bytes of a part at least, but for the last one: it ends with a block of the disk, and a MiB of it
    :ivar state: of the writer before the part: from it another process begins with this one
    :ivar offset: of the part's first byte in the file
    """

    def __init__(self, writer: ExportWriter, opened: Callable[[int], Chunks], least: int) -> None:
        self._writer = writer
        self._opened = opened
        self._least = least
        self._chunks: Iterator[Buffer | int] | None = None
        self._is_taken = False
        self._begin()

    def _begin(self) -> None:
        self.state = self._writer.state()
        self.offset = self._writer.offset

    @property
    def position(self) -> int:
        """Bytes of the disk that were taken in."""
        return self._writer.position

    @property
    def is_finished(self) -> bool:
        """Whether nothing but the head is missing."""
        return self._writer.is_finished

    def pieces(self) -> Iterator[Buffer]:
        """The bytes of the part; from its first one again, if they are asked for again."""
        if self._is_taken:
            self._writer = factory.restore(self.state)
            self._chunks = None
        self._is_taken = True
        while not self._writer.is_finished and not self._is_enough():
            yield from self._step()

    def done(self) -> None:
        """The part was taken to its end: what follows is the next one."""
        self._is_taken = False
        self._begin()

    def head(self) -> bytes:
        """The first bytes of the file, once it :attr:`is_finished`; of some formats none."""
        return self._writer.head() if self._writer.head_size else b""

    def _is_enough(self) -> bool:
        # What stands behind the disk goes with its end: there is no part of nothing.
        is_end = self._writer.position == self._writer.virtual_size
        return not is_end and self._writer.offset - self.offset >= self._least

    def _step(self) -> Iterator[Buffer]:
        """What comes of the disk up to a place where a part may end."""
        writer = self._writer
        unit = max(UNIT, writer.BLOCK)
        if self._chunks is None:
            self._chunks = cut(self._opened(writer.position), writer.position, unit)
        for chunk in self._chunks:
            yield from writer.skip(chunk) if isinstance(chunk, int) else writer.feed(chunk)
            if writer.position % unit == 0:
                return
        yield from writer.finish()


def cut(chunks: Chunks, position: int, unit: int) -> Iterator[Buffer | int]:
    """The same, cut wherever a unit of the disk ends.

    So parts end at the same places, in whatever pieces the disk comes; and of raw, zeros are written, a unit at once.
    """
    for chunk in chunks:
        length = chunk if isinstance(chunk, int) else len(chunk)
        done = 0
        while done < length:
            size = min(unit - position % unit, length - done)
            yield size if isinstance(chunk, int) else chunk[done : done + size]
            done += size
            position += size
