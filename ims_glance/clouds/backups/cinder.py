# SPDX-License-Identifier: Apache-2.0
"""Server backups as groups of Cinder's volume backups, tied by their metadata.

Cinder is the only record: a backup that somebody deletes there is gone here. Its metadata can be
written by whoever may change the backup, so what the service writes there it signs, together with
what Cinder says itself of the data.
"""

from collections.abc import Mapping
from typing import Any

from ims_glance.clouds import rest
from ims_glance.clouds.backups.base import ServerBackups
from ims_glance.clouds.region import Region
from ims_glance.crypto.proof import Prover
from ims_glance.model import backup as server_backup
from ims_glance.model.backup import BackupPlan, DiskBackupPart, ServerBackup
from ims_glance.model.server import Disk

# The first version in which backups have metadata (cinder/api/microversions.py).
_VERSION = {"OpenStack-API-Version": "volume 3.43"}
_PAGE = 500
# Of a description (cinder/api/validation/parameter_types.py).
_LONGEST = 255
# Cinder writes it when the data is complete, before the volume is available again
# (cinder/backup/manager.py, restore_backup).
_RESTORED_FROM = "src_backup_id"


class CinderBackups(ServerBackups):
    """The driver ``cinder``."""

    def __init__(self, region: Region, *, prover: Prover | None = None) -> None:
        super().__init__(region, prover=prover)
        self._rest = region.service("block-storage", "Volume")

    def is_there(self) -> bool:
        """Whether Cinder is in the catalogue."""
        return self._rest.is_there()

    def all(self) -> list[ServerBackup]:
        """Those of the project. Cinder shows administrators no others either, unless asked to."""
        found: list[dict[str, Any]] = []
        query: dict[str, Any] = {"limit": _PAGE}
        while True:
            answer = self._json("GET", "/backups/detail", params=query)
            found += answer["backups"]
            # Not by the page's length: osapi_max_limit of Cinder may have shortened it.
            if not answer.get("backups_links") or not answer["backups"]:
                return server_backup.gathered(found, self._prover.holds)
            query["marker"] = found[-1]["id"]

    def back_up(
        self, plan: BackupPlan, disk: Disk, count: int, snapshot_id: str | None = None
    ) -> None:
        """``POST /backups``: of a snapshot, or of a volume that is available."""
        said = server_backup.metadata(plan, disk, count)
        facts = server_backup.facts(said, disk.volume_id, snapshot_id)
        if made := self._prover.proof(facts):
            said[server_backup.PROOF] = made
        wanted: dict[str, Any] = {
            "volume_id": disk.volume_id,
            "name": plan.name,
            "description": plan.description[:_LONGEST],
            "metadata": said,
        }
        if snapshot_id:
            wanted |= {"snapshot_id": snapshot_id, "force": True}
        self._json("POST", "/backups", json={"backup": wanted})

    def restore(self, part: DiskBackupPart, volume_id: str) -> None:
        """``POST /backups/{id}/restore``.

        Without a volume Cinder makes one itself, of the default type, while the request waits.
        """
        wanted = {"restore": {"volume_id": volume_id}}
        self._json("POST", f"/backups/{part.id}/restore", json=wanted)

    def is_restored(self, part: DiskBackupPart, volume: Mapping[str, Any]) -> bool:
        """By what Cinder notes on the volume."""
        return (volume.get("metadata") or {}).get(_RESTORED_FROM) == part.id

    def rename(self, backup: ServerBackup, name: str) -> None:
        """``PUT /backups/{id}`` for each disk."""
        for part in backup.parts:
            self._json("PUT", f"/backups/{part.id}", json={"backup": {"name": name}})

    def delete_part(self, part_id: str) -> None:
        """``DELETE /backups/{id}``."""
        try:
            self._rest.request("DELETE", f"/backups/{part_id}", headers=_VERSION)
        except rest.Missing:
            return

    def _json(self, method: str, path: str, **request: Any) -> Any:
        return self._rest.json(method, path, headers=_VERSION, **request)
