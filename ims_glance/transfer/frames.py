# SPDX-License-Identifier: Apache-2.0
"""What writing and reading of a stream share. The format is in :mod:`ims_glance.transfer`."""

import abc
import dataclasses
import enum
import functools
import struct
from collections.abc import Iterable, Iterator
from typing import ClassVar

import blake3

from ims_glance import exceptions

Buffer = bytes | bytearray | memoryview

MEDIA_TYPE = "application/octet-stream"
PIECE = 1 << 16
"""Bytes of a piece: the cluster of qcow2, so that its clusters are found again wherever they lie."""

RUN = 1 << 20
"""Bytes of a run at most."""

PREFIX_SIZE = 8
DIGEST_SIZE = 32
CHECK_SIZE = 8

_RANGE = struct.Struct(">8sQ")
_HEAD = struct.Struct(">BQQ")
_BODY = struct.Struct(">BI")
_COUNT = struct.Struct(">I")

HEAD_SIZE = _HEAD.size
BODY_SIZE = _BODY.size
COUNT_SIZE = _COUNT.size


class BadFrame(exceptions.ImsError):
    """A stream is not what a sender of this format sends (IMS: "image verification")."""

    code = "IMG.0057"
    template: ClassVar[str] = (
        "The stream of the image's data is wrong at byte {offset} of the image: {reason}."
    )


class StreamCut(BadFrame):
    """A stream ended too early: the rest of the range can be asked for again."""


class FrameKind(enum.IntEnum):
    """What a frame is, as its first byte."""

    ZERO = ord("Z")
    HELD = ord("H")
    DATA = ord("D")
    END = ord("E")


class Codec(enum.IntEnum):
    """How the bytes of a DATA frame are stored."""

    NONE = 0
    ZSTD = 1


@dataclasses.dataclass(frozen=True)
class Cut(abc.ABC):
    """How a stream is cut.

    :cvar magic: the first bytes of a stream that is cut so
    :cvar tells_count: whether a HELD frame says how many pieces it has
    :ivar piece: bytes of a piece at most
    :ivar run: bytes, at least of a piece
    """

    piece: int
    run: int
    magic: ClassVar[bytes]
    tells_count: ClassVar[bool]

    @property
    @abc.abstractmethod
    def name(self) -> str:
        """By which a receiver asks for it."""

    @property
    @abc.abstractmethod
    def grain(self) -> int:
        """At multiples of it frames may end, and at the end of the range."""

    @abc.abstractmethod
    def cut(self, chunks: Iterable[Buffer], offset: int) -> Iterator[bytes]:
        """The same bytes in pieces.

        :param offset: of the first one in the image, in bytes
        """

    def count(self, offset: int, length: int) -> int:
        """How many pieces a run has at most."""
        return (offset + length - 1) // self.grain - offset // self.grain + 1


@dataclasses.dataclass(frozen=True)
class Sizes(Cut):
    """Pieces that are as long as each other; tests do it small."""

    piece: int = PIECE
    run: int = RUN
    magic: ClassVar[bytes] = b"IMSFRM1\n"
    tells_count: ClassVar[bool] = False

    @property
    def name(self) -> str:
        """See :class:`Cut`."""
        return f"fixed-{self.piece}"

    @property
    def grain(self) -> int:
        """See :class:`Cut`."""
        return self.piece

    def cut(self, chunks: Iterable[Buffer], offset: int) -> Iterator[bytes]:
        """See :class:`Cut`; of zeros several pieces may come as one."""
        return aligned(chunks, offset, self.piece, self.run)

    def pieces(self, offset: int, length: int) -> Iterator[tuple[int, int]]:
        """Offset and length of each piece of a run, in bytes of the image."""
        end = offset + length
        while offset < end:
            size = min(self.piece - offset % self.piece, end - offset)
            yield offset, size
            offset += size


SIZES = Sizes()


@dataclasses.dataclass(frozen=True)
class Frame:
    """A frame that was read and verified; never ``END``.

    :ivar offset: of its first byte in the image
    :ivar length: in bytes of the image
    :ivar digest: BLAKE3-256 of its plain bytes; none of zeros
    :ivar pieces: of ``HELD``: the prefix of each piece
    :ivar data: of ``DATA``: its *length* plain bytes, which have the digest
    """

    kind: FrameKind
    offset: int
    length: int
    digest: bytes = b""
    pieces: tuple[bytes, ...] = ()
    data: bytes | memoryview = b""

    @property
    def end(self) -> int:
        """Offset of the first byte behind it."""
        return self.offset + self.length


@functools.lru_cache(4)
def zeros(length: int) -> bytes:
    """So many zeros: the same again, so that nobody fills memory only to compare with it."""
    return bytes(length)


def digest(data: Buffer) -> bytes:
    """BLAKE3-256 of a run or a piece, 32 bytes."""
    return blake3.blake3(data).digest()


def aligned(chunks: Iterable[Buffer], offset: int, size: int, most: int = 0) -> Iterator[bytes]:
    """The same bytes in parts that end at multiples of *size* of the image; the last where they do.

    :param offset: of the first byte in the image
    :param most: so many zeros may come as one part, where a chunk is nothing else
    """
    kept: list[Buffer] = []
    missing = size - offset % size
    for chunk in chunks:
        view = memoryview(chunk)
        is_bytes = isinstance(chunk, bytes) and len(chunk) <= most
        is_zero = is_bytes and chunk == zeros(len(chunk))
        while len(view) >= missing:
            # Bytes, not a view: they are compared ten times as fast.
            yield b"".join([*kept, view[:missing]])
            view = view[missing:]
            kept, missing = [], size
            if is_zero and (whole := len(view) - len(view) % size):
                yield zeros(whole)
                view = view[whole:]
        if view:
            # A copy, since the chunk may be a buffer that its owner fills anew.
            kept.append(bytes(view))
            missing -= len(view)
    if kept:
        yield b"".join(kept)


def preamble(offset: int, sizes: Cut = SIZES) -> bytes:
    """The first bytes of the stream of a range that begins at *offset*."""
    return _RANGE.pack(sizes.magic, offset)


def head(kind: FrameKind, first: int, second: int) -> bytes:
    """The beginning of a frame."""
    return _HEAD.pack(kind, first, second)


def read_head(data: Buffer) -> tuple[int, int, int]:
    """The byte that should be a kind, and two numbers."""
    kind, first, second = _HEAD.unpack(data)
    return kind, first, second


def body(codec: Codec, stored: int) -> bytes:
    """What tells how the bytes of a DATA frame are stored."""
    return _BODY.pack(codec, stored)


def read_body(data: Buffer) -> tuple[int, int]:
    """The byte that should be a codec, and how many bytes are stored."""
    codec, stored = _BODY.unpack(data)
    return codec, stored


def count(pieces: int) -> bytes:
    """How many pieces a HELD frame has, where it says so."""
    return _COUNT.pack(pieces)


def read_count(data: Buffer) -> int:
    """How many pieces a HELD frame should have."""
    [pieces] = _COUNT.unpack(data)
    return int(pieces)


class Chain:
    """The checks of the frames of one stream, each of which depends on all before it.

    :param start: the first bytes of the stream
    """

    def __init__(self, start: bytes) -> None:
        self._last = digest(start)[:CHECK_SIZE]

    def check(self, *parts: Buffer) -> bytes:
        """That of the next frame, which consists of *parts*."""
        hasher = blake3.blake3(self._last)
        for part in parts:
            hasher.update(part)
        self._last = hasher.digest()[:CHECK_SIZE]
        return self._last
