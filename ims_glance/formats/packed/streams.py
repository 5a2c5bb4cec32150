# SPDX-License-Identifier: Apache-2.0
"""What is in gzip (RFC 1952) and zstd (RFC 8878), a piece at a time, however much it comes to."""

import zlib
from collections.abc import Callable, Iterator

import zstandard

from ims_glance.formats.extents import is_zero
from ims_glance.formats.refusals import FileCut, FileRefused
from ims_glance.formats.source import PIECE, Cursor

# Of pieces that are given on, but for the last. Millions of little ones would take much memory, and time.
_LEAST = 64 << 10
# Of a file that are given to zlib at once: it copies what is left of them behind each member.
_FED = 32 << 10

_GZIP_BITS = 16 + zlib.MAX_WBITS
_GZIP = b"\x1f\x8b"

_ZSTD = b"\x28\xb5\x2f\xfd"
_PASSED_OVER = range(0x184D2A50, 0x184D2A60)
# zstd's own levels 1 to 19 need 8 MiB.
_MAX_WINDOW = 32 << 20
_MAX_BLOCK = 128 << 10
_RLE, _RESERVED = 1, 3
_CHECKSUM, _SINGLE_SEGMENT = 1 << 2, 1 << 5
_DICTIONARY_SIZES = (0, 1, 2, 4)
_CONTENT_SIZES = (0, 2, 4, 8)


def gunzip(cursor: Cursor) -> Iterator[bytes]:
    """The members of a gzip file, in pieces of 1 MiB at most; each has the checksum that it should have.

    :raises FileRefused: if it is damaged, or has something else behind its last member
    """
    rest = b""
    while data := rest or cursor.some(_FED):
        if is_zero(data):
            rest = b""
            continue
        if not _GZIP.startswith(data[:2]):
            raise FileRefused("it has something else behind its gzip data")
        expander = zlib.decompressobj(_GZIP_BITS)
        yield from _member(cursor, expander, data)
        rest = expander.unused_data.lstrip(b"\0")


def _member(cursor: Cursor, expander: "zlib._Decompress", data: bytes) -> Iterator[bytes]:
    while not expander.eof:
        try:
            plain = expander.decompress(data, PIECE)
        except zlib.error as error:
            raise FileRefused("its gzip data are damaged") from error
        if plain:
            yield plain
        data = expander.unconsumed_tail
        if not data and not expander.eof and len(plain) < PIECE:
            data = cursor.some(_FED)
            if not data:
                raise FileCut("its gzip data end too early")


def unzstd(cursor: Cursor) -> Iterator[bytes]:
    """The frames of a zstd file, a block of 128 KiB at most at a time.

    :raises FileRefused: if it is damaged, or has something else behind its last frame
    """
    while cursor.left:
        magic = cursor.read(4, "a zstd frame")
        if int.from_bytes(magic, "little") in _PASSED_OVER:
            length = int.from_bytes(cursor.read(4, "a zstd frame"), "little")
            if length > cursor.left:
                raise FileCut("its zstd data end too early")
            cursor.skip(length)
        elif magic == _ZSTD:
            yield from _frame(cursor, magic)
        else:
            raise FileRefused("it has something else behind its zstd data")


def _frame(cursor: Cursor, magic: bytes) -> Iterator[bytes]:
    """A frame is given to the library block by block, so that it cannot make much of little at once."""
    flags = cursor.read(1, "a zstd frame")
    single = flags[0] & _SINGLE_SEGMENT
    content = _CONTENT_SIZES[flags[0] >> 6] or (1 if single else 0)
    length = (0 if single else 1) + _DICTIONARY_SIZES[flags[0] & 3] + content
    expand = _expander()
    yield from expand(magic + flags + cursor.read(length, "a zstd frame"))
    is_last = False
    while not is_last:
        head = cursor.read(3, "a zstd block")
        value = int.from_bytes(head, "little")
        is_last, kind, size = bool(value & 1), value >> 1 & 3, value >> 3
        if kind == _RESERVED or size > _MAX_BLOCK:
            raise FileRefused("its zstd data are damaged")
        yield from expand(head + cursor.read(1 if kind == _RLE else size, "a zstd block"))
    if flags[0] & _CHECKSUM:
        yield from expand(cursor.read(4, "a zstd checksum"))


def _expander() -> Callable[[bytes], Iterator[bytes]]:
    inner = zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW).decompressobj()

    def expand(data: bytes) -> Iterator[bytes]:
        try:
            plain = inner.decompress(data)
        except zstandard.ZstdError as error:
            raise FileRefused(
                "its zstd data are damaged, or need more than 32 MiB of memory",
                "Compress it once more, without '--long' and '--ultra'.",
            ) from error
        if plain:
            yield plain

    return expand


def _gathered(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The same in larger pieces, however many members, frames and blocks they are of; 1 MiB at most."""
    held: list[bytes] = []
    size = 0
    for piece in pieces:
        if size >= _LEAST or size + len(piece) > PIECE:
            yield b"".join(held)
            held, size = [], 0
        held.append(piece)
        size += len(piece)
    if held:
        yield b"".join(held)


EXPAND: dict[str, Callable[[Cursor], Iterator[bytes]]] = {
    "gz": lambda cursor: _gathered(gunzip(cursor)),
    "zst": lambda cursor: _gathered(unzstd(cursor)),
}
"""What expands a file of the format."""
