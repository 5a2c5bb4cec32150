# SPDX-License-Identifier: Apache-2.0
"""VDI of version 1.1, dynamic and static: VirtualBox' ``VDICore.h``. Numbers are little-endian."""

import dataclasses
import struct
from collections.abc import Iterator

from ims_glance.formats import tables
from ims_glance.formats.claims import Areas, Claims
from ims_glance.formats.extents import Hole, Run, Stored
from ims_glance.formats.found import SECTOR, Bounds, FormatFound
from ims_glance.formats.refusals import FileRefused, FormatNotRead
from ims_glance.formats.source import Source, read

# Signature, version, size of the header, kind, flags; the comment of 256 bytes; places of the table and of
# the data, geometry, sector and a reserved word; size of the disk; block, extra bytes before each,
# blocks of the disk and of the file; ids of the disk, its snapshot, the disk before and its snapshot.
_HEADER = struct.Struct("<IIIII256sIIIIIIIQIIII16s16s16s16s")
_START = 0x40
_MAGIC = 0xBEDA107F
_VERSION = 0x00010001
_KINDS = {1: "dynamic", 2: "static"}
_DIFFERENCING = (3, 4)
_UNUSED, _ZERO = 0xFFFFFFFF, 0xFFFFFFFE
_MIN_BLOCK, _MAX_BLOCK = 1 << 16, 256 << 20
_MERGE = "Clone it ('VBoxManage clonemedium'), which makes one disk of it, and upload the clone."


@dataclasses.dataclass(frozen=True)
class _VdiDisk:
    """What the header says."""

    size: int
    kind: str
    block: int
    table: int
    data: int
    allocated: int
    areas: Areas

    @property
    def blocks(self) -> int:
        return -(-self.size // self.block)


def find(source: Source, bounds: Bounds) -> FormatFound:
    """Check the header and the place of the table.

    :raises FileRefused: why it is not taken
    """
    disk = _open(source, bounds)
    return FormatFound("vdi", disk.size, {"subformat": disk.kind, "block_size": disk.block})


def runs(source: Source, bounds: Bounds) -> Iterator[Run]:
    """Where the disk lies in the file.

    :raises FileRefused: at what is damaged
    """
    disk = _open(source, bounds)
    claims = Claims(source, disk.block)
    left = disk.size
    for entry, count in tables.entries(source, disk.table, disk.blocks, 4, "little", "the table"):
        for _ in range(count):
            length = min(disk.block, left)
            left -= length
            if entry in (_UNUSED, _ZERO):
                yield Hole(length)
                continue
            if entry >= disk.allocated:
                raise FileRefused(f"its table names block {entry} of {disk.allocated}")
            position = disk.data + entry * disk.block
            claims.take(position, length, "a block")
            yield Stored(position, length)


def _open(source: Source, bounds: Bounds) -> _VdiDisk:
    fields = _HEADER.unpack(read(source, _START, _HEADER.size, "the header"))
    magic, version, _, kind, _, _, table, data = fields[:8]
    sector, _, size, block, extra, blocks, allocated = fields[11:18]
    _, _, parent, parent_snapshot = fields[18:]
    if magic != _MAGIC:
        raise FileRefused("it has no VDI header")
    if version != _VERSION:
        raise FormatNotRead(f"it is of version {version >> 16}.{version & 0xFFFF} of VDI, not 1.1")
    if kind in _DIFFERENCING or any(parent) or any(parent_snapshot):
        raise FileRefused("it holds only what differs from another disk", _MERGE)
    if kind not in _KINDS:
        raise FormatNotRead(f"it is a VDI of an unknown kind (number {kind})")
    if sector != SECTOR or extra:
        raise FormatNotRead(f"its sectors are of {sector} bytes, or its blocks of more than data")
    if block & (block - 1) or not _MIN_BLOCK <= block <= _MAX_BLOCK:
        raise FileRefused(f"its blocks cannot be of {block} bytes")
    areas = Areas(source)
    disk = _VdiDisk(bounds.check(size), _KINDS[kind], block, table, data, allocated, areas)
    if blocks < disk.blocks or allocated > blocks:
        raise FileRefused(f"its table of {blocks} blocks does not fit its disk")
    areas.take(0, _START + _HEADER.size, "header")
    areas.take(table, disk.blocks * 4, "table")
    areas.free(data, 1 << 62, "its data")
    return disk
