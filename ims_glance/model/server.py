# SPDX-License-Identifier: Apache-2.0
"""Servers as the source of images: their disks, and which servers will do.

Source: IMS "create_image", "create_whole_image" and their error codes; S19, S25, S40, S45.
"""

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ims_glance import exceptions

LARGEST = 1024
"""The largest disk of which a system-disk or data-disk image is made, GiB (IMS constraints)."""

GIB = 1 << 30
ACTIVE, STOPPED, PAUSED = "ACTIVE", "SHUTOFF", "PAUSED"
_FIT = (ACTIVE, STOPPED)


class ServerMissing(exceptions.NotFound):
    """The caller has no such server."""

    code = "IMG.0005"
    template = "Server {server_id} does not exist in your project."


class ServerUnfit(exceptions.Conflict):
    """The server is in a state in which its disks may not be consistent, or do not exist."""

    code = "IMG.0126"
    template = "Server {server_id} is {status}. Start or stop it first: {wanted} will do."


class ServerPaused(ServerUnfit):
    """Its owner paused it, or another job did, for the moment of its own snapshots."""

    template = (
        "Server {server_id} is {status}. If that is for another image or backup of it, it goes on "
        "by itself: try again in a moment. Otherwise unpause it first."
    )


class ServerBusy(exceptions.Conflict):
    """The server is doing something else."""

    code = "IMG.0010"
    template = "Server {server_id} is busy ({task}). Try again when that has ended."


class ServerLocked(exceptions.Conflict):
    """Nova holds no locked server still for its owner."""

    code = "IMG.0010"
    template = "Server {server_id} is locked. Unlock it first ('openstack server unlock')."


class NoSystemDisk(exceptions.Conflict):
    """The server has nothing that it boots from."""

    code = "IMG.0119"
    template = "Server {server_id} has no system disk."


class EphemeralDisk(exceptions.Conflict):
    """The server has data where nobody but Nova can read it."""

    code = "IMG.0063"
    template = (
        "Server {server_id} has a local ephemeral disk of {size} GiB, which no whole-machine image "
        "can hold. Move what is on it to a volume and use a flavor without one, or make an image "
        "of the system disk alone."
    )


class DiskBusy(exceptions.Conflict):
    """A volume is not simply attached."""

    code = "IMG.0139"
    template = "Volume {volume_id} of server {server_id} is '{status}', not 'in-use'. Wait for it."


class DiskShared(exceptions.Conflict):
    """A volume is attached to several servers, of which one cannot stand still for all."""

    code = "IMG.0022"
    template = (
        "Volume {volume_id} is attached to {count} servers. Its data is consistent only if all "
        "stand still: detach it from the others first."
    )


class DiskEncrypted(exceptions.Conflict):
    """The volume is encrypted by Cinder, under a key that goes with the volume."""

    code = "IMG.0105"
    template = (
        "Volume {volume_id} is encrypted by Cinder, whose key cannot leave with an image; that is "
        "not supported yet. Copy the data to a volume of another type, and encrypt the image."
    )


class DiskTooLarge(exceptions.Invalid):
    """The disk is too large for an image of its own."""

    code = "IMG.0111"
    template = (
        "A disk of server {server_id} has {size} GiB; an image of one disk has {largest} GiB at "
        "most. A whole-machine image may have more."
    )


class NotItsDisk(exceptions.Conflict):
    """A data disk is to be imaged that is not the server's."""

    code = "IMG.0120"
    template = "Volume {volume_id} is no data disk of server {server_id}."


class ServerChanged(exceptions.Conflict):
    """The server has other disks than when the job was accepted."""

    code = "IMG.0126"
    template = (
        "Server {server_id} has other disks than a moment ago. Try again, and attach or detach "
        "none meanwhile."
    )


@dataclasses.dataclass(frozen=True)
class Disk:
    """A disk of a server.

    :ivar number: its place: 0 is the system disk
    :ivar volume_id: ``None`` for a root disk on the host of the server
    :ivar size: GiB
    :ivar volume_type: name of its type in Cinder
    :ivar goes_with_server: whether it is deleted with its server
    """

    number: int
    volume_id: str | None
    size: int
    volume_type: str | None = None
    goes_with_server: bool = True


def find_disks(
    server: Mapping[str, Any],
    attachments: Iterable[Mapping[str, Any]],
    volumes: Mapping[str, Mapping[str, Any]],
    root_bytes: int = 0,
) -> tuple[Disk, ...]:
    """The disks of a server, the system disk first, then in the order of their devices.

    :param server: as Nova shows it
    :param attachments: its volumes, as Nova shows them
    :param volumes: as Cinder shows them, by id
    :param root_bytes: what a local root disk needs at least, if its flavor does not say
    :raises NoSystemDisk: if it boots from nothing
    """
    ordered = sorted(attachments, key=lambda each: (len(each["device"]), each["device"]))
    disks = [
        Disk(
            number,
            each["volumeId"],
            int(volumes[each["volumeId"]]["size"]),
            volumes[each["volumeId"]].get("volume_type"),
            bool(each.get("delete_on_termination")),
        )
        for number, each in enumerate(ordered, 1 if server["image"] else 0)
    ]
    if not server["image"]:
        if not disks:
            raise NoSystemDisk(server_id=server["id"])
        return tuple(disks)
    size = int(server["flavor"]["disk"]) or max(1, math.ceil(root_bytes / GIB))
    return (Disk(0, None, size), *disks)


def check_server(server: Mapping[str, Any]) -> None:
    """Check that images can be made of a server now.

    :raises ServerUnfit, ServerBusy, ServerLocked: if not
    """
    server_id = server["id"]
    if server["status"] not in _FIT:
        wanted = " or ".join(_FIT)
        unfit = ServerPaused if server["status"] == PAUSED else ServerUnfit
        raise unfit(server_id=server_id, status=server["status"], wanted=wanted)
    task = server["OS-EXT-STS:task_state"]
    if task:
        raise ServerBusy(server_id=server_id, task=task)
    if server.get("locked"):
        raise ServerLocked(server_id=server_id)


def check_whole(server: Mapping[str, Any]) -> None:
    """Check that no disk of a server would be left out.

    :raises EphemeralDisk: if one would. A swap disk holds no data, and a config drive is made anew.
    """
    size = int(server["flavor"].get("ephemeral") or 0)
    if size:
        raise EphemeralDisk(server_id=server["id"], size=size)


def check_volume(server_id: str, volume: Mapping[str, Any]) -> None:
    """Check that an image can be made of an attached volume.

    :param volume: as Cinder shows it
    :raises DiskBusy, DiskShared, DiskEncrypted: if not
    """
    volume_id = volume["id"]
    if volume.get("encrypted"):
        raise DiskEncrypted(volume_id=volume_id)
    if volume["status"] != "in-use":
        raise DiskBusy(volume_id=volume_id, server_id=server_id, status=volume["status"])
    count = len(volume.get("attachments") or ())
    if count > 1:
        raise DiskShared(volume_id=volume_id, count=count)


def check_size(server_id: str, disks: Sequence[Disk]) -> None:
    """Check the size of disks that become images of their own.

    :raises DiskTooLarge: if one is too large
    """
    for disk in disks:
        if disk.size > LARGEST:
            raise DiskTooLarge(server_id=server_id, size=disk.size, largest=LARGEST)


def check_same(server_id: str, before: Sequence[Disk], now: Sequence[Disk]) -> None:
    """Check that disks are still those of the server.

    :param before: those that are to be captured
    :raises ServerChanged: if one is not
    """
    there = {(disk.number, disk.volume_id) for disk in now}
    if not {(disk.number, disk.volume_id) for disk in before} <= there:
        raise ServerChanged(server_id=server_id)
