# SPDX-License-Identifier: Apache-2.0
"""The name of the field that names a key.

Clients send fields that this service does not know, which does no harm. But whoever writes
``cmkId`` believes that the image will be encrypted.
"""

import re
from collections.abc import Iterable

from ims_glance import exceptions

CMK_ID = "cmk_id"

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
