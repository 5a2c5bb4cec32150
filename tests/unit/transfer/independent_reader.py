# SPDX-License-Identifier: Apache-2.0
"""A reader of streams, written from the text of ims_glance.transfer alone, without its code."""

from collections.abc import Iterator

import blake3
import zstandard


def _hash(data: bytes) -> bytes:
    return blake3.blake3(data).digest()


def read(stream: bytes, piece: int | None) -> Iterator[tuple[bytes, int, int, bytes, bytes]]:
    """Kind, offset, length, content or prefixes, and all bytes of each frame; ``END`` as well.

    :param piece: bytes of a piece; ``None`` if it is cut by content
    """
    assert stream[:8] == (b"IMSFRM1\n" if piece else b"IMSFRM2\n")
    check = _hash(stream[:16])[:8]
    place = 16
    kind = b""
    while kind != b"E":
        begin = place
        kind = stream[place : place + 1]
        first = int.from_bytes(stream[place + 1 : place + 9], "big")
        second = int.from_bytes(stream[place + 9 : place + 17], "big")
        place += 17
        content, stored, digest = b"", 0, b""
        if kind in b"HD":
            digest = stream[place : place + 32]
            place += 32
        if kind == b"H":
            if piece:
                count = (first + second - 1) // piece - first // piece + 1
            else:
                count = int.from_bytes(stream[place : place + 4], "big")
                place += 4
            content = stream[place : place + 8 * count]
            place += 8 * count
        if kind == b"D":
            codec = stream[place]
            stored = int.from_bytes(stream[place + 1 : place + 5], "big")
            place += 5
        check = _hash(check + stream[begin:place])[:8]
        assert stream[place : place + 8] == check
        place += 8
        if kind == b"D":
            content = stream[place : place + stored]
            place += stored
            if codec == 1:
                content = zstandard.ZstdDecompressor().decompress(content)
            assert len(content) == second and _hash(content) == digest
        if kind == b"H":
            content = digest + content
        yield kind, first, second, content, stream[begin:place]
    assert place == len(stream)
