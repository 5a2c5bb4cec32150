# SPDX-License-Identifier: Apache-2.0
"""Export of images to buckets of the object storage."""

import dataclasses
from typing import Any

from ims_glance import exceptions
from ims_glance.api.ims import lookup, schemas
from ims_glance.api.ims.operation import Access, Answer, Call, Operation
from ims_glance.api.ims.operations import creation_schemas, sealed_image
from ims_glance.api.ims.operations.copy import check_disks
from ims_glance.clouds import caller, objects
from ims_glance.model import job as jobs
from ims_glance.model.bucket import BucketFile
from ims_glance.model.image import attributes, whole_image
from ims_glance.model.image import rules as image_rules
from ims_glance.model.image.from_file import GIB, ISO, RAW
from ims_glance.model.machine import exported
from ims_glance.model.machine.exported import OVA

_QUICK = "zvhd2"
_SEALED = "sealed"


class FormatContradicts(exceptions.Invalid):
    """A fast export has one format, a normal one must name it."""

    code = "IMG.0072"
    template = (
        "Name 'file_format' (qcow2, vhd, zvhd, vmdk or sealed; ova for a whole machine), or ask for "
        "'is_quick_export'."
    )


class MachineInOneDisk(exceptions.Conflict):
    """A whole machine has several disks, and such a file has one."""

    code = "IMG.0128"
    template = (
        "Image {image_id} is of a whole machine, and a file of format {format} has one disk. Export it as 'ova', "
        "in which its disks are in the clear."
    )


class NotRaw(exceptions.Conflict):
    """Only what is a disk byte by byte is written as another format."""

    code = "IMG.0072"
    template = (
        "Image {image_id} is kept as {format}, as which it can be downloaded. Only raw images are exported: "
        "an image that is imported from a file is one."
    )


class NeverSealed(exceptions.Conflict):
    """No image is made of such a file."""

    code = "IMG.0072"
    template = "Image {image_id} is an ISO file, and no image is made of a sealed one. Download the image instead."


class TooManyDisks(exceptions.Conflict):
    """No image could be made of the archive."""

    code = "IMG.0160"
    template = (
        "Image {image_id} has {count} disks, and {most} are the most in an archive. Ask the operator for more "
        "([ims_files] most_disks)."
    )


class NeverQuickly(exceptions.Conflict):
    """IMS exports no encrypted image so."""

    code = "IMG.0071"
    template = (
        "Image {image_id} is encrypted, and cannot be exported quickly. Name a 'file_format'."
    )


class ExportTooLarge(exceptions.Conflict):
    """The image is larger than what is exported."""

    code = "IMG.0160"
    template = "Image {image_id} has {size} bytes; {most} GiB are the most{hint}."


class ExportRunning(exceptions.Conflict):
    """The image is being exported to that file already."""

    code = "IMG.0148"
    template = "Job {job_id} exports image {image_id} already. Wait for it, or cancel it."


def export_image(call: Call) -> Answer:
    """``POST /v1/cloudimages/{image_id}/file``: an encrypted image in the clear, as IMS does it, or sealed."""
    body = call.body
    view = lookup.checked(call, call.arguments["image_id"], image_rules.Action.EXPORT)
    form = _format(call, view)
    file = BucketFile.parse(body["bucket_url"])
    _check(call, view, form)
    access_key = body.get("access_key") or None
    _check_new(call, file, access_key)
    arguments: dict[str, Any] = {
        "image_id": view["id"],
        "bucket": file.bucket,
        "object": file.name,
        "format": form,
        "access_key": access_key,
    }
    job_id = call.service.jobs.accept(
        call.context,
        jobs.EXPORT_IMAGE,
        arguments,
        entities={"image_name": view["name"], "file": str(file)},
    )
    return Answer({"job_id": job_id}, image_ids=(view["id"],), job_id=job_id)


def _check_new(call: Call, file: BucketFile, access_key: str | None) -> None:
    """Check that the caller may write it, as far as that can be known."""
    conf, context = call.service.conf, call.context
    reader = objects.FileReader(str(context.user_id), call.project_id, access_key)
    store = objects.load(conf, caller.region_of(conf, context), reader)
    store.large_file(file, "", lambda _seconds: None).check_new()


def _format(call: Call, view: lookup.View) -> str:
    """The format of the file; of a whole machine there is one."""
    is_quick, named = bool(call.body.get("is_quick_export")), call.body.get("file_format")
    is_whole = whole_image.is_whole(view)
    if (is_quick and named) or not (is_quick or named or is_whole):
        raise FormatContradicts
    form = str(named or (_QUICK if is_quick else OVA))
    if is_whole and form != OVA:
        raise MachineInOneDisk(image_id=view["id"], format=form)
    return form


def _check(call: Call, view: lookup.View, form: str) -> None:
    disks = check_disks(call, view) or [view]
    exported.check_disks(view, disks, call.project_id)
    if form == _SEALED:
        sealed_image.check(call, view)
        if view["disk_format"] == ISO:
            raise NeverSealed(image_id=view["id"])
    for each in disks:
        if form != _SEALED and each["disk_format"] != RAW:
            raise NotRaw(image_id=each["id"], format=each["disk_format"])
    if form == _QUICK and view.get(attributes.CMK_ID):
        raise NeverQuickly(image_id=view["id"])
    options = call.service.conf.ims_files
    if form == OVA and len(disks) > options.most_disks:
        raise TooManyDisks(image_id=view["id"], count=len(disks), most=options.most_disks)
    # What is sealed goes as it is.
    most, hint = (
        (options.quick_file_gib, "")
        if form in (_QUICK, _SEALED, OVA)
        else (options.file_gib, ", or more quickly")
    )
    size = sum(each["size"] for each in disks)
    if size > most * GIB:
        raise ExportTooLarge(image_id=view["id"], size=size, most=most, hint=hint)
    for job in call.service.jobs.unfinished(call.project_id):
        if job.type == jobs.EXPORT_IMAGE and job.arguments["image_id"] == view["id"]:
            raise ExportRunning(job_id=job.id, image_id=view["id"])


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
            "file_format": {"enum": ["qcow2", "vhd", "zvhd", "vmdk", OVA, _SEALED, None]},
            "is_quick_export": {"type": ["boolean", "null"]},
            "access_key": creation_schemas.ACCESS_KEY,
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
