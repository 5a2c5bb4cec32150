# SPDX-License-Identifier: Apache-2.0
"""What writing and reading of a stream share. The format is in :mod:`ims_glance.transfer`."""

import dataclasses
import enum
import struct
from collections.abc import Iterator
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

_MAGIC = b"IMSFRM1\n"
_RANGE = struct.Struct(">8sQ")
_HEAD = struct.Struct(">BQQ")
_BODY = struct.Struct(">BI")

HEAD_SIZE = _HEAD.size
BODY_SIZE = _BODY.size


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
class Sizes:
    """How a stream is cut; tests do it small.

    :ivar piece: bytes
    :ivar run: bytes, at least of a piece
    """

    piece: int = PIECE
    run: int = RUN

    def count(self, offset: int, length: int) -> int:
        """How many pieces a run has."""
        return (offset + length - 1) // self.piece - offset // self.piece + 1

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
    :ivar pieces: of ``HELD``: the prefix of each piece (:meth:`Sizes.pieces` says where they lie)
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


def digest(data: Buffer) -> bytes:
    """BLAKE3-256 of a run or a piece, 32 bytes."""
    return blake3.blake3(data).digest()


def preamble(offset: int) -> bytes:
    """The first bytes of the stream of a range that begins at *offset*."""
    return _RANGE.pack(_MAGIC, offset)


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
