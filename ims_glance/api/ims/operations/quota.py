# SPDX-License-Identifier: Apache-2.0
"""``show_image_quota``: how many of what a project has and may have."""

from ims_glance.api.ims import lookup
from ims_glance.api.ims.operation import Answer, Call, Operation
from ims_glance.model.image import kinds

_RESOURCE = {
    "type": "object",
    "properties": {
        "type": {"type": "string"},
        "used": {"type": "integer"},
        "quota": {"type": "integer"},
        "min": {"type": "integer"},
        "max": {"type": "integer"},
    },
    "required": ["type", "used", "quota", "min", "max"],
}
_ANSWER = {
    "type": "object",
    "properties": {
        "quotas": {
            "type": "object",
            "properties": {"resources": {"type": "array", "items": _RESOURCE}},
            "required": ["resources"],
        }
    },
    "required": ["quotas"],
}


def show_image_quota(call: Call) -> Answer:
    """``GET /v1/cloudimages/quota``."""
    room = call.service.quota.room(call.context, call.project_id)
    resources = [
        _resource("image", room.used, room.limit),
        _resource("image_shared", _shared(call), room.limit),
        _resource("image_member", 0, call.service.conf.ims_api.members),
    ]
    return Answer({"quotas": {"resources": resources}})


def _resource(kind: str, used: int, quota: int) -> dict[str, object]:
    return {"type": kind, "used": used, "quota": quota, "min": 0, "max": quota}


def _shared(call: Call) -> int:
    query = {"owner": call.project_id, "__imagetype": kinds.SHARED, "limit": "1000"}
    return sum(map(len, lookup.pages(call, query)))


OPERATIONS = (
    Operation(
        "show_image_quota",
        "GET",
        "/v1/cloudimages/quota",
        show_image_quota,
        "Show how many images the project has and may have",
        answer=_ANSWER,
    ),
)
