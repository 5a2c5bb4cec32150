# SPDX-License-Identifier: Apache-2.0
"""vmdk, streamOptimized, as VMware's "Virtual Disk Format 5.0" describes it: what an OVA has in it.

Every grain of 64 KiB is compressed on its own and has a marker before it, a table follows the 512 grains
that it tells of, and the directory of tables and the footer are at the end; nothing has to be
written before something is known::

    header | descriptor | grain | grain | ... | table | grain | ... | directory | footer | end

In an OVA the beginning, up to the first grain, is written with what stands before it there, as a *head*: which is
known from the first, and may be as long as a part of S3 has to be.
"""

import base64
import struct
import zlib
from array import array
from collections.abc import Iterator
from typing import Any

from ims_glance.writers.base import GIB, SECTOR, Buffer, ExportWriter, padded

_GRAIN = 1 << 16
_GRAINS = 512
"""Grains of a table."""
_HEADER = struct.Struct("<4sIIQQQQIQQQB4sH433x")
_MARKER = struct.Struct("<QII496x")
_GRAIN_MARKER = struct.Struct("<QI")
_TABLE, _DIRECTORY, _FOOTER = 1, 2, 3
_AT_END = (1 << 64) - 1
_DESCRIPTOR_SECTORS = 20
_OVERHEAD = 1 << 16
# Line ends can be tested; grains are compressed; there are markers.
_FLAGS = 1 | 1 << 16 | 1 << 17
_LEVEL = 1

_DESCRIPTOR = """\
# Disk DescriptorFile
version=1
CID={content_id:08x}
parentCID=ffffffff
createType="streamOptimized"

# Extent description
RW {sectors} SPARSE "disk.vmdk"

# The Disk Data Base
#DDB

ddb.virtualHWVersion = "4"
ddb.geometry.cylinders = "{cylinders}"
ddb.geometry.heads = "255"
ddb.geometry.sectors = "63"
ddb.adapterType = "lsilogic"
"""


class VmdkWriter(ExportWriter):
    """Writes vmdk."""

    FORMAT = "vmdk"
    BLOCK = _GRAIN
    # Places in the file are sectors of 32 bits, and what cannot be compressed takes 1.6 % more.
    LARGEST = 2000 * GIB

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._directory = array("I", bytes(4 * -(-self.blocks // _GRAINS)))
        self._table_index = 0
        self._table = array("I", bytes(4 * _GRAINS))

    def _preface(self) -> bytes:
        begin = self._header(_AT_END) + padded(self._descriptor(), SECTOR * _DESCRIPTOR_SECTORS)
        return begin.ljust(self._overhead, b"\0")

    @property
    def _overhead(self) -> int:
        """Bytes before the first grain."""
        return self.head_size or _OVERHEAD

    def _run(self, block: int, data: Buffer) -> Iterator[Buffer]:
        view = memoryview(data)
        for number, at in enumerate(range(0, len(view), _GRAIN), block):
            index, place = divmod(number, _GRAINS)
            if index != self._table_index:
                yield from self._flushed()
                self._table_index = index
            self._table[place] = self.offset // SECTOR
            packed = zlib.compress(view[at : at + _GRAIN], _LEVEL)
            marker = _GRAIN_MARKER.pack(number * _GRAIN // SECTOR, len(packed))
            yield padded(marker + packed, SECTOR)

    def _flushed(self) -> Iterator[bytes]:
        """The table of the grains until now, if there are any."""
        if not any(self._table):
            return
        yield _MARKER.pack(len(self._table) * 4 // SECTOR, 0, _TABLE)
        self._directory[self._table_index] = self.offset // SECTOR
        yield _packed(self._table)
        self._table = array("I", bytes(4 * _GRAINS))

    def _tail(self) -> Iterator[Buffer]:
        yield from self._flushed()
        directory = padded(_packed(self._directory), SECTOR)
        yield _MARKER.pack(len(directory) // SECTOR, 0, _DIRECTORY)
        at = self.offset // SECTOR
        yield directory
        yield _MARKER.pack(1, 0, _FOOTER)
        yield self._header(at)
        yield bytes(SECTOR)

    def _header(self, directory: int) -> bytes:
        """The header; the footer is one that knows where the directory is.

        :param directory: where, in sectors
        """
        return _HEADER.pack(
            b"KDMV",
            3,
            _FLAGS,
            self.sectors,
            _GRAIN // SECTOR,
            1,  # the descriptor's place and size, in sectors
            _DESCRIPTOR_SECTORS,
            _GRAINS,
            0,  # no second directory
            directory,
            self._overhead // SECTOR,
            0,  # shut down cleanly
            b"\n \r\n",
            1,  # deflate
        )

    def _descriptor(self) -> bytes:
        # 0xffffffff is "none", and 0xfffffffe is taken by some for "to be set".
        content_id = max(1, zlib.crc32(self._image_id.bytes) & 0x7FFFFFFF)
        cylinders = min(-(-self.sectors // (255 * 63)), 65535)
        text = _DESCRIPTOR.format(
            content_id=content_id, sectors=self.sectors, cylinders=max(1, cylinders)
        )
        return text.encode("ascii")

    def _tables(self) -> dict[str, Any]:
        directory, table = (
            base64.b64encode(_packed(each)).decode() for each in (self._directory, self._table)
        )
        return {"directory": directory, "table": table, "table_index": self._table_index}

    def _load(self, tables: dict[str, Any]) -> None:
        self._directory = _unpacked(tables["directory"])
        self._table = _unpacked(tables["table"])
        self._table_index = tables["table_index"]


class OvaDiskWriter(VmdkWriter):
    """Writes the same for an OVA."""

    FORMAT = "ova disk"

    def _head_size(self, head_room: int) -> int:
        return -(-max(head_room, _OVERHEAD) // _OVERHEAD) * _OVERHEAD

    def _preface(self) -> bytes:
        return b""

    def head(self) -> bytes:
        """The first :attr:`head_size` bytes of the file, at any time."""
        return super()._preface()


def _packed(entries: "array[int]") -> bytes:
    return struct.pack(f"<{len(entries)}I", *entries)


def _unpacked(text: str) -> "array[int]":
    packed = base64.b64decode(text)
    return array("I", struct.unpack(f"<{len(packed) // 4}I", packed))
