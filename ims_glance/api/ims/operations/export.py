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
from ims_glance.model.machine import exported, manifest
from ims_glance.model.machine.exported import DISKS, OVA
from ims_glance.model.machine.manifest import SEALED

_QUICK = "zvhd2"


class FormatContradicts(exceptions.Invalid):
    """A fast export has one format, a normal one must name it."""

    code = "IMG.0072"
    template = (
        "Name 'file_format' (qcow2, vhd, zvhd, vmdk, raw or sealed; ova for a whole machine), or ask for "
        "'is_quick_export'."
    )


class MachineWithoutDisks(exceptions.Conflict):
    """Somebody has changed what names them."""

    code = "IMG.0128"
    template = (
        "Image {image_id} is of a whole machine, and its 'block_device_mapping' names no disk, so there is nothing to be "
        "exported. Make the image of the server anew."
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
    """No image could be made of what is exported."""

    code = "IMG.0160"
    template = (
        "Image {image_id} has {count} disks, and {most} are the most that come in again. Ask the operator for more "
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


@dataclasses.dataclass(frozen=True)
class _Form:
    """What is written.

    :ivar name: format of the file; of a machine with one object a disk, that of the disks
    :ivar is_each: whether there is an object of each disk, and a manifest
    """

    name: str
    is_each: bool = False


def export_image(call: Call) -> Answer:
    """``POST /v1/cloudimages/{image_id}/file``: an encrypted image in the clear, as IMS does it, or sealed.

    Of a whole machine one OVA, or one object a disk and a manifest, of which the name is said.
    """
    body = call.body
    view = lookup.checked(call, call.arguments["image_id"], image_rules.Action.EXPORT)
    form = _form(call, view)
    file = BucketFile.parse(body["bucket_url"])
    count = _check(call, view, form)
    access_key = body.get("access_key") or None
    arguments: dict[str, Any] = {"image_id": view["id"], "format": form.name}
    files = [file]
    if form.is_each:
        file = manifest.named(file)
        files = [file, *(manifest.object_of(file, number, form.name) for number in range(count))]
        arguments |= {"format": DISKS, "disk_format": form.name}
    _check_new(call, files, access_key)
    arguments |= {"bucket": file.bucket, "object": file.name, "access_key": access_key}
    job_id = call.service.jobs.accept(
        call.context,
        jobs.EXPORT_IMAGE,
        arguments,
        entities={"image_name": view["name"], "file": str(file)},
    )
    return Answer({"job_id": job_id}, image_ids=(view["id"],), job_id=job_id)


def _check_new(call: Call, files: list[BucketFile], access_key: str | None) -> None:
    """Check that the caller may write them, as far as that can be known."""
    conf, context = call.service.conf, call.context
    reader = objects.FileReader(str(context.user_id), call.project_id, access_key)
    store = objects.load(conf, caller.region_of(conf, context), reader)
    for each in files:
        store.large_file(each, "", lambda _seconds: None).check_new()


def _form(call: Call, view: lookup.View) -> _Form:
    """What is asked for; of a whole machine an OVA, unless something is said."""
    is_quick, named = bool(call.body.get("is_quick_export")), call.body.get("file_format")
    is_whole = whole_image.is_whole(view)
    if (is_quick and named) or not (is_quick or named or is_whole):
        raise FormatContradicts
    name = str(named or (_QUICK if is_quick else OVA))
    return _Form(name, is_whole and name != OVA)


def _check(call: Call, view: lookup.View, form: _Form) -> int:
    """Check that an image may be written so; how many disks it has."""
    disks = check_disks(call, view)
    if form.is_each and not disks:
        raise MachineWithoutDisks(image_id=view["id"])
    disks = disks or [view]
    exported.check_disks(view, disks, call.project_id)
    for each in disks:
        _check_disk(call, each, form)
    if form.name == _QUICK and any(each.get(attributes.CMK_ID) for each in disks):
        raise NeverQuickly(image_id=view["id"])
    options = call.service.conf.ims_files
    is_machine = form.is_each or form.name == OVA
    if is_machine and len(disks) > options.most_disks:
        raise TooManyDisks(image_id=view["id"], count=len(disks), most=options.most_disks)
    # What is sealed goes as it is.
    most, hint = (
        (options.quick_file_gib, "")
        if is_machine or form.name in (_QUICK, SEALED)
        else (options.file_gib, ", or more quickly")
    )
    size = sum(each["size"] for each in disks)
    if size > most * GIB:
        raise ExportTooLarge(image_id=view["id"], size=size, most=most, hint=hint)
    for job in call.service.jobs.unfinished(call.project_id):
        if job.type == jobs.EXPORT_IMAGE and job.arguments["image_id"] == view["id"]:
            raise ExportRunning(job_id=job.id, image_id=view["id"])
    return len(disks)


def _check_disk(call: Call, disk: lookup.View, form: _Form) -> None:
    if form.name == SEALED:
        sealed_image.check(call, disk)
        if disk["disk_format"] == ISO:
            raise NeverSealed(image_id=disk["id"])
    elif disk["disk_format"] != RAW:
        raise NotRaw(image_id=disk["id"], format=disk["disk_format"])


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
            "file_format": {"enum": ["qcow2", "vhd", "zvhd", "vmdk", RAW, OVA, SEALED, None]},
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
