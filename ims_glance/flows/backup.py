# SPDX-License-Identifier: Apache-2.0
"""Backups of servers, and whole-machine images of them.

An image of a backup is made as one of a server is, from volumes that the backup is restored to.
"""

from collections.abc import Mapping
from typing import Any

from oslo_utils import units
from taskflow.flow import Flow
from taskflow.patterns import linear_flow

from ims_glance.clouds import rest
from ims_glance.flows.capture import stuck
from ims_glance.flows.capture.backup import BackupTask, DeleteRootImage, MakeBackups, MakeRootVolume
from ims_glance.flows.capture.disks import DeleteVolumes, NotDeleted, UploadVolumes, VolumeFailed
from ims_glance.flows.capture.server import ReadServer, TakeSnapshots
from ims_glance.flows.capture.upload import seconds_for
from ims_glance.flows.capture.whole_image import DescribeDisks, MakeWholeImage
from ims_glance.jobs.context import JobContext
from ims_glance.jobs.waiting import Wait
from ims_glance.model import backup as server_backup
from ims_glance.model.backup import DiskBackupPart, ServerBackup, Status
from ims_glance.model.server import Disk

_COMING = ("creating", "restoring-backup")
# Of a backup that Cinder brings to a volume.
_RESTORING = "restoring"
_BEING_RESTORED = "restoring-backup"


def flow(job: JobContext) -> Flow:
    """The flow of ``imsCreateServerBackupJob``.

    Its arguments are ``server_id``, ``server_name``, ``name``, ``description``, ``attributes`` (of
    an image of the server), ``wishes`` (all its disks), ``stands_still`` and
    ``quiesces``.
    """
    is_local = job.arguments["wishes"][0]["disk"]["volume_id"] is None
    return linear_flow.Flow("backup of a server").add(
        ReadServer(job),
        TakeSnapshots(job),
        *([MakeRootVolume(job)] if is_local else []),
        MakeBackups(job),
        DeleteVolumes(job),
        *([DeleteRootImage(job)] if is_local else []),
    )


def whole_machine(job: JobContext) -> Flow:
    """The flow of ``imsCreateWholeImageByBackupJob``.

    Its arguments are ``backup_id`` and those of :func:`ims_glance.flows.capture.server.whole_machine`,
    the wishes being the disks of the backup, and ``server_is_claimed`` (whether only its owner says
    which server it is of; absent in jobs of earlier versions).
    """
    return linear_flow.Flow("whole-machine image of a backup").add(
        ReadBackup(job),
        RestoreVolumes(job),
        UploadVolumes(job),
        DeleteVolumes(job),
        DescribeDisks(job),
        MakeWholeImage(job),
    )


class _OfBackup(BackupTask):
    def present(self) -> ServerBackup:
        """The backup.

        :raises BackupMissing: if there is none
        :raises BackupChanged: if it was the service's own when the job was accepted, and is not now
        """
        backup = self.found()
        if backup is None or not backup.is_whole or len(backup.parts) != len(self.disks):
            raise server_backup.BackupMissing(backup_id=self.job.job.backup_id)
        if self.job.arguments.get("server_is_claimed") is False and not backup.is_verified:
            raise server_backup.BackupChanged(backup_id=backup.id)
        return backup


class ReadBackup(_OfBackup):
    """Looks at the backup."""

    default_provides = "instant"

    def execute(self) -> dict[str, Any]:
        """How the server was when the backup was made."""
        backup = self.present()
        if backup.status is not Status.AVAILABLE:
            raise server_backup.BackupNotReady(backup_id=backup.id, status=backup.status)
        plan = backup.plan
        return {"capture": plan.capture, "standstill": plan.standstill, "root_image": None}


class RestoreVolumes(_OfBackup):
    """Brings the backup of every disk to a volume of its own, all at once."""

    default_provides = "volumes"

    def execute(self) -> dict[str, str]:
        """Go on with each disk from wherever it is, until all are there; the ids of their volumes."""
        wait = Wait(self.job, self.name, seconds_for(self.job, self.total))
        parts = {part.disk.number: part for part in self.present().parts}
        ids: dict[str, str] = {}
        left = list(self.disks)
        while left := [disk for disk in left if not self._is_there(disk, parts, wait, ids)]:
            if wait.is_over:
                self.fail_volume(left[0], self.volume(left[0]), wait)
            self.job.progress(0, self.total * units.Gi)
            wait.pause()
        return ids

    def revert(self, **_: Any) -> None:
        """Delete the volumes; what Cinder is still restoring, once it is done.

        :raises NotDeleted: if that takes too long
        """
        try:
            self.delete_volumes()
        except NotDeleted as error:
            raise error.with_advice(self._held()) from None

    def _held(self) -> str:
        """What an operator does about backups that are not free again: nobody can use those."""
        backup = self.found()
        parts = backup.parts if backup else ()
        held = [part.id for part in parts if part.status == _RESTORING]
        return stuck.to_be_freed(stuck.BACKUP, *held) if held else ""

    def _is_there(
        self, disk: Disk, parts: Mapping[int, DiskBackupPart], wait: Wait, ids: dict[str, str]
    ) -> bool:
        """Take the next step for a disk; whether its volume is complete.

        :param ids: gets the id of that volume
        """
        part = parts[disk.number]
        called = self.called(disk)
        # Of two, one is empty: Cinder made it later, when the answer to that request was lost.
        found = self.volumes.named(called)
        complete = [each for each in found if self.backups.is_restored(part, each)]
        begun = [each for each in found if each["status"] == _BEING_RESTORED]
        volume = next(iter(complete or begun or found), None)
        if volume is None:
            self.volumes.create_empty(called, part.disk.size, disk.volume_type)
            return False
        if volume["status"] in _COMING:
            return False
        if volume["status"] != "available":
            self.fail_volume(disk, volume, wait)
        if self.backups.is_restored(part, volume):
            self.set_key(volume)
            ids[str(disk.number)] = str(volume["id"])
            return True
        self._begin(disk, part, str(volume["id"]))
        return False

    def _begin(self, disk: Disk, part: DiskBackupPart, volume_id: str) -> None:
        try:
            self.backups.restore(part, volume_id)
        except rest.Refused as refused:
            # A worker that died a moment ago may have begun.
            if refused.status != 400 or self.volume(disk)["status"] not in _COMING:
                raise VolumeFailed(
                    number=disk.number, server_id=self.server_id, reason=refused
                ) from None
