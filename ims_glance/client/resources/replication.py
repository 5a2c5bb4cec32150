# SPDX-License-Identifier: Apache-2.0
"""Replications (``GET /v1/{project_id}/replications``)."""

from typing import Any

from openstack import resource

STATUSES = ("active", "paused", "ended")


class Replication(resource.Resource):
    """A standing order to copy images of the project to another region as they become active."""

    base_path = "/v1/%(project_id)s/replications"
    resources_key = "replications"
    allow_list = True
    allow_fetch = True

    #: the project whose images are copied
    project_id: str = resource.URI("project_id")
    #: where the copies are
    region: str = resource.Body("region")
    #: the project that they are made in
    target_project_id: str = resource.Body("target_project_id")
    #: one of :data:`STATUSES`
    status: str = resource.Body("status")
    #: that an image has
    tag: str = resource.Body("tag")
    #: pattern of the name that an image has
    image_name: str = resource.Body("image_name")
    #: how many copies are kept there; ``None`` for all
    keep: int = resource.Body("keep", type=int)
    cmk_id: str = resource.Body("cmk_id")
    agency_name: str = resource.Body("agency_name")
    created_at: str = resource.Body("created_at")
    error_code: str = resource.Body("error_code")
    #: why it ended, or copies nothing now
    reason: str = resource.Body("reason")
    #: what became of each image; not in lists
    images: list[dict[str, Any]] = resource.Body("images", type=list)
