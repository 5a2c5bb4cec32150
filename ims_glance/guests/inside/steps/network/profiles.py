# SPDX-License-Identifier: Apache-2.0
"""Files with one connection each: ``ifcfg-*`` of the Red Hat and SUSE families, keyfiles of NetworkManager, netplan.

Sources: ifcfg of network-scripts and of wicked(5), nm-settings-keyfile(5), netplan(5).
"""

import re
from typing import Any

import yaml

from ims_glance.guests.inside.steps.network.names import is_card

RED_HAT = "/etc/sysconfig/network-scripts"
SUSE = "/etc/sysconfig/network"
KEYFILES = "/etc/NetworkManager/system-connections"
NETPLAN = "/etc/netplan"

IFCFG_RED_HAT = "TYPE=Ethernet\nDEVICE=eth0\nBOOTPROTO=dhcp\nONBOOT=yes\n"
IFCFG_SUSE = "BOOTPROTO='dhcp'\nSTARTMODE='auto'\n"
KEYFILE = (
    "[connection]\nid=ims-dhcp\ntype=ethernet\nautoconnect-priority=-100\nmulti-connect=3\n\n"
    "[ipv4]\nmethod=auto\n\n[ipv6]\nmethod=auto\n"
)
NETPLAN_YAML = "network:\n  version: 2\n  ethernets:\n    cards:\n      match: {name: 'e*'}\n      dhcp4: true\n"

_ASSIGNED = re.compile(r"^\s*([A-Za-z0-9_]+)=[\"']?([^\"'\n]*)", re.MULTILINE)
_BUILT_TYPES = ("bond", "bridge", "team", "vlan", "teamport", "ovsbridge", "ovsport")
_JOINED = ("MASTER", "SLAVE", "BRIDGE", "TEAM_MASTER", "VLAN", "BONDING_MASTER", "ETHERDEVICE")
_BY_CLOUD_INIT = re.compile(r"(?:created|generated) by cloud-init", re.IGNORECASE)
_NETPLAN_BUILT = ("bonds", "bridges", "vlans", "tunnels", "vrfs", "wifis")


def is_of_cloud_init(text: str) -> bool:
    """Whether cloud-init wrote it, and will again on another server."""
    return _BY_CLOUD_INIT.search(text) is not None


def ifcfg_is_built(name: str, text: str) -> bool:
    """Whether an ifcfg file is a bridge, a bond or a VLAN, or a part of one."""
    values = {key.upper(): value for key, value in _ASSIGNED.findall(text)}
    device = values.get("DEVICE") or name.removeprefix("ifcfg-")
    return (
        values.get("TYPE", "").lower() in _BUILT_TYPES
        or any(values.get(key, "no") not in ("no", "") for key in _JOINED)
        or re.search(r"\.\d", device) is not None
    )


def ifcfg_is_bound(name: str, text: str) -> bool:
    """Whether an ifcfg file is of a card and fits no other: by address, hardware address or name."""
    values = {key.upper(): value for key, value in _ASSIGNED.findall(text)}
    device = values.get("DEVICE") or name.removeprefix("ifcfg-")
    if not is_card(device) and "HWADDR" not in values and values.get("TYPE") != "Ethernet":
        return False
    is_fixed = any(key.startswith(("IPADDR", "HWADDR", "MACADDR")) for key in values)
    return is_fixed or values.get("BOOTPROTO", "").lower() != "dhcp" or device != "eth0"


def without_gateway(text: str) -> str:
    """``/etc/sysconfig/network`` without a gateway: the address of one comes by DHCP."""
    return re.sub(r"^\s*GATEWAY(?:DEV)?=.*\n?", "", text, flags=re.MULTILINE)


def keyfile_is_bound(text: str) -> bool:
    """Whether a keyfile is of a card and fits no other, or has a fixed address."""
    values = _keyfile(text)
    if values.get(("connection", "type")) not in ("ethernet", "802-3-ethernet"):
        return False
    return (
        values.get(("ipv4", "method")) == "manual"
        or values.get(("ipv6", "method")) == "manual"
        or ("connection", "interface-name") in values
        or any(key == "mac-address" for _, key in values)
    )


def keyfile_is_built(text: str) -> bool:
    """Whether a keyfile is of a bridge, a bond or a VLAN, or of a part of one."""
    values = _keyfile(text)
    joined = ("master", "slave-type", "controller", "port-type")
    return values.get(("connection", "type")) in _BUILT_TYPES or any(
        ("connection", key) in values for key in joined
    )


def _keyfile(text: str) -> dict[tuple[str, str], str]:
    section = ""
    found = {}
    for line in text.split("\n"):
        heading = re.match(r"\s*\[(.{1,64})\]", line)
        key, mark, value = line.partition("=")
        if heading is not None:
            section = heading[1]
        elif mark and not key.lstrip().startswith(("#", ";")):
            found[section, key.strip()] = value.strip()
    return found


def netplan(text: str) -> dict[str, Any] | None:
    """The part ``network`` of a netplan file; ``None`` if it cannot be read."""
    try:
        read = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError):
        return None
    inside = read.get("network") if isinstance(read, dict) else {} if read is None else None
    return inside if isinstance(inside, dict) else {} if read in (None, {}) else None


def netplan_is_built(network: dict[str, Any]) -> bool:
    """Whether there are bridges, bonds or VLANs."""
    return any(network.get(kind) for kind in _NETPLAN_BUILT)


def netplan_is_bound(network: dict[str, Any]) -> bool:
    """Whether a card of it fits no other: by address, hardware address or name."""
    cards = network.get("ethernets")
    return isinstance(cards, dict) and any(_card_is_bound(each) for each in cards.values())


def _card_is_bound(card: Any) -> bool:
    if not isinstance(card, dict):
        return True
    match = card.get("match")
    name = match.get("name") if isinstance(match, dict) and "macaddress" not in match else None
    is_any = isinstance(name, str) and "*" in name
    return not is_any or not card.get("dhcp4") or bool(card.get("addresses"))
