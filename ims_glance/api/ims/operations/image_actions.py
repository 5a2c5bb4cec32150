# SPDX-License-Identifier: Apache-2.0
"""What may be done to an image, and why the rest may not: asked of the rules before it is tried.

IMS has no such operation; its console knows the rules by itself. Here they are in one table
(:mod:`ims_glance.model.image.rules`), and who shows buttons asks it.
"""

from collections.abc import Mapping
from typing import Any

from ims_glance import exceptions
from ims_glance.api.ims import lookup
from ims_glance.api.ims.operation import Answer, Call, Operation
from ims_glance.model.image.rules import Action

# Those that an operation of this API, or of the Image API, does when a user asks for it.
ACTIONS: Mapping[str, Action] = {
    action.name.lower(): action
    for action in (
        Action.UPDATE,
        Action.TAG,
        Action.SHARE,
        Action.UNSHARE,
        Action.ACCEPT,
        Action.COPY,
        Action.COPY_CROSS_REGION,
        Action.EXPORT,
        Action.CHECK,
        Action.SHOW_REPORT,
        Action.PUBLISH,
        Action.DELETE,
    )
}


def show_image_actions(call: Call) -> Answer:
    """``GET /v1/cloudimages/{image_id}/actions``."""
    view = lookup.get(call, call.arguments["image_id"])
    found = [{"name": name, **_judged(call, view, action)} for name, action in ACTIONS.items()]
    return Answer({"image_id": view["id"], "actions": found})


def _judged(call: Call, view: lookup.View, action: Action) -> dict[str, Any]:
    """Whether it may be done; if not, what the one who tries is told."""
    try:
        lookup.check(call, view, action)
    except exceptions.ImsError as error:
        # Also that the key manager is away, by which alone the rule could be told.
        return {"allowed": False, "error_code": error.code, "reason": str(error)}
    return {"allowed": True}


_ACTION = {
    "type": "object",
    "properties": {
        "name": {"enum": list(ACTIONS)},
        "allowed": {"type": "boolean"},
        "error_code": {"type": "string"},
        "reason": {"type": "string"},
    },
    "required": ["name", "allowed"],
}

OPERATIONS = (
    Operation(
        "show_image_actions",
        "GET",
        "/v1/cloudimages/{image_id}/actions",
        show_image_actions,
        "Show what may be done to an image, and why the rest may not",
        answer={
            "type": "object",
            "properties": {
                "image_id": {"type": "string"},
                "actions": {"type": "array", "items": _ACTION},
            },
            "required": ["image_id", "actions"],
        },
    ),
)
