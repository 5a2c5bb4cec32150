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
from ims_glance.formats.readers import qcow, qcow2, qed, raw, vdi, vhd, vhdx, vmdk
from ims_glance.formats.refusals import FileRefused
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
}


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
    found = FORMATS[name].find(blocks, bounds)
    inspector.check(blocks, found)
    return found


def reader(source: Source, found: FormatFound) -> Iterator[Extent]:
    """What is on the disk: each of its bytes once, in rising order.

    Damage that only reading can find is found here: what was read before it is worth nothing.

    :param found: what :func:`recognise` said of this file
    :raises FileRefused: at what is damaged, or has changed since
    """
    size = found.virtual_size
    if size is None:
        raise ValueError("a disk of no known size")
    bounds = Bounds(virtual_size=size)
    yield from assemble(source, FORMATS[found.format].runs(Blocks(source), bounds), size)
