# SPDX-License-Identifier: Apache-2.0
"""vhd: a dynamic hard disk as Microsoft's "Virtual Hard Disk Image Format Specification" describes it.

The block allocation table stands before the blocks, where every reader looks for it, so it is of the head, which
comes last::

    copy of the footer | dynamic header | table | block | block | ... | footer

The disk has exactly its size, in sectors: of "qem2", as qemu writes with ``force_size``, readers take it
from the footer's *current size* and not from its geometry, which could not say it.
"""

import struct
from collections.abc import Iterator
from typing import Any

from ims_glance.writers.base import GIB, MIB, SECTOR, Buffer, ExportWriter

_BLOCK = 2 * MIB
_FOOTER = struct.Struct(">8sIIQI4sI4sQQHBBII16sB427x")
_HEADER = struct.Struct(">8sQQIIII16sII512x192x256x")
_CHECKSUM = {_FOOTER.size: 64, _HEADER.size: 36}
"""Where the checksum of either stands."""
_NOWHERE = (1 << 64) - 1
_UNUSED = 0xFFFFFFFF
_DYNAMIC = 3
# The sectors of a block that are in use: all of them.
_BITMAP = b"\xff" * SECTOR
_USED = 0x31


class VhdWriter(ExportWriter):
    """Writes vhd."""

    FORMAT = "vhd"
    BLOCK = _BLOCK
    # 0xff000000 sectors, which is qemu's limit and Microsoft's.
    LARGEST = 2040 * GIB

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._is_written = bytearray(b"0" * self.blocks)

    def _head_size(self, head_room: int) -> int:
        needed = SECTOR + _HEADER.size + 4 * self.blocks
        return -(-max(needed, head_room) // SECTOR) * SECTOR

    def _run(self, block: int, data: Buffer) -> Iterator[Buffer]:
        view = memoryview(data)
        for number in range(len(view) // _BLOCK):
            self._is_written[block + number] = _USED
            yield _BITMAP
            yield view[number * _BLOCK : (number + 1) * _BLOCK]

    def _tail(self) -> Iterator[Buffer]:
        yield self._footer()

    def _head(self) -> bytes:
        return self._footer() + self._header() + self._table()

    def _footer(self) -> bytes:
        size = self.sectors * SECTOR
        return _summed(
            _FOOTER.pack(
                b"conectix",
                2,  # a bit that is always set
                1 << 16,  # version of the format
                SECTOR,  # where the dynamic header is
                0,  # seconds since 2000: files of one image are the same whenever they are made
                b"qem2",
                1 << 16,
                b"Wi2k",
                size,
                size,
                65535,  # cylinders, heads, sectors: the most that there are
                16,
                255,
                _DYNAMIC,
                0,
                self._image_id.bytes,
                0,
            )
        )

    def _header(self) -> bytes:
        return _summed(
            _HEADER.pack(
                b"cxsparse",
                _NOWHERE,
                SECTOR + _HEADER.size,
                1 << 16,
                self.blocks,
                _BLOCK,
                0,
                bytes(16),  # no parent
                0,
                0,
            )
        )

    def _table(self) -> bytes:
        entries, at = [], self.head_size // SECTOR
        for written in self._is_written:
            entries.append(at if written == _USED else _UNUSED)
            at += (SECTOR + _BLOCK) // SECTOR if written == _USED else 0
        packed = struct.pack(f">{len(entries)}I", *entries)
        return packed + b"\xff" * (-len(packed) % SECTOR)

    def _tables(self) -> dict[str, Any]:
        return {"is_written": self._is_written.decode()}

    def _load(self, tables: dict[str, Any]) -> None:
        self._is_written = bytearray(tables["is_written"].encode())


def _summed(structure: bytes) -> bytes:
    """A footer or header with its checksum: the complement of the sum of its bytes."""
    at = _CHECKSUM[len(structure)]
    checksum = ~sum(structure) & 0xFFFFFFFF
    return structure[:at] + checksum.to_bytes(4, "big") + structure[at + 4 :]
