# SPDX-License-Identifier: Apache-2.0
"""Images shared with other projects."""

from collections.abc import Iterable, Iterator
from typing import Any

from ims_glance.client.operations.base import Operations
from ims_glance.client.resources.image import Image
from ims_glance.client.resources.job import Job
from ims_glance.client.resources.member import Member


class MemberOperations(Operations):
    """Shares of images."""

    def share_images(self, images: Iterable[str | Image], projects: Iterable[str]) -> Job:
        """Begin to share each image with each project: all of it, or nothing."""
        return self._change_members("POST", images, projects=list(projects))

    def unshare_images(self, images: Iterable[str | Image], projects: Iterable[str]) -> Job:
        """Begin to take shares back: all of them, or none."""
        return self._change_members("DELETE", images, projects=list(projects))

    def answer_shares(self, images: Iterable[str | Image], status: str) -> Job:
        """Begin to accept or reject images that others share with the caller's project.

        :param status: ``accepted`` or ``rejected``
        """
        return self._change_members("PUT", images, project_id=self._project(), status=status)

    def find_receiver(self, name: str) -> str:
        """The id of the project of an exact name in the domain of the caller's project.

        :raises errors.NotFound: if there is none
        :raises errors.Refused: if this cloud, or its policy, looks up none
        """
        answer = self.get("/v1/cloudimages/receivers", params={"name": name}).json()
        return str(answer["project_id"])

    def members(self, image: str | Image) -> Iterator[Member]:
        """The projects that an image is shared with."""
        return self._some(Member, None, image_id=Image._get_id(image), project_id=self._project())

    def get_member(self, image: str | Image, project_id: str) -> Member:
        """One of them."""
        return self._get(
            Member, project_id, image_id=Image._get_id(image), project_id=self._project()
        )

    def _change_members(self, method: str, images: Iterable[str | Image], **rest: Any) -> Job:
        ids = [Image._get_id(image) for image in images]
        return self._begin(method, "/v1/cloudimages/members", {"images": ids, **rest})
