# SPDX-License-Identifier: Apache-2.0
"""Export of images to buckets of the object storage."""

import dataclasses

from ims_glance import exceptions
from ims_glance.api.ims import lookup, schemas
from ims_glance.api.ims.operation import Access, Answer, Call, NotSupportedYet, Operation
from ims_glance.model.image import rules as image_rules


class FormatContradicts(exceptions.Invalid):
    """A fast export has one format, a normal one must name it."""

    code = "IMG.0072"
    template = "Name 'file_format' (qcow2, vhd, zvhd or vmdk), or ask for 'is_quick_export'."


def export_image(call: Call) -> Answer:
    """``POST /v1/cloudimages/{image_id}/file``."""
    is_quick = bool(call.body.get("is_quick_export"))
    if is_quick == bool(call.body.get("file_format")):
        raise FormatContradicts
    lookup.checked(call, call.arguments["image_id"], image_rules.Action.EXPORT)
    raise NotSupportedYet(missing="export to the object storage")


_EXPORT = Operation(
    "export_image",
    "POST",
    "/v1/cloudimages/{image_id}/file",
    export_image,
    "Export an image to a bucket",
    access=Access.WRITE,
    body={
        "type": "object",
        "properties": {
            "bucket_url": schemas.BUCKET_OBJECT,
            "file_format": {"enum": ["qcow2", "vhd", "zvhd", "vmdk", None]},
            "is_quick_export": {"type": ["boolean", "null"]},
        },
        "required": ["bucket_url"],
    },
    answer=schemas.JOB_ANSWER,
    audit="exportImage",
)

OPERATIONS = (
    _EXPORT,
    dataclasses.replace(
        _EXPORT, name="export_image_in_safe_mode", path="/v2.1/cloudimages/{image_id}/file"
    ),
)
