# SPDX-License-Identifier: Apache-2.0
"""What a driver for server backups does."""

import abc
from collections.abc import Mapping
from typing import Any

from ims_glance.clouds.region import Region
from ims_glance.clouds.rest import Refused
from ims_glance.crypto.proof import Prover
from ims_glance.model.backup import BackupPlan, DiskBackupPart, ServerBackup
from ims_glance.model.server import Disk


class ServerBackups(abc.ABC):
    """The server backups of the project that a region's session is for.

    Every method raises what :meth:`ims_glance.clouds.rest.Rest.request` raises.

    What a project's users can write themselves is believed only with a proof that the service wrote
    it (:attr:`ServerBackup.is_verified`).

    :param region: as that project sees it
    :param prover: makes and checks such proofs
    """

    def __init__(self, region: Region, *, prover: Prover | None = None) -> None:
        self._region = region
        self._prover = prover or Prover()

    def is_there(self) -> bool:
        """Whether the cloud, or this region, has what keeps them."""
        return True

    @abc.abstractmethod
    def all(self) -> list[ServerBackup]:
        """Those of the project, the newest first; those that are being made or deleted too."""

    def find(self, backup_id: str) -> ServerBackup | None:
        """One of them; ``None`` if the project has none of that id."""
        return next((each for each in self.all() if each.id == backup_id), None)

    @abc.abstractmethod
    def back_up(
        self, plan: BackupPlan, disk: Disk, count: int, snapshot_id: str | None = None
    ) -> None:
        """Have the backup of one disk begun; it is the caller's part not to begin one twice.

        :param disk: ``volume_id`` is what is backed up
        :param count: of disks in all
        :param snapshot_id: of the volume, if that is attached
        """

    @abc.abstractmethod
    def restore(self, part: DiskBackupPart, volume_id: str) -> None:
        """Have the backup of a disk written to a volume that is available.

        :raises Refused: with status 400 if the backup, or the volume, is busy
        """

    @abc.abstractmethod
    def is_restored(self, part: DiskBackupPart, volume: Mapping[str, Any]) -> bool:
        """Whether an available volume holds what :meth:`restore` was to bring.

        :param volume: as Cinder shows it
        """

    @abc.abstractmethod
    def rename(self, backup: ServerBackup, name: str) -> None:
        """Give a backup another name."""

    @abc.abstractmethod
    def delete_part(self, part_id: str) -> None:
        """Delete the backup of one disk, which is gone a moment later; that there is none is fine.

        :raises Refused: if it is busy
        """

    def delete(self, backup: ServerBackup) -> None:
        """Delete a backup, which is gone a moment later.

        :raises Refused: if a part of it is busy; the others are deleted nevertheless
        """
        refusals = []
        for part in backup.parts:
            try:
                self.delete_part(part.id)
            except Refused as refused:
                refusals.append(refused)
        if refusals:
            raise refusals[0]
