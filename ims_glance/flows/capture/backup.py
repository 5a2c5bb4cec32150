# SPDX-License-Identifier: Apache-2.0
"""Tasks that keep what was captured of a server as a server backup.

The backup's id follows from the job's (:attr:`ims_glance.model.job.Job.backup_id`), and each of its
parts says whose it is, so a worker that goes on after a crash finds those that were begun.
"""

import functools
from collections.abc import Mapping
from typing import Any, NoReturn

from ims_glance import exceptions
from ims_glance.clouds import backups
from ims_glance.clouds.backups.base import ServerBackups
from ims_glance.flows import job_image
from ims_glance.flows.capture import stuck
from ims_glance.flows.capture.disks import DiskTask, Found, Ids
from ims_glance.flows.capture.upload import seconds_for
from ims_glance.jobs.waiting import Wait
from ims_glance.model import backup, capture
from ims_glance.model.backup import BackupPlan, DiskBackupPart, ServerBackup
from ims_glance.model.server import Disk


class BackupFailed(exceptions.ImsError):
    """A disk was not backed up."""

    code = "IMG.0014"
    template = "Disk {number} of server {server_id} could not be backed up: {reason}"


class BackupTask(DiskTask):
    """A task about the job's server backup."""

    @functools.cached_property
    def backups(self) -> ServerBackups:
        """Server backups as the caller."""
        return backups.load(self.job.conf, self.job.region)

    def found(self) -> ServerBackup | None:
        """The job's backup, as far as it is there."""
        return self.backups.find(str(self.job.job.backup_id))


class MakeRootVolume(DiskTask):
    """Makes a volume of Nova's image of a root disk on its host: only volumes are backed up."""

    default_provides = "root_volume"

    def execute(self, instant: Mapping[str, Any]) -> dict[str, str]:
        """Make it if there is none, and wait for it; its id by the number of the disk."""
        root, called = self.disks[0], self.called(self.disks[0])
        there = self.volumes.named(called)
        if there:
            volume_id = str(there[0]["id"])
        else:
            image = self.job.image.get(instant["root_image"])
            size = max(capture.grown(image, root).size, int(image.get("min_disk") or 0))
            volume_id = self.volumes.create_from_image(image["id"], called, size)
        ids = {str(root.number): volume_id}
        self.await_volume(root, ids)
        return ids

    def revert(self, **_: Any) -> None:
        """Delete it."""
        self.delete_volumes()


class MakeBackups(BackupTask):
    """Has every disk backed up, all at once."""

    def execute(self, instant: Mapping[str, Any], root_volume: Ids = None) -> None:
        """Begin with those that are not there, and wait for all.

        :param root_volume: id of that which was made of a root disk on its host
        """
        plan = self._plan(instant)
        begun = {part.disk.number for part in self._parts()}
        for disk in self.disks:
            if disk.number not in begun:
                self._begin(plan, disk, instant, root_volume)
        wait = Wait(self.job, self.name, seconds_for(self.job, self.total))
        while due := self._due(wait):
            left = sum(part.disk.size for part in due)
            self.tell_moved(max(0, self.total - left))
            wait.pause()
        self.tell_moved(self.total)

    def revert(self, **_: Any) -> None:
        """Delete them."""
        self.delete_all(stuck.BACKUP, self._views, self.backups.delete_part)

    def _plan(self, instant: Mapping[str, Any]) -> BackupPlan:
        arguments = self.job.arguments
        name = arguments["name"]
        if self.job.image_id:
            name = backup.of_image(self.job.image_id)
        return BackupPlan(
            str(self.job.job.backup_id),
            name,
            self.server_id,
            str(arguments.get("server_name") or ""),
            arguments.get("description") or "",
            arguments["attributes"],
            instant["capture"],
            instant["standstill"],
        )

    def _begin(self, plan: BackupPlan, disk: Disk, instant: Mapping[str, Any], root: Ids) -> None:
        count = len(self.disks)
        if disk.volume_id is None:
            volume = self.volume(disk, root)
            self.backups.back_up(plan, _of_volume(disk, volume), count)
        else:
            self.backups.back_up(plan, disk, count, self.snapshot(disk, instant)["id"])

    def _due(self, wait: Wait) -> list[DiskBackupPart]:
        """What is to be waited for: backups that are still being made, and surplus ones.

        :raises BackupFailed: if one fails, or takes too long
        """
        is_late = wait.is_over
        parts: dict[int, DiskBackupPart] = {}
        surplus = [
            part for part in self._parts() if parts.setdefault(part.disk.number, part) != part
        ]
        for disk in self.disks:
            part = parts.get(disk.number)
            is_coming = part is not None and part.status == "creating" and not is_late
            if not is_coming and (part is None or part.status != "available"):
                self._fail(disk, part, wait)
        for part in surplus:
            # Cinder had begun with it, and its answer was lost.
            if is_late:
                self._fail(part.disk, part, wait)
            if part.status in ("available", "error"):
                self.backups.delete_part(part.id)
        return surplus + [part for part in parts.values() if part.status == "creating"]

    def _fail(self, disk: Disk, part: DiskBackupPart | None, wait: Wait) -> NoReturn:
        reason = "somebody deleted its backup."
        if part is not None and part.status in stuck.BUSY:
            reason = stuck.still(stuck.BACKUP, part.id, part.status, wait.waited)
        elif part is not None:
            reason = part.reason or f"{stuck.BACKUP} {part.id} is '{part.status}'."
        raise BackupFailed(number=disk.number, server_id=self.server_id, reason=reason)

    def _parts(self) -> tuple[DiskBackupPart, ...]:
        found = self.found()
        return found.parts if found else ()

    def _views(self) -> Found:
        return [{"id": part.id, "status": part.status} for part in self._parts()]


class NameBackups(BackupTask):
    """Calls a backup by the image that it is kept with, which may have got another id."""

    def execute(self) -> None:
        """Give it the name, unless it has it."""
        found = self.found()
        name = backup.of_image(str(self.job.image_id))
        if found is not None and found.plan.name != name:
            self.backups.rename(found, name)


class DeleteRootImage(DiskTask):
    """Deletes Nova's image of a root disk, once that is in the backup."""

    def execute(self) -> None:
        """After the volume: a store may have made the one of the other without a copy."""
        for image_id in job_image.all_named(self.job, self.called(self.disks[0])):
            self.job.image.delete(image_id)


def _of_volume(disk: Disk, volume: Mapping[str, Any]) -> Disk:
    """The disk as the volume that was made of it."""
    return Disk(
        disk.number,
        str(volume["id"]),
        int(volume["size"]),
        disk.volume_type,
        disk.goes_with_server,
    )
