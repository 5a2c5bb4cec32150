# SPDX-License-Identifier: Apache-2.0
"""A file in parts, for a store that takes them in any order and needs all but the last of some size.

The head comes last, as a part of its own: with S3, whose parts have 5 MiB at least, a writer is made with so
much ``head_room``, and nothing is kept in memory for it. After each part stands the state from which another process
goes on with the next one.
"""

import dataclasses
import itertools
from collections.abc import Iterable, Iterator

from ims_glance.writers.base import MIB, Buffer, ExportWriter

S3_LEAST = 5 * MIB
"""Bytes of a part of S3 at least, unless it is the last one."""


@dataclasses.dataclass(frozen=True)
class ExportPart:
    """A part of a file.

    :ivar offset: of its first byte in the file
    :ivar pieces: its bytes
    :ivar size: in bytes
    :ivar state: of the writer behind it; empty for the head, after which there is nothing
    """

    offset: int
    pieces: list[Buffer]
    size: int
    state: bytes


def parts(writer: ExportWriter, chunks: Iterable[Buffer | int], size: int) -> Iterator[ExportPart]:
    """What a writer makes of the rest of a disk, in parts; the head last, if there is one.

    :param writer: a new one, or a restored one
    :param chunks: the disk from the writer's position on, in pieces of any length; a number
        stands for so many zeros
    :param size: of a part at least, but for the last one, in bytes
    """
    cutter = _Cutter(writer, size)
    # Restored behind the end: only the head is missing.
    if not writer.is_finished:
        for chunk in _bounded(chunks, max(size, MIB)):
            taken = writer.skip(chunk) if isinstance(chunk, int) else writer.feed(chunk)
            yield from cutter.add(taken)
        yield from cutter.add(writer.finish())
        yield from cutter.rest()
    if writer.head_size:
        yield ExportPart(0, [writer.head()], writer.head_size, b"")


def _bounded(chunks: Iterable[Buffer | int], most: int) -> Iterator[Buffer | int]:
    """The same with runs of zeros of *most* bytes at most: of raw they are written."""
    for chunk in chunks:
        if not isinstance(chunk, int):
            yield chunk
            continue
        yield from itertools.repeat(most, chunk // most)
        yield chunk % most


class _Cutter:
    """Collects pieces of a file until there are enough for a part."""

    def __init__(self, writer: ExportWriter, size: int) -> None:
        self._writer = writer
        self._least = size
        self._begin(writer.offset)

    def _begin(self, offset: int) -> None:
        self._offset = offset
        self._pieces: list[Buffer] = []
        self._size = 0

    def add(self, pieces: Iterable[Buffer]) -> Iterator[ExportPart]:
        """Take what a call of the writer returned; the part, if that makes one.

        All of it goes into one part: the state is known behind it, not in the midst.
        """
        for piece in pieces:
            self._pieces.append(piece)
            self._size += len(piece)
        if self._size >= self._least:
            yield from self.rest()

    def rest(self) -> Iterator[ExportPart]:
        """What there is, if anything."""
        if self._size:
            state = self._writer.state()
            yield ExportPart(self._offset, self._pieces, self._size, state)
            self._begin(self._offset + self._size)
