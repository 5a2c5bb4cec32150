# SPDX-License-Identifier: Apache-2.0
"""VMDK in one file: VMware's "Virtual Disk Format 5.0". Numbers are little-endian, places in sectors."""

import struct

MAGIC = b"KDMV"
HEADER = struct.Struct("<4sIIQQQQIQQQB4sH")
"""magic, version, flags, capacity, grain, descriptor's place and sectors, entries of a grain table,
places of the second and first grain directory, overhead, whether it was not closed, line ends, compression."""
HEADER_SIZE = 512
SECTOR = 512
VERSIONS = (1, 2, 3)

NEW_LINES, REDUNDANT, ZERO_GRAINS, COMPRESSED, MARKERS = 1, 2, 4, 1 << 16, 1 << 17
LINE_ENDS = b"\n \r\n"
DEFLATE = 1
AT_END = (1 << 64) - 1
ENTRIES = 512
"""Of a grain table."""

MARKER = struct.Struct("<QII")
"""A grain's place in the disk, or sectors that follow; bytes of the grain, or 0; the kind, if it is 0."""
GRAIN_HEAD = 12
END_OF_STREAM, GRAIN_TABLE, GRAIN_DIRECTORY, FOOTER = 0, 1, 2, 3
ZERO_GRAIN = 1
