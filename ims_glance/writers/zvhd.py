# SPDX-License-Identifier: Apache-2.0
"""zvhd: Huawei's compressed disk, which is read from its beginning to its end.

The layout is that of huaweicloud/ims-qemu-img, ``src/zvhd.c``. All numbers are little-endian::

    header (4096) | record | record | ... | header again

    record = "hwstream bg\\0" | size of the compressed data (u32) | number of the block (u32) | 28 zero bytes
             | compressed data | zeros | "end\\0", to a multiple of 4096

The compressed data of all records is one zlib stream, flushed after each. Its pieces need nothing of each
other here, since nothing of an earlier block is referred to: so the stream goes on in another process.
"""

import dataclasses
import struct
import uuid
import zlib
from collections.abc import Iterator

from ims_glance.writers.base import GIB, MIB, SECTOR, Buffer, ExportWriter, padded, padding

UNIT = 4096
BLOCK = 2 * MIB
_HEADER = struct.Struct("<8sIIQI4sIIQQIII16s")
_CHECKSUM = 64
_DYNAMIC = 4
_VERSION = 1 << 16 | 4
_PREFIX = b"hwstream bg\0"
_RECORD = struct.Struct("<12sII28x")
_END = b"end\0"
# What a zlib stream of level 1 begins with: deflate, a window of 32 KiB, the fastest.
_STREAM = b"\x78\x01"
_LEVEL = 1


@dataclasses.dataclass(frozen=True)
class Stamp:
    """What both formats say of a disk, by a structure that looks like the footer of vhd."""

    cookie: bytes
    sectors: int
    image_id: uuid.UUID

    def header(self, more: bytes = b"") -> bytes:
        """The header, a unit long.

        :param more: what follows from byte 84 on
        """
        size = self.sectors * SECTOR
        structure = _HEADER.pack(
            self.cookie,
            2,  # a bit that is always set
            1 << 16,  # version of the format
            (1 << 64) - 1,
            0,  # seconds since 2000: files of one image are the same whenever they are made
            b"tap",
            _VERSION,
            0,
            size,
            -(-size // GIB) * GIB,
            geometry(self.sectors),
            _DYNAMIC,
            0,
            self.image_id.bytes,
        )
        structure = (structure + more).ljust(SECTOR, b"\0")
        checksum = struct.pack("<I", ~sum(structure) & 0xFFFFFFFF)
        return padded(structure[:_CHECKSUM] + checksum + structure[_CHECKSUM + 4 :], UNIT)


def record(block: int, packed: bytes) -> bytes:
    """One block of the disk as it stands in the file."""
    begin = _RECORD.pack(_PREFIX, len(packed), block) + packed
    return begin + padding(len(begin) + len(_END), UNIT) + _END


def geometry(sectors: int) -> int:
    """Cylinders, heads and sectors, as the specification of vhd (appendix "CHS calculation") has them of a size.

    :returns: ``cylinders << 16 | heads << 8 | sectors``
    """
    total = min(max(sectors, 1), 65535 * 16 * 255)
    if total >= 65535 * 16 * 63:
        per_track, heads = 255, 16
    else:
        heads = max(4, -(-(total // 17) // 1024))
        per_track = 17
        if total // 17 >= heads * 1024 or heads > 16:
            per_track, heads = 31, 16
        if total // per_track >= heads * 1024:
            per_track, heads = 63, 16
    return (total // per_track // heads) << 16 | heads << 8 | per_track


class ZvhdWriter(ExportWriter):
    """Writes zvhd."""

    FORMAT = "zvhd"
    BLOCK = BLOCK
    LARGEST = 1 << 52  # blocks have 32 bits

    def _stamp(self) -> bytes:
        return Stamp(b"stream", self.sectors, self._image_id).header()

    def _preface(self) -> bytes:
        return self._stamp()

    def _run(self, block: int, data: Buffer) -> Iterator[Buffer]:
        view = memoryview(data)
        for number, at in enumerate(range(0, len(view), BLOCK), block):
            is_first = self.offset == UNIT
            yield record(number, _compressed(view[at : at + BLOCK], is_first))

    def _tail(self) -> Iterator[Buffer]:
        yield self._stamp()


def _compressed(block: Buffer, is_first: bool) -> bytes:
    """The piece of the file's one zlib stream that a block is."""
    deflate = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    piece = deflate.compress(block) + deflate.flush(zlib.Z_SYNC_FLUSH)
    return (_STREAM if is_first else b"") + piece
