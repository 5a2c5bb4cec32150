# SPDX-License-Identifier: Apache-2.0
"""Tags: a key and a value, kept as one of Glance's tags (IMS "Image tag format").

``key.value`` is how requests may write them, ``key=value`` how they are kept and listed. A tag of
Glance's own making is a key without a value, and what it looks like stays: an image may have several
of one key, such as ``env=a`` and ``env=b``, or ``env`` and ``env=``.
"""

import dataclasses
import re
from collections.abc import Iterable, Sequence

from ims_glance import exceptions
from ims_glance.model.text import collation

MAX_KEY = 36
MAX_VALUE = 43
_TEXT = re.compile(r"[\w-]*")


class TagInvalid(exceptions.Invalid):
    """A tag breaks the rules for tags."""

    code = "IMG.0115"
    template = (
        "Tag '{tag}' is not valid: a key of 1 to 36 and a value of at most 43 letters, digits, '_' "
        "and '-'."
    )


class TagsAlike(exceptions.Invalid):
    """An image would have two tags that a database takes for one."""

    code = "IMG.0115"
    template = (
        "Tags '{one}' and '{other}' differ in capitals or accents alone, which the database does "
        "not tell apart: give the image one of them."
    )


@dataclasses.dataclass(frozen=True, order=True)
class Tag:
    """A tag; the value may be empty."""

    key: str
    value: str = ""

    @property
    def stored(self) -> str:
        """As it is kept with the image."""
        return f"{self.key}={self.value}" if self.value else self.key

    def to_wire(self) -> dict[str, str]:
        """As requests and answers have it."""
        return {"key": self.key, "value": self.value}


def from_stored(text: str) -> Tag:
    """The tag that an image has; whatever it is, it is a tag with a key (but for the empty one)."""
    key, _, value = text.partition("=")
    return Tag(key, value) if key else Tag(text)


def from_pair(key: str, value: str = "") -> Tag:
    """A tag from a request, blanks around key and value taken off.

    :raises TagInvalid: if it breaks the rules
    """
    tag = Tag(key.strip(), value.strip())
    fits = 1 <= len(tag.key) <= MAX_KEY and len(tag.value) <= MAX_VALUE
    if not fits or not _TEXT.fullmatch(tag.key) or not _TEXT.fullmatch(tag.value):
        raise TagInvalid(tag=f"{key[:64]}={value[:64]}")
    return tag


def parse(text: str) -> Tag:
    """A tag from ``key.value``, ``key=value`` or ``key``.

    :raises TagInvalid: if it breaks the rules
    """
    key, _, value = text.partition("=" if "=" in text else ".")
    return from_pair(key, value)


def merged(stored: Iterable[str], added: Iterable[Tag]) -> list[str]:
    """The tags of an image with others added; a key that is there gets the new value, and no other.

    Tags of other keys stay as they are, byte for byte.
    """
    news = {tag.key: tag.stored for tag in added}
    result = [news.get(from_stored(text).key, text) for text in stored]
    return list(dict.fromkeys([*result, *news.values()]))


def check_apart(new: Iterable[str], wanted: Sequence[str]) -> None:
    """Refuse new tags that a database takes for others that an image is to have.

    :raises TagsAlike: then
    """
    for tag in new:
        if other := collation.twin(tag, wanted):
            raise TagsAlike(one=tag, other=other)


def steps(stored: Sequence[str], wanted: Sequence[str]) -> list[Sequence[str]]:
    """What an image's tags are to be replaced with, one after the other, to end as *wanted*.

    Two steps where a tag goes for one that differs from it in capitals or accents alone: done at
    once, Glance finds two of the one that it is to remove (``glance/db/sqlalchemy/api.py``,
    ``image_tag_set_all``). No step if the image has those tags already.

    :raises TagsAlike: if a new tag is like another that the image is to have
    """
    if set(wanted) == set(stored):
        return []
    check_apart(set(wanted) - set(stored), wanted)
    first = [tag for tag in stored if tag in wanted or not collation.twin(tag, wanted)]
    return [wanted] if len(first) == len(stored) else [first, wanted]


def spellings(text: str) -> tuple[str, ...]:
    """How a tag may be stored that a filter writes as ``key.value``, ``key=value`` or as it is.

    A dot may as well be one of a tag of Glance's own making.
    """
    stored = from_stored(text if "=" in text else text.replace(".", "=", 1)).stored
    return tuple(dict.fromkeys((text, stored)))


def without(stored: Iterable[str], keys: Iterable[str]) -> list[str]:
    """The tags of an image without those of some keys."""
    gone = set(keys)
    return [text for text in stored if from_stored(text).key not in gone]
