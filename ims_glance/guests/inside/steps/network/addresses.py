# SPDX-License-Identifier: Apache-2.0
"""Addresses by DHCP instead of fixed ones, whatever the card is called; and no rules that bind a name to a card.

A guest that comes from elsewhere finds another card: with another hardware address, and mostly another
name. So files that fit the old card alone are put aside. In their place stands one that asks for an address on
whatever card there is; where cloud-init has a file of its own name, in that file, so that it writes over it.
"""

import posixpath
from collections.abc import Callable

from ims_glance.guests.inside.steps import kernel_line
from ims_glance.guests.inside.steps.kernel_line import KernelChange
from ims_glance.guests.inside.steps.network import ifupdown, profiles
from ims_glance.guests.inside.steps.step import Work

# So the first card is eth0, as these tools have to know beforehand.
_OLD_NAMES = KernelChange(add=("net.ifnames=0", "biosdevname=0"))
_BUILD = "Configure the bridges, bonds or VLANs of the guest anew, without the names and addresses of the old cards."
_RULES = "/etc/udev/rules.d"
_LINKS = "/etc/systemd/network"


def dhcp(work: Work) -> None:
    """Make a Linux guest ask for its addresses."""
    for tool in (_ifupdown, _netplan, _ifcfg, _keyfiles):
        tool(work)


def rules(work: Work) -> None:
    """Take away what gives a card its name by its hardware address (udev(7), systemd.link(5))."""
    for folder, suffix in ((_RULES, ".rules"), (_LINKS, ".link")):
        for path, text in work.tree.texts(folder, suffix):
            if _binds(text):
                work.tree.aside(path)
                work.deeds.done.append(f"{path} is put aside.")


def _binds(text: str) -> bool:
    lines = [line for line in text.lower().split("\n") if not line.lstrip().startswith("#")]
    return any(
        ("attr{address}" in line and "name=" in line) or line.startswith(("macaddress=", "permanentmacaddress="))
        for line in lines
    )  # fmt: skip


def _left(work: Work, what: str) -> None:
    work.deeds.leave(f"{what} has bridges, bonds or VLANs.", _BUILD)


def _ifupdown(work: Work) -> None:
    tree = work.tree
    text = tree.text(ifupdown.FILE)
    if text is None:
        return
    others = {
        path: more for path, more in tree.texts(ifupdown.FOLDER) if path != ifupdown.CLOUD_INIT
    }
    texts = {ifupdown.FILE: text, **others}
    cards = [card for each in texts.values() for card in ifupdown.cards(each)]
    if any(ifupdown.is_built(each) for each in texts.values()):
        _left(work, ifupdown.FILE)
        return
    if work.guest.package_format == "apk":
        if cards and not ifupdown.is_ready(text):
            tree.write(ifupdown.FILE, ifupdown.ALPINE)
            work.deeds.done.append(f"{ifupdown.FILE}: eth0 by DHCP instead of {', '.join(cards)}.")
        return
    if not cards:
        return
    for path, each in texts.items():
        new = ifupdown.without_cards(each)
        if path == ifupdown.FILE and not ifupdown.sources(new):
            new = f"{ifupdown.SOURCE}\n{new}"
        if new != each:
            tree.write(path, new)
    tree.write(ifupdown.CLOUD_INIT, ifupdown.DHCP)
    kernel_line.edit(tree, _OLD_NAMES)
    work.deeds.done.append(
        f"{ifupdown.CLOUD_INIT}: eth0 by DHCP instead of {', '.join(cards)} in {', '.join(texts)}."
    )


def _netplan(work: Work) -> None:
    tree = work.tree
    read = {path: profiles.netplan(text) for path, text in tree.texts(profiles.NETPLAN, ".yaml")}
    unread = [path for path, network in read.items() if network is None]
    known = {path: network for path, network in read.items() if network is not None}
    if unread:
        work.deeds.leave(f"{unread[0]} is no YAML.", "Correct the file in the guest.")
        return
    if any(profiles.netplan_is_built(network) for network in known.values()):
        _left(work, profiles.NETPLAN)
        return
    bound = [path for path, network in known.items() if profiles.netplan_is_bound(network)]
    _replace(work, bound, f"{profiles.NETPLAN}/50-cloud-init.yaml", profiles.NETPLAN_YAML, 0o600)


def _ifcfg(work: Work) -> None:
    tree = work.tree
    for folder, text in (
        (profiles.RED_HAT, profiles.IFCFG_RED_HAT), (profiles.SUSE, profiles.IFCFG_SUSE)
    ):  # fmt: skip
        files = _files(work, folder, lambda path: posixpath.basename(path).startswith("ifcfg-"))
        named = {posixpath.basename(path): path for path in files}
        built = [name for name, path in named.items() if profiles.ifcfg_is_built(name, files[path])]
        bound = [path for name, path in named.items() if profiles.ifcfg_is_bound(name, files[path])]
        if built:
            _left(work, folder)
        elif bound:
            routes = [
                path
                for path in tree.names(folder)
                if posixpath.basename(path).startswith(("route-", "route6-", "ifroute-"))
                or path == f"{profiles.SUSE}/routes"
            ]
            _replace(work, [*bound, *routes], f"{folder}/ifcfg-eth0", text, 0o644)
            kernel_line.edit(tree, _OLD_NAMES)
            _without_gateway(work)


def _without_gateway(work: Work) -> None:
    path = "/etc/sysconfig/network"
    text = work.tree.text(path)
    if text is not None and profiles.without_gateway(text) != text:
        work.tree.write(path, profiles.without_gateway(text))
        work.deeds.done.append(f"{path}: no fixed gateway.")


def _keyfiles(work: Work) -> None:
    files = _files(work, profiles.KEYFILES, lambda path: True)
    if any(profiles.keyfile_is_built(text) for text in files.values()):
        _left(work, profiles.KEYFILES)
        return
    bound = [path for path, text in files.items() if profiles.keyfile_is_bound(text)]
    _replace(work, bound, f"{profiles.KEYFILES}/ims-dhcp.nmconnection", profiles.KEYFILE, 0o600)


def _files(work: Work, folder: str, is_one: Callable[[str], bool]) -> dict[str, str]:
    """Files of a folder that cloud-init did not write."""
    return {
        path: text
        for path, text in work.tree.texts(folder)
        if is_one(path) and not profiles.is_of_cloud_init(text)
    }


def _replace(work: Work, old: list[str], new: str, text: str, mode: int) -> None:
    """Files that fit the old card alone are put aside; one that fits any is written."""
    if not old:
        return
    for path in old:
        if path != new:
            work.tree.aside(path)
    work.tree.write(new, text, mode)
    work.deeds.done.append(f"{new}: DHCP on any card instead of {', '.join(old)}.")
