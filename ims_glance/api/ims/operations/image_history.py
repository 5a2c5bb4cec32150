# SPDX-License-Identifier: Apache-2.0
"""What was done to an image, from the audit trail. IMS leaves that to its audit service (CTS).

A project is shown what its own users did and tried. What others do to an image that they were given is theirs.
"""

from collections.abc import Mapping
from typing import Any

from ims_glance.api.ims import lookup
from ims_glance.api.ims.operation import Answer, Call, Operation
from ims_glance.db.audit import AuditEvents
from ims_glance.model.text import patterns

_DEFAULT_LIMIT = 20


def list_image_events(call: Call) -> Answer:
    """``GET /v1/cloudimages/{image_id}/history``: the newest first.

    There are as many as the operator keeps, of the newest 20,000 events of the project (the hours of use that the
    marketplace tells of its servers among them): older ones are not looked through. None without a database.
    """
    view = lookup.get(call, call.arguments["image_id"])
    limit = int(call.query.get("limit", _DEFAULT_LIMIT))
    database = call.service.jobs.database
    if not database.is_configured:
        return Answer({"events": []})
    events = AuditEvents(call.service.conf, database)
    newest = events.history(limit, call.project_id, str(view["id"]))
    found = [_shown(each.content) for each in newest if each.content.get("attachments")]
    return Answer({"events": found[::-1]})


def _shown(event: Mapping[str, Any]) -> dict[str, Any]:
    """What of an event concerns the user; not from where and with what it was done."""
    attached = event["attachments"][0]["content"]
    initiator = event.get("initiator") or {}
    return {
        "time": event.get("eventTime"),
        "name": event.get("name"),
        "outcome": event.get("outcome"),
        "user_id": initiator.get("id"),
        "user_name": initiator.get("name"),
        **{name: attached.get(name) for name in ("job_id", "request_id")},
        "error_code": attached.get("code"),
    }


_TEXT = {"type": ["string", "null"]}
_EVENT = {
    "type": "object",
    "properties": {
        name: _TEXT
        for name in (
            "time", "name", "outcome", "user_id", "user_name", "job_id", "request_id", "error_code",
        )
    },
    "required": ["time", "name", "outcome"],
}  # fmt: skip

OPERATIONS = (
    Operation(
        "list_image_events",
        "GET",
        "/v1/cloudimages/{image_id}/history",
        list_image_events,
        "List what the project has done to an image, from the audit trail",
        query={"limit": {"type": "string", "pattern": patterns.whole("[1-9][0-9]?|100")}},
        answer={
            "type": "object",
            "properties": {"events": {"type": "array", "items": _EVENT}},
            "required": ["events"],
        },
    ),
)
