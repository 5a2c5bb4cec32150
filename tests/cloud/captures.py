# SPDX-License-Identifier: Apache-2.0
"""What jobs about servers are told, and all that they could leave behind."""

from typing import Any

from ims_glance.clouds.compute import ComputeApi
from ims_glance.clouds.volume import VolumeApi
from ims_glance.model import capture, servers
from ims_glance.model.capture import Wish
from tests.cloud import jobs


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


def left(tenant: Any) -> dict[str, Any]:
    """All that there is of a tenant, but for trusts."""
    storage = tenant.block_storage
    hidden = tenant.image.get("/images", params={"os_hidden": "true"}).json()["images"]
    return {
        "images": sorted(jobs.owned(tenant)),
        "hidden": sorted(each["id"] for each in hidden),
        "volumes": sorted(each.id for each in storage.volumes()),
        "snapshots": sorted(each.id for each in storage.snapshots()),
        "backups": sorted(each.id for each in storage.backups()),
        "servers": sorted((each.id, each.status) for each in tenant.compute.servers()),
    }
