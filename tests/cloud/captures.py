# SPDX-License-Identifier: Apache-2.0
"""What jobs about servers are told, and all that they could leave behind."""

from typing import Any

import rados
import rbd
from pocket_cloud.cloud import Cloud
from pocket_cloud.setup import storage

from ims_glance.clouds.backups.cinder import CinderBackups
from ims_glance.clouds.compute import ComputeApi
from ims_glance.clouds.volume import VolumeApi
from ims_glance.model import capture, servers
from ims_glance.model.capture import Wish
from ims_glance.model.server_backup import ServerBackup
from tests.cloud import jobs, pocket


def arguments(tenant: Any, server: Any) -> dict[str, Any]:
    """Of a job about a whole server, as the API has them."""
    tenant.authorize()
    compute, volumes = ComputeApi(tenant.session), VolumeApi(tenant.session)
    attached = compute.attachments(server.id)
    shown = {each["volumeId"]: volumes.get(each["volumeId"]) for each in attached}
    disks = servers.find_disks(compute.get(server.id), attached, shown)
    root = shown.get(disks[0].volume_id or "", {})
    return {
        "name": "whole",
        "server_id": server.id,
        "wishes": [Wish(disk).to_arguments() for disk in disks],
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
        "attributes": dict(backup.plan.attributes),
        "wishes": [Wish(part.disk).to_arguments() for part in backup.parts],
    }


def backups(tenant: Any) -> CinderBackups:
    """The server backups of a tenant."""
    tenant.authorize()
    return CinderBackups(tenant.session)


def left(tenant: Any) -> dict[str, Any]:
    """All that there is of a tenant, but for trusts; and all that is stored, whoever's it is."""
    volumes = tenant.block_storage
    hidden = tenant.image.get("/images", params={"os_hidden": "true"}).json()["images"]
    return {
        "images": sorted(jobs.owned(tenant)),
        "hidden": sorted(each["id"] for each in hidden),
        "volumes": sorted(each.id for each in volumes.volumes()),
        "snapshots": sorted(each.id for each in volumes.snapshots()),
        "backups": sorted(each.id for each in volumes.backups()),
        "servers": sorted((each.id, each.status) for each in tenant.compute.servers()),
        "stored": _stored(),
        "files": pocket.image_files(),
    }


def counted(tenant: Any) -> dict[str, Any]:
    """As :func:`left`, with what only a worker's own clean-up takes away."""
    return {
        **left(tenant),
        "trusts": jobs.trusts(tenant),
        "secrets": sorted(pocket.secret_id(each) for each in tenant.key_manager.secrets()),
    }


def _stored() -> list[str]:
    """The disks in Ceph's pools, whoever's they are, with those that wait for their removal."""
    conf = Cloud.from_environment().path("etc", "ceph")
    options = {"keyring": str(conf / "ceph.client.admin.keyring")}
    found = []
    with rados.Rados(conffile=str(conf / "ceph.conf"), name="client.admin", conf=options) as ceph:
        for pool in storage.POOLS:
            with ceph.open_ioctx(pool) as opened:
                found += rbd.RBD().list(opened)
                found += [each["name"] for each in rbd.RBD().trash_list(opened)]
    return sorted(found)
