# SPDX-License-Identifier: Apache-2.0
"""``/etc/network/interfaces`` of Debian, older Ubuntu and Alpine (interfaces(5))."""

import re
from collections.abc import Iterable

from ims_glance.guests.inside.steps.network.names import is_card

FILE = "/etc/network/interfaces"
FOLDER = "/etc/network/interfaces.d"
CLOUD_INIT = f"{FOLDER}/50-cloud-init"
"""The file that cloud-init writes: what is in it holds only where cloud-init does not."""
SOURCE = f"source {FOLDER}/*"
DHCP = "allow-hotplug eth0\niface eth0 inet dhcp\n"
ALPINE = "auto lo\niface lo inet loopback\n\nauto eth0\niface eth0 inet dhcp\n"

_KEYWORD = re.compile(r"\s*(iface|mapping|auto|allow-\S+|no-\S+|source\S*|rename|template)\b(.*)")
_BUILT = re.compile(r"^\s*(bridge[_-]ports|bond[_-]\S+|vlan[_-]raw|slaves)\b", re.MULTILINE)


def is_built(text: str) -> bool:
    """Whether there are bridges, bonds or VLANs, which nobody but the owner knows how to build anew."""
    names = re.findall(r"^\s*iface\s+(\S+)", text, re.MULTILINE)
    return _BUILT.search(text) is not None or any(re.search(r"^vlan|\.\d", name) for name in names)


def cards(text: str) -> list[str]:
    """The cards that are configured."""
    found = re.findall(r"^\s*iface\s+(\S+)\s+inet6?\s", text, re.MULTILINE)
    return [name for name in dict.fromkeys(found) if is_card(name)]


def is_ready(text: str) -> bool:
    """Whether the first card has its address by DHCP, whatever card it is, and no other is there (Alpine)."""
    configured = re.findall(r"^\s*iface\s+(\S+)\s+inet\s+(\S+)", text, re.MULTILINE)
    return all(pair == ("eth0", "dhcp") for pair in configured if is_card(pair[0]))


def without_cards(text: str) -> str:
    """The text without its cards."""
    kept: list[str] = []
    is_inside = False
    for line in text.split("\n"):
        match = _KEYWORD.match(line)
        if match is not None:
            is_inside = match[1] in ("iface", "mapping") and is_card(_first(match[2]))
        if match is not None and match[1].startswith(("auto", "allow-")):
            kept.append(_without(match[1], match[2].split()))
        elif not is_inside:
            kept.append(line)
    return "\n".join(kept)


def _first(words: str) -> str:
    return next(iter(words.split()), "")


def _without(keyword: str, names: Iterable[str]) -> str:
    kept = [name for name in names if not is_card(name)]
    return " ".join([keyword, *kept]) if kept else ""


def sources(text: str) -> bool:
    """Whether it reads the folder that cloud-init writes into."""
    return (
        re.search(rf"^\s*source\S*\s+\S*{re.escape('interfaces.d')}", text, re.MULTILINE)
        is not None
    )
