# SPDX-License-Identifier: Apache-2.0
"""Names of network cards."""

import re

_CARD = re.compile(r"(?:eth|en|em|ib|p\d+p)[a-z0-9_]*", re.IGNORECASE)


def is_card(name: str) -> bool:
    """Whether an interface is a card, and no bridge, bond, tunnel or VLAN (``eth0``, ``ens192``, ``eth0:1``)."""
    return _CARD.fullmatch(name.partition(":")[0]) is not None
