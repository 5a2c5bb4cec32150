# SPDX-License-Identifier: Apache-2.0
"""Replications: standing orders to copy images of the project to another region as they become active.

They are an extension of ours. The other region is told of one when it is created; what workers and regions
ask of each other later is in ``reception``.
"""

from collections.abc import Iterator
from typing import Any

from ims_glance import exceptions
from ims_glance.api.common import elsewhere
from ims_glance.api.common.acceptance import Rights
from ims_glance.api.ims import lookup, schemas
from ims_glance.api.ims.operation import Access, Answer, Call, Operation
from ims_glance.db.standing.copies import StandingCopyNotFound
from ims_glance.model import standing_copy as model
from ims_glance.model import tag as tags
from ims_glance.model.image import listing
from ims_glance.model.standing_copy import CopyState, StandingCopy, StandingImage, StandingStatus
from ims_glance.model.text import free_text, key_name

_MOST_KEPT = 1000


class NothingToMatch(exceptions.Invalid):
    """A replication has to say which images it is about."""

    code = "IMG.0104"
    template = (
        "Say which images are copied: by 'tag', which they have, or by 'image_name', a pattern such as "
        "'web-*'. '*' stands for all."
    )


class PatternMalformed(exceptions.Invalid):
    """No image has such a name."""

    code = "IMG.0003"
    template = "'image_name' may have 1 to 128 characters, none of them a line break."


class HasEnded(exceptions.Conflict):
    """A replication whose rights ended goes on no more."""

    template = "Replication {standing_id} has ended: {reason} Delete it, and create it anew."


def create_replication(call: Call) -> Answer:
    """``POST /v1/{project_id}/replications``."""
    body, service = call.body, call.service
    wanted = _wanted(call)
    place = service.elsewhere.place(
        call.context, body["region"], body.get("project_name"), body.get("agency_name")
    )
    here = Rights(call.project_id, elsewhere.least(call.context.roles))
    images = () if body.get("existing") else tuple(_existing(call, wanted))
    wishes = {name: body[name] for name in ("cmk_id", "agency_name") if body.get(name)}
    standing = service.standing.begin(
        call.context,
        StandingCopy(
            **{**wanted, "target_project_id": place.project_id, "wishes": wishes},
        ),
        here,
        place.rights,
        images,
    )
    source = {
        "region": service.elsewhere.here,
        "project_id": call.project_id,
        "roles": list(here.roles),
    }
    try:
        answer = place.api.begin_reception(
            place.project_id, {**wishes, "id": standing.id, "source": source}
        )
        key = {"cmk_id": answer.get("cmk_id")} if answer.get("cmk_id") else {}
        standing = service.standing.activate(standing, {**wishes, **key})
    except exceptions.ImsError:
        # A worker sees to it that nothing of it is left in either region.
        service.standing.abandon(standing)
        raise
    return Answer(model.view(standing))


def list_replications(call: Call) -> Answer:
    """``GET /v1/{project_id}/replications``: the oldest first."""
    found = call.service.standing.copies.find(call.project_id)
    return Answer({"replications": [model.view(each) for each in found]})


def show_replication(call: Call) -> Answer:
    """``GET /v1/{project_id}/replications/{replication_id}``, with its images."""
    return Answer(_shown(call, get(call)))


def update_replication(call: Call) -> Answer:
    """``PUT /v1/{project_id}/replications/{replication_id}``."""
    body, standing = call.body, get(call)
    values = {name: body[name] for name in ("name", "status", "keep") if name in body}
    if "name" in values:
        free_text.check_name(values["name"])
    if "status" in values and standing.status is StandingStatus.ENDED:
        raise HasEnded(standing_id=standing.id, reason=standing.reason)
    changed = call.service.standing.copies.change(standing.id, call.project_id, values)
    return Answer(_shown(call, changed))


def delete_replication(call: Call) -> Answer:
    """``DELETE /v1/{project_id}/replications/{replication_id}``: copies that are under way come to their end."""
    call.service.standing.copies.delete(_id(call), call.project_id)
    return Answer()


def _wanted(call: Call) -> dict[str, Any]:
    """What of a replication its owner says, as far as it can be checked here.

    :raises NothingToMatch, PatternMalformed, TagInvalid, NameMalformed: what is wrong with it
    """
    body = call.body
    key_name.check(body)
    name = free_text.check_name(body["name"])
    tag, pattern = body.get("tag") or None, body.get("image_name") or None
    if tag is None and pattern is None:
        raise NothingToMatch
    if pattern is not None and (
        len(pattern) > free_text.MAX_NAME or not free_text.is_storable(pattern)
    ):
        raise PatternMalformed
    return {
        "id": "",
        "name": name,
        "project_id": call.project_id,
        "user_id": str(call.context.user_id),
        "region": body["region"],
        "tag": None if tag is None else tags.parse(tag).stored,
        "image_name": pattern,
        "keep": body.get("keep"),
    }


def _existing(call: Call, wanted: dict[str, Any]) -> Iterator[StandingImage]:
    """The images that are there already, and are not copied therefore."""
    standing = StandingCopy(**wanted, target_project_id="")
    query = {"owner": call.project_id, "status": "active", "limit": str(listing.MAX_LIMIT)}
    if standing.tag is not None:
        query["tag"] = standing.tag
    for view in lookup.native(call, query):
        if model.matches(standing, view):
            yield model.image_of(view, CopyState.EXISTING)


def _shown(call: Call, standing: StandingCopy) -> dict[str, Any]:
    copies = call.service.standing.copies
    images = copies.images(standing.id)
    shown = model.images_view(standing.region, images, copies.jobs_of(images))
    return {**model.view(standing), "images": shown}


def get(call: Call) -> StandingCopy:
    """The replication that the path names.

    :raises StandingCopyNotFound: if the project has none
    """
    return call.service.standing.copies.get(_id(call), call.project_id)


def _id(call: Call) -> str:
    """The id in the path. Not every database takes every text."""
    given = call.arguments["replication_id"]
    if not model.is_id(given):
        raise StandingCopyNotFound(standing_id=given[:64])
    return given


_NULLABLE = {"type": ["string", "null"]}
_NAMED = {"type": ["string", "null"], "minLength": 1, "maxLength": 255}
_KEEP = {
    "type": ["integer", "null"], "minimum": 1, "maximum": _MOST_KEPT,
    "description": "how many of its copies are kept there, null for all: what it made itself, is not "
    "protected, and is older than so many others is deleted",
}  # fmt: skip
_STATUS = {"enum": [str(status) for status in model.SHOWN]}
_IMAGE = {
    "type": "object",
    "properties": {
        "image_id": {"type": "string"},
        "image_name": {"type": "string"},
        "region": {"type": "string"},
        "state": {
            "enum": [str(state) for state in CopyState if state is not CopyState.STARTING],
            "description": "'existing': it was there when the replication was created; 'passed over': "
            "as many newer ones as are kept came before it; 'removed': its copy is kept no longer",
        },
        "process_percent": {"type": ["number", "null"]},
        "copy_id": {**_NULLABLE, "description": "id of its copy"},
        "job_id": {**_NULLABLE, "description": "of the last attempt"},
        "attempts": {"type": "integer"},
        "error_code": _NULLABLE,
        "reason": {**_NULLABLE, "description": "why it failed, or what it waits for"},
        "try_again_at": {**_NULLABLE, "description": "when it is tried again"},
    },
    "required": ["image_id", "region", "state"],
}
_PROPERTIES = {
    "id": {"type": "string"},
    "name": {"type": "string"},
    "status": _STATUS,
    "region": {"type": "string"},
    "target_project_id": {"type": "string", "description": "of the copies"},
    "tag": _NULLABLE,
    "image_name": _NULLABLE,
    "keep": _KEEP,
    "cmk_id": _NULLABLE,
    "agency_name": _NULLABLE,
    "created_at": _NULLABLE,
    "error_code": _NULLABLE,
    "reason": {**_NULLABLE, "description": "why it ended, or copies nothing now"},
}
_REPLICATION = {
    "type": "object",
    "properties": _PROPERTIES,
    "required": ["id", "name", "status", "region"],
}
_WITH_IMAGES = {
    **_REPLICATION,
    "properties": {**_PROPERTIES, "images": {"type": "array", "items": _IMAGE}},
}
_ONE = "/v1/{project_id}/replications/{replication_id}"

OPERATIONS = (
    Operation(
        "create_replication",
        "POST",
        "/v1/{project_id}/replications",
        create_replication,
        "Copy images to another region as they become active (an extension)",
        access=Access.WRITE,
        body={
            "type": "object",
            "properties": {
                "name": schemas.NAME,
                "region": {
                    "type": "string", "minLength": 1, "maxLength": 255,
                    "x-ims-code-missing": "IMG.0104",
                },
                "project_name": _NAMED,
                "agency_name": _NAMED,
                "cmk_id": {"anyOf": [schemas.KEY_ID, {"type": "null"}]},
                "tag": {**_NULLABLE, "description": "that an image has: key=value, or key"},
                "image_name": {
                    **_NULLABLE, "description": "pattern of an image's name: * ? [abc]",
                },
                "keep": _KEEP,
                "existing": {
                    **schemas.BOOLEAN,
                    "description": "whether images that are there already are copied too",
                },
            },
            "required": ["name", "region"],
        },
        answer=_REPLICATION,
        status=201,
        audit="createReplication",
    ),
    Operation(
        "list_replications",
        "GET",
        "/v1/{project_id}/replications",
        list_replications,
        "List the replications of the project (an extension)",
        answer={
            "type": "object",
            "properties": {"replications": {"type": "array", "items": _REPLICATION}},
            "required": ["replications"],
        },
    ),
    Operation(
        "show_replication",
        "GET",
        _ONE,
        show_replication,
        "Show a replication, and what became of each image (an extension)",
        answer=_WITH_IMAGES,
    ),
    Operation(
        "update_replication",
        "PUT",
        _ONE,
        update_replication,
        "Pause or resume a replication, or change what it is called or keeps (an extension)",
        access=Access.WRITE,
        body={
            "type": "object",
            "properties": {
                "name": {"type": "string"},
                "status": {"enum": [str(status) for status in model.CHOSEN]},
                "keep": _KEEP,
            },
            "minProperties": 1,
        },
        answer=_WITH_IMAGES,
        audit="updateReplication",
    ),
    Operation(
        "delete_replication",
        "DELETE",
        _ONE,
        delete_replication,
        "Delete a replication; its copies stay, also one that is being made (an extension)",
        access=Access.WRITE,
        status=204,
        audit="deleteReplication",
    ),
)  # fmt: skip
