# SPDX-License-Identifier: Apache-2.0
"""A file in ``gz`` or ``zst``, read as if it were not: forward, and a little back.

What is in it is expanded while it is read. The last 8 MiB are kept; who reads what was before them makes
it begin anew, which is only done a few times: disk files have their tables before their data, or beside.
"""

import collections
from collections.abc import Iterator

from ims_glance.formats.extents import Extent, merged, told_apart
from ims_glance.formats.found import SECTOR, Bounds
from ims_glance.formats.packed.streams import EXPAND
from ims_glance.formats.readers import vhd
from ims_glance.formats.refusals import DiskFileTooLarge, FileCut, FormatNotRead
from ims_glance.formats.source import Cursor, Source

_KEPT = 8 << 20
_STARTS = 6
# What a file may have besides its disk: tables.
_OVERHEAD = 1 << 30


class Expanded:
    """A source that is made while it is read.

    :param kind: ``gz`` or ``zst``
    :param bounds: what may come out
    """

    def __init__(self, source: Source, kind: str, bounds: Bounds) -> None:
        self._source = source
        self._kind = kind
        self._bound = bounds.virtual_size + _OVERHEAD
        self._total: int | None = None
        self._starts = 0
        self._begin()

    def _begin(self) -> None:
        self._starts += 1
        if self._starts > _STARTS:
            raise FormatNotRead(
                f"its parts are in such an order that it cannot be read in {self._kind}",
                "Unpack it, and upload what is in it.",
            )
        self._chunks = EXPAND[self._kind](Cursor(self._source))
        self._kept: collections.deque[bytes] = collections.deque()
        self._first = self._end = 0

    @property
    def open_ended(self) -> bool:
        """Whether the end was not reached yet."""
        return self._total is None

    @property
    def size(self) -> int:
        """Of what is inside, in bytes; the most that there may be until the end is reached."""
        return self._bound if self._total is None else self._total

    def read(self, offset: int, length: int) -> bytes:
        """The bytes from *offset* on, fewer at the end."""
        if offset < self._first:
            self._begin()
        while self._end < offset + length and self._more(offset):
            pass
        parts = []
        at = self._first
        for chunk in self._kept:
            if at < offset + length and at + len(chunk) > offset:
                parts.append(chunk[max(0, offset - at) : offset + length - at])
            at += len(chunk)
        return b"".join(parts)

    def finish(self) -> None:
        """Expand the rest: only then its checksums are known to be right.

        :raises FileRefused: if it is damaged
        """
        while self._more(self._end):
            pass

    def _more(self, needed: int) -> bool:
        """Expand a piece, and let go what is far before *needed*; whether there was one."""
        chunk = next(self._chunks, None)
        if chunk is None:
            self._total = self._end
            return False
        self._kept.append(chunk)
        self._end += len(chunk)
        if self._end > self._bound:
            raise DiskFileTooLarge(
                f"it expands to more than {self._bound} bytes",
                "Make the disk smaller, or ask the operator for a larger bound.",
            )
        while self._first + len(self._kept[0]) < min(needed, self._end - _KEPT):
            self._first += len(self._kept.popleft())
        return True


def pour(source: Source, kind: str, bounds: Bounds, size: int | None = None) -> Iterator[Extent]:
    """A raw disk that is compressed as a whole; the footer of a fixed VHD is left out.

    :param size: of the disk, in bytes, if it is known
    :raises FileRefused: if it is damaged, larger than may be, or of another size
    """
    return merged(_extents(source, kind, bounds, size))


def _extents(source: Source, kind: str, bounds: Bounds, size: int | None) -> Iterator[Extent]:
    offset = 0
    held = b""
    for chunk in EXPAND[kind](Cursor(source)):
        data = held + chunk
        held = data[-SECTOR:]
        data = data[: -len(held)]
        if data:
            yield from told_apart(offset, data)
            offset = bounds.check(offset + len(data))
    footer = vhd.footer_size(held)
    if footer is None:
        yield from told_apart(offset, held)
        offset = bounds.check(offset + len(held))
        footer = size
    if footer not in (None, offset):
        raise FileCut(f"it holds {offset} bytes of a disk of {footer}")
