# SPDX-License-Identifier: Apache-2.0
"""Tags of images."""

from collections.abc import Iterable

from ims_glance.client.operations.base import Operations, segment
from ims_glance.client.resources.image import Image
from ims_glance.client.resources.tag import ImageTag, TagKey, pairs


class TagOperations(Operations):
    """Tags of images."""

    def image_tags(self, image: str | Image) -> list[ImageTag]:
        """The tags of an image."""
        answer = self.get(self._tags_path(image)).json()
        return [ImageTag.existing(**each) for each in answer["tags"]]

    def project_tags(self) -> list[TagKey]:
        """The keys of all tags of the project's images, with their values."""
        answer = self.get(f"/v2/{self._project()}/images/tags").json()
        return [TagKey.existing(**each) for each in answer["tags"]]

    def add_tags(self, image: str | Image, tags: Iterable[str | ImageTag]) -> None:
        """Give an image tags; a key that it has already gets the new value."""
        self._act_on_tags(image, "create", tags)

    def remove_tag(self, image: str | Image, key: str) -> None:
        """Take a tag away by its key.

        :raises errors.NotFound: if the image has none of that key
        """
        self.delete(f"{self._tags_path(image)}/{segment(key)}")

    def set_tags(self, image: str | Image, tags: Iterable[str | ImageTag]) -> None:
        """Give an image exactly these tags.

        That is two requests: what goes is taken away first, so that there is room for the new.
        """
        wanted = {pair["key"]: pair for pair in pairs(tags)}
        present = self.image_tags(image)
        surplus = [tag for tag in present if tag.key not in wanted]
        if surplus:
            self._act_on_tags(image, "delete", surplus)
        if wanted:
            self._act_on_tags(image, "create", [ImageTag.new(**pair) for pair in wanted.values()])

    def _act_on_tags(self, image: str | Image, action: str, tags: Iterable[str | ImageTag]) -> None:
        body = {"action": action, "tags": pairs(tags)}
        self.post(f"{self._tags_path(image)}/action", json=body)

    def _tags_path(self, image: str | Image) -> str:
        return f"/v2/{self._project()}/images/{segment(Image._get_id(image))}/tags"
