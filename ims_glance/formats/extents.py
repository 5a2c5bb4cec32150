# SPDX-License-Identifier: Apache-2.0
"""What a disk consists of, in rising order: from the runs that a format tells, to zeros and data."""

import dataclasses
from collections.abc import Iterable, Iterator

from ims_glance.formats.refusals import FileCut
from ims_glance.formats.source import PIECE, Source, read


@dataclasses.dataclass(frozen=True, slots=True)
class ZeroRun:
    """Nothing but zeros.

    :ivar offset: in the disk
    :ivar length: in bytes, of any size
    """

    offset: int
    length: int


@dataclasses.dataclass(frozen=True, slots=True)
class DataPiece:
    """Bytes of the disk.

    :ivar offset: in the disk
    :ivar data: 1 MiB at most
    """

    offset: int
    data: bytes

    @property
    def length(self) -> int:
        """In bytes."""
        return len(self.data)


Extent = ZeroRun | DataPiece


@dataclasses.dataclass(frozen=True, slots=True)
class Hole:
    """A run of the disk that the file does not hold: zeros."""

    length: int


@dataclasses.dataclass(frozen=True, slots=True)
class Stored:
    """A run of the disk that lies in the file as it is.

    :ivar position: in the file
    """

    position: int
    length: int


@dataclasses.dataclass(frozen=True, slots=True)
class Unpacked:
    """A run of the disk that was compressed: its bytes, 2 MiB at most."""

    data: bytes

    @property
    def length(self) -> int:
        """In bytes."""
        return len(self.data)


Run = Hole | Stored | Unpacked

# Of zeros that are told from data, as an upload's clusters and segments are no smaller.
_BLOCK = 1 << 16
# Zeros that are told, and data that are read, before it is known what follows.
_MOST_WAITED_FOR = 1 << 24
_MOST_JOINED = 1 << 30


def assemble(source: Source, runs: Iterable[Run], size: int) -> Iterator[Extent]:
    """Zeros and data of a disk, each of its bytes once, in rising order.

    Data that are zeros are told as zeros.

    :param runs: of the disk from its first byte on; what is behind its end is left out
    :param size: of the disk, in bytes
    :raises FileCut: if the runs end before the disk
    """
    return merged(_extents(source, _joined(runs, size)))


def merged(extents: Iterable[Extent]) -> Iterator[Extent]:
    """The same, but zeros that follow each other are one run, until they are many.

    Who is told nothing for as long as it takes to read many gigabytes of zeros sends nothing either, and web servers
    end a request of which nothing comes for a minute.
    """
    zeros: ZeroRun | None = None
    for extent in extents:
        if isinstance(extent, ZeroRun):
            zeros = ZeroRun(zeros.offset, zeros.length + extent.length) if zeros else extent
            if zeros.length < _MOST_WAITED_FOR:
                continue
        if zeros:
            yield zeros
            zeros = None
        if isinstance(extent, DataPiece):
            yield extent
    if zeros:
        yield zeros


def _joined(runs: Iterable[Run], size: int) -> Iterator[Run]:
    """The runs, cut at the end of the disk; those that follow each other in the file are one."""
    stored: Stored | None = None
    for run in _cut(runs, size):
        follows = (
            stored and isinstance(run, Stored) and run.position == stored.position + stored.length
        )
        if stored and follows and stored.length < _MOST_JOINED:
            stored = Stored(stored.position, stored.length + run.length)
            continue
        if stored:
            yield stored
        stored = run if isinstance(run, Stored) else None
        if not stored:
            yield run
    if stored:
        yield stored


def _cut(runs: Iterable[Run], size: int) -> Iterator[Run]:
    """The runs up to the end of the disk; the others are asked for, as what is behind may be damaged."""
    left = size
    for run in runs:
        if run.length <= left:
            left -= run.length
            yield run
        elif left:
            yield _shortened(run, left)
            left = 0
    if left:
        raise FileCut(f"it ends at byte {size - left} of a disk of {size}")


def _shortened(run: Run, length: int) -> Run:
    if isinstance(run, Unpacked):
        return Unpacked(run.data[:length])
    return dataclasses.replace(run, length=length)


def _extents(source: Source, runs: Iterable[Run]) -> Iterator[Extent]:
    offset = 0
    for run in runs:
        if isinstance(run, Hole):
            yield ZeroRun(offset, run.length)
        else:
            yield from _data(source, run, offset)
        offset += run.length


def _data(source: Source, run: Stored | Unpacked, offset: int) -> Iterator[Extent]:
    for start in range(0, run.length, PIECE):
        length = min(PIECE, run.length - start)
        if isinstance(run, Stored):
            data = read(source, run.position + start, length, "data of the disk")
        else:
            data = run.data[start : start + length]
        yield from told_apart(offset + start, data)


def told_apart(offset: int, data: bytes) -> Iterator[Extent]:
    """Blocks of zeros, and what is between them."""
    start = 0
    for block in range(0, len(data), _BLOCK):
        end = min(block + _BLOCK, len(data))
        if data[block] == 0 and data.count(0, block, end) == end - block:
            if start < block:
                yield DataPiece(offset + start, data[start:block])
            yield ZeroRun(offset + block, end - block)
            start = end
    if start < len(data):
        yield DataPiece(offset + start, data[start:])


def is_zero(data: bytes) -> bool:
    """Whether there is nothing but zeros."""
    return not data or (data[0] == 0 and data.count(0) == len(data))
