# SPDX-License-Identifier: Apache-2.0
"""VMDK in one file, monolithicSparse and streamOptimized: VMware's "Virtual Disk Format 5.0"."""

import dataclasses
from collections.abc import Iterator

from ims_glance.formats import tables
from ims_glance.formats.claims import Areas, Claims
from ims_glance.formats.extents import Hole, Run, Stored
from ims_glance.formats.found import Bounds, Fact, FormatFound
from ims_glance.formats.layout import vmdk as layout
from ims_glance.formats.readers import vmdk_descriptor, vmdk_stream
from ims_glance.formats.refusals import COMPLETE, FileRefused, FormatNotRead
from ims_glance.formats.source import Source, read

_MIN_GRAIN, _MAX_GRAIN = 8, 4096


@dataclasses.dataclass(frozen=True)
class _VmdkDisk:
    """What header and descriptor say; bytes, not sectors.

    :ivar start: of grains and markers
    """

    size: int
    grain: int
    entries: int
    directory: int
    start: int
    has_zero_grains: bool
    is_stream: bool
    areas: Areas
    facts: dict[str, Fact]

    @property
    def reached(self) -> int:
        """Of the disk by one grain table."""
        return self.grain * self.entries

    @property
    def tables(self) -> int:
        return -(-self.size // self.reached)


def find(source: Source, bounds: Bounds) -> FormatFound:
    """Check header, descriptor and the place of the directory, or that the stream has an end.

    :raises FileRefused: why it is not taken
    """
    disk = _open(source, bounds)
    if disk.is_stream:
        vmdk_stream.check_end(source)
    return FormatFound("vmdk", disk.size, disk.facts)


def runs(source: Source, bounds: Bounds) -> Iterator[Run]:
    """Where the disk lies in the file, or its grains as they come.

    :raises FileRefused: at what is damaged
    """
    disk = _open(source, bounds)
    if disk.is_stream:
        yield from vmdk_stream.runs(source, disk.start, disk.size, disk.grain)
        return
    grain_tables = Claims(source, disk.entries * 4)
    grains = Claims(source, disk.grain)
    left = disk.size
    directory = tables.entries(source, disk.directory, disk.tables, 4, "little", "the directory")
    for entry, count in directory:
        if entry:
            offset = entry * layout.SECTOR
            disk.areas.free(offset, disk.entries * 4, "a grain table")
            grain_tables.take(offset, disk.entries * 4, "a grain table")
            yield from _grains(source, disk, offset, grains, left)
        else:
            yield Hole(count * disk.reached)
        left -= count * disk.reached


def _grains(
    source: Source, disk: _VmdkDisk, offset: int, claims: Claims, left: int
) -> Iterator[Run]:
    number = min(disk.entries, -(-left // disk.grain))
    for entry, count in tables.entries(source, offset, number, 4, "little", "a grain table"):
        if entry == 0 or (entry == layout.ZERO_GRAIN and disk.has_zero_grains):
            yield Hole(count * disk.grain)
        else:
            position = entry * layout.SECTOR
            length = min(disk.grain, left)
            disk.areas.free(position, length, "a grain")
            claims.take(position, length, "a grain")
            yield Stored(position, length)
        left -= count * disk.grain


def _open(source: Source, bounds: Bounds) -> _VmdkDisk:
    data = read(source, 0, layout.HEADER_SIZE, "the header")
    magic, version, flags, capacity, grain, place, sectors, entries = layout.HEADER.unpack_from(
        data
    )[:8]
    _, directory, start, unclean, ends, compression = layout.HEADER.unpack_from(data)[8:]
    if magic != layout.MAGIC:
        raise FileRefused("it has no VMDK header")
    if version not in layout.VERSIONS:
        raise FormatNotRead(f"it is of version {version} of VMDK, and 1 to 3 are read")
    if flags & layout.NEW_LINES and ends != layout.LINE_ENDS:
        raise FileRefused(
            "its line ends were changed, as by a transfer as text",
            f"{COMPLETE} Transfer it as binary.",
        )
    if grain & (grain - 1) or not _MIN_GRAIN <= grain <= _MAX_GRAIN:
        raise FileRefused(f"its grains cannot be of {grain} sectors")
    if not 0 < entries <= layout.ENTRIES:
        raise FileRefused(f"its grain tables cannot have {entries} entries")
    size = bounds.check(capacity * layout.SECTOR)
    areas = Areas(source)
    areas.take(0, layout.HEADER_SIZE, "header")
    kind = _kind(source, areas, place, sectors, capacity)
    is_stream = kind == vmdk_descriptor.STREAM
    _check_compression(flags, compression, is_stream)
    facts: dict[str, Fact] = {
        "subformat": "streamOptimized" if is_stream else "monolithicSparse",
        "grain_size": grain * layout.SECTOR,
    }
    if unclean:
        facts["not_closed"] = True
    disk = _VmdkDisk(
        size=size,
        grain=grain * layout.SECTOR,
        entries=entries,
        directory=directory * layout.SECTOR,
        start=start * layout.SECTOR,
        has_zero_grains=bool(flags & layout.ZERO_GRAINS),
        is_stream=is_stream,
        areas=areas,
        facts=facts,
    )
    if not is_stream:
        areas.take(disk.directory, disk.tables * 4, "directory")
    elif disk.start < (place + sectors) * layout.SECTOR:
        raise FileRefused("its grains begin before its header ends")
    return disk


def _kind(source: Source, areas: Areas, place: int, sectors: int, capacity: int) -> str:
    """Which kind the descriptor tells."""
    offset, length = place * layout.SECTOR, sectors * layout.SECTOR
    if place != 1 or not 0 < length <= vmdk_descriptor.MAX_SIZE:
        raise FormatNotRead("it is a part of a VMDK in several files, which has no descriptor")
    areas.take(offset, length, "descriptor")
    return vmdk_descriptor.kind(read(source, offset, length, "the descriptor"), capacity)


def _check_compression(flags: int, compression: int, is_stream: bool) -> None:
    """Grains of a stream are compressed and have markers, others neither."""
    wanted = layout.COMPRESSED | layout.MARKERS if is_stream else 0
    if flags & (layout.COMPRESSED | layout.MARKERS) != wanted:
        raise FileRefused("its header and its descriptor do not tell the same kind of VMDK")
    if is_stream and compression != layout.DEFLATE:
        raise FormatNotRead(f"it is compressed in a way that is not known (number {compression})")
