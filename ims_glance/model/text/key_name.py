# SPDX-License-Identifier: Apache-2.0
"""Names of keys, and of the field that names one.

Clients send fields that this service does not know, which does no harm. But whoever writes
``cmkId`` believes that the image will be encrypted.
"""

import re
from collections.abc import Iterable

from ims_glance import exceptions

CMK_ID = "cmk_id"

# A UUID, with or without dashes: key managers differ in how they make ids.
_KEY_ID = re.compile(r"[0-9a-f]{8}(-?)[0-9a-f]{4}(\1[0-9a-f]{4}){3}[0-9a-f]{8}")
_SECRET_HREF = re.compile(r"https?://[^/]+/(?:[^?#]*/)?secrets/(?P<key_id>[^/?#]+)/?")
_LIKE_IT = re.compile(r"cmk|kms|encrypt", re.IGNORECASE)


class KeyNameMisspelt(exceptions.Invalid):
    """A field looks as if it named a key, and is none."""

    template = (
        "There is no field '{name}'. To have the image encrypted, name its key in 'cmk_id', spelt "
        "exactly like that."
    )


def check(names: Iterable[str]) -> None:
    """Check that none of the fields of a body is a misspelt ``cmk_id``.

    :raises KeyNameMisspelt: if one is
    """
    for name in names:
        if name != CMK_ID and _LIKE_IT.search(name):
            raise KeyNameMisspelt(name=name[:64])


def key_id(name: str) -> str | None:
    """The id of the key that *name* is a spelling of: the id in capitals, a secret's href.

    :returns: ``None`` if it is none; the word for a project's default key is none either
    """
    href = _SECRET_HREF.fullmatch(name)
    spelt = (href["key_id"] if href else name).lower()
    return spelt if _KEY_ID.fullmatch(spelt) else None
