# SPDX-License-Identifier: Apache-2.0
"""As much of Cinder's backups as server backups ask for."""

import json
import uuid
from typing import Any, ClassVar

from ims_glance.crypto.proof import Prover

SECRETS = ["a secret of the service, for its backups"]
PROVER = Prover(SECRETS)


class BackupsHandler:
    """Serves them; a mixin of the handler of ``cloud_server``."""

    ROUTES: ClassVar[dict[str, str]] = {
        "GET /backups/detail": "_backups",
        "POST /backups": "_create_backup",
        "PUT /backups/([^/]+)": "_rename_backup",
        "DELETE /backups/([^/]+)": "_delete_backup",
        "POST /backups/([^/]+)/restore": "_restore_backup",
    }
    server: Any
    body: bytes
    query: str

    def _answer(self, status: int, body: Any = None) -> None:
        raise NotImplementedError

    def _refuse(self, status: int, message: str) -> None:
        raise NotImplementedError

    def _backups(self) -> None:
        """Two a page."""
        found = list(self.server.backups.values())
        _, _, marker = self.query.partition("marker=")
        begin = [each["id"] for each in found].index(marker) + 1 if marker else 0
        page, rest = found[begin : begin + 2], found[begin + 2 :]
        links = {"backups_links": [{"rel": "next"}]} if rest else {}
        self._answer(200, {"backups": page, **links})

    def _create_backup(self) -> None:
        wish = json.loads(self.body)["backup"]
        volume = self.server.volumes[wish["volume_id"]]
        snapshot = self.server.machines.snapshots.get(wish.get("snapshot_id"))
        if snapshot is None and volume["status"] != "available":
            self._refuse(400, "volume must be available")
            return
        if any(len(value) > 255 for value in wish["metadata"].values()):
            self._refuse(400, "too long")
            return
        backup_id = str(uuid.uuid4())
        self.server.backups[backup_id] = {
            **wish,
            "id": backup_id,
            "size": volume["size"],
            "status": self.server.backup_status,
            "created_at": f"2026-11-25T00:00:{len(self.server.backups):02}.000000",
            "fail_reason": None,
        }
        self._answer(202, {"backup": {"id": backup_id, "name": wish["name"]}})

    def _rename_backup(self, backup_id: str) -> None:
        self.server.backups[backup_id]["name"] = json.loads(self.body)["backup"]["name"]
        self._answer(200, {"backup": self.server.backups[backup_id]})

    def _delete_backup(self, backup_id: str) -> None:
        backup = self.server.backups.get(backup_id)
        if backup is None:
            self._refuse(404, "no such backup")
        elif backup.get("has_dependent_backups"):
            self._refuse(400, "Incremental backups exist for this backup")
        elif backup["status"] not in ("available", "error"):
            self._refuse(400, "Backup status must be available or error")
        else:
            del self.server.backups[backup_id]
            self._answer(202)

    def _restore_backup(self, backup_id: str) -> None:
        volume = self.server.volumes[json.loads(self.body)["restore"]["volume_id"]]
        backup = self.server.backups[backup_id]
        if volume["status"] != "available" or backup["status"] != "available":
            self._refuse(400, "must be available")
            return
        volume["metadata"] = {"src_backup_id": backup_id}
        volume["status"] = self.server.restored_status
        self._answer(202, {"restore": {"backup_id": backup_id, "volume_id": volume["id"]}})
