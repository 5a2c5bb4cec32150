# SPDX-License-Identifier: Apache-2.0
"""The markers and grains of a streamOptimized VMDK, read once from front to back.

The tables at its end are not needed for that, and are not read. ("Virtual Disk Format 5.0",
"Stream-Optimized Compressed Sparse Extents".)
"""

from collections.abc import Iterator

from ims_glance.formats.deflated import inflate
from ims_glance.formats.extents import Hole, Run, Unpacked, is_zero
from ims_glance.formats.layout import vmdk as layout
from ims_glance.formats.refusals import CONVERT, FileCut, FileRefused
from ims_glance.formats.source import Cursor, Source, is_open_ended, read

# What QEMU fills the file up with behind its end.
_MOST_PADDING = 1 << 16
_METADATA = (layout.GRAIN_TABLE, layout.GRAIN_DIRECTORY, layout.FOOTER)


def check_end(source: Source) -> None:
    """See that the last marker may be there, which is zeros: a cheap look before reading it all.

    :raises FileCut: if it cannot be
    """
    if is_open_ended(source):
        return
    last = source.size - layout.SECTOR
    if source.size % layout.SECTOR or not is_zero(read(source, last, layout.SECTOR, "its end")):
        raise FileCut("it has no end mark")


def runs(source: Source, start: int, size: int, grain: int) -> Iterator[Run]:
    """The grains, and the holes between them.

    :param start: of the first marker, in bytes
    :param size: of the disk, in bytes
    :param grain: bytes of a grain
    :raises FileRefused: at what is damaged, or not in rising order
    """
    cursor = Cursor(source, start)
    at = 0
    while True:
        sector = cursor.read(layout.SECTOR, "a marker")
        value, length, kind = layout.MARKER.unpack_from(sector)
        if length == 0:
            if kind == layout.END_OF_STREAM:
                break
            _skip(cursor, value, kind)
            continue
        offset = _place(value, at, size, grain, cursor)
        if offset > at:
            yield Hole(offset - at)
        yield Unpacked(_grain(cursor, sector, length, min(grain, size - offset), grain))
        at = min(offset + grain, size)
    _check_behind(cursor)
    if at < size:
        yield Hole(size - at)


def _place(value: int, at: int, size: int, grain: int, cursor: Cursor) -> int:
    offset: int = value * layout.SECTOR
    if offset % grain or offset >= size:
        raise FileRefused(f"the grain at byte {cursor.offset} is of no place of the disk")
    if offset < at:
        raise FileRefused(f"the grain at byte {cursor.offset} is not in rising order", CONVERT)
    return offset


def _grain(cursor: Cursor, sector: bytes, length: int, needed: int, grain: int) -> bytes:
    """The first *needed* bytes of a grain, whose marker and first bytes are in *sector*."""
    what = f"the grain at byte {cursor.offset - layout.SECTOR}"
    if length > 2 * grain:
        raise FileRefused(f"{what} cannot have {length} bytes")
    data = sector[layout.GRAIN_HEAD : layout.GRAIN_HEAD + length]
    rest = layout.GRAIN_HEAD + length - layout.SECTOR
    if rest > 0:
        padded = -(-rest // layout.SECTOR) * layout.SECTOR
        data += cursor.read(padded, what)[:rest]
    return inflate(data, needed, what)


def _skip(cursor: Cursor, sectors: int, kind: int) -> None:
    """Pass over a table."""
    if kind not in _METADATA:
        raise FileRefused(f"the marker before byte {cursor.offset} is of no known kind")
    if sectors * layout.SECTOR > cursor.left:
        raise FileCut(f"the table at byte {cursor.offset} is not there as a whole")
    cursor.skip(sectors * layout.SECTOR)


def _check_behind(cursor: Cursor) -> None:
    padding = 0
    while part := cursor.some():
        padding += len(part)
        if padding > _MOST_PADDING or not is_zero(part):
            raise FileRefused("it has data behind its end mark")
