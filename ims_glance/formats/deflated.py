# SPDX-License-Identifier: Apache-2.0
"""One compressed block, expanded to no more than it should have: RFC 1950, 1951 and 8878.

By zlib-ng, which takes a little more than half of zlib's time, by which whole imports are bound.
"""

from collections.abc import Callable

import zstandard
from zlib_ng import zlib_ng

from ims_glance.formats.refusals import FileRefused

Expand = Callable[[bytes, int, str], bytes]

_MAX_WINDOW = 8 << 20
_STREAMED = 1 << 16


def inflate(data: bytes, size: int, what: str) -> bytes:
    """The first *size* bytes of a zlib stream.

    :raises FileRefused: if it is none, or has fewer
    """
    return _inflate(data, size, what, zlib_ng.MAX_WBITS)


def inflate_raw(data: bytes, size: int, what: str) -> bytes:
    """The first *size* bytes of a deflate stream without the head of zlib.

    :raises FileRefused: if it is none, or has fewer
    """
    return _inflate(data, size, what, -zlib_ng.MAX_WBITS)


def _inflate(data: bytes, size: int, what: str, bits: int) -> bytes:
    try:
        plain = zlib_ng.decompressobj(bits).decompress(data, size)
    except zlib_ng.error as error:  # type: ignore[misc]  # its stubs call the class an exception
        raise FileRefused(f"{what} cannot be expanded") from error
    return _whole(plain, size, what)


def unzstd(data: bytes, size: int, what: str) -> bytes:
    """The first *size* bytes of a zstd frame.

    :raises FileRefused: if it is none, has fewer, or wants more than 8 MiB of memory
    """
    try:
        # The stream stops where the plain bytes are enough, whatever follows.
        reader = zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW).stream_reader(
            data, read_size=_STREAMED
        )
        plain = reader.read(size)
    except zstandard.ZstdError as error:
        raise FileRefused(f"{what} cannot be expanded") from error
    return _whole(plain, size, what)


def _whole(plain: bytes, size: int, what: str) -> bytes:
    if len(plain) != size:
        raise FileRefused(f"{what} expands to {len(plain)} bytes instead of {size}")
    return plain
