# SPDX-License-Identifier: Apache-2.0
"""What jobs about servers are told, and all that they could leave behind."""

from typing import Any

from ims_glance.clouds.backups.cinder import CinderBackups
from ims_glance.clouds.compute import ComputeApi
from ims_glance.clouds.region import Region
from ims_glance.clouds.volume import VolumeApi
from ims_glance.model import capture
from ims_glance.model import server as servers
from ims_glance.model.backup import ServerBackup
from ims_glance.model.capture import DiskToCapture
from tests.cloud import leftovers


def arguments(tenant: Any, server: Any) -> dict[str, Any]:
    """Of a job about a whole server, as the API has them."""
    tenant.authorize()
    compute, volumes = ComputeApi(Region(tenant.session)), VolumeApi(Region(tenant.session))
    attached = compute.attachments(server.id)
    shown = {each["volumeId"]: volumes.get(each["volumeId"]) for each in attached}
    disks = servers.find_disks(compute.get(server.id), attached, shown)
    root = shown.get(disks[0].volume_id or "", {})
    return {
        "name": "whole",
        "server_id": server.id,
        "wishes": [DiskToCapture(disk).to_arguments() for disk in disks],
        "attributes": capture.carried({}),
        "stands_still": True,
        "quiesces": capture.quiesces(disks, root.get("volume_image_metadata") or {}),
    }


def of_backup(backup: ServerBackup) -> dict[str, Any]:
    """Arguments of a job that makes an image of a server backup, as the API has them."""
    return {
        "name": "again",
        "backup_id": backup.id,
        "server_id": backup.plan.server_id,
        "server_is_claimed": not backup.is_verified,
        "attributes": dict(backup.plan.attributes),
        "wishes": [DiskToCapture(part.disk).to_arguments() for part in backup.parts],
    }


def backups(tenant: Any) -> CinderBackups:
    """The server backups of a tenant."""
    tenant.authorize()
    return CinderBackups(Region(tenant.session))


def left(tenant: Any) -> leftovers.Found:
    """All that there is of a tenant but for trusts and secrets."""
    return leftovers.of_project(tenant.current_project_id, with_slow=False)


def counted(tenant: Any) -> leftovers.Found:
    """As :func:`left`, with what only a worker's own clean-up takes away."""
    return leftovers.of_project(tenant.current_project_id)
