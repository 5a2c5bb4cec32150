# SPDX-License-Identifier: Apache-2.0
"""The first qcow, compressed clusters too: "The QCOW Image Format" of M. McLoughlin. Numbers are big-endian."""

import dataclasses
import struct
from collections.abc import Iterator

from ims_glance.formats import tables
from ims_glance.formats.claims import Areas, Claims
from ims_glance.formats.deflated import inflate_raw
from ims_glance.formats.extents import Hole, Run, Stored, Unpacked
from ims_glance.formats.found import Bounds, FormatFound
from ims_glance.formats.refusals import FileRefused, FormatNotRead
from ims_glance.formats.source import Source, read

# magic, version, place and length of the backing file's name, time, size, bits of a cluster and of an L2
# table, encryption, place of the L1 table.
_HEADER = struct.Struct(">4sIQIIQBBHIQ")
_MAGIC = b"QFI\xfb"
_COMPRESSED = 1 << 63
_CLUSTER_BITS = (9, 16)
_L2_BITS = (6, 13)
_MAX_L1 = 32 << 20
_FLATTEN = "Make one file of it: 'qemu-img convert -O qcow2' where its other file is."


@dataclasses.dataclass(frozen=True)
class _QcowDisk:
    """What the header says."""

    size: int
    cluster_bits: int
    l2_bits: int
    l1: int
    areas: Areas

    @property
    def cluster(self) -> int:
        return 1 << self.cluster_bits

    @property
    def reached(self) -> int:
        """Of the disk by one L2 table."""
        return 1 << (self.cluster_bits + self.l2_bits)

    @property
    def l1_entries(self) -> int:
        return -(-self.size // self.reached)

    @property
    def l2_size(self) -> int:
        """Of an L2 table, in bytes."""
        return 8 << self.l2_bits


def find(source: Source, bounds: Bounds) -> FormatFound:
    """Check the header and the place of the first table.

    :raises FileRefused: why it is not taken
    """
    disk = _open(source, bounds)
    return FormatFound("qcow", disk.size, {"cluster_size": disk.cluster})


def runs(source: Source, bounds: Bounds) -> Iterator[Run]:
    """Where the disk lies in the file.

    :raises FileRefused: at what is damaged
    """
    disk = _open(source, bounds)
    l2_claims = Claims(source, disk.l2_size)
    claims = Claims(source, disk.cluster)
    left = disk.size
    table = tables.entries(source, disk.l1, disk.l1_entries, 8, "big", "the L1 table")
    for entry, number in table:
        if entry:
            l2_claims.take(entry, disk.l2_size, "an L2 table")
            disk.areas.free(entry, disk.l2_size, "an L2 table")
            yield from _clusters(source, disk, entry, claims, left)
        else:
            yield Hole(number * disk.reached)
        left -= number * disk.reached


def _clusters(
    source: Source, disk: _QcowDisk, offset: int, claims: Claims, left: int
) -> Iterator[Run]:
    count = min(1 << disk.l2_bits, -(-left // disk.cluster))
    for entry, number in tables.entries(source, offset, count, 8, "big", "an L2 table"):
        length = min(disk.cluster, left)
        if entry & _COMPRESSED:
            yield Unpacked(_expanded(source, disk, entry))
        elif entry:
            claims.take(entry, length, "a cluster")
            disk.areas.free(entry, length, "a cluster")
            yield Stored(entry, length)
        else:
            yield Hole(number * disk.cluster)
        left -= number * disk.cluster


def _expanded(source: Source, disk: _QcowDisk, entry: int) -> bytes:
    """A compressed cluster, whose entry tells its place and length."""
    bits = 63 - disk.cluster_bits
    position = entry & (1 << bits) - 1
    length = (entry >> bits) & (disk.cluster - 1)
    what = f"the compressed cluster at byte {position}"
    disk.areas.free(position, length, what)
    return inflate_raw(read(source, position, length, what), disk.cluster, what)


def _open(source: Source, bounds: Bounds) -> _QcowDisk:
    fields = _HEADER.unpack(read(source, 0, _HEADER.size, "the header"))
    magic, version, backing, name, _, size, cluster_bits, l2_bits, _, crypt, l1 = fields
    if magic != _MAGIC or version != 1:
        raise FileRefused("it has no header of the first qcow")
    if backing or name:
        raise FileRefused("it names another file that it needs (a backing file)", _FLATTEN)
    if crypt:
        raise FormatNotRead(
            "it is encrypted inside",
            "Convert it without encryption; the image can be encrypted here.",
        )
    if not _CLUSTER_BITS[0] <= cluster_bits <= _CLUSTER_BITS[1]:
        raise FileRefused(f"its clusters cannot be of 2^{cluster_bits} bytes")
    if not _L2_BITS[0] <= l2_bits <= _L2_BITS[1]:
        raise FileRefused(f"its tables cannot be of 2^{l2_bits} entries")
    disk = _QcowDisk(bounds.check(size), cluster_bits, l2_bits, l1, Areas(source))
    if disk.l1_entries * 8 > _MAX_L1:
        raise FileRefused("its L1 table is too large")
    disk.areas.take(0, _HEADER.size, "header")
    disk.areas.take(l1, disk.l1_entries * 8, "L1 table")
    return disk
