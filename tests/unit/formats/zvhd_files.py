# SPDX-License-Identifier: Apache-2.0
"""zvhd and zvhd2 files for tests, as the published driver lays them out; written here, independently of the product.

They round no disk up to GiB, so that they stay small.
"""

import struct
import zlib

import zstandard

BLOCK = 2 << 20


def header(cookie: bytes, size: int, more: bytes = b"") -> bytes:
    """A header, 4096 bytes; *more* stands at byte 84."""
    head = struct.pack("<8sIIQI", cookie, 2, 0x10000, (1 << 64) - 1, 0)
    head += struct.pack("<4sIIQQIII16s", b"tap", 0x10004, 0, size, size, 0, 4, 0, b"i" * 16)
    return resealed((head + more).ljust(4096, b"\0"))


def resealed(head: bytes) -> bytes:
    """The header with the right checksum."""
    blank = head[:64] + bytes(4) + head[68:]
    return head[:64] + struct.pack("<I", ~sum(blank[:512]) & 0xFFFFFFFF) + head[68:]


def record(number: int, packed: bytes, is_packed: int = 1, size: int = BLOCK) -> bytes:
    """A record, padded to 4096 bytes."""
    head = struct.pack("<12sIIB3xI20x", b"hwstream bg\0", len(packed), number, is_packed, size)
    data = head + packed
    return data + bytes(-(len(data) + 4) % 4096) + b"end\0"


def blocks(raw: bytes, block: int) -> dict[int, bytes]:
    """The blocks of a disk that are not zeros, each whole."""
    cut = {number: raw[number * block :][:block] for number in range(-(-len(raw) // block))}
    return {number: data.ljust(block, b"\0") for number, data in cut.items() if any(data)}


def zvhd(raw: bytes, block: int = BLOCK) -> bytes:
    """A zvhd file."""
    packer = zlib.compressobj(1)
    out = header(b"stream", len(raw))
    for number, data in blocks(raw, block).items():
        packed = packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH)
        out += record(number, packed)
    return out + header(b"stream", len(raw))


def zvhd2(raw: bytes, block: int = BLOCK, method: int = 1) -> bytes:
    """A zvhd2 file, packed by zlib (0), zstd (1), or with blocks as they are (2, called zstd)."""
    pack = (zlib.compress, zstandard.compress, bytes)[method]
    chosen = blocks(raw, block)
    out = first = header(b"z2strm", len(raw))
    index = b""
    for number, data in chosen.items():
        written = record(number, pack(data), int(method < 2), block)
        index += struct.pack("<QII", len(out), number, len(written))
        out += written
    out += first
    place = len(out)
    bits = sum(1 << number for number in chosen)
    out += index.ljust(4096, b"\0") + bits.to_bytes(4096, "little")
    count = -(-len(raw) // block)
    more = struct.pack("<BBBBII", 0, 0, 0, 1, block, count)
    more += struct.pack("<QQIIII", place, place + 4096, 4096, 4096, 4096, 4096)
    more += struct.pack("<IIIBB", 1, 1, len(chosen), 0, min(method, 1))
    return out + header(b"z2strm", len(raw), more)
