# SPDX-License-Identifier: Apache-2.0
"""VHD: Microsoft's "Virtual Hard Disk Image Format Specification" 1.0. Numbers are big-endian."""

import struct

COOKIE = b"conectix"
FOOTER = struct.Struct(">8sIIQI4sI4sQQIII16sB")
"""cookie, features, version, data offset, time, creator, its version and host, original and current
size, geometry, type, checksum, id, whether it is a saved state."""
FOOTER_SIZE = 512
CHECKSUM_OFFSET = 64
VERSION = 0x00010000
NO_OFFSET = (1 << 64) - 1

FIXED, DYNAMIC, DIFFERENCING = 2, 3, 4

DYNAMIC_COOKIE = b"cxsparse"
DYNAMIC_HEADER = struct.Struct(">8sQQIIII16sII512s192s")
"""cookie, data offset, offset of the table, version, entries, block size, checksum, the parent's id,
time and reserved word, name, locators."""
DYNAMIC_SIZE = 1024
DYNAMIC_CHECKSUM_OFFSET = 36

UNUSED = 0xFFFFFFFF
SECTOR = 512


def checksum(data: bytes, offset: int) -> int:
    """Of a footer or header: the complement of the sum of its bytes, those at *offset* left out."""
    return ~(sum(data) - sum(data[offset : offset + 4])) & 0xFFFFFFFF
