# SPDX-License-Identifier: Apache-2.0
"""Copies in other regions: asked for where the image is, and received where the copy shall be.

The region of the image checks what it can, and asks the other one's IMS API, as the caller, to receive
it. That one makes the job that does the work; the job here follows it.
"""

import contextlib
import logging
from collections.abc import Mapping
from typing import Any

from ims_glance import exceptions
from ims_glance.api.common import elsewhere
from ims_glance.api.common.acceptance import Rights, new_id
from ims_glance.api.ims import lookup, schemas
from ims_glance.api.ims.operation import Access, Answer, Call, Operation
from ims_glance.api.ims.operations import replication_preflight
from ims_glance.api.ims.operations.copy import NeverEncrypted, check_disks
from ims_glance.model import copy
from ims_glance.model import job as jobs
from ims_glance.model.image import attributes
from ims_glance.model.image import rules as image_rules
from ims_glance.model.text import free_text, key_name, patterns

LOG = logging.getLogger(__name__)

_MOST_DISKS = 255
# Each is read once.
_MOST_BASES = 4


class KeyBelongsToCinder(exceptions.Conflict):
    """The image is that of an encrypted volume."""

    code = "IMG.0105"
    template = (
        "Image {image_id} was made of an encrypted volume, and Cinder's key, which opens it, is not in "
        "other regions. Make a volume of it, and another image of that volume."
    )


class BaseNotActive(exceptions.Conflict):
    """Nothing can be taken from the image that the copy was to be based on."""

    code = "IMG.0046"
    template = (
        "Image {image_id} is {status}, so nothing is taken from it: name an active image as "
        "'base_image_id', or none."
    )


def copy_image_cross_region(call: Call) -> Answer:
    """``POST /v1/cloudimages/{image_id}/cross_region_copy``, in the region of the image."""
    body = call.body
    _check_texts(body)
    view = lookup.checked(call, call.arguments["image_id"], image_rules.Action.COPY_CROSS_REGION)
    source = source_of(call, view, body.get("cmk_id"))
    service, region = call.service, body["region"]
    place = service.elsewhere.place(
        call.context, region, body["project_name"], body.get("agency_name")
    )
    service.jobs.check_limit(call.project_id, jobs.COPY_CROSS_REGION)
    wishes = {name: body[name] for name in _WISHES if body.get(name) is not None}
    if body.get("dry_run"):
        source["likeness"] = replication_preflight.likeness(view)
        answer = place.api.receive(place.project_id, {**wishes, "source": source})
        return Answer(answer, image_ids=(view["id"],), has_changed=False)
    job_id = new_id()
    answer = _received(place, {**wishes, "source": {**source, "job_id": job_id}})
    there = {"region": region, "project_id": place.project_id, "job_id": answer["job_id"]}
    try:
        service.jobs.accept(
            call.context,
            jobs.COPY_CROSS_REGION,
            there,
            entities=followed(body["name"], region, place.project_id, answer["job_id"]),
            acting=place.rights,
            job_id=job_id,
        )
    except exceptions.ImsError:
        # Nobody would know here of what is going on there. (If it does not hear of this either, its
        # worker looks whether the job is here: ims_glance/flows/replication/followed.py.)
        with contextlib.suppress(exceptions.ImsError):
            place.api.cancel_job(place.project_id, answer["job_id"])
        raise
    return Answer({"job_id": job_id}, image_ids=(view["id"],), job_id=job_id)


def _received(place: elsewhere.Place, body: dict[str, Any]) -> dict[str, Any]:
    """Have the other region receive the image; if its answer is lost it is asked for the same again.

    :raises Unavailable: if it gives none
    """
    try:
        return place.api.receive(place.project_id, body)
    except exceptions.Unavailable as error:
        LOG.warning("Region %s is asked once more to receive an image: %s", place.region, error)
    return place.api.receive(place.project_id, body)


def receive_image(call: Call) -> Answer:
    """``POST /v1/{project_id}/images/receive``, in the region where the copy shall be."""
    body, source, service = call.body, call.body["source"], call.service
    _check_texts(body)
    job_id = _id(call)
    if job_id is not None and service.jobs.is_there(job_id, call.project_id):
        # Who asks did not get the answer, or asks twice. What is checked now was checked then.
        return Answer({"job_id": job_id}, job_id=job_id)
    service.elsewhere.check(call.context, source["region"])
    # That region's operator has a bound, and this one's.
    elsewhere.check_size(service.conf, source["image_id"], source["size"])
    rights = service.elsewhere.rights(call.context, body.get("agency_name"))
    _check_bases(call)
    key_id = _key(call)
    disks = source.get("disks") or 0
    service.quota.check_bytes(call.context, call.project_id, source["size"])
    with service.quota.places(call.context, call.project_id, disks=disks):
        if body.get("dry_run"):
            service.jobs.check_limit(call.project_id, jobs.RECEIVE_IMAGE, creates_image=True)
            answer = replication_preflight.foreseen(call, key_id)
            return Answer({"preflight": answer}, has_changed=False)
        job_id = service.jobs.accept(
            call.context,
            jobs.RECEIVE_IMAGE,
            arguments_of(body, key_id),
            entities=entities_of(body),
            creates_image=True,
            acting=rights,
            reading=Rights(source["project_id"], tuple(source["roles"])),
            job_id=job_id,
        )
    return Answer({"job_id": job_id}, job_id=job_id)


def _id(call: Call) -> str | None:
    """The id of the job, if the other region said for which of its own it is."""
    source = call.body["source"]
    if call.body.get("dry_run") or not source.get("job_id"):
        return None
    return jobs.id_of_copy(call.project_id, source["region"], source["job_id"])


def arguments_of(body: Mapping[str, Any], key_id: str | None) -> dict[str, Any]:
    """What the job works with that receives a copy.

    :param body: of ``receive_image``
    """
    source = body["source"]
    return {
        "source_region": source["region"],
        "source_project_id": source["project_id"],
        "image_id": source["image_id"],
        "name": body["name"],
        "description": body.get("description"),
        "cmk_id": key_id,
        "base_image_id": body.get("base_image_id"),
        "base_image_ids": body.get("base_image_ids"),
        "enterprise_project_id": body.get("enterprise_project_id"),
        "disks": source.get("disks") or 0,
        "size": source["size"],
        "source_job_id": source.get("job_id"),
    }


def entities_of(body: Mapping[str, Any]) -> dict[str, Any]:
    """What is told of that job from the beginning."""
    source = body["source"]
    return {
        "image_name": body["name"],
        "source_region": source["region"],
        "source_image_id": source["image_id"],
    }


def followed(name: str, region: str, project_id: str, job_id: str) -> dict[str, Any]:
    """What is told from the beginning of the job that follows it."""
    return {
        "image_name": name,
        "region": region,
        "target_project_id": project_id,
        "target_job_id": job_id,
    }


def _check_texts(body: Any) -> None:
    key_name.check(body)
    free_text.check_name(body["name"])
    if body.get("description"):
        free_text.check_description(body["description"])


def source_of(call: Call, view: lookup.View, cmk_id: str | None) -> dict[str, Any]:
    """What the other region is told of an image that may be copied there.

    :param cmk_id: the key that was named for the copy
    :raises TooLarge, EncryptedByCinder, NeverEncrypted, DiskMissing: if it may not
    """
    if copy.CINDER_KEY in view:
        raise KeyBelongsToCinder(image_id=view["id"])
    if cmk_id and view.get(attributes.VIRTUAL_ENV_TYPE) == "Ironic":
        raise NeverEncrypted(image_id=view["id"])
    parts = check_disks(call, view)
    size = sum(int(each.get("size") or 0) for each in parts or [view])
    elsewhere.check_size(call.service.conf, view["id"], size)
    return {
        "region": call.service.elsewhere.here,
        "project_id": call.project_id,
        "image_id": view["id"],
        "roles": list(elsewhere.least(call.context.roles)),
        "size": size,
        "disks": len(parts),
        "encrypted": any(each.get(attributes.CMK_ID) for each in (view, *parts)),
    }


def _key(call: Call) -> str | None:
    """The key of the copy. What is encrypted there is never plain here, unless nothing is."""
    keys = call.service.keys
    named = call.body.get("cmk_id")
    if not named and call.body["source"].get("encrypted"):
        named = keys.default_name
    if not named:
        return None
    # A question makes no key, and opens none to the service.
    ask = keys.foreseen if call.body.get("dry_run") else keys.named
    return ask(call.context, named, call.project_id) or str(named)


def _check_bases(call: Call) -> None:
    named = [call.body.get("base_image_id"), *(call.body.get("base_image_ids") or ())]
    for image_id in filter(None, named):
        status = lookup.get(call, image_id)["status"]
        if status != "active":
            raise BaseNotActive(image_id=image_id, status=status)


_OPTIONAL = {"type": ["string", "null"]}
_BASE = {"anyOf": [schemas.UUID, {"type": "null"}]}
BASES = {
    "type": ["array", "null"], "maxItems": _MOST_BASES, "uniqueItems": True, "items": schemas.UUID,
    "description": "other images of the target project that equal data is taken from",
}  # fmt: skip
_AGENCY = {"type": ["string", "null"], "minLength": 1, "maxLength": 255}
_ID = {"type": "string", "minLength": 1, "maxLength": 64}
_ROLES = {
    "type": "array", "minItems": 1, "maxItems": 64,
    "items": {"type": "string", "minLength": 1, "maxLength": 255},
}  # fmt: skip
_REGION = {"type": "string", "minLength": 1, "maxLength": 255}
_WISHED = {
    "name": schemas.NAME,
    "description": _OPTIONAL,
    "cmk_id": {"anyOf": [schemas.KEY_ID, {"type": "null"}]},
    "agency_name": _AGENCY,
    "base_image_id": _BASE,
    "base_image_ids": BASES,
    "enterprise_project_id": {"anyOf": [schemas.ENTERPRISE_PROJECT, {"type": "null"}]},
    "dry_run": schemas.BOOLEAN,
}
# What the caller wishes of the copy, in both regions' words.
_WISHES = tuple(_WISHED)
_ANSWER = {"anyOf": [schemas.JOB_ANSWER, replication_preflight.ANSWER]}

OPERATIONS = (
    Operation(
        "copy_image_cross_region",
        "POST",
        "/v1/cloudimages/{image_id}/cross_region_copy",
        copy_image_cross_region,
        "Copy an image to another region",
        access=Access.WRITE,
        body={
            "type": "object",
            "properties": {
                **_WISHED,
                "region": _REGION,
                "project_name": {
                    "type": "string", "minLength": 1, "maxLength": 255,
                    "x-ims-code-missing": "IMG.0104",
                },
                "vault_id": _OPTIONAL,
            },
            "required": ["name", "region", "project_name"],
        },
        answer=_ANSWER,
        audit="copyImage",
    ),
    Operation(
        "receive_image",
        "POST",
        "/v1/{project_id}/images/receive",
        receive_image,
        "Receive a copy of an image of another region (an extension, which that region calls)",
        access=Access.WRITE,
        body={
            "type": "object",
            "properties": {
                **_WISHED,
                "source": {
                    "type": "object",
                    "properties": {
                        "region": _REGION,
                        "project_id": _ID,
                        "image_id": schemas.UUID,
                        "roles": _ROLES,
                        "size": {"type": "integer", "minimum": 0, "maximum": 2**62},
                        "disks": {"type": "integer", "minimum": 0, "maximum": _MOST_DISKS},
                        "encrypted": {"type": "boolean"},
                        "likeness": replication_preflight.LIKENESS,
                        "job_id": {
                            "type": ["string", "null"],
                            "pattern": patterns.whole("[0-9a-f]{32}"),
                            "description": "of the job there that follows this one: asked for again "
                            "with the same id, the copy is made once",
                        },
                    },
                    "required": ["region", "project_id", "image_id", "roles", "size"],
                },
            },
            "required": ["name", "source"],
        },
        answer=_ANSWER,
        audit="createImage",
    ),
)  # fmt: skip
