# SPDX-License-Identifier: Apache-2.0
"""Images that have metadata and no data yet, and get it from a file (IMS ``register_image``)."""

import math
from collections.abc import Mapping
from typing import Any

from ims_glance import exceptions
from ims_glance.model.bucket import BucketFile
from ims_glance.model.image import attributes, from_file
from ims_glance.model.image.from_file import GIB, Purpose


class NotQueued(exceptions.Conflict):
    """Only an image without data is filled."""

    code = "IMG.0046"
    template = "Image {image_id} is {status}: only a queued image can be filled."


class FilledAlready(exceptions.Conflict):
    """Another job fills the image."""

    code = "IMG.0046"
    template = "Job {job_id} is filling image {image_id} already."


def check(view: Mapping[str, Any]) -> None:
    """Check that an image can get data.

    :raises NotQueued: if it cannot
    """
    if view["status"] != "queued":
        raise NotQueued(image_id=view["id"], status=view["status"])


def purpose(view: Mapping[str, Any]) -> Purpose:
    """What an image is for; for virtual servers, if it does not say."""
    said = str(view.get(attributes.VIRTUAL_ENV_TYPE))
    found = Purpose(said) if said in set(Purpose) else Purpose.SERVER
    # Each new image of the IMS API is for virtual servers at first.
    is_iso = found is Purpose.SERVER and view.get("disk_format") == from_file.ISO
    return Purpose.ISO if is_iso else found


def changes(view: Mapping[str, Any], file: BucketFile, size: int) -> dict[str, Any]:
    """What an image says of itself, once it has the data of a file.

    :param view: without the data
    :param size: of the data, in bytes
    """
    found = purpose(view)
    return {
        "disk_format": from_file.ISO if found is Purpose.ISO else from_file.RAW,
        "container_format": "bare",
        "min_disk": int(view.get("min_disk") or math.ceil(size / GIB)),
        **from_file.origin(file),
        attributes.VIRTUAL_ENV_TYPE: str(found),
        "__image_size": str(size),
    }


def has_data(view: Mapping[str, Any], said: Mapping[str, Any], size: int) -> bool:
    """Whether an image has the data of a file.

    :param said: :func:`changes` for it
    :param size: of the data, in bytes
    """
    is_there = view["status"] == "active" and view.get("size") == size
    return is_there and all(view.get(name) == value for name, value in said.items())
