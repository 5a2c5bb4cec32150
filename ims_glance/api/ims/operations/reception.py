# SPDX-License-Identifier: Apache-2.0
"""What workers and regions ask of each other for replications; nobody else asks for copies by these.

Where the images are, a worker asks with what the owner delegated for one copy after the other. The job
and its checks are those of ``copy_image_cross_region``, but the other region acts with the trusts that
it got when the replication was created: with the token of a trust no others can be made. Each copy is
asked for under an id that says what it is for, so that asking twice makes one job.
"""

import contextlib
from typing import Any

from oslo_utils import uuidutils

from ims_glance import exceptions
from ims_glance.api.common import elsewhere
from ims_glance.api.common.acceptance import Rights
from ims_glance.api.common.roles import is_service
from ims_glance.api.ims import lookup, schemas
from ims_glance.api.ims.operation import Access, Answer, Call, Operation
from ims_glance.api.ims.operations import replication, standing_copy
from ims_glance.db.standing.receptions import ReceptionNotFound
from ims_glance.model import job as jobs
from ims_glance.model import standing_copy as model
from ims_glance.model.image import rules as image_rules
from ims_glance.model.job import StoredJob
from ims_glance.model.standing_copy import Reception, StandingStatus
from ims_glance.model.text import free_text, key_name, patterns

_MOST_DISKS = 255
_MOST_ATTEMPTS = 2**31 - 1


class ForWorkersOnly(exceptions.Forbidden):
    """Somebody else asked."""

    template = (
        "Workers of the Image Management Service ask for this by themselves. To copy one image use "
        "copy_image_cross_region."
    )


class NotItsImage(exceptions.NotFound):
    """The replication is about other images."""

    code = "IMG.0027"
    template = "Replication {standing_id} is not about image {image_id} (any more)."


class IsNotActive(exceptions.Conflict):
    """Its owner stopped it."""

    template = "Replication {standing_id} is {status}, and copies nothing."


# --- where the images are --------------------------------------------------------------------------


def copy_replicated_image(call: Call) -> Answer:
    """``POST /v1/{project_id}/replications/{replication_id}/images``: the job of one copy."""
    _check_worker(call)
    body, service = call.body, call.service
    standing = standing_copy.get(call)
    if standing.status is not StandingStatus.ACTIVE:
        raise IsNotActive(standing_id=standing.id, status=standing.status)
    attempt = body["attempt"]
    job_id = model.job_id(standing.id, body["image_id"], attempt)
    if service.jobs.is_there(job_id, call.project_id):
        return Answer({"job_id": job_id}, has_changed=False)
    view = lookup.checked(call, body["image_id"], image_rules.Action.COPY_CROSS_REGION)
    if not model.matches(standing, view):
        raise NotItsImage(standing_id=standing.id, image_id=view["id"])
    source = replication.source_of(call, view, standing.wishes.get("cmk_id"))
    service.jobs.check_limit(call.project_id, jobs.COPY_CROSS_REGION)
    there, name = service.standing.there(standing), _name(view)
    asked = {
        "image_id": view["id"],
        "name": name,
        "base_image_ids": body.get("base_image_ids"),
        "source": {
            "job_id": job_id,
            **{key: source[key] for key in ("size", "disks", "encrypted")},
        },
    }
    project_id = standing.target_project_id
    job_there = there.receive_replicated(project_id, standing.id, asked)["job_id"]
    try:
        service.jobs.accept_once(
            StoredJob(
                id=job_id,
                type=jobs.COPY_CROSS_REGION,
                project_id=call.project_id,
                user_id=str(call.context.user_id),
                arguments={
                    "region": standing.region, "project_id": project_id, "job_id": job_there,
                },
                entities=replication.followed(name, standing.region, project_id, job_there),
                delegation_id=standing.delegation_id,
            )
        )  # fmt: skip
    except exceptions.ImsError:
        # Nobody would know here of what is going on there.
        with contextlib.suppress(exceptions.ImsError):
            there.cancel_job(project_id, job_there)
        raise
    return Answer({"job_id": job_id}, image_ids=(view["id"],), job_id=job_id)


def _name(view: lookup.View) -> str:
    """The name of the copy: that of the image, or its id if copies may not be called so."""
    with contextlib.suppress(exceptions.Invalid):
        return free_text.check_name(str(view.get("name") or ""))
    return str(view["id"])


def _check_worker(call: Call) -> None:
    # Its token is that of a trust, which others may have of the same owner: not to be used for this.
    if not is_service(call.context):
        raise ForWorkersOnly


# --- where the copies are --------------------------------------------------------------------------


def begin_reception(call: Call) -> Answer:
    """``POST /v1/{project_id}/receptions``."""
    body, source, service = call.body, call.body["source"], call.service
    key_name.check(body)
    service.elsewhere.check(call.context, source["region"])
    rights = service.elsewhere.rights(call.context, body.get("agency_name"))
    key_id = None
    if body.get("cmk_id"):
        named = body["cmk_id"]
        key_id = service.keys.named(call.context, named, call.project_id) or str(named)
    reception = service.standing.receive(
        call.context,
        Reception(
            id=body["id"],
            project_id=call.project_id,
            user_id=str(call.context.user_id),
            source_region=source["region"],
            source_project_id=source["project_id"],
            cmk_id=key_id,
        ),
        rights,
        Rights(source["project_id"], tuple(source["roles"])),
    )
    return Answer({"id": reception.id, "cmk_id": key_id})


def end_reception(call: Call) -> Answer:
    """``DELETE /v1/{project_id}/receptions/{replication_id}``: copies that are under way come to their end."""
    reception = _reception(call)
    call.service.standing.stop_receiving(reception)
    return Answer()


def receive_replicated_image(call: Call) -> Answer:
    """``POST /v1/{project_id}/receptions/{replication_id}/images``: the job of one copy."""
    _check_worker(call)
    body, service = call.body, call.service
    reception = _reception(call)
    source = body["source"]
    job_id = jobs.id_of_copy(call.project_id, reception.source_region, source["job_id"])
    if service.jobs.is_there(job_id, call.project_id):
        return Answer({"job_id": job_id}, has_changed=False)
    free_text.check_name(body["name"])
    service.standing.check_reception(reception)
    elsewhere.check_size(service.conf, body["image_id"], source["size"])
    service.quota.check_bytes(call.context, call.project_id, source["size"])
    told, disks = _told(call, reception), source.get("disks") or 0
    with service.quota.places(call.context, call.project_id, disks=disks):
        service.jobs.accept_once(
            StoredJob(
                id=job_id,
                type=jobs.RECEIVE_IMAGE,
                project_id=call.project_id,
                user_id=str(call.context.user_id),
                arguments=replication.arguments_of(told, _key(call, reception)),
                entities=replication.entities_of(told),
                image_id=uuidutils.generate_uuid(),
                creates_image=True,
                delegation_id=reception.delegation_id,
                source_delegation_id=reception.source_delegation_id,
            )
        )
    return Answer({"job_id": job_id}, job_id=job_id)


def _reception(call: Call) -> Reception:
    """The one that the path names. Not every database takes every text."""
    given = call.arguments["replication_id"]
    if not model.is_id(given):
        raise ReceptionNotFound(standing_id=given[:64])
    return call.service.standing.reception(call.context, given)


def _told(call: Call, reception: Reception) -> dict[str, Any]:
    """The same as ``receive_image`` is told."""
    body = call.body
    return {
        "name": body["name"],
        "base_image_ids": _bases(call),
        "source": {
            **body["source"],
            "region": reception.source_region,
            "project_id": reception.source_project_id,
            "image_id": body["image_id"],
        },
    }


def _bases(call: Call) -> list[str]:
    """The images to take equal data from that are there: their owner may have deleted copies."""
    return [each for each in call.body.get("base_image_ids") or () if _is_active(call, each)]


def _is_active(call: Call, image_id: str) -> bool:
    try:
        return bool(lookup.get(call, image_id)["status"] == "active")
    except exceptions.ImageNotFound:
        return False


def _key(call: Call, reception: Reception) -> str | None:
    """The key of the copy: that of the replication; what is encrypted there is never plain here.

    That one was looked up when the replication was created, with all that its owner may do.
    """
    if reception.cmk_id or not call.body["source"].get("encrypted"):
        return reception.cmk_id
    keys = call.service.keys
    named = keys.default_name
    return keys.named(call.context, named, call.project_id) or str(named)


_ATTEMPT = {"type": "integer", "minimum": 1, "maximum": _MOST_ATTEMPTS}
_ID = {"type": "string", "minLength": 1, "maxLength": 64}
_SHORT = {"type": "string", "minLength": 1, "maxLength": 255}
_HEX_ID = {"type": "string", "pattern": patterns.whole("[0-9a-f]{32}")}
_ONE = "/v1/{project_id}/receptions/{replication_id}"

OPERATIONS = (
    Operation(
        "copy_replicated_image",
        "POST",
        "/v1/{project_id}/replications/{replication_id}/images",
        copy_replicated_image,
        "Begin the copy of an image of a replication (an extension, which a worker calls)",
        access=Access.WRITE,
        body={
            "type": "object",
            "properties": {
                "image_id": schemas.UUID,
                "attempt": _ATTEMPT,
                "base_image_ids": replication.BASES,
            },
            "required": ["image_id", "attempt"],
        },
        answer=schemas.JOB_ANSWER,
        audit="copyImage",
    ),
    Operation(
        "begin_reception",
        "POST",
        "/v1/{project_id}/receptions",
        begin_reception,
        "Receive the copies of a replication of another region (an extension, which that region calls)",
        access=Access.WRITE,
        body={
            "type": "object",
            "properties": {
                "id": _HEX_ID,
                "cmk_id": {"anyOf": [schemas.KEY_ID, {"type": "null"}]},
                "agency_name": {"type": ["string", "null"], "minLength": 1, "maxLength": 255},
                "source": {
                    "type": "object",
                    "properties": {
                        "region": _SHORT,
                        "project_id": _ID,
                        "roles": {
                            "type": "array", "minItems": 1, "maxItems": 64, "items": _SHORT,
                        },
                    },
                    "required": ["region", "project_id", "roles"],
                },
            },
            "required": ["id", "source"],
        },
        answer={
            "type": "object",
            "properties": {"id": {"type": "string"}, "cmk_id": {"type": ["string", "null"]}},
            "required": ["id"],
        },
        status=201,
        audit="createReplication",
    ),
    Operation(
        "end_reception",
        "DELETE",
        _ONE,
        end_reception,
        "Receive no more copies of a replication (an extension, which its region calls)",
        access=Access.WRITE,
        status=204,
        audit="deleteReplication",
    ),
    Operation(
        "receive_replicated_image",
        "POST",
        f"{_ONE}/images",
        receive_replicated_image,
        "Receive the copy of an image of a replication (an extension, which its region calls)",
        access=Access.WRITE,
        body={
            "type": "object",
            "properties": {
                "image_id": schemas.UUID,
                "name": schemas.NAME,
                "base_image_ids": replication.BASES,
                "source": {
                    "type": "object",
                    "properties": {
                        "job_id": _HEX_ID,
                        "size": {"type": "integer", "minimum": 0, "maximum": 2**62},
                        "disks": {"type": "integer", "minimum": 0, "maximum": _MOST_DISKS},
                        "encrypted": {"type": "boolean"},
                    },
                    "required": ["job_id", "size"],
                },
            },
            "required": ["image_id", "name", "source"],
        },
        answer=schemas.JOB_ANSWER,
        audit="createImage",
    ),
)  # fmt: skip
