# SPDX-License-Identifier: Apache-2.0
"""Which image of a project a copy of an image of another region is compared with."""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol

from ims_glance.model.image import attributes, whole_image

View = Mapping[str, Any]


class BaseImages(Protocol):
    """Images that may be one: those that the caller sees."""

    def find(self, image_id: str) -> View | None:
        """An image."""

    def made_of(self, origin: str, owner: str) -> Iterable[View]:
        """The newest images of a project that were made of something (``__data_origin``)."""

    def named(self, name: str, owner: str) -> Iterable[View]:
        """The images of a project that have a name."""


@dataclasses.dataclass(frozen=True)
class BaseSearch:
    """What is looked for.

    :ivar region: of the image that is copied
    :ivar image_id: its id there
    :ivar names: its name, and that of the copy
    :ivar origin: what it was made of itself (``__data_origin``)
    :ivar is_whole: whether it is a whole machine
    :ivar project_id: that the copy is for
    :ivar copy_id: of the image that is being made, if there is one
    """

    region: str
    image_id: str
    names: tuple[str, ...]
    origin: str
    disk_format: str | None
    is_whole: bool
    project_id: str
    copy_id: str | None = None

    @classmethod
    def of(
        cls, region: str, view: View, name: str, project_id: str, copy_id: str | None = None
    ) -> "BaseSearch":
        """For an image as its region shows it.

        :param name: of the copy
        """
        return cls(
            region,
            str(view["id"]),
            tuple(sorted({str(view.get("name") or ""), name} - {""})),
            str(view.get(attributes.DATA_ORIGIN) or ""),
            view.get("disk_format"),
            whole_image.is_whole(view),
            project_id,
            copy_id,
        )

    def newest(self, images: BaseImages) -> View | None:
        """The first of :meth:`newest_first`."""
        return next(iter(self.newest_first(images)), None)

    def newest_first(self, images: BaseImages) -> list[View]:
        """The images that were copied from the same one, or from what that one was copied from, or that
        have one of the names.
        """
        fitting = {str(each["id"]): each for each in self._related(images) if self._fits(each)}
        return sorted(fitting.values(), key=lambda each: str(each.get("created_at")), reverse=True)

    def _related(self, images: BaseImages) -> Iterator[View]:
        yield from images.made_of(f"image,{self.region},{self.image_id}", self.project_id)
        kind, _region, origin_id = (*self.origin.split(","), "", "")[:3]
        if kind == "image" and origin_id:
            yield from images.made_of(self.origin, self.project_id)
            original = images.find(origin_id)
            yield from [original] if original else []
        for name in self.names:
            yield from images.named(name, self.project_id)

    def _fits(self, view: View) -> bool:
        return (
            view["status"] == "active"
            and view.get("owner") == self.project_id
            and view["id"] != self.copy_id
            and not view.get("os_hidden")
            and not whole_image.parent_id(view)
            and whole_image.is_whole(view) == self.is_whole
            and view.get("disk_format") == self.disk_format
        )
