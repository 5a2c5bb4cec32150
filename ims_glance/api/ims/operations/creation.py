# SPDX-License-Identifier: Apache-2.0
"""Images from servers, volumes, backups and files.

Which form of ``create_image`` a request is, its source says; the forms exclude each other.
"""

import dataclasses
from typing import Any

from ims_glance import exceptions
from ims_glance.api.ims import lookup, schemas
from ims_glance.api.ims.operation import Access, Answer, Call, Handler, Operation
from ims_glance.api.ims.operations import backup, file, sealed_file, server, tag
from ims_glance.api.ims.operations import creation_schemas as bodies
from ims_glance.model import job as jobs
from ims_glance.model import queued
from ims_glance.model.image import rules as image_rules
from ims_glance.model.text import free_text, key_name

# Fields that name the source.
_SOURCES = ("instance_id", "image_url", "volume_id")


class SourceUnclear(exceptions.Invalid):
    """No source, or several."""

    code = "IMG.0016"
    template = "Name one source: {sources}."


class MemoryUnclear(exceptions.Invalid):
    """No server could be made of the image."""

    template = "'min_ram' ({least} MB) is more than 'max_ram' ({most} MB)."


def create_image(call: Call) -> Answer:
    """``POST /v2/cloudimages/action``."""
    body = call.body
    named = [source for source in _SOURCES if body.get(source)]
    if not named and body.get("data_images"):
        if body.get("is_config"):
            raise NoSystemToConfigure
        _check_data_images(call)
        return server.of_volumes(call)
    if len(named) != 1:
        raise SourceUnclear(sources=", ".join([*_SOURCES, "data_images"]))
    stored = _check_body(call)
    if named[0] != "image_url":
        sealed_file.check_unnamed(call)
    if named[0] == "instance_id":
        return server.of_server(call, stored)
    if named[0] == "volume_id":
        return _create_from_volume(call, stored)
    if body.get("is_quick_import") and not body.get("os_version"):
        raise OsVersionMissing
    return file.system(call, stored)


def _create_from_volume(call: Call, stored: list[str]) -> Answer:
    body = call.body
    if not body.get("os_version"):
        raise OsVersionMissing
    if body.get("cmk_id"):
        raise KeyOfVolumeImage
    names = ("volume_id", "name", "os_version", "description", "type", "enterprise_project_id")
    arguments: dict[str, Any] = {name: body.get(name) for name in names}
    for name in ("min_ram", "max_ram"):
        arguments[name] = None if body.get(name) is None else int(body[name])
    if body.get("is_config"):
        arguments["is_config"] = True
    arguments["tags"] = stored
    with call.service.quota.places(call.context, call.project_id):
        job_id = call.service.jobs.accept(
            call.context,
            jobs.VOLUME_CREATE_IMAGE,
            arguments,
            entities={"image_name": body["name"]},
            creates_image=True,
        )
    return Answer({"job_id": job_id}, job_id=job_id)


class NoSystemToConfigure(exceptions.Invalid):
    """Images of data disks alone were asked for, and a system was to be prepared."""

    code = "IMG.0105"
    template = (
        "'is_config' prepares the system of an image of a volume, of a server or of a file, and on data disks there "
        "is none. Leave it out."
    )


class KeyOfVolumeImage(exceptions.Invalid):
    """An image of a volume was to be encrypted: IMS takes ``cmk_id`` with files only."""

    template = (
        "An image of a volume takes no 'cmk_id'. Leave it out, and copy the image with a key "
        "afterwards."
    )


class OsVersionMissing(exceptions.Invalid):
    """An image of a volume needs the name of its operating system."""

    code = "IMG.0056"
    template = "Name the operating system in 'os_version', as list_os_versions has it."


def create_data_image(call: Call) -> Answer:
    """``POST /v1/cloudimages/dataimages/action``."""
    return file.data(call, _check_body(call))


def create_whole_image(call: Call) -> Answer:
    """``POST /v1/cloudimages/wholeimages/action``."""
    stored = _check_body(call)
    sources = ("instance_id", "backup_id", "image_url")
    if sum(bool(call.body.get(each)) for each in sources) != 1:
        raise SourceUnclear(sources=", ".join(sources))
    if call.body.get("image_url"):
        return file.whole(call, stored)
    sealed_file.check_unnamed(call)
    if call.body.get("backup_id"):
        return backup.whole(call, stored)
    return server.whole(call, stored)


def import_image_quick(call: Call) -> Answer:
    """``POST /v2/cloudimages/quickimport/action``."""
    stored = _check_body(call)
    if call.body.get("type") != "DataImage" and not call.body.get("os_version"):
        raise OsVersionMissing
    return file.quick(call, stored)


def register_image(call: Call) -> Answer:
    """``PUT /v1/cloudimages/{image_id}/upload``."""
    view = lookup.checked(call, call.arguments["image_id"], image_rules.Action.FILL)
    queued.check(view)
    return file.register(call, view)


def _check_data_images(call: Call) -> None:
    for each in call.body.get("data_images") or []:
        free_text.check_name(each.get("name") or "")
        free_text.check_description(each.get("description") or "")
        tag.stored(each, call.service.conf.ims_api.tags)


def _check_body(call: Call) -> list[str]:
    """Check what no schema can; the tags as they are stored.

    :raises Invalid: says what to change
    """
    body = call.body
    key_name.check(body)
    least, most = (int(body.get(name) or 0) for name in ("min_ram", "max_ram"))
    if 0 < most < least:
        raise MemoryUnclear(least=least, most=most)
    free_text.check_name(body.get("name") or "")
    free_text.check_description(body.get("description") or "")
    _check_data_images(call)
    return tag.stored(body, call.service.conf.ims_api.tags)


def _operation(
    name: str, path: str, handler: Handler, summary: str, body: schemas.Schema
) -> Operation:
    return Operation(
        name,
        "POST",
        path,
        handler,
        summary,
        access=Access.WRITE,
        body=body,
        answer=schemas.JOB_ANSWER,
        audit="createImage",
    )


def _with_twin(operation: Operation) -> tuple[Operation, Operation]:
    """An operation and the same "in safe mode", which IMS tells apart by the path only."""
    path = operation.path.replace("/v1/", "/v2.1/").replace("/v2/", "/v2.1/")
    return operation, dataclasses.replace(
        operation, name=f"{operation.name}_in_safe_mode", path=path
    )


OPERATIONS = (
    *_with_twin(
        _operation(
            "create_image",
            "/v2/cloudimages/action",
            create_image,
            "Create an image from a volume, a server or a file",
            bodies.IMAGE,
        )
    ),
    *_with_twin(
        _operation(
            "create_data_image",
            "/v1/cloudimages/dataimages/action",
            create_data_image,
            "Create a data disk image from a file",
            bodies.DATA_IMAGE,
        )
    ),
    _operation(
        "create_whole_image",
        "/v1/cloudimages/wholeimages/action",
        create_whole_image,
        "Create a whole-machine image from a server, a backup or a manifest",
        bodies.WHOLE_IMAGE,
    ),
    *_with_twin(
        _operation(
            "import_image_quick",
            "/v2/cloudimages/quickimport/action",
            import_image_quick,
            "Import a large file as an image",
            bodies.QUICK_IMPORT,
        )
    ),
    dataclasses.replace(
        _operation(
            "register_image",
            "/v1/cloudimages/{image_id}/upload",
            register_image,
            "Fill a queued image from a file",
            bodies.REGISTER,
        ),
        method="PUT",
        audit="updateImage",
    ),
)
