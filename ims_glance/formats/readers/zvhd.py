# SPDX-License-Identifier: Apache-2.0
"""zvhd, Huawei's compressed disk that is read from front to back: ``huaweicloud/ims-qemu-img``, ``src/zvhd.c``.

A zlib stream goes through all records. The disk has the "current size", which the driver rounds up to GiB.
"""

import dataclasses
import zlib
from collections.abc import Iterator

from ims_glance.formats.extents import Hole, Run, Unpacked
from ims_glance.formats.found import SECTOR, Bounds, Fact, FormatFound
from ims_glance.formats.layout import zvhd as layout
from ims_glance.formats.refusals import FileCut, FileRefused, FormatNotRead
from ims_glance.formats.source import Cursor, Source, is_open_ended, read


@dataclasses.dataclass(frozen=True)
class ZvhdStamp:
    """What a header says.

    :ivar size: of the disk, in bytes
    :ivar original: what the disk had before it was rounded up, or was enlarged
    """

    size: int
    original: int

    @property
    def blocks(self) -> int:
        """Of the disk; the last one may end behind it."""
        return -(-self.size // layout.BLOCK)

    @property
    def facts(self) -> dict[str, Fact]:
        """For the user."""
        return {"original_size": self.original}


def stamp(data: bytes, cookie: bytes) -> ZvhdStamp:
    """A header that is right.

    :raises FileRefused: if it is not
    """
    fields = layout.HEADER.unpack_from(data)
    found, _, version, _, _, _, _, _, original, size, _, kind, checksum, _ = fields
    if not found.startswith(cookie):
        raise FileRefused("it has no header where one should be")
    if checksum != layout.checksum(data):
        raise FileRefused("its header has a wrong checksum")
    if version != layout.VERSION or kind != layout.TYPE:
        raise FormatNotRead(f"it is of version {version:#x} and type {kind}, which are not known")
    if size % SECTOR:
        raise FileRefused(f"its disk cannot have {size} bytes, which are no whole sectors")
    return ZvhdStamp(size, original)


def find(source: Source, bounds: Bounds) -> FormatFound:
    """Check the header, and the one at the end.

    :raises FileRefused: why it is not taken
    """
    first = read(source, 0, layout.UNIT, "the header")
    found = stamp(first, layout.COOKIE)
    bounds.check(found.size)
    if not is_open_ended(source):
        last = read(source, source.size - layout.UNIT, layout.UNIT, "the header at its end")
        _check_end(last, found)
    return FormatFound("zvhd", found.size, found.facts)


def runs(source: Source, bounds: Bounds) -> Iterator[Run]:
    """The blocks, and the holes between them.

    :raises FileRefused: at what is damaged, or not in rising order
    """
    cursor = Cursor(source)
    found = stamp(cursor.read(layout.UNIT, "the header"), layout.COOKIE)
    bounds.check(found.size)
    stream = zlib.decompressobj()
    rest = b""
    following = 0
    while True:
        unit = cursor.read(layout.UNIT, "a record")
        if not unit.startswith(layout.RECORD_MARK):
            break
        size, block = layout.RECORD.unpack_from(unit)[1:3]
        what = f"the record before byte {cursor.offset}"
        if not following <= block < found.blocks:
            raise FileRefused(f"{what} is not in rising order, or of no place of the disk")
        if block > following:
            yield Hole((block - following) * layout.BLOCK)
        plain, rest = _block(stream, rest + packed(cursor, unit, size, what), what)
        yield Unpacked(plain)
        following = block + 1
    _check_end(unit, found)
    if cursor.some(1):
        raise FileRefused("it has data behind its end mark")
    if following < found.blocks:
        yield Hole((found.blocks - following) * layout.BLOCK)


def packed(cursor: Cursor, unit: bytes, size: int, what: str) -> bytes:
    """The compressed bytes of a record, of which the first unit was read."""
    if size > layout.MAX_PACKED:
        raise FileRefused(f"{what} cannot have {size} bytes")
    whole = layout.RECORD.size + size + len(layout.RECORD_END)
    padded = -(-whole // layout.UNIT) * layout.UNIT
    data = unit + cursor.read(padded - layout.UNIT, what)
    if not data.endswith(layout.RECORD_END):
        raise FileRefused(f"{what} has no end mark")
    return data[layout.RECORD.size : layout.RECORD.size + size]


def _block(stream: "zlib._Decompress", data: bytes, what: str) -> tuple[bytes, bytes]:
    """What the next record expands to, and bytes that are left for the following one: of its flush."""
    try:
        plain = stream.decompress(data, layout.BLOCK)
        rest = stream.unconsumed_tail
        more = stream.decompress(rest, 1) if rest else b""
    except zlib.error as error:
        raise FileRefused(f"{what} cannot be expanded") from error
    if len(plain) != layout.BLOCK or more:
        raise FileRefused(f"{what} does not expand to {layout.BLOCK} bytes")
    return plain, stream.unconsumed_tail


def _check_end(unit: bytes, found: ZvhdStamp) -> None:
    if not unit.startswith(layout.COOKIE):
        raise FileCut("it has no end mark, or something else is where a record should be")
    if stamp(unit, layout.COOKIE) != found:
        raise FileRefused("the headers at its beginning and its end are not alike")
