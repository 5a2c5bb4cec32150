# SPDX-License-Identifier: Apache-2.0
"""Copies of images in the region; those in others are in ``replication``."""

import dataclasses

from ims_glance import exceptions
from ims_glance.api.ims import lookup, schemas
from ims_glance.api.ims.operation import Access, Answer, Call, Operation
from ims_glance.model import job as jobs
from ims_glance.model.image import attributes, whole_image
from ims_glance.model.image import rules as image_rules
from ims_glance.model.text import free_text, key_name


class SameKey(exceptions.Invalid):
    """A copy was to be encrypted as the original is."""

    code = "IMG.0096"
    template = "Image {image_id} is encrypted with key {key_id} already: name another one."


class NeverEncrypted(exceptions.Conflict):
    """Bare metal servers do not boot from encrypted images."""

    code = "IMG.0118"
    template = (
        "Image {image_id} is for bare metal servers and cannot be encrypted. Leave out 'cmk_id'."
    )


class NotAccepted(exceptions.Conflict):
    """The image was shared with the project, which has not accepted it."""

    code = "IMG.0196"
    template = "Accept image {image_id} first: it is shared with you, and {status}."


def copy_image_in_region(call: Call) -> Answer:
    """``POST /v1/cloudimages/{image_id}/copy``: encrypted with ``cmk_id``, or not at all."""
    body, image_id = call.body, call.arguments["image_id"]
    key_name.check(body)
    name = free_text.check_name(body["name"])
    description = body.get("description")
    if description:
        free_text.check_description(description)
    view = lookup.checked(call, image_id, image_rules.Action.COPY)
    _check_accepted(call, view)
    disks = len(check_disks(call, view))
    key_id = _key(call, view)
    arguments = {
        "image_id": view["id"],
        "name": name,
        "description": description,
        "cmk_id": key_id,
        "enterprise_project_id": body.get("enterprise_project_id"),
        "disks": disks,
    }
    with call.service.quota.places(call.context, call.project_id, disks=disks):
        job_id = call.service.jobs.accept(
            call.context,
            jobs.COPY_IN_REGION,
            arguments,
            entities={"image_name": name},
            creates_image=True,
        )
    return Answer({"job_id": job_id}, image_ids=(view["id"],), job_id=job_id)


def _check_accepted(call: Call, view: lookup.View) -> None:
    if view["owner"] == call.project_id or view["visibility"] != "shared":
        return
    path = f"/v2/images/{view['id']}/members/{call.project_id}"
    status = call.service.images.call(call.context, "GET", path)["status"]
    if status != "accepted":
        raise NotAccepted(image_id=view["id"], status=status)


def check_disks(call: Call, view: lookup.View) -> list[lookup.View]:
    """The native views of the disks of a whole-machine image; none of any other image.

    :raises DiskMissing: if one is gone
    """
    found = []
    for each in whole_image.components(view):
        try:
            found.append(lookup.get(call, each.image_id))
        except exceptions.ImageNotFound:
            raise whole_image.DiskMissing(
                number=each.disk.number, image_id=view["id"], disk_id=each.image_id
            ) from None
    return found


def _key(call: Call, view: lookup.View) -> str | None:
    """The key of the copy, which the caller and the service can use."""
    named = call.body.get("cmk_id")
    if not named:
        return None
    if view.get(attributes.VIRTUAL_ENV_TYPE) == "Ironic":
        raise NeverEncrypted(image_id=view["id"])
    key_id = call.service.keys.named(call.context, named, call.project_id)
    if key_id == view.get(attributes.CMK_ID):
        raise SameKey(image_id=view["id"], key_id=key_id)
    return key_id


_COPY = Operation(
    "copy_image_in_region",
    "POST",
    "/v1/cloudimages/{image_id}/copy",
    copy_image_in_region,
    "Copy an image: encrypt, decrypt, or change its key",
    access=Access.WRITE,
    body={
        "type": "object",
        "properties": {
            "name": schemas.NAME,
            "description": {"type": ["string", "null"]},
            "cmk_id": {"anyOf": [schemas.KEY_ID, {"type": "null"}]},
            "enterprise_project_id": {
                "anyOf": [schemas.ENTERPRISE_PROJECT, {"type": "null"}],
            },
        },
        "required": ["name"],
    },
    answer=schemas.JOB_ANSWER,
    audit="copyImage",
)

OPERATIONS = (
    _COPY,
    dataclasses.replace(
        _COPY,
        name="copy_image_in_region_in_safe_mode",
        path="/v2.1/cloudimages/{image_id}/copy",
    ),
)
