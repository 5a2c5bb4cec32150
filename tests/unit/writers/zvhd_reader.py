# SPDX-License-Identifier: Apache-2.0
"""Readers of zvhd and zvhd2 that believe nothing: every byte of a file has to be as the layout has it.

They were written from the layout, and share nothing with the writers.
"""

import zlib
from collections.abc import Iterator

import zstandard

UNIT, BLOCK, GIB = 4096, 2 << 20, 1 << 30


def _number(data: bytes, at: int, size: int) -> int:
    return int.from_bytes(data[at : at + size], "little")


def _header(data: bytes, cookie: bytes) -> int:
    """Check a header; the size of the disk, in bytes."""
    assert data[:8] == cookie.ljust(8, b"\0")
    assert (_number(data, 8, 4), _number(data, 12, 4)) == (2, 0x10000)
    assert data[16:24] == b"\xff" * 8
    assert data[28:36] == b"tap\0\x04\0\x01\0"
    size, rounded = _number(data, 40, 8), _number(data, 48, 8)
    assert size % 512 == 0
    assert rounded % GIB == 0
    assert 0 <= rounded - size < GIB
    assert _number(data, 60, 4) == 4
    total = sum(data[:64] + data[68:512])
    assert _number(data, 64, 4) == ~total & 0xFFFFFFFF
    assert not any(data[512:UNIT])
    return size


def record(file: bytes, at: int) -> tuple[int, bytes, int]:
    """The record at a place: number of its block, compressed data, length in the file."""
    assert file[at : at + 12] == b"hwstream bg\0"
    size, block = _number(file, at + 12, 4), _number(file, at + 16, 4)
    assert size > 0
    assert not any(file[at + 20 : at + 48])
    length = -(-(48 + size + 4) // UNIT) * UNIT
    end = at + length
    assert file[end - 4 : end] == b"end\0"
    assert not any(file[at + 48 + size : end - 4])
    return block, file[at + 48 : at + 48 + size], length


def _records(file: bytes, at: int, cookie: bytes) -> Iterator[tuple[int, bytes, int, int]]:
    """Records until the header comes again, with their places and lengths."""
    last = -1
    while file[at : at + len(cookie)] != cookie:
        block, packed, length = record(file, at)
        assert block > last
        yield block, packed, at, length
        last, at = block, at + length


def _disk(blocks: dict[int, bytes], size: int) -> bytes:
    disk = bytearray(-(-size // BLOCK) * BLOCK)
    for number, block in blocks.items():
        assert len(block) == BLOCK
        assert any(block), "zeros are left out"
        disk[number * BLOCK : (number + 1) * BLOCK] = block
    assert not any(disk[size:])
    return bytes(disk[:size])


def zvhd(file: bytes) -> bytes:
    """The disk, in whole sectors: of one zlib stream."""
    size = _header(file[:UNIT], b"stream")
    stream, blocks, end = zlib.decompressobj(), {}, UNIT
    for number, packed, at, length in _records(file, UNIT, b"stream"):
        blocks[number] = stream.decompress(packed, BLOCK)
        assert not stream.unconsumed_tail
        end = at + length
    assert not stream.unused_data
    assert file[end:] == file[:UNIT]
    return _disk(blocks, size)


def zvhd2(file: bytes) -> bytes:
    """The disk, in whole sectors: by the index, after all has been compared with the records."""
    footer = file[-UNIT:]
    size = _header(footer, b"z2strm")
    assert _header(file[:UNIT], b"z2strm") == size
    count, most = _number(footer, 136, 4), _number(footer, 92, 4)
    assert (footer[87], footer[140], footer[141]) == (1, 0, 1)
    assert (_number(footer, 88, 4), most) == (BLOCK, -(-size // BLOCK))
    index, bitmap = _number(footer, 96, 8), _number(footer, 104, 8)
    assert _number(footer, 120, 4) == 524288
    assert _number(footer, 124, 4) == 4096
    assert _number(footer, 112, 4) == _number(footer, 128, 4) * 524288 == bitmap - index
    assert _number(footer, 116, 4) == _number(footer, 132, 4) * 4096 == len(file) - UNIT - bitmap
    found = list(_records(file, UNIT, b"z2strm"))
    end = found[-1][2] + found[-1][3] if found else UNIT
    assert file[end : end + UNIT] == file[:UNIT]
    assert index == end + UNIT
    assert len(found) == count
    blocks = {}
    for place, (number, packed, at, length) in enumerate(found):
        entry = file[index + 16 * place : index + 16 * place + 16]
        assert (_number(entry, 0, 8), _number(entry, 8, 4), _number(entry, 12, 4)) == (
            at,
            number,
            length,
        )
        blocks[number] = zstandard.ZstdDecompressor().decompress(packed, BLOCK)
    assert not any(file[index + 16 * count : bitmap])
    set_bits = {
        8 * place + bit
        for place, byte in enumerate(file[bitmap:-UNIT])
        for bit in range(8)
        if byte >> bit & 1
    }
    assert set_bits == set(blocks)
    return _disk(blocks, size)
