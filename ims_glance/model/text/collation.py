# SPDX-License-Identifier: Apache-2.0
"""Names of properties, and tags, that a database takes for one.

Glance compares them letter by letter. MariaDB or MySQL then refuses to store two properties whose
names are equal in its collation: ``__os_type`` beside ``__Os_Type``, ``__ös_type`` or ``__os_type``
with a blank behind; and of two such tags Glance can remove neither. Either makes Glance fail.
"""

import re
import unicodedata
from collections.abc import Iterable

_LETTER = re.compile(r"LATIN\b.*?\b([A-Z])\b")
_ETH = re.compile(r"\bETH\b")
# Marks, and characters that control others.
_UNSEEN = {"Mn", "Mc", "Me", "Cf", "Cc"}
_MAX = 255


def folded(name: str) -> str:
    """What all names have in common that a database takes for *name*.

    The collations (``utf8_general_ci``, ``unicode_ci``, ``uca1400_ai_ci``) look neither at capitals
    nor at accents, nor at what is invisible. Compared with MariaDB 10.11 for all characters of the
    basic plane: this finds what it takes for another letter or for nothing, but for ligatures and
    what hardly any keyboard has (letters of Old Polish, marks of Samaritan).

    :returns: *name* itself if it is longer than a property's may be, which Glance refuses
    """
    if len(name) > _MAX:
        return name
    if name.isascii() and name.isprintable():
        return name.strip().lower()
    return "".join(map(_folded, unicodedata.normalize("NFKD", name))).strip()


def _folded(character: str) -> str:
    if character.isascii() and character.isprintable():
        return character.lower()
    described = unicodedata.name(character, "")
    letter = _LETTER.search(described)
    if letter:
        return letter[1].lower()
    if _ETH.search(described):
        return "d"
    return "" if unicodedata.category(character) in _UNSEEN else character.casefold()


def twin(name: str, others: Iterable[str]) -> str | None:
    """One of *others* that a database takes for *name*, without being the same."""
    wanted = folded(name)
    return next((other for other in others if other != name and folded(other) == wanted), None)
