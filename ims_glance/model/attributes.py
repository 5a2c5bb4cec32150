# SPDX-License-Identifier: Apache-2.0
"""Names of IMS image attributes that plain Glance keeps as image properties."""

from collections.abc import Iterable

CMK_ID = "__system__cmkid"
"""Id of the key that the image is encrypted with; absent: not encrypted (IMS image attributes)."""

_SYSTEM_PREFIX = "__system__"


def unknown_system_names(names: Iterable[str]) -> list[str]:
    """Which of *names* look like attributes of the service and are none.

    Whoever writes ``__system__CMKID`` believes that the image will be encrypted.
    """
    return [
        name for name in names if name != CMK_ID and name.strip().lower().startswith(_SYSTEM_PREFIX)
    ]
