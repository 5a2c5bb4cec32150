# SPDX-License-Identifier: Apache-2.0
"""zvhd2: Huawei's compressed disk with an index, any block of which can be read alone.

The layout is that of huaweicloud/ims-qemu-img, ``src/zvhd2.c``. All numbers are little-endian::

    header (4096) | record | record | ... | header again | index | bitmap | footer (4096)

    record  as of zvhd, each with a zstd frame of its own
    index   segments of 512 KiB: place of the record (u64), number of the block (u32), length of the record (u32),
            for each record
    bitmap  segments of 4096 bytes, a bit for each block of the disk, the lowest first: whether it has a record

The footer is a header that knows where index and bitmap are.
"""

import base64
import dataclasses
import struct
from array import array
from collections.abc import Iterator
from typing import Any

import zstandard

from ims_glance.writers.base import Buffer, ExportWriter
from ims_glance.writers.zvhd import BLOCK, UNIT, Stamp, record

# saved, hidden, align_64 and version; then as the fields of _Tail
_MORE = struct.Struct("<BBBBIIQQIIIIIIIBB")
_ENTRY = struct.Struct("<QII")
_INDEX_SEGMENT = 512 * 1024
_BITMAP_SEGMENT = 4096
_ENTRIES = _INDEX_SEGMENT // _ENTRY.size
_ZSTD = 1
_LEVEL = 1
_USED = 0x31


@dataclasses.dataclass(frozen=True)
class _Found:
    """Where index and bitmap are, for the footer; nowhere, for the header."""

    index: int = 0
    index_segments: int = 0
    bitmap: int = 0
    bitmap_segments: int = 0
    records: int = 0


class Zvhd2Writer(ExportWriter):
    """Writes zvhd2."""

    FORMAT = "zvhd2"
    BLOCK = BLOCK
    LARGEST = 1 << 52  # blocks have 32 bits

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._zstd = zstandard.ZstdCompressor(level=_LEVEL, write_content_size=True)
        self._is_written = bytearray(b"0" * self.blocks)
        # Of each record, in units; they follow each other.
        self._lengths = array("H")

    def _preface(self) -> bytes:
        return self._stamp(_Found())

    def _run(self, block: int, data: Buffer) -> Iterator[Buffer]:
        view = memoryview(data)
        for number, at in enumerate(range(0, len(view), BLOCK), block):
            written = record(number, self._zstd.compress(view[at : at + BLOCK]))
            self._is_written[number] = _USED
            self._lengths.append(len(written) // UNIT)
            yield written

    def _tail(self) -> Iterator[Buffer]:
        yield self._preface()
        index = self.offset
        yield from self._index()
        bitmap = self.offset
        yield from self._bitmap()
        yield self._stamp(
            _Found(
                index=index,
                index_segments=(bitmap - index) // _INDEX_SEGMENT,
                bitmap=bitmap,
                bitmap_segments=(self.offset - bitmap) // _BITMAP_SEGMENT,
                records=len(self._lengths),
            )
        )

    def _index(self) -> Iterator[bytes]:
        at, segment = UNIT, bytearray()
        blocks = (number for number, used in enumerate(self._is_written) if used == _USED)
        for block, units in zip(blocks, self._lengths, strict=True):
            segment += _ENTRY.pack(at, block, units * UNIT)
            at += units * UNIT
            if len(segment) == _INDEX_SEGMENT:
                yield bytes(segment)
                segment = bytearray()
        if segment:
            yield bytes(segment.ljust(_INDEX_SEGMENT, b"\0"))

    def _bitmap(self) -> Iterator[bytes]:
        for first in range(0, max(1, self.blocks), _ENTRIES):
            used = self._is_written[first : first + _ENTRIES]
            # As a number in binary, whose lowest digit is the first block.
            bits = int(bytes(reversed(used)) or b"0", 2)
            yield bits.to_bytes(_BITMAP_SEGMENT, "little")

    def _stamp(self, found: _Found) -> bytes:
        is_known = bool(found.bitmap)
        more = _MORE.pack(
            0,
            0,
            0,
            1,
            BLOCK,
            self.blocks,
            found.index,
            found.bitmap,
            found.index_segments * _INDEX_SEGMENT,
            found.bitmap_segments * _BITMAP_SEGMENT,
            _INDEX_SEGMENT if is_known else 0,
            _BITMAP_SEGMENT if is_known else 0,
            found.index_segments,
            found.bitmap_segments,
            found.records,
            0,  # the index has no entries for blocks of zeros
            _ZSTD,
        )
        return Stamp(b"z2strm", self.sectors, self._image_id).header(more)

    def _tables(self) -> dict[str, Any]:
        lengths = struct.pack(f"<{len(self._lengths)}H", *self._lengths)
        return {
            "is_written": self._is_written.decode(),
            "lengths": base64.b64encode(lengths).decode(),
        }

    def _load(self, tables: dict[str, Any]) -> None:
        self._is_written = bytearray(tables["is_written"].encode())
        lengths = base64.b64decode(tables["lengths"])
        self._lengths = array("H", struct.unpack(f"<{len(lengths) // 2}H", lengths))
