# SPDX-License-Identifier: Apache-2.0
"""QED: QEMU's ``docs/interop/qed_spec.rst``. Numbers are little-endian."""

import dataclasses
import struct
from collections.abc import Iterator

from ims_glance.formats import tables
from ims_glance.formats.claims import Areas, Claims
from ims_glance.formats.extents import Hole, Run, Stored
from ims_glance.formats.found import SECTOR, Bounds, Fact, FormatFound
from ims_glance.formats.refusals import FileRefused, FormatNotRead
from ims_glance.formats.source import Source, read

# magic, cluster, clusters of a table and of the header, features that must, may and need not be known, place
# of the L1 table, size of the disk, place and length of the backing file's name.
_HEADER = struct.Struct("<4sIIIQQQQQII")
_MAGIC = b"QED\0"
_BACKING, _NEED_CHECK, _BACKING_RAW = 1, 2, 4
_ZERO = 1
_CLUSTERS = (4096, 64 << 20)
_TABLES = (1, 16)
_FLATTEN = "Make one file of it: 'qemu-img convert -O qcow2' where its other file is."


@dataclasses.dataclass(frozen=True)
class _QedDisk:
    """What the header says."""

    size: int
    cluster: int
    table: int
    l1: int
    areas: Areas
    facts: dict[str, Fact]

    @property
    def entries(self) -> int:
        """Of a table of either level."""
        return self.table // 8


def find(source: Source, bounds: Bounds) -> FormatFound:
    """Check the header and the place of the first table.

    :raises FileRefused: why it is not taken
    """
    disk = _open(source, bounds)
    return FormatFound("qed", disk.size, disk.facts)


def runs(source: Source, bounds: Bounds) -> Iterator[Run]:
    """Where the disk lies in the file.

    :raises FileRefused: at what is damaged
    """
    disk = _open(source, bounds)
    claims = Claims(source, disk.cluster)
    reached = disk.entries * disk.cluster
    left = disk.size
    count = -(-disk.size // reached)
    for entry, number in tables.entries(source, disk.l1, count, 8, "little", "the L1 table"):
        if entry:
            _check_place(disk, entry, disk.table, "an L2 table")
            for offset in range(entry, entry + disk.table, disk.cluster):
                claims.take(offset, disk.cluster, "an L2 table")
            yield from _clusters(source, disk, entry, claims, left)
        else:
            yield Hole(number * reached)
        left -= number * reached


def _clusters(
    source: Source, disk: _QedDisk, offset: int, claims: Claims, left: int
) -> Iterator[Run]:
    count = min(disk.entries, -(-left // disk.cluster))
    for entry, number in tables.entries(source, offset, count, 8, "little", "an L2 table"):
        if entry in (0, _ZERO):
            yield Hole(number * disk.cluster)
        else:
            length = min(disk.cluster, left)
            _check_place(disk, entry, length, "a cluster")
            claims.take(entry, length, "a cluster")
            yield Stored(entry, length)
        left -= number * disk.cluster


def _check_place(disk: _QedDisk, offset: int, length: int, what: str) -> None:
    if offset % disk.cluster:
        raise FileRefused(f"{what} does not begin at a cluster (byte {offset})")
    disk.areas.free(offset, length, what)


def _open(source: Source, bounds: Bounds) -> _QedDisk:
    fields = _HEADER.unpack(read(source, 0, _HEADER.size, "the header"))
    magic, cluster, table, header, features, _, _, l1, size, _, _ = fields
    if magic != _MAGIC:
        raise FileRefused("it has no QED header")
    if features & (_BACKING | _BACKING_RAW):
        raise FileRefused("it names another file that it needs (a backing file)", _FLATTEN)
    if features & ~_NEED_CHECK:
        raise FormatNotRead(f"it needs features that are not known (bits {features:#x})")
    if cluster & (cluster - 1) or not _CLUSTERS[0] <= cluster <= _CLUSTERS[1]:
        raise FileRefused(f"its clusters cannot be of {cluster} bytes")
    if table & (table - 1) or not _TABLES[0] <= table <= _TABLES[1]:
        raise FileRefused(f"its tables cannot be of {table} clusters")
    if not header or l1 % cluster:
        raise FileRefused("its tables do not begin at clusters")
    if size % SECTOR:
        raise FileRefused(f"its disk cannot have {size} bytes, which are no whole sectors")
    facts: dict[str, Fact] = {"cluster_size": cluster}
    if features & _NEED_CHECK:
        facts["not_closed"] = True
    disk = _QedDisk(bounds.check(size), cluster, table * cluster, l1, Areas(source), facts)
    if disk.entries**2 * cluster < size:
        raise FileRefused("its tables are too small for its disk")
    disk.areas.take(0, header * cluster, "header")
    disk.areas.take(l1, disk.table, "L1 table")
    return disk
