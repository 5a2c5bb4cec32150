# SPDX-License-Identifier: Apache-2.0
"""The image that a job makes, and what others make for it on the way."""

from collections.abc import Callable, Mapping
from typing import Any

from ims_glance import exceptions
from ims_glance.clouds import rest
from ims_glance.jobs.context import JobContext
from ims_glance.model.image import whole_image
from ims_glance.model.job import disk_name

UPLOADS = 5
"""How often the data of an image is begun with, if uploads break off."""

# The id is chosen again once: a second new one that is taken already is no coincidence.
_ATTEMPTS = 2


def name(job: JobContext, number: int | None = None) -> str:
    """What a job calls things that others make for it, until they have names of their own.

    :param number: of several things, one
    """
    return disk_name(job.id, number)


def find_named(job: JobContext, called: str) -> str | None:
    """The id of the image that somebody makes for the job under that :func:`name`."""
    return next(iter(all_named(job, called)), None)


def all_named(job: JobContext, called: str) -> list[str]:
    """The ids of all images that somebody made for the job under that name, oldest first.

    There are several if the answer to a request was lost, which was done all the same. That which Nova makes with
    snapshots of a server's volumes holds no data of a disk, and is none.
    """
    named = job.image.named(called, job.project_id)
    return [str(each["id"]) for each in named if not whole_image.is_of_snapshots(each)]


def source(job: JobContext) -> dict[str, Any]:
    """The image that the job copies.

    :raises ImageNotFound: if there is none
    """
    image_id = job.arguments["image_id"]
    view = job.image.find(image_id)
    if view is None:
        raise exceptions.ImageNotFound(image_id=image_id)
    return view


def make_image(job: JobContext, body: Mapping[str, Any]) -> dict[str, Any]:
    """Make the job's image under its recorded id; the image, also if it was there already.

    An id that was deleted can never be used again, so another one is recorded for it.

    :raises Refused: if Glance, or the guard, refuses such an image
    """
    attempt = 1
    while True:
        image_id = job.image_id or job.new_image_id()
        try:
            return job.image.create({**body, "id": image_id})
        except rest.Refused as error:
            found = job.image.find(image_id) if error.status == 409 else None
            if found is not None:
                return found
            if error.status != 409 or attempt == _ATTEMPTS:
                raise
        job.new_image_id()
        attempt += 1


def make_empty_image(job: JobContext, body: Mapping[str, Any], tie: Callable[[str], None]) -> None:
    """Make the job's image with no byte of data, and active; however often.

    ``raw`` is what Nova says of such images too (``nova/image/glance.py``).

    :param tie: called with its id before it is active
    :raises Refused: if Glance, or the guard, refuses such an image
    """
    wanted = {**body, "disk_format": "raw", "container_format": "bare", "visibility": "private"}
    view = make_image(job, wanted)
    is_active = view["status"] == "active"
    if not is_active and (view["status"] != "queued" or job.job.generation > 1):
        # Of an image that another worker made, nobody knows whether an upload was begun.
        view = replace_image(job, wanted)
    tie(str(view["id"]))
    if not is_active:
        job.image.upload(str(view["id"]), iter(()), 0)


def delete_image(job: JobContext) -> None:
    """Delete the job's image, whether it was made or not."""
    if job.image_id:
        job.image.delete(job.image_id)


def replace_image(job: JobContext, body: Mapping[str, Any]) -> dict[str, Any]:
    """Make the job's image anew, under a new id: a broken upload has spoilt the old one."""
    delete_image(job)
    job.new_image_id()
    return make_image(job, body)


def delete_protected(job: JobContext, image_id: str) -> None:
    """Delete an image, protected or not; that there is none is fine."""
    view = job.image.find(image_id)
    if view is not None and view.get("protected"):
        job.image.update(image_id, {"protected": False})
    job.image.delete(image_id)
