# SPDX-License-Identifier: Apache-2.0
"""Copies: what they know of the image that they were made of.

These ask the Image API, so that a region without the IMS API answers as well.
"""

import dataclasses
from collections.abc import Iterator
from typing import Any

from openstack import exceptions

from ims_glance.client.operations.base import segment
from ims_glance.client.operations.image import ImageOperations
from ims_glance.client.resources.image import Image

# Seconds to connect, and between two bytes of an answer: a region may be away for good.
_TIMEOUT = (10, 60)
_PAGE = 100
_IMAGE = "image"
_ORIGIN_PARTS = 3


@dataclasses.dataclass(frozen=True)
class Origin:
    """Which image an image is a copy of.

    :ivar region: empty if the service had no name for its region when the copy was made
    """

    region: str
    image_id: str

    @classmethod
    def of(cls, image: Image) -> "Origin | None":
        """That of an image; ``None`` if it is no copy of one."""
        kind, *where = str(image.data_origin or "").split(",")
        if kind != _IMAGE or len(where) != _ORIGIN_PARTS - 1 or not where[1]:
            return None
        return cls(*where)

    def __str__(self) -> str:
        return f"{_IMAGE},{self.region},{self.image_id}"


class CopyOperations(ImageOperations):
    """Images, and copies of them."""

    def copies_of(self, origin: Origin) -> Iterator[Image]:
        """The images here that say that they are copies of an image, hidden ones as well.

        :param origin: the image, and its region
        """
        for is_hidden in (False, True):
            more: dict[str, Any] = {"os_hidden": "true"} if is_hidden else {}
            yield from self._listed({"__data_origin": str(origin), "limit": _PAGE, **more})

    def look_at(self, image_id: str) -> Image | None:
        """An image as the Image API shows it; ``None`` if there is none for the caller."""
        try:
            answer = self.get(f"/v2/images/{segment(image_id)}", timeout=_TIMEOUT).json()
        except exceptions.NotFoundException:
            return None
        return self._existing(answer)

    def data_of(self, image: Image) -> list[Image | None]:
        """The images that an image's data is in, as the Image API shows them.

        One, or those of a whole machine's disks in their order; ``None`` for one that is gone.
        """
        if image.kind != "whole":
            return [self.look_at(image.id)]
        disks = (disk.get("image_id") for disk in image.mapping)
        return [self.look_at(str(disk)) for disk in disks if disk]

    def _listed(self, query: dict[str, Any]) -> Iterator[Image]:
        """A list of the Image API, page by page."""
        following: dict[str, Any] | None = query
        while following is not None:
            answer = self.get("/v2/images", params=following, timeout=_TIMEOUT).json()
            found = answer["images"]
            # What is asked for next has the id of the last one, wherever "next" points to.
            more = found and answer.get("next")
            following = {**query, "marker": found[-1]["id"]} if more else None
            yield from map(self._existing, found)
