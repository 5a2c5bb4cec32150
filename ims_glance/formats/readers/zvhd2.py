# SPDX-License-Identifier: Apache-2.0
"""zvhd2, Huawei's compressed disk with an index: ``huaweicloud/ims-qemu-img``, ``src/zvhd2.c``.

Each block is a zstd frame, or a zlib stream, of its own; the last 4096 bytes say where the index is. What
lies in it is the truth, not the records as they follow each other; the bitmap is not needed.
"""

import dataclasses
from collections.abc import Iterator

from ims_glance.formats.claims import Areas
from ims_glance.formats.deflated import Expand, inflate, unzstd
from ims_glance.formats.extents import Hole, Run, Unpacked
from ims_glance.formats.found import Bounds, FormatFound
from ims_glance.formats.layout import zvhd as layout
from ims_glance.formats.readers.zvhd import ZvhdStamp, stamp
from ims_glance.formats.refusals import FileCut, FileRefused, FormatNotRead
from ims_glance.formats.source import Source, read

_EXPAND: dict[int, tuple[str, Expand]] = {
    layout.ZLIB: ("zlib", inflate),
    layout.ZSTD: ("zstd", unzstd),
}
_VERSION = 1
_SLICE = 4096 * layout.INDEX_ENTRY.size


@dataclasses.dataclass(frozen=True)
class _Zvhd2Disk:
    """What the last header says."""

    stamp: ZvhdStamp
    index: int
    records: int
    method: int


def find(source: Source, bounds: Bounds) -> FormatFound:
    """Check the headers, and the place of the index.

    :raises FileRefused: why it is not taken
    """
    disk = _open(source, bounds)
    facts = disk.stamp.facts | {"compression": _EXPAND[disk.method][0]}
    return FormatFound("zvhd2", disk.stamp.size, facts)


def runs(source: Source, bounds: Bounds) -> Iterator[Run]:
    """The blocks, and the holes between them.

    :raises FileRefused: at what is damaged, or not in rising order
    """
    disk = _open(source, bounds)
    following, behind = 0, layout.UNIT
    for place, block, _ in _entries(source, disk):
        if not following <= block < disk.stamp.blocks or place < behind or place >= disk.index:
            raise FileRefused(f"its index names block {block} at byte {place}, out of its order")
        if block > following:
            yield Hole((block - following) * layout.BLOCK)
        plain, behind = _record(source, disk, place, block)
        yield Unpacked(plain)
        following = block + 1
    if following < disk.stamp.blocks:
        yield Hole((disk.stamp.blocks - following) * layout.BLOCK)


def _entries(source: Source, disk: _Zvhd2Disk) -> Iterator[tuple[int, int, int]]:
    size = disk.records * layout.INDEX_ENTRY.size
    for start in range(0, size, _SLICE):
        length = min(_SLICE, size - start)
        data = read(source, disk.index + start, length, "the index")
        yield from layout.INDEX_ENTRY.iter_unpack(data)


def _record(source: Source, disk: _Zvhd2Disk, place: int, block: int) -> tuple[bytes, int]:
    """The bytes of a block, and where its record ends."""
    what = f"the record at byte {place}"
    head = read(source, place, layout.RECORD.size, what)
    mark, size, number, is_packed, _ = layout.RECORD.unpack(head)
    if mark != layout.RECORD_MARK or number != block or size > layout.MAX_PACKED:
        raise FileRefused(f"{what} is not that of block {block}")
    data = read(source, place + layout.RECORD.size, size, what)
    end = place + layout.RECORD.size + size
    if not is_packed and size == layout.BLOCK:
        return data, end
    return _EXPAND[disk.method][1](data, layout.BLOCK, what), end


def _open(source: Source, bounds: Bounds) -> _Zvhd2Disk:
    first = stamp(read(source, 0, layout.UNIT, "the header"), layout.COOKIE_2)
    end = source.size - layout.UNIT
    last = read(source, end, layout.UNIT, "the header at its end")
    if not last.startswith(layout.COOKIE_2):
        raise FileCut("it has no header at its end")
    found = stamp(last, layout.COOKIE_2)
    if found != first:
        raise FileRefused("the headers at its beginning and its end are not alike")
    bounds.check(found.size)
    fields = layout.TAIL.unpack_from(last, layout.TAIL_OFFSET)
    _, _, _, version, block, blocks, index, bitmap, index_size, bitmap_size = fields[:10]
    records, has_zeros, method = fields[14:]
    if version != _VERSION or block != layout.BLOCK or has_zeros or method not in _EXPAND:
        raise FormatNotRead(
            f"it is a zvhd2 of a kind that is not known (version {version}, blocks of {block} bytes, "
            f"compression {method})"
        )
    # The driver counts the blocks of the disk before its size is rounded up to whole GiB.
    needed = -(-min(found.original, found.size) // layout.BLOCK)
    if blocks < needed or records > found.blocks:
        raise FileRefused(f"its {records} records do not fit its disk")
    if records * layout.INDEX_ENTRY.size > index_size:
        raise FileRefused("its index is too short for its records")
    areas = Areas(source)
    areas.take(0, layout.UNIT, "header")
    areas.take(end, layout.UNIT, "header at its end")
    areas.take(index, index_size, "index")
    areas.take(bitmap, bitmap_size, "bitmap")
    return _Zvhd2Disk(found, index, records, method)
