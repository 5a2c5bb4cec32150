# SPDX-License-Identifier: Apache-2.0
"""Sharing: batches as jobs, and the receivers of one image."""

import bisect
from typing import Any

from ims_glance import exceptions
from ims_glance.api.common.image import SubrequestRefused
from ims_glance.api.ims import lookup, schemas
from ims_glance.api.ims.operation import Access, Answer, Call, NotSupportedYet, Operation
from ims_glance.api.native.member import SharedWithSelf, TooManyMembers
from ims_glance.clouds import directory
from ims_glance.model import job as jobs
from ims_glance.model.image import rules as image_rules
from ims_glance.model.text import patterns

_MAX_PAIRS = 1024
_STRINGS = {"type": ["array", "null"], "items": {"type": "string"}}
_IMAGES = {"type": "array", "items": schemas.UUID, "minItems": 1, "maxItems": 128,
           "uniqueItems": True}  # fmt: skip
_PROJECTS = {"type": "array", "items": schemas.PROJECT, "minItems": 1, "maxItems": 128,
             "uniqueItems": True}  # fmt: skip
_BATCH = {
    "type": "object",
    "properties": {
        "images": _IMAGES,
        "projects": _PROJECTS,
        "domains": _STRINGS,
        "organizations": _STRINGS,
    },
    "required": ["images", "projects"],
}
_MEMBER = {
    "type": "object",
    "properties": {
        "image_id": {"type": "string"},
        "member_id": {"type": "string"},
        "member_type": {"enum": ["project"]},
        "status": {"enum": ["pending", "accepted", "rejected"]},
    },
    "required": ["image_id", "member_id", "status", "member_type"],
}


class MemberNotFound(exceptions.NotFound):
    """The image is not shared with that project."""

    code = "IMG.0114"
    template = "Image {image_id} is not shared with project {member_id}."


class ReceiverMissing(exceptions.NotFound):
    """Nobody has a project of that name."""

    code = "IMG.0067"
    template = (
        "There is no project of the exact name '{name}' in your domain. Of another domain, or if you are not sure, "
        "give the id of the project."
    )


class ReceiverUnnamed(exceptions.Invalid):
    """A project without a name was looked for."""

    template = "Name the project in 'name'."


class TooManyPairs(exceptions.Invalid):
    """More is asked for than one job does."""

    code = "IMG.0060"
    template = "{count} images times projects are more than {limit}. Use several requests."


def batch_add_members(call: Call) -> Answer:
    """``POST /v1/cloudimages/members``."""
    wanted, projects = _pairs(call)
    limit = call.service.conf.ims_api.members
    for image_id in wanted:
        view = lookup.checked(call, image_id, image_rules.Action.SHARE)
        if view["owner"] in projects:
            raise SharedWithSelf(image_id=image_id, project_id=view["owner"])
        _check_number(call, view, projects, limit)
    return _accept(call, jobs.ADD_MEMBERS, {"images": wanted, "projects": projects})


def _check_number(call: Call, view: lookup.View, projects: list[str], limit: int) -> None:
    """See that an image is not shared with too many; listed are they only if it comes to that."""
    count = call.service.images.member_count(call.context, view["id"])
    if count is not None and count + len(projects) <= limit:
        return
    there = {member["member_id"] for member in _members(call, view)}
    if len(there.union(projects)) > limit:
        raise TooManyMembers(image_id=view["id"], count=len(there), limit=limit)


def batch_delete_members(call: Call) -> Answer:
    """``DELETE /v1/cloudimages/members``."""
    wanted, projects = _pairs(call)
    for image_id in wanted:
        lookup.checked(call, image_id, image_rules.Action.UNSHARE)
    return _accept(call, jobs.DELETE_MEMBERS, {"images": wanted, "projects": projects})


def batch_update_members(call: Call) -> Answer:
    """``PUT /v1/cloudimages/members``: accept or reject, as the receiving project."""
    body = call.body
    if body["project_id"] != call.project_id:
        raise NotReceiver(project_id=body["project_id"][:64])
    for image_id in body["images"]:
        lookup.checked(call, image_id, image_rules.Action.ACCEPT)
        _member(call, image_id, call.project_id)
    arguments = {name: body[name] for name in ("images", "project_id", "status")}
    return _accept(call, jobs.UPDATE_MEMBERS, arguments)


class NotReceiver(exceptions.Invalid):
    """A project answers for itself only."""

    code = "IMG.0067"
    template = "Use a token of project {project_id}: only the receiver accepts or rejects."


def find_receiver(call: Call) -> Answer:
    """``GET /v1/cloudimages/receivers``: the id of a project by its exact name, in the caller's domain."""
    name = call.query.get("name")
    if not name:
        raise ReceiverUnnamed
    found = directory.of_process(call.service.conf).find(name, str(call.context.project_domain_id))
    if found is None:
        raise ReceiverMissing(name=name[:64])
    return Answer({"project_id": found, "name": name})


def list_image_members(call: Call) -> Answer:
    """``GET /v1/{project_id}/cloudimages/{image_id}/members``."""
    view = lookup.get(call, call.arguments["image_id"])
    found = [_to_wire(member) for member in _members(call, view)]
    ids = [member["member_id"] for member in found]
    # They are sorted: a marker that is gone by now still says where to go on.
    begin = bisect.bisect_right(ids, call.query.get("marker", ""))
    limit = int(call.query.get("limit", len(found) or 1))
    page = found[begin : begin + limit]
    info: dict[str, Any] = {"current_count": len(page)}
    if begin + limit < len(found):
        info["next_marker"] = page[-1]["member_id"]
    return Answer({"members": page, "schema": "/v2/schemas/members", "page_info": info})


def show_image_member(call: Call) -> Answer:
    """``GET /v1/{project_id}/cloudimages/{image_id}/members/{member_id}``."""
    image_id, member_id = call.arguments["image_id"], call.arguments["member_id"]
    lookup.get(call, image_id)
    return Answer(_to_wire(_member(call, image_id, member_id)))


def _pairs(call: Call) -> tuple[list[str], list[str]]:
    body = call.body
    if body.get("domains") or body.get("organizations"):
        raise NotSupportedYet(missing="sharing with domains and organizations")
    count = len(body["images"]) * len(body["projects"])
    if count > _MAX_PAIRS:
        raise TooManyPairs(count=count, limit=_MAX_PAIRS)
    return body["images"], body["projects"]


def _members(call: Call, view: lookup.View) -> list[dict[str, Any]]:
    if view["visibility"] != "shared":
        # Glance refuses to list what there cannot be.
        return []
    path = f"/v2/images/{view['id']}/members"
    found: list[dict[str, Any]] = call.service.images.call(call.context, "GET", path)["members"]
    return sorted(found, key=lambda member: str(member["member_id"]))


def _member(call: Call, image_id: str, member_id: str) -> dict[str, Any]:
    path = f"/v2/images/{image_id}/members/{member_id}"
    try:
        member: dict[str, Any] = call.service.images.call(call.context, "GET", path)
    except SubrequestRefused as refused:
        if refused.response.status_int in {403, 404}:
            raise MemberNotFound(image_id=image_id, member_id=member_id[:64]) from None
        raise
    return member


def _to_wire(member: dict[str, Any]) -> dict[str, Any]:
    return {**member, "member_type": "project"}


def _accept(call: Call, job_type: str, arguments: dict[str, Any]) -> Answer:
    job_id = call.service.jobs.accept(call.context, job_type, arguments)
    return Answer({"job_id": job_id}, image_ids=tuple(arguments["images"]), job_id=job_id)


_BATCH_PATH = "/v1/cloudimages/members"
_OF_IMAGE = "/v1/{project_id}/cloudimages/{image_id}/members"

OPERATIONS = (
    Operation(
        "batch_add_members",
        "POST",
        _BATCH_PATH,
        batch_add_members,
        "Share images with projects",
        access=Access.WRITE,
        body=_BATCH,
        answer=schemas.JOB_ANSWER,
        audit="addMember",
    ),
    Operation(
        "batch_update_members",
        "PUT",
        _BATCH_PATH,
        batch_update_members,
        "Accept or reject images that are shared with the project",
        access=Access.WRITE,
        body={
            "type": "object",
            "properties": {
                "images": _IMAGES,
                "project_id": schemas.PROJECT,
                "status": {"enum": ["accepted", "rejected"]},
                "vault_id": {"type": ["string", "null"]},
            },
            "required": ["images", "project_id", "status"],
        },
        answer=schemas.JOB_ANSWER,
        audit="updateMember",
    ),
    Operation(
        "batch_delete_members",
        "DELETE",
        _BATCH_PATH,
        batch_delete_members,
        "Stop sharing images with projects",
        access=Access.WRITE,
        body=_BATCH,
        answer=schemas.JOB_ANSWER,
        audit="deleteMember",
    ),
    Operation(
        "find_receiver",
        "GET",
        "/v1/cloudimages/receivers",
        find_receiver,
        "Look up a project by its exact name, to share images with it",
        access=Access.WRITE,
        query={"name": {"type": "string", "minLength": 1, "maxLength": 64}},
        answer={
            "type": "object",
            "properties": {"project_id": {"type": "string"}, "name": {"type": "string"}},
            "required": ["project_id", "name"],
        },
    ),
    Operation(
        "list_image_members",
        "GET",
        _OF_IMAGE,
        list_image_members,
        "List the receivers of an image",
        query={
            "limit": {"type": "string", "pattern": patterns.whole("[1-9][0-9]{0,6}")},
            "marker": {"type": "string"},
        },
        answer={
            "type": "object",
            "properties": {
                "members": {"type": "array", "items": _MEMBER},
                "page_info": schemas.PAGE_INFO,
            },
            "required": ["members"],
        },
    ),
    Operation(
        "show_image_member",
        "GET",
        _OF_IMAGE + "/{member_id}",
        show_image_member,
        "Show a receiver of an image",
        answer=_MEMBER,
    ),
)
