# SPDX-License-Identifier: Apache-2.0
"""Strangers' disk files: what they are, whether they may be read, and what is on their disks.

Bytes in, bytes out: nothing here opens a file or connects. A file is a :class:`Source`, of which ranges
are read; :func:`recognise` looks at a few of them and refuses what is damaged, made to do harm, or not
read here, and :func:`reader` tells the disk in rising order, zeros as runs and data in pieces of 1 MiB
at most. Memory does not grow with the file. No other file is ever read, whatever is named in this one.

:data:`FORMATS` is the table of the formats, a module of ``readers`` for each.
"""

import dataclasses
from collections.abc import Callable, Iterator

from ims_glance.formats import inspector, signatures
from ims_glance.formats.extents import DataPiece, Extent, Run, ZeroRun, assemble
from ims_glance.formats.found import ArchivedDisk, Bounds, FormatFound
from ims_glance.formats.packed import ova
from ims_glance.formats.packed.expanded import Expanded, pour
from ims_glance.formats.packed.manifest import Digested
from ims_glance.formats.packed.streams import EXPAND
from ims_glance.formats.readers import qcow, qcow2, qed, raw, vdi, vhd, vhdx, vmdk, zvhd, zvhd2
from ims_glance.formats.refusals import FileRefused, FormatNotRead
from ims_glance.formats.source import Blocks, Source

__all__ = [
    "FORMATS",
    "ArchivedDisk",
    "Bounds",
    "DataPiece",
    "Extent",
    "FileRefused",
    "FormatFound",
    "Source",
    "ZeroRun",
    "measured",
    "reader",
    "recognise",
]


@dataclasses.dataclass(frozen=True)
class DiskFormat:
    """How files of a format are read.

    :ivar find: checks how a file is built, with few small reads
    :ivar runs: tells where its disk lies in it
    """

    find: Callable[[Source, Bounds], FormatFound]
    runs: Callable[[Source, Bounds], Iterator[Run]]


FORMATS: dict[str, DiskFormat] = {
    "raw": DiskFormat(raw.find, raw.runs),
    "iso": DiskFormat(raw.find_iso, raw.runs),
    "qcow2": DiskFormat(qcow2.find, qcow2.runs),
    "vhd": DiskFormat(vhd.find, vhd.runs),
    "vmdk": DiskFormat(vmdk.find, vmdk.runs),
    "vdi": DiskFormat(vdi.find, vdi.runs),
    "vhdx": DiskFormat(vhdx.find, vhdx.runs),
    "qed": DiskFormat(qed.find, qed.runs),
    "qcow": DiskFormat(qcow.find, qcow.runs),
    "zvhd": DiskFormat(zvhd.find, zvhd.runs),
    "zvhd2": DiskFormat(zvhd2.find, zvhd2.runs),
}


ONLY_OUTSIDE = ("ova", "zvhd2")
"""What is read from its end, so that it cannot be in something else."""


def recognise(
    source: Source, name_hint: str | None = None, *, bounds: Bounds | None = None
) -> FormatFound:
    """Find out what a file is, and check it.

    :param name_hint: the file's name: one that ends in ``.vmdk``, say, is not taken for a raw disk
    :param bounds: how large its disk may be
    :raises FileRefused: why it is not taken, and what to do
    """
    if source.size <= 0:
        raise FileRefused("it is empty", "Upload it once more, complete.")
    bounds = bounds or Bounds()
    blocks = Blocks(source)
    name = signatures.look(blocks)
    if name_hint is not None:
        signatures.check_name(name_hint, {name})
    if name in EXPAND:
        return _recognise_inside(source, name, name_hint, bounds)
    if name == "ova":
        return ova.find(blocks, bounds, _recognise_disk)
    return _found(blocks, name, bounds)


def _recognise_disk(part: Source, name: str, bounds: Bounds) -> FormatFound:
    """A disk in an archive, which is no archive."""
    found = recognise(part, name, bounds=bounds)
    if found.disks:
        raise FormatNotRead("it is an archive in an archive", "Upload the inner one.")
    return found


def _recognise_inside(
    source: Source, outer: str, name_hint: str | None, bounds: Bounds
) -> FormatFound:
    inside = Blocks(Expanded(source, outer, bounds))
    name = signatures.look(inside)
    if name in EXPAND or name in ONLY_OUTSIDE:
        raise FormatNotRead(
            f"it is {name} in {outer}", f"Take {outer} away, and upload what is in it."
        )
    if name_hint is not None and name_hint.lower().endswith(f".{outer}"):
        inner_hint = name_hint[: -len(outer) - 1]
        # A fixed VHD is known by its end, which is not reached yet.
        if not inner_hint.lower().endswith(".vhd"):
            signatures.check_name(inner_hint, {name})
    return dataclasses.replace(_found(inside, name, bounds), outer=outer)


def _found(source: Source, name: str, bounds: Bounds) -> FormatFound:
    found = FORMATS[name].find(source, bounds)
    inspector.check(source, found)
    return found


def reader(
    source: Source, found: FormatFound, disk: int = 0, *, bounds: Bounds | None = None
) -> Iterator[Extent]:
    """What is on the disk: each of its bytes once, in rising order.

    Damage that only reading can find is found here: what was read before it is worth nothing.

    :param found: what :func:`recognise` said of this file
    :param disk: which one of an archive, counted from 0
    :param bounds: how large the disk may be, where only reading tells it
    :raises FileRefused: at what is damaged, or has changed since
    """
    if found.disks:
        chosen = found.disks[disk]
        member = ova.opened(source, chosen)
        yield from reader(member, chosen.found, bounds=bounds)
        if isinstance(member, Digested):
            member.finish()
        return
    if found.virtual_size is not None:
        bounds = Bounds(virtual_size=found.virtual_size)
    bounds = bounds or Bounds()
    if found.outer is None:
        yield from _disk(source, found, bounds)
    elif found.format in ("raw", "iso"):
        yield from pour(source, found.outer, bounds, found.virtual_size)
    else:
        inside = Expanded(source, found.outer, bounds)
        yield from _disk(inside, found, bounds)
        inside.finish()


def measured(source: Source, found: FormatFound, *, bounds: Bounds | None = None) -> FormatFound:
    """The same, with the virtual size: of what only reading tells it, all of the file is read for that.

    :param bounds: how large the disk may be
    :raises FileRefused: if it turns out to be larger, or damaged
    """
    if found.virtual_size is not None:
        return found
    bounds = bounds or Bounds()
    numbers = range(max(1, len(found.disks)))
    sizes = [
        sum(
            extent.length for extent in reader(source, found, number, bounds=bounds.of_disk(number))
        )
        for number in numbers
    ]
    disks = tuple(
        dataclasses.replace(disk, found=dataclasses.replace(disk.found, virtual_size=size))
        for disk, size in zip(found.disks, sizes, strict=False)
    )
    for disk in disks:
        ova.check_capacity(disk)
    return dataclasses.replace(found, virtual_size=sum(sizes), disks=disks)


def _disk(source: Source, found: FormatFound, bounds: Bounds) -> Iterator[Extent]:
    runs = FORMATS[found.format].runs(Blocks(source), bounds)
    return assemble(source, runs, bounds.virtual_size)
