# SPDX-License-Identifier: Apache-2.0
"""VHD, fixed and dynamic: Microsoft's "Virtual Hard Disk Image Format Specification" 1.0.

The size of the disk is the footer's "current size", also where its geometry tells less.
"""

import dataclasses
from collections.abc import Iterator

from ims_glance.formats import tables
from ims_glance.formats.claims import Areas, Claims
from ims_glance.formats.extents import Hole, Run, Stored
from ims_glance.formats.found import Bounds, Fact, FormatFound
from ims_glance.formats.layout import vhd as layout
from ims_glance.formats.refusals import FileCut, FileRefused, FormatNotRead, quoted
from ims_glance.formats.source import Source, is_open_ended, read

_MERGE = "Merge it with the disk that it depends on, and upload the result."
_MIN_BLOCK, _MAX_BLOCK = 4096, 256 << 20


@dataclasses.dataclass(frozen=True)
class _VhdFooter:
    kind: int
    size: int
    data_offset: int
    creator: str


@dataclasses.dataclass(frozen=True)
class _VhdDynamic:
    """What the header of a dynamic disk says."""

    size: int
    table: int
    block: int
    areas: Areas

    @property
    def blocks(self) -> int:
        return -(-self.size // self.block)

    @property
    def bitmap(self) -> int:
        """Bytes before each block: a bit for each sector, in whole sectors."""
        bits = self.block // layout.SECTOR
        return -(-bits // (8 * layout.SECTOR)) * layout.SECTOR


def has_footer(source: Source) -> bool:
    """Whether the file ends as every VHD does; a fixed one is known by nothing else."""
    if is_open_ended(source) or source.size < layout.FOOTER_SIZE:
        return False
    last = read(source, source.size - layout.FOOTER_SIZE, layout.FOOTER_SIZE, "the footer")
    return last.startswith(layout.COOKIE)


def footer_size(data: bytes) -> int | None:
    """The size of the disk that the footer of a fixed VHD tells; ``None`` if *data* is none.

    :raises FileRefused: if it is damaged
    """
    if len(data) != layout.FOOTER_SIZE or not data.startswith(layout.COOKIE):
        return None
    footer = _parsed(data)
    return footer.size if footer.kind == layout.FIXED else None


def find(source: Source, bounds: Bounds) -> FormatFound:
    """Check footer, header and the place of the table.

    :raises FileRefused: why it is not taken
    """
    footer = _footer(source)
    size = bounds.check(footer.size)
    facts: dict[str, Fact] = {"made_by": footer.creator}
    if footer.kind == layout.FIXED:
        _check_fixed(source, size)
        return FormatFound("vhd", size, facts | {"subformat": "fixed"})
    disk = _dynamic(source, footer)
    facts |= {"subformat": "dynamic", "block_size": disk.block}
    return FormatFound("vhd", size, facts)


def runs(source: Source, bounds: Bounds) -> Iterator[Run]:
    """Where the disk lies in the file.

    :raises FileRefused: at what is damaged
    """
    footer = _footer(source)
    size = bounds.check(footer.size)
    if footer.kind == layout.FIXED:
        _check_fixed(source, size)
        yield Stored(0, size)
        return
    disk = _dynamic(source, footer)
    claims = Claims(source, disk.block)
    table = tables.entries(source, disk.table, disk.blocks, 4, "big", "the block table")
    left = size
    for entry, count in table:
        for _ in range(count):
            length = min(disk.block, left)
            yield _block(disk, claims, entry, length)
            left -= length


def _block(disk: _VhdDynamic, claims: Claims, entry: int, length: int) -> Run:
    if entry == layout.UNUSED:
        return Hole(length)
    offset = entry * layout.SECTOR
    # The last block may end with the disk.
    whole = disk.bitmap + length
    disk.areas.free(offset, whole, "a block")
    claims.take(offset, whole, "a block")
    return Stored(offset + disk.bitmap, length)


def _footer(source: Source) -> _VhdFooter:
    """The footer: of a fixed disk at the end; of a dynamic one also at the beginning."""
    first = read(source, 0, layout.FOOTER_SIZE, "the footer's copy")
    if is_open_ended(source):
        return _parsed(first)
    end = source.size - layout.FOOTER_SIZE
    last = read(source, end, layout.FOOTER_SIZE, "the footer")
    if not last.startswith(layout.COOKIE):
        raise FileCut("it has no footer at its end")
    footer = _parsed(last)
    if footer.kind == layout.DYNAMIC and _parsed(first) != footer:
        raise FileRefused("its footer and the copy of it at the beginning are not alike")
    return footer


def _parsed(data: bytes) -> _VhdFooter:
    fields = layout.FOOTER.unpack(data[: layout.FOOTER.size])
    cookie, _, version, data_offset, _, creator, _, _, _, size, _, kind, checksum, _, _ = fields
    if cookie != layout.COOKIE:
        raise FileRefused("it has no VHD footer where one should be")
    if checksum != layout.checksum(data, layout.CHECKSUM_OFFSET):
        raise FileRefused("its footer has a wrong checksum")
    if version >> 16 != layout.VERSION >> 16:
        raise FormatNotRead(f"it is of version {version:#x} of VHD, and 1.0 is read")
    if kind == layout.DIFFERENCING:
        raise FileRefused("it holds only what differs from another disk", _MERGE)
    if kind not in (layout.FIXED, layout.DYNAMIC):
        raise FormatNotRead(f"it is a VHD of an unknown type (number {kind})")
    if size % layout.SECTOR:
        raise FileRefused(f"its disk cannot have {size} bytes, which are no whole sectors")
    return _VhdFooter(kind, size, data_offset, quoted(creator.rstrip(b"\0 ")).strip("'"))


def _check_fixed(source: Source, size: int) -> None:
    held = source.size - layout.FOOTER_SIZE
    if held < size:
        raise FileCut(f"it holds {held} bytes of a disk of {size}")
    if held > size:
        raise FileRefused(f"it holds {held - size} bytes more than its disk has")


def _dynamic(source: Source, footer: _VhdFooter) -> _VhdDynamic:
    header = read(source, footer.data_offset, layout.DYNAMIC_SIZE, "the header")
    fields = layout.DYNAMIC_HEADER.unpack(header[: layout.DYNAMIC_HEADER.size])
    cookie, _, table, _, entries, block, checksum, _, _, _, _, locators = fields
    if cookie != layout.DYNAMIC_COOKIE:
        raise FileRefused("it has no header where its footer says")
    if checksum != layout.checksum(header, layout.DYNAMIC_CHECKSUM_OFFSET):
        raise FileRefused("its header has a wrong checksum")
    if any(locators):
        raise FileRefused("it names another disk that it needs", _MERGE)
    if not _MIN_BLOCK <= block <= _MAX_BLOCK or block & (block - 1):
        raise FileRefused(f"its blocks cannot be of {block} bytes")
    areas = Areas(source)
    disk = _VhdDynamic(footer.size, table, block, areas)
    if entries < disk.blocks:
        raise FileRefused(f"its table of {entries} blocks is too short for its disk")
    areas.take(0, layout.FOOTER_SIZE, "copy of the footer")
    areas.take(footer.data_offset, layout.DYNAMIC_SIZE, "header")
    areas.take(table, disk.blocks * 4, "block table")
    if not is_open_ended(source):
        areas.take(source.size - layout.FOOTER_SIZE, layout.FOOTER_SIZE, "footer")
    return disk
