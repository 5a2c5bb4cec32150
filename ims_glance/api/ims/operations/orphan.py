# SPDX-License-Identifier: Apache-2.0
"""What operators see of what crashes left behind, as ``ims-manage orphans`` found it last. IMS has no such operation."""

import datetime
from typing import Any

from ims_glance.api.ims.operation import Access, Answer, Call, Operation
from ims_glance.conf import ims_service
from ims_glance.db.orphan import MOST, Orphan, OrphanLooks
from ims_glance.model import job as model


def list_orphans(call: Call) -> Answer:
    """``GET /v1/orphans``: what the last look in this region found, and did not delete."""
    here = ims_service.region_name(call.service.conf)
    last = OrphanLooks(call.service.jobs.database).last(here)
    if last is None:
        return Answer({"looked_at": None, "min_age_hours": None, "count": 0, "orphans": []})
    return Answer(
        {
            "looked_at": _timestamp(last.began),
            "min_age_hours": last.min_age,
            "count": last.count,
            "orphans": [_shown(each) for each in last.orphans],
        }
    )


def _shown(orphan: Orphan) -> dict[str, Any]:
    return {
        "place": orphan.place,
        "names": list(orphan.names),
        "written_at": _timestamp(orphan.written),
        "reason": orphan.reason,
    }


def _timestamp(seconds: float) -> str | None:
    return model.timestamp(datetime.datetime.fromtimestamp(seconds, datetime.UTC))


_TEXT = {"type": "string"}
_ORPHAN: dict[str, Any] = {
    "type": "object",
    "properties": {
        "place": {
            "type": "string",
            "description": "id of the store that it lies in; `image` for a hidden image",
        },
        "names": {
            "type": "array",
            "items": _TEXT,
            "description": "of its objects in the inner store, or the id of the image",
        },
        "written_at": {"type": "string", "description": "when it was written, or changed last"},
        "reason": {
            "type": "string",
            "description": "why it belongs to nothing, and why it is still there, if it was to be deleted",
        },
    },
    "required": ["place", "names", "written_at", "reason"],
}

OPERATIONS = (
    Operation(
        "list_orphans",
        "GET",
        "/v1/orphans",
        list_orphans,
        "List what crashes left behind, as ims-manage orphans found it last (an extension, for operators)",
        access=Access.ADMIN,
        answer={
            "type": "object",
            "properties": {
                "looked_at": {
                    "type": ["string", "null"],
                    "description": "when the look began; `null`: nobody has looked yet",
                },
                "min_age_hours": {
                    "type": ["number", "null"],
                    "description": "what was younger was passed over",
                },
                "count": {"type": "integer", "description": "of all, also of those not listed"},
                "orphans": {"type": "array", "items": _ORPHAN, "maxItems": MOST},
            },
            "required": ["looked_at", "min_age_hours", "count", "orphans"],
        },
    ),
)
