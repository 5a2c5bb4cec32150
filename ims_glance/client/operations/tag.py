# SPDX-License-Identifier: Apache-2.0
"""Tags of images."""

import re
import unicodedata
from collections.abc import Iterable, Sequence

from openstack import exceptions

from ims_glance.client.operations.base import Operations, segment
from ims_glance.client.resources.image import Image
from ims_glance.client.resources.tag import ImageTag, TagKey, pairs

_PATCH_TYPE = "application/openstack-images-v2.1-json-patch"
# What the service takes (Reference of the IMS API, "Image tag format").
_MAX_KEY, _MAX_VALUE = 36, 43
_TEXT = re.compile(r"[\w-]*")


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
        """Give an image exactly these tags; nothing is sent if it has them already.

        Through the Image API, which takes all of them at once: a tag that stays is not touched, be it one of Glance's
        own making (``web server``, or ``env=a`` beside ``env=b``).

        :raises openstack.exceptions.BadRequestException: if one that it has not yet breaks the rules; nothing is changed
        """
        path = f"/v2/images/{segment(Image._get_id(image))}"
        present = list(self.get(path).json()["tags"])
        wanted = _wanted(present, tags)
        if set(wanted) == set(present):
            return
        first = [tag for tag in present if tag in wanted or not _twin(tag, wanted)]
        if len(first) == len(present):
            self._replace_tags(path, wanted)
            return
        # Glance cannot replace a tag with one that its database takes for the same.
        self._replace_tags(path, first)
        try:
            self._replace_tags(path, wanted)
        except exceptions.SDKException:
            self._replace_tags(path, present)
            raise

    def _replace_tags(self, path: str, tags: list[str]) -> None:
        change = {"op": "replace", "path": "/tags", "value": tags}
        self.patch(path, json=[change], headers={"Content-Type": _PATCH_TYPE})

    def _act_on_tags(self, image: str | Image, action: str, tags: Iterable[str | ImageTag]) -> None:
        body = {"action": action, "tags": pairs(tags)}
        self.post(f"{self._tags_path(image)}/action", json=body)

    def _tags_path(self, image: str | Image) -> str:
        return f"/v2/{self._project()}/images/{segment(Image._get_id(image))}/tags"


def _wanted(present: Sequence[str], tags: Iterable[str | ImageTag]) -> list[str]:
    """The tags that an image is to have, as they are stored; those that it has, as they are.

    :raises openstack.exceptions.BadRequestException: if another one breaks the rules of the service
    """
    given = list(dict.fromkeys(map(str, tags)))
    kept = [tag for tag in given if tag in present]
    new = [_checked(tag) for tag in given if tag not in present]
    keys = [tag.partition("=")[0] for tag in (*kept, *new)]
    for tag in new:
        key = tag.partition("=")[0]
        if keys.count(key) > 1:
            raise _refused(f"Two tags have the key '{key}': give the image one of them.")
        if twin := _twin(tag, (*kept, *new)):
            raise _refused(
                f"Tags '{tag}' and '{twin}' differ in capitals or accents alone, which the database does not tell "
                "apart: give the image one of them."
            )
    return [*kept, *new]


def _checked(text: str) -> str:
    key, _, value = (part.strip() for part in text.partition("="))
    is_plain = _TEXT.fullmatch(key) and _TEXT.fullmatch(value)
    if not is_plain or not 1 <= len(key) <= _MAX_KEY or len(value) > _MAX_VALUE:
        raise _refused(
            f"Tag '{key[:64]}={value[:64]}' is not valid: a key of 1 to 36 and a value of at most 43 letters, digits, "
            "'_' and '-'."
        )
    return f"{key}={value}" if value else key


def _refused(said: str) -> exceptions.BadRequestException:
    """As the service says it, before anything is sent."""
    return exceptions.BadRequestException(f"{said} (IMG.0115)")


def _twin(tag: str, others: Iterable[str]) -> str | None:
    """One of *others* that a database may take for a tag."""
    return next((each for each in others if each != tag and _folded(each) == _folded(tag)), None)


def _folded(tag: str) -> str:
    parts = unicodedata.normalize("NFKD", tag)
    return "".join(each for each in parts if not unicodedata.combining(each)).strip().casefold()
