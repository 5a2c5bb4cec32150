# SPDX-License-Identifier: Apache-2.0
"""zvhd and zvhd2, as Huawei's published driver has them (huaweicloud/ims-qemu-img). Numbers are little-endian.

Header, records in rising order of blocks of 2 MiB, header; of zvhd2 also index, bitmap, and a header that
knows where these are. Blocks of zeros have no record.
"""

import struct

UNIT = 4096
BLOCK = 2 << 20

COOKIE, COOKIE_2 = b"stream", b"z2strm"
HEADER = struct.Struct("<8sIIQI4sIIQQIII16s")
"""cookie, features, version, data offset, time, creator, its version and host, original and current
size, geometry, type, checksum, id."""
CHECKED = 512
CHECKSUM_OFFSET = 64
VERSION = 0x00010000
TYPE = 4

TAIL = struct.Struct("<BBBBIIQQIIIIIIIBB")
"""saved, hidden, alignment, version; size of a block, number of blocks; places of index and bitmap, their
sizes, those of their segments, the numbers of these; records; whether the index has entries for blocks of zeros,
way of compression."""
TAIL_OFFSET = 84
ZLIB, ZSTD = 0, 1

RECORD = struct.Struct("<12sIIB3xI20x")
"""mark, compressed bytes, number of the block; of zvhd2: whether they are compressed, bytes of the block."""
RECORD_MARK = b"hwstream bg\0"
RECORD_END = b"end\0"
MAX_PACKED = BLOCK + (64 << 10)

INDEX_ENTRY = struct.Struct("<QII")
"""Place of the record, number of its block, length of the record."""


def checksum(data: bytes) -> int:
    """Of a header: the complement of the sum of its first 512 bytes, the checksum's left out."""
    summed = sum(data[:CHECKED]) - sum(data[CHECKSUM_OFFSET : CHECKSUM_OFFSET + 4])
    return ~summed & 0xFFFFFFFF
