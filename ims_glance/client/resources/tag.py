# SPDX-License-Identifier: Apache-2.0
"""Tags: a key and a value, which may be empty."""

from collections.abc import Iterable
from typing import Self

from openstack import resource


class ImageTag(resource.Resource):
    """A tag of an image."""

    key: str = resource.Body("key", alternate_id=True)
    value: str = resource.Body("value")

    def __str__(self) -> str:
        return f"{self.key}={self.value}" if self.value else self.key

    @classmethod
    def parse(cls, text: str) -> Self:
        """The tag that *text* writes: ``KEY=VALUE``, or ``KEY`` for an empty value."""
        key, _, value = text.partition("=")
        return cls.new(key=key, value=value)

    def pair(self) -> dict[str, str]:
        """As the service takes it."""
        return {"key": self.key, "value": self.value or ""}


class TagKey(resource.Resource):
    """A key of the tags of a project's images, with the values that it has there."""

    key: str = resource.Body("key", alternate_id=True)
    # Not "values": resources are dicts.
    tag_values: list[str] = resource.Body("values", type=list)


def pairs(tags: Iterable[str | ImageTag]) -> list[dict[str, str]]:
    """Tags as the IMS API takes them."""
    return [(ImageTag.parse(tag) if isinstance(tag, str) else tag).pair() for tag in tags]
