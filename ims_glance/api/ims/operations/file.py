# SPDX-License-Identifier: Apache-2.0
"""Images of files: what a request asks for, as far as the object storage can tell at once."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from ims_glance import exceptions
from ims_glance.api.ims.operation import Answer, Call
from ims_glance.api.ims.operations import machine_file, sealed_file, tag
from ims_glance.api.ims.operations.sealed_file import Opening
from ims_glance.clouds import caller, objects
from ims_glance.clouds.objects.base import FoundFile, ObjectStore
from ims_glance.model import job as jobs
from ims_glance.model import queued
from ims_glance.model.bucket import BucketFile
from ims_glance.model.image import from_file
from ims_glance.model.image.from_file import DiskBounds, Purpose
from ims_glance.model.machine import manifest
from ims_glance.model.machine.manifest import ManifestMissing, ManifestUnexpected
from ims_glance.model.text import key_name

# Of a request, what a job gets as it is.
_AS_SAID = (
    "name",
    "description",
    "os_type",
    "os_version",
    "hw_firmware_type",
    "architecture",
    "is_config",
    "is_config_init",
    "enterprise_project_id",
)
_MEBIBYTES = ("min_ram", "max_ram")
_QUICKLY = ", or more by import_image_quick"
_MOST_DATA_IMAGES = 3  # of IMS


class DataImagesUnfit(exceptions.Invalid):
    """Data images that IMS does not make beside the image of a file."""

    code = "IMG.0016"
    template = "'data_images' will not do: {reason}."


class SameFileTwice(exceptions.Invalid):
    """Two images of one file."""

    code = "IMG.0123"
    template = "Each of 'data_images' needs a file of its own ('image_url'), and another one than the system disk."


@dataclasses.dataclass(frozen=True)
class _Source:
    """What images are made of.

    :ivar told: of the arguments of the job, those that say it
    :ivar files: what the job is told of each file of a disk, the system disk's first
    :ivar min_disk: of that, GiB
    :ivar data_files: of ``data_images``, what the job is told of each
    """

    told: Mapping[str, Any]
    files: Sequence[dict[str, Any]]
    min_disk: int
    data_files: Sequence[dict[str, Any]] = ()


def system(call: Call, tags: list[str]) -> Answer:
    """``create_image`` with ``image_url``: a system disk, or an ISO.

    :param tags: of the image, as they are stored
    """
    body = call.body
    purpose = from_file.PURPOSES[body.get("type") or "ECS"]
    from_file.check_config(purpose, bool(body.get("is_config")))
    is_quick = bool(body.get("is_quick_import"))
    return _accept(call, jobs.IMPORT_IMAGE, purpose, tags, is_quick, _data_images(call, purpose))


def whole(call: Call, tags: list[str]) -> Answer:
    """``create_whole_image`` with ``image_url``: of the manifest of a machine.

    :raises ManifestMissing: if it is none
    """
    file = BucketFile.parse(call.body["image_url"])
    if not manifest.is_manifest(file):
        raise ManifestMissing(file=file)
    is_quick = bool(call.body.get("is_quick_import"))
    return _accept(call, jobs.IMPORT_IMAGE, Purpose.SERVER, tags, is_quick)


def data(call: Call, tags: list[str]) -> Answer:
    """``create_data_image``."""
    return _accept(call, jobs.IMPORT_DATA_IMAGE, Purpose.DATA, tags)


def quick(call: Call, tags: list[str]) -> Answer:
    """``import_image_quick``."""
    purpose = from_file.PURPOSES[call.body.get("type") or "ECS"]
    job_type = jobs.IMPORT_DATA_IMAGE if purpose is Purpose.DATA else jobs.IMPORT_IMAGE
    return _accept(call, job_type, purpose, tags, is_quick=True)


def register(call: Call, view: Mapping[str, Any]) -> Answer:
    """``register_image``.

    :param view: of the queued image
    """
    file, image_id = BucketFile.parse(call.body["image_url"]), str(view["id"])
    for each in call.service.jobs.unfinished(call.project_id):
        if each.type == jobs.REGISTER_IMAGE and each.arguments["image_id"] == image_id:
            raise queued.FilledAlready(job_id=each.id, image_id=image_id)
    purpose = queued.purpose(view)
    of_file = told(call, file)
    bounds = _bounds(call, purpose, is_quick=False)
    bounds.check_file(file, of_file["size"], sealed_file.UNSEAL_KEY in of_file)
    sealed_file.check_target(of_file, view)
    arguments = {
        "image_id": image_id,
        "file": of_file,
        "access_key": call.body.get("access_key"),
    }
    entities = {"image_id": image_id, "image_name": str(view.get("name") or "")}
    job_id = call.service.jobs.accept(
        call.context, jobs.REGISTER_IMAGE, arguments, entities=entities
    )
    return Answer({"job_id": job_id}, image_ids=(image_id,), job_id=job_id)


def _accept(
    call: Call,
    job_type: str,
    purpose: Purpose,
    tags: list[str],
    is_quick: bool = False,
    data_images: Sequence[Mapping[str, Any]] = (),
) -> Answer:
    body = call.body
    file = BucketFile.parse(body["image_url"])
    bounds = _bounds(call, purpose, is_quick)
    if purpose is Purpose.ISO:
        from_file.check_iso(file, body.get("os_version"))
    from_file.check_key(purpose, body.get("cmk_id"))
    if manifest.is_manifest(file):
        source = _machine(call, purpose, file, bounds, data_images)
    else:
        source = _files(call, file, bounds, data_images)
    sealed_file.check_purpose(source.files, purpose)
    keys = sealed_file.image_keys(call, source.files)
    for each, key_id in zip(source.files, keys, strict=True):
        if key_id != keys[0]:
            # An older worker puts it under the first one's.
            each[key_name.CMK_ID] = key_id
    arguments: dict[str, Any] = {
        **source.told,
        "access_key": body.get("access_key"),
        "purpose": str(purpose),
        "min_disk": source.min_disk,
        "tags": tags,
        "cmk_id": keys[0],
        **{name: body.get(name) for name in _AS_SAID},
        **{name: None if body.get(name) is None else int(body[name]) for name in _MEBIBYTES},
    }
    if source.data_files:
        named = [(0, body["name"]), *((each["number"], each["name"]) for each in source.data_files)]
        wishes = [{"disk": {"number": number}, "name": name} for number, name in named]
        arguments |= {"data_files": source.data_files, "wishes": wishes}
    with call.service.quota.places(call.context, call.project_id, 1 + len(source.data_files)):
        job_id = call.service.jobs.accept(
            call.context,
            job_type,
            arguments,
            entities={"image_name": body["name"]},
            creates_image=True,
        )
    return Answer({"job_id": job_id}, job_id=job_id)


def _data_images(call: Call, purpose: Purpose) -> Sequence[Mapping[str, Any]]:
    """``data_images`` of a request.

    :raises DataImagesUnfit: if they are none of files, or too many
    :raises SameFileTwice: if two are of one file
    """
    found: Sequence[Mapping[str, Any]] = call.body.get("data_images") or ()
    if found and purpose is Purpose.ISO:
        raise DataImagesUnfit(reason="they go with a system disk, not with an ISO")
    if len(found) > _MOST_DATA_IMAGES:
        raise DataImagesUnfit(reason=f"{_MOST_DATA_IMAGES} are the most, not {len(found)}")
    if any(not each.get("image_url") or each.get("volume_id") for each in found):
        raise DataImagesUnfit(reason="beside a file each names another file ('image_url')")
    urls = [call.body["image_url"], *(each["image_url"] for each in found)]
    if len(set(urls)) < len(urls):
        raise SameFileTwice
    return found


def _data_file(
    call: Call, opening: Opening, number: int, wished: Mapping[str, Any]
) -> dict[str, Any]:
    """What a job is told of the file of a data disk; what it does not say, the request does."""
    file, limit = BucketFile.parse(wished["image_url"]), call.service.conf.ims_api.tags
    bounds = _bounds(call, Purpose.DATA, bool(wished.get("is_quick_import")))
    min_disk = bounds.check_disk(wished.get("min_disk"))
    of_file = opening.told(store(call), look(call, file))
    bounds.check_file(file, of_file["size"], sealed_file.UNSEAL_KEY in of_file)
    return {
        "number": number,
        "file": of_file,
        "name": wished["name"],
        "min_disk": min_disk,
        "description": wished.get("description") or call.body.get("description"),
        "tags": tag.stored(wished, limit) or tag.stored(call.body, limit),
    }


def look(call: Call, file: BucketFile) -> FoundFile:
    """Look at the file of a disk as the caller.

    :raises ManifestUnexpected: if it is none
    :raises Exception: see :func:`ims_glance.clouds.objects.load` and
        :meth:`ims_glance.clouds.objects.base.ObjectStore.head`
    """
    if manifest.is_manifest(file):
        raise ManifestUnexpected(file=file)
    return store(call).head(file)


def told(call: Call, file: BucketFile) -> dict[str, Any]:
    """What a job is told of the one file of a request; see :class:`sealed_file.Opening`."""
    opening = Opening(call)
    of_file = opening.told(store(call), look(call, file))
    opening.check_used()
    return of_file


def store(call: Call) -> ObjectStore:
    """The object storage as the caller sees it."""
    conf, context = call.service.conf, call.context
    reader = objects.FileReader(
        str(context.user_id), call.project_id, call.body.get("access_key") or None
    )
    return objects.load(conf, caller.region_of(conf, context), reader)


def _files(
    call: Call, file: BucketFile, bounds: DiskBounds, data_images: Sequence[Mapping[str, Any]]
) -> _Source:
    """A file of one disk, or an archive, and files of data disks beside it."""
    min_disk = bounds.check_disk(call.body.get("min_disk"))
    opening = Opening(call, several=bool(data_images))
    of_file = opening.told(store(call), look(call, file))
    bounds.check_file(file, of_file["size"], sealed_file.UNSEAL_KEY in of_file)
    data_files = [
        _data_file(call, opening, number, each) for number, each in enumerate(data_images, 1)
    ]
    opening.check_used()
    files = [of_file, *(each["file"] for each in data_files)]
    return _Source({"file": of_file}, files, min_disk, data_files)


def _machine(
    call: Call,
    purpose: Purpose,
    file: BucketFile,
    bounds: DiskBounds,
    data_images: Sequence[Mapping[str, Any]],
) -> _Source:
    """The machine of a manifest, whose system disk is as large as it was unless something else is asked for.

    :raises ManifestUnexpected: if another image is to be made of it
    :raises DataImagesUnfit: if files are named beside it
    """
    if purpose is not Purpose.SERVER:
        raise ManifestUnexpected(file=file)
    if data_images:
        raise DataImagesUnfit(reason="the manifest of a machine names all of its disks")
    found = machine_file.look(call, store(call), file)
    wanted = call.body.get("min_disk") or found.min_disk
    min_disk = found.bounds(bounds).check_disk(wanted)
    return _Source({machine_file.MACHINE: found.told}, found.files, min_disk)


def _bounds(call: Call, purpose: Purpose, is_quick: bool) -> DiskBounds:
    options = call.service.conf.ims_files
    file, hint = (options.quick_file_gib, "") if is_quick else (options.file_gib, _QUICKLY)
    kind = from_file.kind(purpose)
    least, most = options[f"least_{kind}_disk_gib"], from_file.largest(options, purpose)
    return DiskBounds(kind, least, most, file, hint)
