# SPDX-License-Identifier: Apache-2.0
"""Choosing images by their tags (IMS "Querying images by tag")."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ims_glance import exceptions
from ims_glance.model import tag as tags
from ims_glance.model.text import patterns

DEFAULT_LIMIT = 10
MAX_LIMIT = 1000

_CONDITION = {
    "type": "object",
    "properties": {
        "key": {"type": "string", "minLength": 1, "maxLength": 128},
        "values": {
            "type": "array",
            "items": {"type": "string", "maxLength": 255},
            "maxItems": 10,
            "uniqueItems": True,
        },
    },
    "required": ["key"],
}
_CONDITIONS = {"type": "array", "items": _CONDITION, "minItems": 1, "maxItems": 10}
_NUMBER = {
    "anyOf": [
        {"type": "string", "pattern": patterns.whole("[0-9]{1,9}")},
        {"type": "integer", "minimum": 0, "maximum": 999999999},
        {"type": "null"},
    ]
}
SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "action": {"enum": ["filter", "count"]},
        "tags": _CONDITIONS,
        "tags_any": _CONDITIONS,
        "not_tags": _CONDITIONS,
        "not_tags_any": _CONDITIONS,
        "without_any_tag": {"type": ["boolean", "null"]},
        "limit": _NUMBER,
        "offset": _NUMBER,
        "matches": {
            "type": "array",
            "maxItems": 10,
            "items": {
                "type": "object",
                "properties": {
                    "key": {"enum": ["resource_name", "resource_id"]},
                    "value": {"type": "string", "maxLength": 255},
                },
                "required": ["key", "value"],
            },
        },
    },
    "required": ["action"],
}
# How the conditions of a list go together.
_LISTS: dict[str, Callable[[list[bool]], bool]] = {
    "tags": all,
    "tags_any": any,
    "not_tags": lambda met: not all(met),
    "not_tags_any": lambda met: not any(met),
}


class TagQueryInvalid(exceptions.Invalid):
    """A list of conditions says something twice, or a number is out of its bounds."""

    template = "'{name}': {reason}."


@dataclasses.dataclass(frozen=True)
class TagQuery:
    """A query.

    :ivar counts: only the number is wanted
    """

    body: Mapping[str, Any]
    counts: bool
    limit: int
    offset: int

    def fits(self, image_id: str, name: str | None, stored: Iterable[str]) -> bool:
        """Whether an image is among the chosen.

        :param stored: its tags as they are stored
        """
        values: dict[str, set[str]] = {}
        for tag in map(tags.from_stored, stored):
            values.setdefault(tag.key, set()).add(tag.value)
        return self._matches(image_id, name or "") and self._has(values)

    def _has(self, values: Mapping[str, set[str]]) -> bool:
        if self.body.get("without_any_tag"):
            return not values
        return all(
            together([_met(condition, values) for condition in self.body[name]])
            for name, together in _LISTS.items()
            if name in self.body
        )

    def _matches(self, image_id: str, name: str) -> bool:
        for match in self.body.get("matches", ()):
            wanted = match["value"]
            if match["key"] == "resource_id":
                fits = image_id == wanted
            else:
                fits = wanted in name if wanted else not name
            if not fits:
                return False
        return True


def read(body: Mapping[str, Any]) -> TagQuery:
    """A query from a body that :data:`SCHEMA` allows.

    :raises TagQueryInvalid: if a key is given twice, or ``limit`` is out of its bounds
    """
    for name in (*_LISTS, "matches"):
        keys = [condition["key"] for condition in body.get(name, ())]
        if len(set(keys)) < len(keys):
            raise TagQueryInvalid(name=name, reason="a key is given twice")
    limit = _number(body.get("limit"), DEFAULT_LIMIT)
    if not 1 <= limit <= MAX_LIMIT:
        raise TagQueryInvalid(name="limit", reason=f"a number from 1 to {MAX_LIMIT}")
    return TagQuery(body, body["action"] == "count", limit, _number(body.get("offset"), 0))


def _number(value: Any, default: int) -> int:
    return default if value is None else int(value)


def _met(condition: Mapping[str, Any], values: Mapping[str, set[str]]) -> bool:
    key, wanted = condition["key"], condition.get("values")
    return key in values and (not wanted or not values[key].isdisjoint(wanted))
