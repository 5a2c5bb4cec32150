# SPDX-License-Identifier: Apache-2.0
"""OVA: a tar archive of one machine, whose description, disks and digests are members (DSP0243).

The disks are read where they lie in the archive.
"""

import functools
from collections.abc import Callable

from ims_glance.formats.found import ArchivedDisk, Bounds, Fact, FormatFound
from ims_glance.formats.packed import manifest, ovf, tar
from ims_glance.formats.refusals import FileCut, FileRefused, quoted
from ims_glance.formats.source import Part, Source, read

Recognise = Callable[[Source, str, Bounds], FormatFound]


def find(source: Source, bounds: Bounds, recognise: Recognise) -> FormatFound:
    """Check the archive, its description and its small files, and recognise each disk.

    :param recognise: finds out what a member is, of which it is given the name and the bounds too
    :raises FileRefused: why it is not taken
    """
    members = {member.name: member for member in tar.members(source)}
    description, name = _text(source, members, ".ovf", ovf.MAX_SIZE)
    if description is None:
        raise FileRefused("it is an archive without the description of a machine (.ovf)")
    digests = _digests(source, members)
    manifest.check(name, description, digests.get(name))
    machine = ovf.parse(description)
    if not 0 < len(machine.disks) <= bounds.disks:
        raise FileRefused(
            f"its machine has {len(machine.disks)} disks, and 1 to {bounds.disks} may be"
        )
    disks = tuple(
        _disk(
            source, members, disk, digests, functools.partial(_bounded, recognise, bounds, number)
        )
        for number, disk in enumerate(machine.disks)
    )
    if len({disk.name for disk in disks}) != len(disks):
        raise FileRefused("two of its disks are the same file")
    sizes = [disk.found.virtual_size for disk in disks]
    whole = None if None in sizes else sum(size for size in sizes if size is not None)
    facts: dict[str, Fact] = {**machine.facts, "has_digests": bool(digests)}
    return FormatFound("ova", whole, facts, disks=disks)


def _bounded(
    recognise: Recognise, bounds: Bounds, number: int, part: Source, name: str
) -> FormatFound:
    return recognise(part, name, bounds.of_disk(number))


def opened(source: Source, disk: ArchivedDisk) -> Part | manifest.Digested:
    """The file of a disk; with its digest, if the manifest has one."""
    part = Part(source, disk.offset, disk.size)
    return manifest.Digested(part, disk.name, disk.digest) if disk.digest else part


def _text(
    source: Source, members: dict[str, tar.TarMember], ending: str, most: int
) -> tuple[bytes | None, str]:
    """Content and name of the one member with this ending, if there is any."""
    names = [name for name in members if name.lower().endswith(ending)]
    if len(names) > 1:
        raise FileRefused(f"the archive has {len(names)} files that end in '{ending}'")
    if not names:
        return None, ""
    member = members[names[0]]
    if member.size > most:
        raise FileRefused(f"{quoted(member.name)} is too long")
    return read(source, member.offset, member.size, "the description"), member.name


def _digests(source: Source, members: dict[str, tar.TarMember]) -> dict[str, manifest.Digest]:
    text, _ = _text(source, members, ".mf", manifest.MAX_SIZE)
    digests = manifest.parse(text) if text is not None else {}
    for name in digests:
        if name not in members:
            raise FileCut(f"its manifest tells of {quoted(name)}, which is not in the archive")
    return digests


def _disk(
    source: Source,
    members: dict[str, tar.TarMember],
    disk: ovf.OvfDisk,
    digests: dict[str, manifest.Digest],
    recognise: Callable[[Source, str], FormatFound],
) -> ArchivedDisk:
    member = members.get(disk.href)
    if member is None:
        raise FileRefused(
            f"its description names the file {quoted(disk.href)}, which is not in the archive",
            "Export the machine to one file, complete.",
        )
    if disk.size is not None and member.size < disk.size:
        raise FileCut(f"{quoted(member.name)} has {member.size} bytes instead of {disk.size}")
    part = Part(source, member.offset, member.size)
    found = ArchivedDisk(
        member.name,
        member.offset,
        member.size,
        recognise(part, member.name),
        digests.get(member.name),
        disk.capacity,
        disk.volume_type,
        disk.goes_with_server,
    )
    check_capacity(found)
    return found


def check_capacity(disk: ArchivedDisk) -> None:
    """See that a disk is not larger than its description says; that it is smaller does no harm.

    Of what only reading tells how large it is, this is known later (:func:`ims_glance.formats.measured`).

    :raises FileRefused: if it is
    """
    told, size = disk.capacity, disk.found.virtual_size
    if told is not None and size is not None and size > told:
        raise FileRefused(
            f"its description says that the disk in {quoted(disk.name)} has {told} bytes, and it has {size}",
            "One of them is of another machine, or was changed by hand: export the machine anew.",
        )
