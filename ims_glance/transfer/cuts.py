# SPDX-License-Identifier: Apache-2.0
"""The ways to cut an image that a receiver may ask for.

A cut is known by its name, and never changes: what it makes of an image has to be the same in both
regions, in whatever versions they are. The rules are in :mod:`ims_glance.transfer`.
"""

import dataclasses
import types
from collections.abc import Iterable, Iterator, Mapping
from typing import ClassVar

from ims_glance.transfer import frames
from ims_glance.transfer.frames import Buffer, Cut
from ims_glance.transfer.held import HELD_LIMIT

BLOCK = 1 << 12
"""Bytes of a block: that of file systems, so that files begin with one wherever they lie."""

# So many blocks are looked at as one before each is.
_WINDOW = 16


@dataclasses.dataclass(frozen=True)
class ContentCut(Cut):
    """Cut where the content says so; tests do it small.

    :ivar piece: bytes of a piece at most; whole blocks
    :ivar block: bytes
    :ivar mean: blocks of a piece about, a divisor of 256
    """

    piece: int
    run: int = frames.RUN
    block: int = BLOCK
    mean: int = 8
    magic: ClassVar[bytes] = b"IMSFRM2\n"
    tells_count: ClassVar[bool] = True

    @property
    def name(self) -> str:
        """See :class:`ims_glance.transfer.frames.Cut`."""
        return f"content-{self.mean * self.block}"

    @property
    def grain(self) -> int:
        """See :class:`ims_glance.transfer.frames.Cut`."""
        return self.block

    def cut(self, chunks: Iterable[Buffer], offset: int) -> Iterator[bytes]:
        """See :class:`ims_glance.transfer.frames.Cut`; a few pieces are in memory."""
        piece: list[bytes] = []
        size = 0
        for blocks, is_zero in self._blocks(chunks, offset):
            if piece and is_zero:
                yield b"".join(piece)
                piece, size = [], 0
            if is_zero:
                yield blocks
                continue
            piece.append(blocks)
            size += len(blocks)
            if size + self.block > self.piece or self._ends(blocks):
                yield b"".join(piece)
                piece, size = [], 0
        if piece:
            yield b"".join(piece)

    def _blocks(self, chunks: Iterable[Buffer], offset: int) -> Iterator[tuple[bytes, bool]]:
        """Each block that is not zeros, and what is: several at once."""
        zeros = bytes(_WINDOW * self.block)
        for window in frames.aligned(chunks, offset, len(zeros)):
            first = self.block - offset % self.block
            offset += len(window)
            if window == zeros[: len(window)]:
                yield window, True
                continue
            begins = [0, *range(first, len(window), self.block)]
            for begin, end in zip(begins, [*begins[1:], len(window)], strict=True):
                block = window[begin:end]
                yield block, block == zeros[: len(block)]

    def _ends(self, block: bytes) -> bool:
        """Whether a piece ends with a block, by the block's content alone."""
        return frames.digest(block)[0] < 256 // self.mean


FIXED = frames.SIZES
CONTENT = (ContentCut(16 * BLOCK, mean=8), ContentCut(31 * BLOCK, mean=16))
"""From the finest on."""

CUTS: Mapping[str, Cut] = types.MappingProxyType({each.name: each for each in (FIXED, *CONTENT)})
"""By their names."""


def by_content(size: int) -> Cut:
    """The finest cut of which all pieces of so many bytes can be named to a sender, or the coarsest."""
    fitting = (each for each in CONTENT if size <= each.mean * each.block * HELD_LIMIT)
    return next(fitting, CONTENT[-1])
