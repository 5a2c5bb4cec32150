# SPDX-License-Identifier: Apache-2.0
"""VHDX, dynamic and fixed: Microsoft's [MS-VHDX]. Numbers are little-endian.

A file whose log has to be replayed is refused: what it holds is not yet what its disk holds.
"""

import dataclasses
import struct
import uuid
from collections.abc import Iterator

from ims_glance.formats import tables
from ims_glance.formats.claims import Areas, Claims
from ims_glance.formats.crc32c import crc32c
from ims_glance.formats.extents import Hole, Run, Stored
from ims_glance.formats.found import Bounds, Fact, FormatFound
from ims_glance.formats.refusals import FileRefused, FormatNotRead
from ims_glance.formats.source import Source, read

_MIB = 1 << 20
_HEADERS = (64 << 10, 128 << 10)
_HEADER_SIZE = 4096
# signature, checksum, sequence; ids of the file, the data and the log; versions of the log and the file,
# length and place of the log.
_HEADER = struct.Struct("<4sIQ16s16s16sHHIQ")
_REGIONS = (192 << 10, 256 << 10)
_REGIONS_SIZE = 64 << 10
_REGION_HEAD = struct.Struct("<4sIII")
_REGION = struct.Struct("<16sQII")
_METADATA_HEAD = struct.Struct("<8sHH20x")
_ITEM = struct.Struct("<16sIIII")
_MOST_ENTRIES = 2047
_REQUIRED_REGION, _REQUIRED_ITEM = 1, 4


def _id(text: str) -> bytes:
    return uuid.UUID(text).bytes_le


_TABLE_REGION = _id("2dc27766-f623-4200-9d64-115e9bfd4a08")
_METADATA_REGION = _id("8b7ca206-4790-4b9a-b8fe-575f050f886e")
_PARAMETERS = _id("caa16737-fa36-4d43-b3b6-33f0aa44e76b")
_SIZE = _id("2fa54224-cd1b-4876-b211-5dbed83bf4b8")
_SECTOR_SIZE = _id("8141bf1d-a96f-4709-ba47-f233a8faab5f")
_PHYSICAL_SECTOR_SIZE = _id("cda348c7-445d-4471-9cc9-e9885251c556")
_DISK_ID = _id("beca12ab-b2e6-4523-93ef-c309e000c746")
_PARENT = _id("a8d35f2d-b30b-454d-abf7-d3d84834ab0c")
_KNOWN_ITEMS = (_PARAMETERS, _SIZE, _SECTOR_SIZE, _PHYSICAL_SECTOR_SIZE, _DISK_ID, _PARENT)
_FIXED, _HAS_PARENT = 1, 2

# States of a block: not present, undefined, zero, unmapped; the last as two versions of the format had it.
_NO_DATA = (0, 1, 2, 3, 5)
_PRESENT = 6
_STATE = 7
_PLACE = ~(_MIB - 1)

_MERGE = "Merge it with the disk that it depends on, and upload the result."


@dataclasses.dataclass(frozen=True)
class _VhdxDisk:
    """What header, regions and metadata say."""

    size: int
    block: int
    sector: int
    table: int
    is_fixed: bool
    areas: Areas

    @property
    def blocks(self) -> int:
        return -(-self.size // self.block)

    @property
    def ratio(self) -> int:
        """Blocks whose entries follow each other, before that of a bitmap."""
        return (self.sector << 23) // self.block

    @property
    def entries(self) -> int:
        return self.blocks + (self.blocks - 1) // self.ratio


def find(source: Source, bounds: Bounds) -> FormatFound:
    """Check headers, regions and metadata, and the place of the table.

    :raises FileRefused: why it is not taken
    """
    disk = _open(source, bounds)
    kind = "fixed" if disk.is_fixed else "dynamic"
    facts: dict[str, Fact] = {
        "subformat": kind,
        "block_size": disk.block,
        "sector_size": disk.sector,
    }
    return FormatFound("vhdx", disk.size, facts)


def runs(source: Source, bounds: Bounds) -> Iterator[Run]:
    """Where the disk lies in the file.

    :raises FileRefused: at what is damaged
    """
    disk = _open(source, bounds)
    claims = Claims(source, disk.block)
    left = disk.size
    index = 0
    for entry, count in tables.entries(source, disk.table, disk.entries, 8, "little", "the table"):
        for _ in range(count):
            index += 1
            if index % (disk.ratio + 1) == 0:
                continue
            length = min(disk.block, left)
            left -= length
            yield _block(disk, claims, entry, length)


def _block(disk: _VhdxDisk, claims: Claims, entry: int, length: int) -> Run:
    state = entry & _STATE
    if state in _NO_DATA:
        return Hole(length)
    if state != _PRESENT:
        raise FileRefused("it holds only what differs from another disk", _MERGE)
    position = entry & _PLACE
    disk.areas.free(position, length, "a block")
    claims.take(position, length, "a block")
    return Stored(position, length)


def _open(source: Source, bounds: Bounds) -> _VhdxDisk:
    areas = Areas(source)
    areas.take(0, _MIB, "header")
    _header(source, areas)
    regions = _regions(source)
    if _TABLE_REGION not in regions or _METADATA_REGION not in regions:
        raise FileRefused("it has no table of blocks, or no metadata")
    table, table_size = regions[_TABLE_REGION]
    metadata, metadata_size = regions[_METADATA_REGION]
    areas.take(metadata, metadata_size, "metadata")
    block, flags, size, sector = _metadata(source, metadata, metadata_size)
    if flags & _HAS_PARENT:
        raise FileRefused("it holds only what differs from another disk", _MERGE)
    if block & (block - 1) or not _MIB <= block <= 256 * _MIB:
        raise FileRefused(f"its blocks cannot be of {block} bytes")
    if sector not in (512, 4096) or size % sector:
        raise FileRefused(f"its disk of {size} bytes cannot have sectors of {sector} bytes")
    disk = _VhdxDisk(bounds.check(size), block, sector, table, bool(flags & _FIXED), areas)
    if disk.entries * 8 > table_size:
        raise FileRefused("its table of blocks is too short for its disk")
    areas.take(table, disk.entries * 8, "table of blocks")
    return disk


def _sealed(source: Source, offset: int, size: int, signature: bytes) -> bytes | None:
    """A header or a region table, if its signature and its checksum are right."""
    data = read(source, offset, size, "the header")
    if not data.startswith(signature):
        return None
    checksum = int.from_bytes(data[4:8], "little")
    return data if crc32c(data[:4] + bytes(4) + data[8:]) == checksum else None


def _header(source: Source, areas: Areas) -> None:
    """Check the newer one of the two headers."""
    copies = [_sealed(source, offset, _HEADER_SIZE, b"head") for offset in _HEADERS]
    headers = [_HEADER.unpack_from(data) for data in copies if data is not None]
    if not headers:
        raise FileRefused("neither of its two headers has a right checksum")
    _, _, _, _, _, log, _, version, log_length, log_offset = max(headers, key=lambda each: each[2])
    if version != 1:
        raise FormatNotRead(f"it is of version {version} of VHDX, and 1 is read")
    if any(log):
        raise FileRefused(
            "it was not closed, and its log has still to be replayed",
            "Attach and detach it once (or 'qemu-img check -r all'), and upload it again.",
        )
    areas.take(log_offset, log_length, "log")


def _regions(source: Source) -> dict[bytes, tuple[int, int]]:
    """Place and length of the regions, by their ids."""
    copies = (_sealed(source, offset, _REGIONS_SIZE, b"regi") for offset in _REGIONS)
    data = next((copy for copy in copies if copy is not None), None)
    if data is None:
        raise FileRefused("neither of its two region tables has a right checksum")
    count = _REGION_HEAD.unpack_from(data)[2]
    if count > _MOST_ENTRIES:
        raise FileRefused(f"it cannot have {count} regions")
    regions: dict[bytes, tuple[int, int]] = {}
    for number in range(count):
        entry = _REGION.unpack_from(data, _REGION_HEAD.size + number * _REGION.size)
        name, offset, length, flags = entry
        if name in regions or offset % _MIB or length % _MIB or not length:
            raise FileRefused("it has a region twice, or at a place where none can be")
        if flags & _REQUIRED_REGION and name not in (_TABLE_REGION, _METADATA_REGION):
            raise FormatNotRead("it has a region that is not known, and has to be")
        regions[name] = (offset, length)
    return regions


def _metadata(source: Source, start: int, length: int) -> tuple[int, int, int, int]:
    """Size of a block, flags, size of the disk, size of a sector."""
    magic, _, count = _METADATA_HEAD.unpack(
        read(source, start, _METADATA_HEAD.size, "the metadata")
    )
    if magic != b"metadata" or count > _MOST_ENTRIES:
        raise FileRefused("its metadata are not where its header says")
    table = read(source, start + _METADATA_HEAD.size, count * _ITEM.size, "the metadata")
    places: dict[bytes, tuple[int, int]] = {}
    for name, offset, size, flags, _ in _ITEM.iter_unpack(table):
        if name in places or offset + size > length:
            raise FileRefused("it has an item of metadata twice, or outside of them")
        if flags & _REQUIRED_ITEM and name not in _KNOWN_ITEMS:
            raise FormatNotRead("it has metadata that are not known, and have to be")
        places[name] = (offset, size)
    if _PARENT in places:
        raise FileRefused("it names another disk that it needs", _MERGE)
    values: list[int] = []
    for name, form in ((_PARAMETERS, "<II"), (_SIZE, "<Q"), (_SECTOR_SIZE, "<I")):
        offset, size = places.get(name, (0, 0))
        if size != struct.calcsize(form):
            raise FileRefused("its metadata do not say how large its disk and its blocks are")
        values += struct.unpack(form, read(source, start + offset, size, "the metadata"))
    block, flags, disk, sector = values
    return block, flags, disk, sector
