# SPDX-License-Identifier: Apache-2.0
"""Machines with several disks in a file (OVA): their whole-machine images.

IMS knows a job for such a file (``imsImportOvaImageJob``), and no operation that says what becomes of it.
Here it is one image, which servers are made of with all their disks.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

from ims_glance import exceptions
from ims_glance.model.bucket import BucketFile
from ims_glance.model.image import from_file, platforms
from ims_glance.model.image.from_file import GIB, Purpose
from ims_glance.model.image.whole_image import Component
from ims_glance.model.machine import carried
from ims_glance.model.server import Disk

_CARRIED = "carried"
_EFI = frozenset({"efi", "uefi"})


class SeveralDisks(exceptions.Conflict):
    """A machine with several disks is in the file, and one disk was asked for."""

    code = "IMG.0072"
    template = (
        "File {file} is an archive of a machine with {count} disks, and {what} has one. "
        "Unpack it, and make an image of each of its disks, or ask for an image for virtual servers (ECS)."
    )


class DataDiskOutside(exceptions.Conflict):
    """A data disk is larger than any."""

    code = "IMG.0055"
    template = "Disk {number} in file {file} has {size} GiB; a data disk has {most} GiB at most."


@dataclasses.dataclass(frozen=True)
class FileDisk:
    """A disk of the machine, as an archive tells of it.

    :ivar size: of its data, in bytes
    :ivar capacity: of the disk in bytes, if that is told
    """

    number: int
    size: int
    capacity: int | None = None
    volume_type: str | None = None
    goes_with_server: bool = True

    def disk(self, min_disk: int) -> Disk:
        """As a disk of a server.

        :param min_disk: size of the system disk, GiB
        """
        needed = max(1, math.ceil(max(self.size, self.capacity or 0) / GIB))
        size = needed if self.number else min_disk
        return Disk(self.number, None, size, self.volume_type, self.goes_with_server)

    def without_type(self) -> "FileDisk":
        """The same, of the type that volumes have by default."""
        return dataclasses.replace(self, volume_type=None)


def check(
    file: BucketFile,
    arguments: Mapping[str, Any],
    disks: Sequence[FileDisk],
    options: Mapping[str, Any],
) -> None:
    """Check that a whole-machine image can be made of the disks.

    :param arguments: of the job
    :param options: the group ``[ims_files]``
    :raises SeveralDisks, MinDiskTooSmall, DataDiskOutside: if not
    """
    purpose, min_disk = Purpose(arguments["purpose"]), int(arguments["min_disk"])
    if purpose is not Purpose.SERVER:
        what = "an image for bare metal" if purpose is Purpose.BARE_METAL else "such an image"
        raise SeveralDisks(file=file, count=len(disks), what=what)
    from_file.check_fits(file, disks[0].size, min_disk)
    most = from_file.largest(options, Purpose.DATA)
    for each in disks[1:]:
        if (size := each.disk(min_disk).size) > most:
            raise DataDiskOutside(file=file, number=each.number, size=size, most=most)


def component_body(arguments: Mapping[str, Any], file: BucketFile, disk: Disk) -> dict[str, Any]:
    """The body of ``POST /v2/images`` for the hidden image of one disk."""
    purpose = Purpose.DATA if disk.number else Purpose.SERVER
    given = {name: arguments.get(name) for name in ("cmk_id", "os_type", "os_version")}
    said = {**given, "purpose": str(purpose), "name": "", "min_disk": disk.size}
    return from_file.body(said, file)


def body(
    arguments: Mapping[str, Any], file: BucketFile, parts: Sequence[Component], size: int
) -> dict[str, Any]:
    """The body of ``POST /v2/images`` for the image that the others are the disks of.

    :param size: of the data of all disks, in bytes
    """
    return {
        **arguments.get(_CARRIED, {}),
        **from_file.body(arguments, file),
        "min_disk": parts[0].disk.size,
        "__image_size": str(size),
    }


def told(arguments: Mapping[str, Any], facts: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a job, with what the archive tells and its user did not.

    :param facts: of the archive
    """
    found = dict(arguments)
    named = str(facts.get("os_description") or "")
    if not found.get("os_version") and not found.get("os_type") and platforms.find(named):
        found["os_version"] = named
    if not found.get("hw_firmware_type") and str(facts.get("firmware")).lower() in _EFI:
        found["hw_firmware_type"] = "uefi"
    brought = carried.inward(facts)
    least, most = (int(brought.pop(name, 0)) for name in (carried.MIN_RAM, carried.MAX_RAM))
    wanted_least, wanted_most = (
        int(found.get(name) or 0) for name in (carried.MIN_RAM, carried.MAX_RAM)
    )
    if least and not wanted_least and not 0 < (wanted_most or most) < least:
        found[carried.MIN_RAM] = wanted_least = least
    # No server could be made of an image whose least is more than its most.
    if most and not wanted_most and most >= wanted_least:
        found[carried.MAX_RAM] = most
    if brought.get("architecture") == "aarch64" and not found.get("architecture"):
        found["architecture"] = "arm"
    if brought:
        found[_CARRIED] = brought
    return found
