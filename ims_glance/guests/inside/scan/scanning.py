# SPDX-License-Identifier: Apache-2.0
"""The systems of a disk, looked through by the table of :mod:`ims_glance.model.market.scan.rules`."""

import json
from collections.abc import Callable, Iterator
from typing import Any

from ims_glance.guests.inside import inspection
from ims_glance.guests.inside.handle import GuestFS
from ims_glance.guests.inside.scan import accounts, contents, packages
from ims_glance.guests.inside.scan.places import UNREADABLE, Places
from ims_glance.model.guest.found import LINUX, MOST_ENTRIES, WINDOWS, Guest
from ims_glance.model.market.scan import rules
from ims_glance.model.market.scan.report import MOST_FINDINGS
from ims_glance.model.market.scan.rules import Look, ScanRule, Severity
from ims_glance.model.text.printable import printable

Tell = Callable[[str, int, int], None]
_ACCOUNTS = {LINUX: accounts.of_linux}
_NO_SYSTEM = "There is no system that could be looked into."
_KINDS = (LINUX, WINDOWS)
_NOT_DATA = ("swap", "unknown", "", "lvm2_member", "linux_raid_member")
_ENCRYPTED = ("crypto_luks", "bitlocker")
_MOST_LEFT = 8
# Of JSON, below what :mod:`ims_glance.guests.appliance` listens to; and characters of a place, and of a name.
_MOST_SAID = 800 << 10
_WHERE, _NAME = 200, 80
_MORE = {
    Severity.BLOCKS: "There is more that blocks than is listed.",
    Severity.REVIEW: "There is more for the reviewer to decide than is listed.",
}


def scan(g: GuestFS, systems: list[Guest], tell: Tell) -> dict[str, Any]:
    """What is in the systems of a disk.

    :param g: launched, nothing mounted
    :param systems: as inspection found them, the first one perhaps none
    :param tell: told of each row before it begins: its name, its number from 1, how many there are
    :returns: as :meth:`ims_glance.model.market.scan.report.Scanned.of_arguments` reads it
    """
    said = _Said(systems)
    known = [guest for guest in systems if guest.kind in _KINDS]
    for guest in known:
        _scanned(g, guest, said, tell)
    if len(known) == inspection.MOST_SYSTEMS:
        said.lack(f"Only {len(known)} systems of the disk were looked into.")
    left = _left(g, systems)
    if left is None:
        said.lack("The file systems of the disk could not be listed.")
    if sum(kind not in _NOT_DATA for _, kind in left or ()) > _MOST_LEFT:
        said.lack(f"Only {_MOST_LEFT} file systems that belong to no system were looked into.")
    looked = 0
    for device, kind in (left or [])[:_MOST_LEFT]:
        if kind in _ENCRYPTED:
            said.lack(f"{device} is encrypted, and nobody can look into it.")
        elif kind not in _NOT_DATA:
            said.note(f"The file system on {device} belongs to no system.")
            _scanned(g, Guest(LINUX, mountpoints=(("/", device),)), said, tell)
            looked += 1
        elif not known and kind != "swap":
            # A part of something that lies on several disks, perhaps.
            said.lack(f"Nobody knows what is on {device}.")
    if not known:
        # Of a machine it may be one for data; of nothing that is on it, nobody knows what it is.
        said.no_system(is_data=bool(looked))
    return said.to_arguments()


class _Said:
    """What is said in the end."""

    def __init__(self, systems: list[Guest]) -> None:
        self._systems = [_line_of(each) for each in systems if each.kind in _KINDS]
        # What blocks is said first, whatever is cut behind it.
        self._findings: dict[Severity, dict[tuple[int, str, str], None]] = {
            Severity.BLOCKS: {},
            Severity.REVIEW: {},
        }
        self._inventories: list[dict[str, Any]] = []
        self._notes: list[str] = []
        self._is_whole = True
        self._is_data = False

    def find(self, number: int, where: str, name: str) -> None:
        """Keep a finding, in short; those of each severity have room of their own."""
        where, name = printable(where, _WHERE), printable(name, _NAME)
        severity = rules.TABLE[number].severity
        kept = self._findings[severity]
        if len(kept) <= MOST_FINDINGS:
            kept[number, where, name] = None
        elif (number, where, name) not in kept:
            self.lack(_MORE[severity])

    def note(self, note: str) -> None:
        if note not in self._notes:
            self._notes.append(note)

    def lack(self, note: str) -> None:
        self.note(note)
        self._is_whole = False

    def no_system(self, *, is_data: bool) -> None:
        self._is_data = is_data and self._is_whole
        self.lack(_NO_SYSTEM)

    def list_packages(self, guest: Guest, found: list[Any]) -> None:
        about = {
            "distro": guest.distro,
            "major": guest.major,
            "minor": guest.minor,
            "product_name": guest.product_name,
        }
        self._inventories.append({**about, "packages": found})

    def to_arguments(self) -> dict[str, Any]:
        """As JSON that is no longer than what is listened to: packages have the room that is left."""
        room = _MOST_SAID - len(json.dumps(self._with([])))
        inventories = []
        for each in self._inventories:
            kept = []
            for package in each["packages"]:
                room -= len(json.dumps(package)) + 2
                if room < 0:
                    self.lack("Not all packages were listed: there are too many.")
                    break
                kept.append(package)
            inventories.append({**each, "packages": kept})
        return self._with(inventories)

    def _with(self, inventories: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "systems": self._systems,
            "findings": [list(each) for kept in self._findings.values() for each in kept],
            "inventories": inventories,
            "notes": self._notes[:MOST_ENTRIES],
            "is_whole": self._is_whole,
            "is_data": self._is_data,
        }


def _line_of(guest: Guest) -> str:
    return f"{guest.product_name or guest.distro or guest.kind} ({guest.arch or 'unknown'})"


def _scanned(g: GuestFS, guest: Guest, said: _Said, tell: Tell) -> None:
    # A file system that belongs to none has no name but its device's.
    of = "" if guest.root else f"{guest.mountpoints[0][1]}:"
    try:
        for mountpoint, device in guest.mountpoints:
            if not _mount(g, device, mountpoint):
                said.lack(f"The file system of {of}{printable(mountpoint)} could not be read.")
        homes = accounts.homes(Places(g, guest, [])) if guest.kind == LINUX else []
        # It may be what is mounted at /home, or a home.
        places = Places(g, guest, homes, is_bare=not guest.root)
        rows = sorted(rules.of_system(guest), key=_is_late)
        seen: set[str] = set()
        for place, (number, rule) in enumerate(rows, 1):
            tell(rule.name, place, len(rows) + 1)
            for where, name in _found(places, rule, seen):
                said.find(number, of + where, name)
        tell("packages", len(rows) + 1, len(rows) + 1)
        if guest.kind == LINUX and guest.root:
            listed = packages.installed(places, guest)
            said.list_packages(guest, [each.to_arguments() for each in listed])
        for lacking in places.lacks:
            said.lack(printable(lacking, 300))
    finally:
        g.umount_all()


def _is_late(row: tuple[int, ScanRule]) -> bool:
    """Whether a row waits for those that block, so that what is read for it is not missing for them."""
    # A file is found once: that a host key may be there comes before that a private key may not.
    return row[1].severity is not Severity.BLOCKS and row[1].name != "host key"


def _mount(g: GuestFS, device: str, mountpoint: str) -> bool:
    try:
        g.mount_ro(device, mountpoint)
    except UNREADABLE:
        return False
    return True


def _found(places: Places, rule: ScanRule, seen: set[str]) -> Iterator[tuple[str, str]]:
    """Places, and names of accounts, of a row.

    :param seen: files that were found, of which none is found a second time
    """
    if rule.look is Look.ACCOUNTS:
        look = _ACCOUNTS.get(rule.system, accounts.of_windows)
        for path in _fixed(places, rule):
            yield from ((path, name) for row, name in look(places, path) if row == rule.name)
        return
    assert rule.look is not None
    for pattern in rule.paths:
        for path in places.found(pattern):
            if path not in seen and contents.LOOKS[rule.look](places, path):
                seen.add(path)
                yield path, ""


def _fixed(places: Places, rule: ScanRule) -> Iterator[str]:
    """The files of a row that has no patterns, as the guest writes their names."""
    for path in rule.paths:
        try:
            yield path if rule.system == LINUX else places.g.case_sensitive_path(path)
        except UNREADABLE:
            continue


def _left(g: GuestFS, systems: list[Guest]) -> list[tuple[str, str]] | None:
    """The file systems that no system has, and their kinds; ``None`` if nobody can say."""
    try:
        there = dict(g.list_filesystems())
    except UNREADABLE:
        return None
    mounted = {device for guest in systems for _, device in guest.mountpoints}
    left = [
        (printable(device, 80), str(kind).lower())
        for device, kind in there.items()
        if device not in mounted
    ]
    # What there is to look into comes first.
    return sorted(left, key=lambda each: each[1] in _NOT_DATA)
