# SPDX-License-Identifier: Apache-2.0
"""Reports of the systems in images: shown, and made anew. IMS has neither.

A report says what its owner should know and others need not: the name of the host, what is old, what is
left to do. So who has an image shown, shared or public, is shown no report; the project that owns it is. Who
may download an image may have it checked, and read what comes of it in their own job. Who has bought one in the
marketplace does neither: it is refused as it is to a member.
"""

from typing import Any

from ims_glance import exceptions
from ims_glance.api.ims import lookup, schemas
from ims_glance.api.ims.operation import Access, Answer, Call, Operation
from ims_glance.api.ims.operations import creation_schemas, file
from ims_glance.model import job as jobs
from ims_glance.model.bucket import BucketFile
from ims_glance.model.image import rules as image_rules


class ReportMissing(exceptions.NotFound):
    """Nobody has looked into the image."""

    template = (
        "Image {image_id} has no report. Have it checked ('openstack ims image check {image_id}')."
    )


class CheckedUnclear(exceptions.Invalid):
    """Nothing is to be checked, or several things."""

    template = "Name what is to be checked: 'image_id' or 'image_url'."


def show_image_report(call: Call) -> Answer:
    """``GET /v1/cloudimages/{image_id}/report``."""
    view = lookup.checked(call, call.arguments["image_id"], image_rules.Action.SHOW_REPORT)
    kept = call.service.reports.get(view["id"])
    if kept is None or kept.project_id != view["owner"]:
        # Of an image that another project was given, it was the former owner's.
        raise ReportMissing(image_id=view["id"])
    return Answer(
        {
            "image_id": kept.image_id,
            "made_at": jobs.timestamp(kept.made_at),
            "report": dict(kept.content),
        }
    )


def check_image(call: Call) -> Answer:
    """``POST /v1/cloudimages/check/action``."""
    image_id, url = call.body.get("image_id"), call.body.get("image_url")
    if bool(image_id) == bool(url):
        raise CheckedUnclear
    return _check_image(call, image_id) if image_id else _check_file(call, url)


def _check_image(call: Call, image_id: str) -> Answer:
    view = lookup.checked(call, image_id, image_rules.Action.CHECK)
    entities = {"image_name": view["name"], "checked_image_id": view["id"]}
    job_id = call.service.jobs.accept(
        call.context, jobs.CHECK_IMAGE, {"image_id": view["id"]}, entities=entities
    )
    return Answer({"job_id": job_id}, image_ids=(view["id"],), job_id=job_id)


def _check_file(call: Call, url: str) -> Answer:
    checked = BucketFile.parse(url)
    arguments: dict[str, Any] = {
        "file": file.told(call, checked),
        "access_key": call.body.get("access_key"),
    }
    job_id = call.service.jobs.accept(
        call.context, jobs.CHECK_IMAGE, arguments, entities={"file": str(checked)}
    )
    return Answer({"job_id": job_id}, job_id=job_id)


_TEXT = {"type": ["string", "null"]}
_FLAG = {"type": ["boolean", "null"]}
_TEXTS = {"type": "array", "items": {"type": "string"}}
_GUEST = {
    "type": ["object", "null"],
    "properties": {
        "kind": {"enum": ["linux", "windows", None]},
        "distro": _TEXT,
        "product_name": _TEXT,
        "major": {"type": "integer"},
        "minor": {"type": "integer"},
        "arch": _TEXT,
        "firmware": {"enum": ["bios", "uefi", None]},
        "boot_loader": _TEXT,
        "package_format": _TEXT,
        "hostname": _TEXT,
        "kernels": _TEXTS,
        "has_cloud_init": _FLAG,
        "has_virtio": _FLAG,
        "notes": _TEXTS,
    },
}
_STEP = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "state": {"type": "string"},
        "what": {"type": "string"},
        "advice": {"type": "string"},
    },
    "required": ["name", "state", "what", "advice"],
}
_REPORT = {
    "type": "object",
    "properties": {
        "guest": _GUEST,
        "steps": {"type": "array", "items": _STEP},
        "notes": _TEXTS,
        "accelerated": {"type": "boolean"},
    },
    "required": ["guest", "steps", "notes"],
}

OPERATIONS = (
    Operation(
        "show_image_report",
        "GET",
        "/v1/cloudimages/{image_id}/report",
        show_image_report,
        "Show what was found in the system of an image, and what was done to it",
        answer={
            "type": "object",
            "properties": {
                "image_id": {"type": "string"},
                "made_at": {"type": "string"},
                "report": _REPORT,
            },
            "required": ["image_id", "made_at", "report"],
        },
    ),
    Operation(
        "check_image",
        "POST",
        "/v1/cloudimages/check/action",
        check_image,
        "Look into an image, or a file in a bucket, and change nothing",
        access=Access.WRITE,
        body={
            "type": "object",
            "properties": {
                "image_id": {"anyOf": [schemas.UUID, {"type": "null"}]},
                "image_url": {
                    "anyOf": [schemas.BUCKET_OBJECT, {"type": "null"}],
                    "x-ims-code": "IMG.0175",
                },
                "access_key": creation_schemas.ACCESS_KEY,
                "unseal_key": creation_schemas.UNSEAL_KEY,
            },
        },
        answer=schemas.JOB_ANSWER,
        audit="checkImage",
    ),
)
