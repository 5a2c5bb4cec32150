# SPDX-License-Identifier: Apache-2.0
"""qcow2 of versions 2 and 3, compressed clusters too: QEMU's ``docs/interop/qcow2.rst``."""

import dataclasses
from collections.abc import Iterator

from ims_glance.formats import tables
from ims_glance.formats.claims import Areas, Claims
from ims_glance.formats.deflated import Expand, inflate_raw, unzstd
from ims_glance.formats.extents import Hole, Run, Stored, Unpacked
from ims_glance.formats.found import Bounds, Fact, FormatFound
from ims_glance.formats.layout import qcow2 as layout
from ims_glance.formats.refusals import FileRefused, FormatNotRead
from ims_glance.formats.source import Source, is_open_ended, read

_EXPAND: dict[int, Expand] = {layout.ZLIB: inflate_raw, layout.ZSTD: unzstd}
_KNOWN = layout.DIRTY | layout.CORRUPT | layout.DATA_FILE | layout.COMPRESSION | layout.EXTENDED_L2
_FLATTEN = "Make one file of it: 'qemu-img convert -O qcow2' where its other file is."
# The tables of a disk of 512 GiB in clusters of 64 KiB, which are looked through before it is read.
_LOOKED_THROUGH = 1 << 10
_SECTOR = 512


@dataclasses.dataclass(frozen=True)
class _Qcow2Disk:
    """What the header says."""

    version: int
    cluster_bits: int
    size: int
    l1_offset: int
    compression: int
    areas: Areas
    facts: dict[str, Fact]

    @property
    def cluster(self) -> int:
        return 1 << self.cluster_bits

    @property
    def l2_entries(self) -> int:
        return self.cluster // 8

    @property
    def l1_entries(self) -> int:
        """How many the disk needs; there may be more."""
        return -(-self.size // (self.cluster * self.l2_entries))


def find(source: Source, bounds: Bounds) -> FormatFound:
    """Check the header and the first level of tables.

    :raises FileRefused: why it is not taken
    """
    disk = _open(source, bounds)
    if not is_open_ended(source):
        looked = min(disk.l1_entries, _LOOKED_THROUGH)
        for entry, _ in tables.entries(source, disk.l1_offset, looked, 8, "big", "the L1 table"):
            _l2_offset(disk, source, entry)
    return FormatFound("qcow2", disk.size, disk.facts)


def runs(source: Source, bounds: Bounds) -> Iterator[Run]:
    """Where the disk lies in the file.

    :raises FileRefused: at what is damaged
    """
    disk = _open(source, bounds)
    claims = Claims(source, disk.cluster)
    reached = disk.cluster * disk.l2_entries
    table = tables.entries(source, disk.l1_offset, disk.l1_entries, 8, "big", "the L1 table")
    left = disk.size
    for entry, count in table:
        offset = _l2_offset(disk, source, entry)
        if offset:
            claims.take(offset, disk.cluster, "an L2 table")
            yield from _clusters(source, disk, offset, claims, left)
        else:
            yield Hole(count * reached)
        left -= count * reached


def _open(source: Source, bounds: Bounds) -> _Qcow2Disk:
    header = read(source, 0, layout.HEADER.size, "the header")
    fields = layout.HEADER.unpack(header)
    (
        magic,
        version,
        backing,
        _,
        bits,
        size,
        crypt,
        l1_count,
        l1_offset,
        refcounts,
        refcount_clusters,
    ) = fields[:11]
    if magic != layout.MAGIC:
        raise FileRefused("it has no qcow2 header")
    if version not in (2, 3):
        raise FormatNotRead(f"it is of version {version} of qcow2, and 2 and 3 are read")
    if backing:
        raise FileRefused("it names another file that it needs (a backing file)", _FLATTEN)
    if crypt:
        raise FormatNotRead(
            "it is encrypted inside",
            "Convert it without encryption; the image can be encrypted here.",
        )
    if not layout.MIN_CLUSTER_BITS <= bits <= layout.MAX_CLUSTER_BITS:
        raise FileRefused(f"its clusters cannot be of 2^{bits} bytes")
    facts: dict[str, Fact] = {"version": version, "cluster_size": 1 << bits}
    compression, length = layout.ZLIB, layout.HEADER.size
    if version == 3:
        compression, length = _version_3(source, facts)
    areas = Areas(source)
    areas.take(0, max(length, _extensions(source, length, 1 << bits)), "header")
    disk = _Qcow2Disk(version, bits, bounds.check(size), l1_offset, compression, areas, facts)
    if l1_count < disk.l1_entries or l1_count * 8 > layout.MAX_L1:
        raise FileRefused(f"its L1 table of {l1_count} entries does not fit its disk")
    if l1_offset % disk.cluster or refcounts % disk.cluster:
        raise FileRefused("its tables do not begin at clusters")
    areas.take(l1_offset, l1_count * 8, "L1 table")
    areas.take(refcounts, refcount_clusters * disk.cluster, "refcount table")
    if fields[11]:
        facts["snapshots_left_out"] = fields[11]
    return disk


def _version_3(source: Source, facts: dict[str, Fact]) -> tuple[int, int]:
    """How clusters are compressed, and the length of the header."""
    start = layout.HEADER.size
    data = read(source, start, layout.HEADER_3.size, "the header")
    incompatible, _, _, _, length = layout.HEADER_3.unpack(data)
    if incompatible & layout.DATA_FILE:
        raise FileRefused("its data are in another file", _FLATTEN)
    if incompatible & layout.CORRUPT:
        raise FileRefused(
            "it is marked as damaged", "Repair it: 'qemu-img check -r all'. Then upload it again."
        )
    if incompatible & layout.EXTENDED_L2:
        raise FormatNotRead(
            "it has extended L2 entries",
            "Convert it: 'qemu-img convert -O qcow2 -o extended_l2=off'.",
        )
    if incompatible & ~_KNOWN:
        raise FormatNotRead(f"it needs features that are not known (bits {incompatible:#x})")
    if length < start + layout.HEADER_3.size or length % 8:
        raise FileRefused(f"its header cannot have {length} bytes")
    if incompatible & layout.DIRTY:
        facts["not_closed"] = True
    compression = layout.ZLIB
    if length > start + layout.HEADER_3.size:
        compression = read(source, start + layout.HEADER_3.size, 1, "the header")[0]
    if compression not in _EXPAND or bool(incompatible & layout.COMPRESSION) != bool(compression):
        raise FormatNotRead(f"it is compressed in a way that is not known (number {compression})")
    facts["compression"] = "zstd" if compression == layout.ZSTD else "zlib"
    return compression, length


def _extensions(source: Source, offset: int, end: int) -> int:
    """Where the extensions of the header end, which is in the first cluster.

    :raises FileRefused: if they end elsewhere, or name a file
    """
    while offset + layout.EXTENSION.size <= end:
        head = read(source, offset, layout.EXTENSION.size, "the header")
        kind, length = layout.EXTENSION.unpack(head)
        offset += layout.EXTENSION.size
        if kind == layout.EXTENSION_END:
            return offset
        if kind == layout.EXTENSION_DATA_FILE:
            raise FileRefused("its header names a file for its data", _FLATTEN)
        offset += -(-length // 8) * 8
    if offset > end:
        raise FileRefused("its header is longer than its first cluster")
    return offset


def _l2_offset(disk: _Qcow2Disk, source: Source, entry: int) -> int:
    offset = entry & layout.OFFSET_MASK
    if offset:
        _check_place(disk, source, offset, "an L2 table")
    return offset


def _check_place(disk: _Qcow2Disk, source: Source, offset: int, what: str) -> None:
    if offset % disk.cluster:
        raise FileRefused(f"{what} does not begin at a cluster (byte {offset})")
    disk.areas.free(offset, disk.cluster, what)
    if offset >= source.size:
        Areas(source).take(offset, disk.cluster, what)


def _clusters(
    source: Source, disk: _Qcow2Disk, offset: int, claims: Claims, left: int
) -> Iterator[Run]:
    """The runs of one L2 table, of the disk's last *left* bytes or a part of them."""
    count = min(disk.l2_entries, -(-left // disk.cluster))
    table = tables.entries(source, offset, count, 8, "big", "an L2 table")
    for entry, count in table:
        if entry & layout.COMPRESSED:
            yield Unpacked(_expanded(source, disk, entry))
        elif entry & layout.ZERO:
            if disk.version == 2:
                raise FileRefused("it has zero clusters, which version 2 has not")
            yield Hole(disk.cluster)
        elif entry & layout.OFFSET_MASK:
            position = entry & layout.OFFSET_MASK
            _check_place(disk, source, position, "a cluster")
            # What is behind the end of the disk may be missing.
            length = min(disk.cluster, left)
            claims.take(position, length, "a cluster")
            yield Stored(position, length)
        else:
            yield Hole(count * disk.cluster)
        left -= count * disk.cluster


def _expanded(source: Source, disk: _Qcow2Disk, entry: int) -> bytes:
    """A compressed cluster, whose entry tells where it begins and how many sectors it touches."""
    bits = 62 - (disk.cluster_bits - 8)
    position = entry & (1 << bits) - 1
    sectors = ((entry & layout.COMPRESSED - 1) >> bits) + 1
    length = sectors * _SECTOR - position % _SECTOR
    # The last one's sector may be cut off by the end of the file.
    length = max(1, min(length, source.size - position))
    disk.areas.free(position, length, "a compressed cluster")
    data = read(source, position, length, "a compressed cluster")
    return _EXPAND[disk.compression](data, disk.cluster, f"the cluster at byte {position}")
