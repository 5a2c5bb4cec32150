# SPDX-License-Identifier: Apache-2.0
"""Server backups: volume backups of all disks of one server, of one instant.

What ties them, and what a whole-machine image is made of later, they say themselves: there is no
record of ours. Their owner can change that. So what only the service may say (of which server a
backup is, how that was captured, and the service's own attributes) is believed with a proof that the
service said it of this very data; of the rest, what could be wished for in a request as well.

Source: IMS "create_whole_image" with ``backup_id`` and its error codes; S45 to S48, S94.
"""

import dataclasses
import enum
import re
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ims_glance import exceptions
from ims_glance.model import capture
from ims_glance.model.image import attributes
from ims_glance.model.server import Disk

ID = "ims_server_backup"
"""In a volume backup's metadata: id of the server backup that it is a part of."""

PROOF = "ims_proof"
"""In a volume backup's metadata: that the service wrote the rest of it."""

IsProved = Callable[[Mapping[str, str], str], bool]
"""Whether a proof of :func:`facts` holds."""

_OURS = "ims_"
# Among the facts that are proved: what they are, and in which form.
_KIND = {"kind": "ims_glance: volume backup of a server backup, 1"}
_SERVER, _SERVER_NAME = "ims_server", "ims_server_name"
_NUMBER, _COUNT = "ims_disk", "ims_disks"
_TYPE, _GOES = "ims_volume_type", "ims_goes_with_server"
_CAPTURE, _STANDSTILL = "ims_capture", "ims_standstill_ms"
_IMAGE = "ims_image:"
# Cinder takes no more in a value, and these characters in a key (cinder/api/validation).
_LONGEST = 255
_KEY = re.compile(r"[a-zA-Z0-9_:. /-]{1,255}")
_NUMERAL = re.compile(r"\d{1,9}")
_MOST_DISKS = 64
# Cinder deletes no others (cinder/backup/api.py, delete).
_DELETABLE = frozenset({"available", "error", "deleting"})


class BackupMissing(exceptions.NotFound):
    """The caller's project has no such backup."""

    code = "IMG.0020"
    template = "Server backup {backup_id} does not exist in your project."


class BackupNotReady(exceptions.Conflict):
    """The backup is still being made, or failed, or is being deleted."""

    code = "IMG.0032"
    template = "Server backup {backup_id} is {status}. An image is made of one that is available."


class BackupChanged(exceptions.Conflict):
    """Somebody wrote on the backup, or put another volume backup in, while a job made an image."""

    code = "IMG.0032"
    template = (
        "Server backup {backup_id} is not what it was when the image was asked for. Ask again, and "
        "change nothing of its volume backups meanwhile. If nobody did, ims-worker has other "
        "[ims_backups] signing_secrets than the IMS API."
    )


class BackupUsed(exceptions.Conflict):
    """One backup makes one image (IMS constraints)."""

    code = "IMG.0134"
    template = (
        "Server backup {backup_id} makes one image, and {user}. Copy that image, or make another "
        "backup."
    )


class BackupInUse(exceptions.Conflict):
    """A job is making the backup, or makes an image of it."""

    code = "IMG.0136"
    template = "A job works on server backup {backup_id}. Wait for it, or cancel it."


class BackupNotFree(exceptions.Conflict):
    """A part of the backup cannot be deleted, so that none is."""

    code = "IMG.0136"
    template = "Server backup {backup_id} cannot be deleted: {reason}."


class BackupNotDeletable(exceptions.Conflict):
    """A backup was to go with its image, and cannot."""

    code = "IMG.0176"
    template = (
        "The backup of image {image_id}, {backup_id}, cannot be deleted with it: {reason}. Delete "
        "the image without 'delete_backup', and the backup later."
    )


class Status(enum.StrEnum):
    """States of a server backup."""

    AVAILABLE = "available"
    CREATING = "creating"
    RESTORING = "restoring"
    DELETING = "deleting"
    ERROR = "error"
    INCOMPLETE = "incomplete"


@dataclasses.dataclass(frozen=True)
class BackupPlan:
    """What is known of a server backup before there is anything of it.

    :ivar id: a UUID
    :ivar attributes: of an image of the server: what :func:`capture.carried` says
    :ivar capture: how the server was: a value of ``__capture``; ``running`` if nobody knows
    :ivar standstill: milliseconds that it stood still
    """

    id: str
    name: str
    server_id: str
    server_name: str
    description: str = ""
    attributes: Mapping[str, str] = dataclasses.field(default_factory=dict)
    capture: str = "running"
    standstill: int = 0


@dataclasses.dataclass(frozen=True)
class DiskBackupPart:
    """The backup of one disk.

    :ivar id: of the volume backup
    :ivar disk: its ``volume_id`` is what was backed up, which may be gone
    :ivar status: of the volume backup, as Cinder has it
    :ivar reason: why it failed
    :ivar has_increments: whether there are incremental backups that need it
    """

    id: str
    disk: Disk
    status: str
    reason: str = ""
    has_increments: bool = False


@dataclasses.dataclass(frozen=True)
class ServerBackup:
    """A server backup as it is found.

    :ivar count: of disks that it has to have
    :ivar created_at: of its first part, ISO 8601
    :ivar is_verified: whether the service itself said all that is in the plan, of this very data;
        otherwise its owner may have, and the plan has nothing that an owner may not say
    """

    plan: BackupPlan
    count: int
    parts: tuple[DiskBackupPart, ...]
    created_at: str = ""
    is_verified: bool = False

    @property
    def id(self) -> str:
        """Its id, a UUID."""
        return self.plan.id

    @property
    def size(self) -> int:
        """GiB of its disks."""
        return sum(part.disk.size for part in self.parts)

    @property
    def is_whole(self) -> bool:
        """Whether there is one part of each disk."""
        return [part.disk.number for part in self.parts] == list(range(self.count))

    @property
    def status(self) -> Status:
        """``available`` if all of it is."""
        found = {part.status for part in self.parts}
        if any("error" in status for status in found):
            return Status.ERROR
        for status in (Status.DELETING, Status.CREATING):
            if status in found:
                return status
        if not self.is_whole:
            return Status.INCOMPLETE
        if Status.RESTORING in found:
            return Status.RESTORING
        return Status.AVAILABLE if found == {"available"} else Status.ERROR

    @property
    def obstacle(self) -> str:
        """Why it cannot be deleted as a whole; empty if it can."""
        if not {part.status for part in self.parts} <= _DELETABLE:
            return f"it is {self.status}"
        if needed := [part.id for part in self.parts if part.has_increments]:
            return f"incremental backups exist of its volume backup {needed[0]}, delete those first"
        return ""

    def view(self, image_id: str | None) -> dict[str, Any]:
        """As the API shows it.

        :param image_id: of the whole-machine image that was made of it
        """
        plan = self.plan
        return {
            "id": plan.id,
            "name": plan.name,
            "description": plan.description,
            "status": str(self.status),
            "server_id": plan.server_id,
            "server_name": plan.server_name,
            "created_at": self.created_at,
            "size": self.size,
            "capture": plan.capture,
            "standstill_ms": plan.standstill,
            "verified": self.is_verified,
            "image_id": image_id,
            "disks": [
                {
                    "number": part.disk.number,
                    "boot": part.disk.number == 0,
                    "size": part.disk.size,
                    "volume_id": part.disk.volume_id,
                    "volume_type": part.disk.volume_type,
                    "deleted_with_server": part.disk.goes_with_server,
                    "status": part.status,
                    "backup_id": part.id,
                }
                for part in self.parts
            ],
        }


def of_image(image_id: str) -> str:
    """The name of a backup that is kept with an image."""
    return f"backup_for_image_{image_id}"


def metadata(plan: BackupPlan, disk: Disk, count: int) -> dict[str, str]:
    """What a volume backup says about its server backup.

    :param count: of disks in all
    """
    of_image = plan.attributes if disk.number == 0 else {}
    said = {
        ID: plan.id,
        _SERVER: plan.server_id,
        _SERVER_NAME: plan.server_name[:_LONGEST],
        _NUMBER: str(disk.number),
        _COUNT: str(count),
        _TYPE: disk.volume_type or "",
        _GOES: str(disk.goes_with_server).lower(),
        _CAPTURE: plan.capture,
        _STANDSTILL: str(plan.standstill),
        **{_IMAGE + name: value for name, value in of_image.items()},
    }
    return {
        name: value
        for name, value in said.items()
        if len(value) <= _LONGEST and _KEY.fullmatch(name)
    }


def facts(
    said: Mapping[str, Any], volume_id: str | None, snapshot_id: str | None
) -> dict[str, str]:
    """What the service proves of a volume backup: all that it says there, and of which data.

    Cinder alone says which volume and which snapshot a backup is of (``cinder/backup/api.py``), so
    what is true of one backup cannot be copied to one of other data. (A root disk on its host is backed
    up of a volume without a snapshot. As long as the job has that volume, its owner can write on it, as
    they can before it is backed up.)

    :param said: the metadata, with or without a proof
    """
    ours = {
        name: str(value) for name, value in said.items() if name.startswith(_OURS) and name != PROOF
    }
    return {
        **ours,
        **_KIND,
        "volume_id": str(volume_id or ""),
        "snapshot_id": str(snapshot_id or ""),
    }


def gathered(
    volume_backups: Iterable[Mapping[str, Any]], is_proved: IsProved = lambda _facts, _proof: False
) -> list[ServerBackup]:
    """The server backups that volume backups are parts of, the newest first.

    :param volume_backups: as Cinder shows them, with ``metadata``; those that are no part of one,
        or whose metadata somebody broke, are left out
    """
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for each in volume_backups:
        if _is_part(each.get("metadata") or {}):
            groups.setdefault(each["metadata"][ID], []).append(each)
    found = [_gathered(group, is_proved) for group in groups.values()]
    return sorted(found, key=lambda each: (each.created_at, each.id), reverse=True)


def _is_part(said: Mapping[str, Any]) -> bool:
    numbers = [str(said.get(name, "")) for name in (_NUMBER, _COUNT)]
    if not all(map(_NUMERAL.fullmatch, numbers)):
        return False
    count = int(numbers[1])
    is_known = _is_uuid(said.get(ID)) and _is_uuid(said.get(_SERVER))
    return is_known and int(numbers[0]) < count <= _MOST_DISKS


def _is_uuid(value: Any) -> bool:
    try:
        return str(uuid.UUID(str(value))) == str(value)
    except ValueError:
        return False


def _gathered(group: Iterable[Mapping[str, Any]], is_proved: IsProved) -> ServerBackup:
    ordered = sorted(group, key=lambda each: (int(each["metadata"][_NUMBER]), str(each["id"])))
    first = ordered[0]
    said = first["metadata"]
    is_verified = all(_is_verified(each, is_proved) for each in ordered)
    of_image = {
        name.removeprefix(_IMAGE): value for name, value in said.items() if name.startswith(_IMAGE)
    }
    # Not every name: an image's attributes are written in the service's own right.
    kept = capture.carried(of_image if is_verified else capture.claimed(of_image))
    told = said if is_verified else {}
    standstill = str(told.get(_STANDSTILL, ""))
    plan = BackupPlan(
        said[ID],
        str(first.get("name") or ""),
        said[_SERVER],
        str(said.get(_SERVER_NAME) or ""),
        str(first.get("description") or ""),
        kept,
        told[_CAPTURE] if told.get(_CAPTURE) in attributes.CAPTURES else "running",
        int(standstill) if _NUMERAL.fullmatch(standstill) else 0,
    )
    created = min(str(each.get("created_at") or "") for each in ordered)
    parts = tuple(map(_part, ordered))
    return ServerBackup(plan, int(said[_COUNT]), parts, created, is_verified)


def _is_verified(view: Mapping[str, Any], is_proved: IsProved) -> bool:
    said = view["metadata"]
    return PROOF in said and is_proved(
        facts(said, view.get("volume_id"), view.get("snapshot_id")), str(said[PROOF])
    )


def _part(view: Mapping[str, Any]) -> DiskBackupPart:
    said = view["metadata"]
    disk = Disk(
        int(said[_NUMBER]),
        str(view.get("volume_id") or view["id"]),
        int(view.get("size") or 0),
        str(said.get(_TYPE) or "") or None,
        said.get(_GOES) != "false",
    )
    return DiskBackupPart(
        str(view["id"]),
        disk,
        str(view["status"]),
        str(view.get("fail_reason") or ""),
        bool(view.get("has_dependent_backups")),
    )
