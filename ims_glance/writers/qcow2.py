# SPDX-License-Identifier: Apache-2.0
"""qcow2, version 3, as qemu's ``docs/interop/qcow2.rst`` describes it; clusters are not compressed.

Clusters are appended as they come, and a table of level 2 behind those that it tells of, before the first one
of the next table: so only one of them is in memory. Behind all follow the table of level 1 and the
reference counts. The first cluster, which says where these are, comes last::

    header | data | L2 | data | L2 | ... | L1 | refcount blocks | refcount table
"""

import dataclasses
import struct
from collections.abc import Iterator
from typing import Any

from ims_glance.writers.base import Buffer, ExportWriter, padded

_CLUSTER = 1 << 16
_HEADER = struct.Struct(">4sIQIIQIIQQIIQQQQIIB7x")
_COPIED = 1 << 63
_L2_ENTRIES = _CLUSTER // 8
# Reference counts have 16 bits.
_REFCOUNTS = _CLUSTER // 2
_ONCE = (1).to_bytes(2, "big")


@dataclasses.dataclass
class _L2:
    """The table of level 2 that is being filled.

    :ivar index: its number
    :ivar offset: of its first data cluster in the file; those that it has follow each other
    :ivar is_written: ``0`` or ``1`` for each of its clusters
    """

    index: int
    offset: int
    is_written: bytearray = dataclasses.field(default_factory=lambda: bytearray(b"0" * _L2_ENTRIES))

    def packed(self) -> bytes:
        """As it stands in the file."""
        entries, at = [], self.offset
        for written in self.is_written:
            is_written = written == 0x31
            entries.append(at | _COPIED if is_written else 0)
            at += _CLUSTER if is_written else 0
        return struct.pack(f">{_L2_ENTRIES}Q", *entries)


class Qcow2Writer(ExportWriter):
    """Writes qcow2.

    Bytes of the head that are not the header's are clusters that nothing refers to, and free to qemu.
    """

    FORMAT = "qcow2"
    BLOCK = _CLUSTER
    # Of a table of level 1 of 32 MiB, which is qemu's limit.
    LARGEST = (32 << 20) // 8 * _L2_ENTRIES * _CLUSTER

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._l1 = [0] * max(1, -(-self.blocks // _L2_ENTRIES))
        self._l2: _L2 | None = None
        self._header = b""

    def _head_size(self, head_room: int) -> int:
        return max(_CLUSTER, -(-head_room // _CLUSTER) * _CLUSTER)

    def _run(self, block: int, data: Buffer) -> Iterator[Buffer]:
        view = memoryview(data)
        while view:
            index, first = divmod(block, _L2_ENTRIES)
            count = min(len(view) // _CLUSTER, _L2_ENTRIES - first)
            if self._l2 and self._l2.index != index:
                yield self._flushed(self._l2)
            if self._l2 is None:
                self._l2 = _L2(index, self.offset)
            self._l2.is_written[first : first + count] = b"1" * count
            yield view[: count * _CLUSTER]
            view = view[count * _CLUSTER :]
            block += count

    def _flushed(self, l2: _L2) -> bytes:
        self._l1[l2.index] = self.offset | _COPIED
        self._l2 = None
        return l2.packed()

    def _tail(self) -> Iterator[Buffer]:
        if self._l2:
            yield self._flushed(self._l2)
        l1_offset = self.offset
        yield padded(struct.pack(f">{len(self._l1)}Q", *self._l1), _CLUSTER)
        offset = self.offset
        counts, table = _refcount_clusters(offset // _CLUSTER)
        yield from self._refcounts(offset // _CLUSTER + counts + table, counts)
        offsets = range(offset, offset + counts * _CLUSTER, _CLUSTER)
        table_offset = self.offset
        yield padded(struct.pack(f">{counts}Q", *offsets), _CLUSTER)
        self._header = self._described(l1_offset, table_offset, table)

    def _refcounts(self, clusters: int, blocks: int) -> Iterator[bytes]:
        """The blocks of reference counts: 1 for each cluster of the file, 0 for the head's free ones."""
        free = self.head_size // _CLUSTER - 1
        for first in range(0, blocks * _REFCOUNTS, _REFCOUNTS):
            used = range(first, min(first + _REFCOUNTS, clusters))
            counts = bytearray(_ONCE * len(used))
            for cluster in range(max(first, 1), min(1 + free, used.stop)):
                counts[2 * (cluster - first) : 2 * (cluster - first) + 2] = bytes(2)
            yield padded(bytes(counts), _CLUSTER)

    def _described(self, l1_offset: int, table_offset: int, table_clusters: int) -> bytes:
        return _HEADER.pack(
            b"QFI\xfb",
            3,
            0,  # no backing file
            0,
            _CLUSTER.bit_length() - 1,
            self.sectors * 512,
            0,  # not encrypted
            len(self._l1),
            l1_offset,
            table_offset,
            table_clusters,
            0,  # no snapshots
            0,
            0,  # features: none that is incompatible, compatible or cleared
            0,
            0,
            4,  # reference counts of 2**4 bits
            _HEADER.size,
            0,  # zlib, which nothing here is compressed with
        )

    def _head(self) -> bytes:
        return self._header

    def _tables(self) -> dict[str, Any]:
        l2 = self._l2 and [self._l2.index, self._l2.offset, self._l2.is_written.decode()]
        return {"l1": self._l1, "l2": l2, "header": self._header.hex()}

    def _load(self, tables: dict[str, Any]) -> None:
        self._l1 = tables["l1"]
        self._header = bytes.fromhex(tables["header"])
        if tables["l2"]:
            index, offset, is_written = tables["l2"]
            self._l2 = _L2(index, offset, bytearray(is_written.encode()))


def _refcount_clusters(others: int) -> tuple[int, int]:
    """How many clusters the blocks of reference counts take, and how many their table.

    They count themselves, so it is tried until it fits.

    :param others: clusters of the file without them
    """
    blocks, table = 0, 0
    while True:
        clusters = others + blocks + table
        needed = -(-clusters // _REFCOUNTS)
        needed_table = -(-needed * 8 // _CLUSTER)
        if (needed, needed_table) == (blocks, table):
            return blocks, table
        blocks, table = needed, needed_table
