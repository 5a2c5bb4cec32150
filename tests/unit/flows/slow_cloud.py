# SPDX-License-Identifier: Apache-2.0
"""A small cloud that answers at once and does the work later, as Nova and Cinder do.

So a worker may die, or its job be cancelled, while a volume is being made, backed up, uploaded or
deleted, or while a server is about to stand still.
"""

import json
from collections.abc import Callable
from typing import Any

from tests.unit.flows.direct_cloud import DirectCloud, Exchange, Kept

# How many requests later, of whomever, something is done.
_LATER = 4
# Cinder deletes no volumes and no snapshots but such ones (cinder/volume/api.py, delete).
_DELETABLE = ("available", "error", "error_restoring")


class SlowCloud(DirectCloud):
    """Does things some requests after it was asked to.

    :ivar served: requests so far
    :ivar pending: when, what, and to which things
    :ivar reading: how many requests it takes Nova to upload a root disk
    """

    def __init__(self) -> None:
        super().__init__()
        self.exchange = _SlowExchange
        self.served = 0
        self.pending: list[tuple[int, str, tuple[str, ...]]] = []
        self.reading = _LATER

    def later(self, what: str, *ids: str, requests: int = _LATER) -> None:
        """Have something done later.

        :param what: a method of this class
        """
        self.pending.append((self.served + requests, what, ids))

    def settle(self, is_over: bool = True) -> None:
        """Do what is to be done by now.

        :param is_over: whether to do the rest as well
        """
        if is_over:
            super().settle()
        due = [each for each in self.pending if is_over or each[0] <= self.served]
        self.pending = [each for each in self.pending if each not in due]
        for _when, what, ids in due:
            getattr(self, what)(*ids)

    def visible(self, kept: Kept) -> Kept:
        """Without how many requests it takes until something happens."""
        return {name: each for name, each in kept.items() if name not in ("served", "pending")}

    # --- what is done later --------------------------------------------------------------------

    def volume_made(self, volume_id: str) -> None:
        """Of a snapshot, of an image, or of nothing."""
        self.volumes[volume_id]["status"] = "available"

    def volume_gone(self, volume_id: str) -> None:
        """It was deleted."""
        self.volumes.pop(volume_id, None)

    def snapshot_made(self, snapshot_id: str) -> None:
        """Or a backup was made of it."""
        self.machines.snapshots[snapshot_id]["status"] = "available"

    def snapshot_gone(self, snapshot_id: str) -> None:
        """It was deleted."""
        self.machines.snapshots.pop(snapshot_id, None)

    def backup_made(self, backup_id: str) -> None:
        """Of a snapshot or of a volume, which is free again."""
        backup = self.backups[backup_id]
        backup["status"] = "available"
        snapshot_id = backup.get("snapshot_id")
        if snapshot_id:
            self.snapshot_made(snapshot_id)
        else:
            self.volume_made(backup["volume_id"])

    def backup_gone(self, backup_id: str) -> None:
        """It was deleted."""
        self.backups.pop(backup_id, None)

    def restored(self, volume_id: str, backup_id: str) -> None:
        """Cinder notes it when the data is there."""
        self.volumes[volume_id]["metadata"] = {"src_backup_id": backup_id}
        self.volume_made(volume_id)
        self.backups[backup_id]["status"] = "available"

    def uploaded(self, volume_id: str, image_id: str) -> None:
        """Unless somebody deleted the image meanwhile."""
        if image_id in self.images and not self.breaks_off():
            self.fill(image_id, b"x" * 1000)
        self.volume_made(volume_id)

    def root_uploaded(self, server_id: str, image_id: str) -> None:
        """The same for Nova, which is busy with the server until then."""
        if image_id in self.images:
            self.fill(image_id, b"r" * 700)
        self.machines.servers[server_id]["OS-EXT-STS:task_state"] = None

    def became(self, server_id: str, status: str) -> None:
        """A server is paused, or goes on."""
        view = self.machines.servers[server_id]
        view.update({"status": status, "OS-EXT-STS:task_state": None})


class _SlowExchange(Exchange):
    _ends_at_once = False

    def _serve(self) -> None:
        cloud = self._cloud
        cloud.served += 1
        cloud.settle(is_over=False)
        super()._serve()

    @property
    def _cloud(self) -> SlowCloud:
        assert isinstance(self.server, SlowCloud)
        return self.server

    def _make(self, things: dict[str, Any], make: Callable[[], None], what: str) -> None:
        """Have what is made now be made later."""
        before = set(things)
        make()
        for each in set(things) - before:
            things[each]["status"] = "creating"
            self._cloud.later(what, each)

    def _create_volume(self) -> None:
        self._make(self._cloud.volumes, super()._create_volume, "volume_made")

    def _create_snapshot(self) -> None:
        self._make(self._cloud.machines.snapshots, super()._create_snapshot, "snapshot_made")

    def _create_backup(self) -> None:
        wish = json.loads(self.body)["backup"]
        snapshot = self._cloud.machines.snapshots.get(wish.get("snapshot_id"))
        source = snapshot or self._cloud.volumes[wish["volume_id"]]
        if source["status"] != "available":
            self._refuse(400, "what is backed up must be available")
            return
        self._make(self._cloud.backups, super()._create_backup, "backup_made")
        source["status"] = "backing-up"

    def _restore_backup(self, backup_id: str) -> None:
        volume_id = json.loads(self.body)["restore"]["volume_id"]
        volume, backup = self._cloud.volumes[volume_id], self._cloud.backups[backup_id]
        super()._restore_backup(backup_id)
        if self._status == 202:
            del volume["metadata"]
            volume["status"], backup["status"] = "restoring-backup", "restoring"
            self._cloud.later("restored", volume_id, backup_id)

    def _upload_volume(self, volume_id: str) -> None:
        cloud = self._cloud
        volume, before = cloud.volumes[volume_id], set(cloud.images)
        if "os-volume_upload_image" in json.loads(self.body) and volume["status"] != "available":
            self._refuse(400, "the volume must be available")
            return
        super()._upload_volume(volume_id)
        for image_id in set(cloud.images) - before:
            cloud.unfill(image_id)
            volume["status"] = "uploading"
            cloud.later("uploaded", volume_id, image_id)

    def _act(self, server_id: str) -> None:
        cloud = self._cloud
        [action] = json.loads(self.body)
        view, before = cloud.machines.servers[server_id], set(cloud.images)
        was = view["status"]
        super()._act(server_id)
        if self._status != 202:
            return
        if action in ("pause", "unpause"):
            is_now, view["status"] = view["status"], was
            view["OS-EXT-STS:task_state"] = "pausing" if action == "pause" else "unpausing"
            cloud.later("became", server_id, is_now)
        elif view["image"]:
            [image_id] = set(cloud.images) - before
            cloud.unfill(image_id)
            view["OS-EXT-STS:task_state"] = "image_uploading"
            cloud.later("root_uploaded", server_id, image_id, requests=cloud.reading)

    def _delete_volume(self, volume_id: str) -> None:
        self._delete_later(self._cloud.volumes, volume_id, "volume_gone")

    def _delete_snapshot(self, snapshot_id: str) -> None:
        volumes = self._cloud.volumes.values()
        if any(each.get("snapshot_id") == snapshot_id for each in volumes):
            self._refuse(400, "there are volumes of it")
        else:
            self._delete_later(self._cloud.machines.snapshots, snapshot_id, "snapshot_gone")

    def _delete_backup(self, backup_id: str) -> None:
        self._delete_later(self._cloud.backups, backup_id, "backup_gone")

    def _delete_later(self, things: dict[str, Any], thing_id: str, what: str) -> None:
        thing = things.get(thing_id)
        if thing is None:
            self._refuse(404, "no such thing")
        elif thing["status"] not in _DELETABLE or thing_id in self._cloud.machines.coming:
            self._refuse(400, f"it is {thing['status']}")
        else:
            thing["status"] = "deleting"
            self._cloud.later(what, thing_id)
            self._answer(202)
