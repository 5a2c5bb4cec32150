# SPDX-License-Identifier: Apache-2.0
"""Replications as columns."""

from typing import Any

from ims_glance.client.resources.replication import Replication
from ims_glance.client.shell.columns import Lines
from ims_glance.client.shell.views import Shown

LIST = ("ID", "Name", "Status", "Region", "Tag", "Image Name", "Keep", "Reason")


def row(shown: Replication) -> tuple[Any, ...]:
    """The values of :data:`LIST`."""
    return (
        shown.id,
        shown.name,
        shown.status,
        shown.region,
        shown.tag,
        shown.image_name,
        shown.keep,
        shown.reason,
    )


def replication(shown: Replication) -> Shown:
    """Everything about a replication; what became of its images as far as that was asked for."""
    values = {
        "id": shown.id,
        "name": shown.name,
        "status": shown.status,
        "region": shown.region,
        "project": shown.target_project_id,
        "tag": shown.tag,
        "image_name": shown.image_name,
        "keep": shown.keep,
        "key": shown.cmk_id,
        "agency": shown.agency_name,
        "created_at": shown.created_at,
        "error_code": shown.error_code,
        "reason": shown.reason,
        "images": Lines(shown.images or []),
    }
    return tuple(values), tuple(values.values())
