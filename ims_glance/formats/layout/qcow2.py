# SPDX-License-Identifier: Apache-2.0
"""qcow2, versions 2 and 3: QEMU's ``docs/interop/qcow2.rst``. Numbers are big-endian."""

import struct

MAGIC = b"QFI\xfb"
HEADER = struct.Struct(">4sIQIIQIIQQIIQ")
"""magic, version, backing file's offset and length, cluster bits, size, encryption, entries and offset
of the L1 table, offset and clusters of the refcount table, number and offset of the snapshots."""
HEADER_3 = struct.Struct(">QQQII")
"""What follows in version 3: incompatible, compatible and autoclear features, refcount order, length of
the header."""

DIRTY, CORRUPT, DATA_FILE, COMPRESSION, EXTENDED_L2 = 1, 2, 4, 8, 16
ZLIB, ZSTD = 0, 1

EXTENSION = struct.Struct(">II")
EXTENSION_END = 0
EXTENSION_DATA_FILE = 0x44415441

OFFSET_MASK = 0x00FFFFFFFFFFFE00
COPIED = 1 << 63
COMPRESSED = 1 << 62
ZERO = 1

MIN_CLUSTER_BITS, MAX_CLUSTER_BITS = 9, 21
MAX_L1 = 32 << 20
"""Bytes of the L1 table that QEMU reads at most."""
