# SPDX-License-Identifier: Apache-2.0
"""Images and streams that tests of several modules share; pieces are small, so that all is quick."""

import random
from collections.abc import Iterable, Iterator

from ims_glance.transfer import held, reader, writer
from ims_glance.transfer.cuts import ContentCut
from ims_glance.transfer.frames import Cut, Frame, FrameKind, Sizes

SMALL = Sizes(piece=64, run=256)
SMALL_CONTENT = ContentCut(piece=48, run=256, block=16, mean=2)


def image(seed: int, pieces: str, last: int = SMALL.piece) -> bytes:
    """An image of pieces: ``0`` zeros, ``r`` random, ``t`` text; the last one has *last* bytes."""
    made = random.Random(seed)
    kinds = {
        "0": lambda: bytes(SMALL.piece),
        "r": lambda: made.randbytes(SMALL.piece),
        "t": lambda: bytes([made.randrange(1, 255)]) * SMALL.piece,
    }
    data = b"".join(kinds[kind]() for kind in pieces)
    return data[: len(data) - SMALL.piece + last]


def chunks(data: bytes, size: int) -> Iterator[bytes]:
    """The same bytes in chunks of one size."""
    return (data[place : place + size] for place in range(0, len(data), size))


def holding(contents: Iterable[bytes]) -> held.Held:
    """What a receiver says that has these pieces."""
    return held.Held.of(b"".join(sorted({held.piece_prefix(each) for each in contents})))


def pieces(data: bytes, sizes: Cut = SMALL) -> list[bytes]:
    """An image's pieces."""
    return list(sizes.cut([data], 0))


def write(
    data: bytes,
    has: held.Held = held.NOTHING,
    offset: int = 0,
    compress: bool = True,
    sizes: Cut = SMALL,
) -> bytes:
    """The stream of all that is behind *offset*."""
    found = writer.write([data[offset:]], offset, has, len(data), compress, sizes=sizes)
    return b"".join(found)


def read(
    stream: Iterable[bytes], length: int, offset: int = 0, sizes: Cut = SMALL, **more
) -> Iterator[Frame]:
    """Its frames."""
    return reader.read(stream, offset, length, sizes=sizes, **more)


def assemble(frames: Iterable[Frame], has: Iterable[bytes] = ()) -> bytes:
    """The bytes that frames stand for, with pieces that the receiver has."""
    known = {held.piece_prefix(each): each for each in has}
    data = b""
    for frame in frames:
        if frame.kind is FrameKind.ZERO:
            data += bytes(frame.length)
        elif frame.kind is FrameKind.HELD:
            data += b"".join(known[prefix] for prefix in frame.pieces)
        else:
            data += frame.data
    return data
