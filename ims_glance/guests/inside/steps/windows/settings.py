# SPDX-License-Identifier: Apache-2.0
"""Addresses by DHCP, Remote Desktop, and whether Cloudbase-init is there.

Keys of SYSTEM: ``Services\\Tcpip\\Parameters\\Interfaces`` (a key for each card), ``Control\\Terminal Server``, and the
rules of the firewall, ``Services\\SharedAccess\\Parameters\\FirewallPolicy\\FirewallRules``.
"""

from ims_glance.guests.inside.steps.step import Work
from ims_glance.guests.inside.steps.windows.registry import (
    DWORD,
    MULTI_SZ,
    SZ,
    Hive,
    number_of,
    opened,
    text_of,
    texts_of,
)

_FIXED = ("IPAddress", "SubnetMask", "DefaultGateway")
_INSTALL = (
    "Install Cloudbase-init in the guest before you make the image: without it a new server gets no host name and no "
    "password."
)


def dhcp(work: Work) -> None:
    """Make each card ask for its address."""
    path = (_control_set(work), "Services", "Tcpip", "Parameters", "Interfaces")
    with opened(work, "SYSTEM") as hive:
        for name in hive.names(*path):
            if _is_fixed(hive, (*path, name)):
                _free(hive, (*path, name))
                work.deeds.done.append(f"Card {name}: DHCP instead of a fixed address.")


def _is_fixed(hive: Hive, key: tuple[str, ...]) -> bool:
    return hive.number(key, "EnableDHCP") == 0


def _free(hive: Hive, key: tuple[str, ...]) -> None:
    hive.set(key, "EnableDHCP", DWORD, number_of(1))
    for name in _FIXED:
        if hive.value(key, name) is not None:
            hive.set(key, name, MULTI_SZ, texts_of())
    if hive.value(key, "NameServer") is not None:
        hive.set(key, "NameServer", SZ, text_of(""))


def remote_desktop(work: Work) -> None:
    """Let users in by Remote Desktop, through the firewall of the guest too."""
    control_set = _control_set(work)
    with opened(work, "SYSTEM") as hive:
        server = (control_set, "Control", "Terminal Server")
        if hive.set(server, "fDenyTSConnections", DWORD, number_of(0)):
            work.deeds.done.append("Remote Desktop is on.")
        rules = (
            control_set, "Services", "SharedAccess", "Parameters", "FirewallPolicy", "FirewallRules"
        )  # fmt: skip
        for name, value in hive.values(*rules).items():
            text = value.decode("utf-16-le", "replace").rstrip("\0")
            if name.startswith("RemoteDesktop-") and "|Active=FALSE|" in text:
                new = text.replace("|Active=FALSE|", "|Active=TRUE|")
                hive.set((*rules,), name, SZ, text_of(new))
                work.deeds.done.append(f"Rule {name} of the firewall is on.")


def cloudbase(work: Work) -> None:
    """Report whether Cloudbase-init is there: nobody but its own installer puts it there."""
    if work.guest.has_cloud_init:
        return
    with opened(work, "SYSTEM") as hive:
        is_there = hive.key(_control_set(work), "Services", "cloudbase-init")
    if not is_there:
        work.deeds.leave("Cloudbase-init is not installed.", _INSTALL)


def _control_set(work: Work) -> str:
    return work.guest.control_set or "ControlSet001"
