# SPDX-License-Identifier: Apache-2.0
"""Backups of servers (``GET /v1/{project_id}/server-backups``)."""

from typing import Any

from openstack import resource

from ims_glance.client.resources.paging import Paged

STATUSES = ("available", "creating", "restoring", "deleting", "error", "incomplete")


class Backup(Paged):
    """The disks of a server as they were at one instant."""

    base_path = "/v1/%(project_id)s/server-backups"
    resources_key = "server_backups"
    allow_list = True
    allow_fetch = True
    allow_delete = True

    _query_mapping = resource.QueryParameters("name", "server_id", "status")

    #: the project whose backup it is
    project_id: str = resource.URI("project_id")
    description: str = resource.Body("description")
    #: one of :data:`STATUSES`
    status: str = resource.Body("status")
    #: the server, which may be gone
    server_id: str = resource.Body("server_id")
    #: its name when the backup was made
    server_name: str = resource.Body("server_name")
    created_at: str = resource.Body("created_at")
    #: GB of all disks
    size: int = resource.Body("size", type=int)
    #: how the server was: paused, stopped or running
    capture: str = resource.Body("capture")
    #: milliseconds that it stood still
    standstill_ms: int = resource.Body("standstill_ms", type=int)
    #: whether the service itself made it as it says
    is_verified: bool = resource.Body("verified", type=bool)
    #: the whole-machine image that was made of it, or that it is kept with
    image_id: str = resource.Body("image_id")
    disks: list[dict[str, Any]] = resource.Body("disks", type=list)
