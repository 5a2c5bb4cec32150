# SPDX-License-Identifier: Apache-2.0
"""What tasks of several flows do."""

from collections.abc import Mapping
from typing import Any

from ims_glance.clouds import rest
from ims_glance.flows.context import JobContext

# The id is chosen again once: a second new one that is taken already is no coincidence.
_ATTEMPTS = 2


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


def delete_image(job: JobContext) -> None:
    """Delete the job's image, whether it was made or not."""
    if job.image_id:
        job.image.delete(job.image_id)


def replace_image(job: JobContext, body: Mapping[str, Any]) -> dict[str, Any]:
    """Make the job's image anew, under a new id: a broken upload has spoilt the old one."""
    delete_image(job)
    job.new_image_id()
    return make_image(job, body)
