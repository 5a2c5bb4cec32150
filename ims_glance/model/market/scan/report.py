# SPDX-License-Identifier: Apache-2.0
"""The report of a scan: what was found where, what to do about it, and what nobody could look into.

It has places and never what is there: no key, no password and no hash of one.
"""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

from ims_glance.model.guest.found import Guest
from ims_glance.model.market.scan import rules
from ims_glance.model.market.scan.rules import ScanRule, Severity
from ims_glance.model.text.printable import printable

MOST_FINDINGS = 100
"""Of a report."""
_MOST_SAID = 2 * (MOST_FINDINGS + 1)
MOST_PACKAGES = 20_000
MOST_OF_MACHINE = 100_000
"""Packages of all disks of a machine."""
_TOO_MANY = f"Only {MOST_OF_MACHINE} packages of the machine were listed."
_MOST_NOTES = 32
_WHERE, _LINE, _NAME, _WORD = 200, 300, 80, 96
_NAMED = 5
_LOOK_YOURSELF = "Hand in an image with a system that the scan can read; a reviewer who knows what is in this one says so."
_BLOCKED, _FOUND, _CLEAN, _UNSEEN = "refused", "findings", "clean", "not inspected"
STATES = (_BLOCKED, _FOUND, _CLEAN, _UNSEEN)
"""What a report comes to: it is refused; there is something for the reviewer to decide; there is nothing; or
nobody could look into it."""


@dataclasses.dataclass(frozen=True)
class Finding:
    """Something that was found.

    :ivar rule: name of the row
    :ivar where: path, or name and version of a package
    """

    rule: str
    severity: Severity
    where: str
    what: str
    advice: str

    @classmethod
    def of(cls, rule: ScanRule, where: str, name: str = "") -> Self:
        """What a row of the table finds.

        :param name: for its ``{name}``
        """
        what = rule.what.replace("{name}", printable(name, _LINE if not rule.look else _NAME))
        return cls(rule.name, rule.severity, printable(where, _WHERE), what[:_LINE], rule.advice)

    def to_arguments(self) -> dict[str, Any]:
        """As JSON."""
        return {**dataclasses.asdict(self), "severity": str(self.severity)}

    @classmethod
    def of_arguments(cls, stored: Mapping[str, Any]) -> Self:
        """From what the database has."""
        words = {name: printable(stored.get(name) or "", _LINE) for name in _FIELDS}
        return cls(**words, severity=Severity(stored["severity"]))


_FIELDS = ("rule", "where", "what", "advice")


@dataclasses.dataclass(frozen=True, slots=True)
class GuestPackage:
    """A package of a system.

    :ivar version: as its ecosystem writes it, ``1:1.1.1k-12.el8_9``
    :ivar source: name of the source that it was built of, and *source_version* that one's
    """

    name: str
    version: str
    source: str = ""
    source_version: str = ""

    def to_arguments(self) -> list[str]:
        """As JSON, short: there are thousands."""
        built_of = [self.source, self.source_version]
        return [self.name, self.version, *(built_of if self.source else [])]

    @classmethod
    def of_arguments(cls, stored: Any) -> Self:
        """From JSON that a process wrote which had a stranger's disk in its hands."""
        words = [printable(each, _WORD) for each in [*stored, "", "", "", ""][:4]]
        return cls(*words)


@dataclasses.dataclass(frozen=True)
class Inventory:
    """The packages of a system.

    :ivar distro: as :class:`Guest` has it, and *major*, *minor* and *product_name*
    """

    distro: str | None = None
    major: int = 0
    minor: int = 0
    product_name: str | None = None
    packages: tuple[GuestPackage, ...] = ()

    def to_arguments(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "distro": self.distro,
            "major": self.major,
            "minor": self.minor,
            "product_name": self.product_name,
            "packages": [each.to_arguments() for each in self.packages],
        }

    @classmethod
    def of_arguments(cls, stored: Mapping[str, Any]) -> Self:
        """From JSON that a process wrote which had a stranger's disk in its hands."""
        guest = Guest.of_arguments(stored)
        listed = list(stored.get("packages") or ())[:MOST_PACKAGES]
        packages = tuple(GuestPackage.of_arguments(each) for each in listed)
        return cls(guest.distro, guest.major, guest.minor, guest.product_name, packages)


@dataclasses.dataclass(frozen=True)
class Scanned:
    """What was found on a disk.

    :ivar systems: for people, a line each
    :ivar is_whole: whether all that is looked for could be looked for
    :ivar is_data: whether nothing is lacking but a system, so that it is as good as whole beside one that has it
    """

    systems: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    inventories: tuple[Inventory, ...] = ()
    notes: tuple[str, ...] = ()
    is_whole: bool = False
    is_data: bool = False

    @classmethod
    def of_arguments(cls, stored: Mapping[str, Any]) -> Self:
        """From JSON that a process wrote which had a stranger's disk in its hands.

        It names rows of the table by their number; what they say is ours.
        """
        found = [_found(each) for each in _list(stored, "findings", _MOST_SAID)]
        listed = _list(stored, "inventories", _MOST_NOTES)
        return cls(
            tuple(printable(each, _LINE) for each in _list(stored, "systems", _MOST_NOTES)),
            tuple(found),
            tuple(Inventory.of_arguments(each) for each in listed),
            tuple(printable(each, _LINE) for each in _list(stored, "notes", _MOST_NOTES)),
            stored.get("is_whole") is True,
            stored.get("is_data") is True,
        )

    def to_arguments(self) -> dict[str, Any]:
        """As JSON, for :meth:`of_kept`."""
        return {
            "systems": list(self.systems),
            "findings": [each.to_arguments() for each in self.findings],
            "inventories": [each.to_arguments() for each in self.inventories],
            "notes": list(self.notes),
            "is_whole": self.is_whole,
        }

    @classmethod
    def of_kept(cls, stored: Mapping[str, Any]) -> Self:
        """From what the database has."""
        return cls(
            tuple(stored["systems"]),
            tuple(Finding.of_arguments(each) for each in stored["findings"]),
            tuple(Inventory.of_arguments(each) for each in stored["inventories"]),
            tuple(stored["notes"]),
            bool(stored["is_whole"]),
        )

    def on_disk(self, number: int) -> Self:
        """The same, as that of one of several disks of a machine."""
        where = f"disk {number}: "
        return dataclasses.replace(
            self,
            systems=tuple(where + each for each in self.systems),
            findings=tuple(
                dataclasses.replace(each, where=where + each.where) for each in self.findings
            ),
            notes=tuple(where + each for each in self.notes),
        )

    @classmethod
    def together(cls, disks: Sequence[Self]) -> Self:
        """That of all disks of a machine, which is whole if all of them are, and one of them has a system."""
        inventories: list[Inventory] = []
        room = MOST_OF_MACHINE
        for each in (each for disk in disks for each in disk.inventories):
            inventories.append(dataclasses.replace(each, packages=each.packages[:room]))
            room -= len(each.packages)
            if room < 0:
                break
        lacks = (_TOO_MANY,) if room < 0 else ()
        return cls(
            tuple(each for disk in disks for each in disk.systems),
            tuple(each for disk in disks for each in disk.findings),
            tuple(inventories),
            (*lacks, *(each for disk in disks for each in disk.notes)),
            any(disk.is_whole for disk in disks)
            and all(disk.is_whole or disk.is_data for disk in disks)
            and not lacks,
        )


def _found(stored: Any) -> Finding:
    number, where, name = [*stored, "", ""][:3]
    return Finding.of(rules.TABLE[int(number)], where, name)


def _list(stored: Mapping[str, Any], name: str, most: int) -> list[Any]:
    found = stored.get(name)
    return list(found[:most]) if isinstance(found, list | tuple) else []


@dataclasses.dataclass(frozen=True)
class ScanReport:
    """What is kept, and shown to the seller and the reviewer.

    :ivar more: findings that are not listed
    :ivar packages: how many there are
    :ivar feed: what the packages were compared with: ``digest``, ``modified``, ``advisories``; ``None`` if nothing
    """

    systems: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    is_whole: bool = False
    packages: int = 0
    more: int = 0
    feed: Mapping[str, Any] | None = None

    @classmethod
    def of(
        cls,
        scanned: Scanned,
        vulnerable: Iterable[Finding] = (),
        notes: Iterable[str] = (),
        feed: Mapping[str, Any] | None = None,
        *,
        lacks: Iterable[str] = (),
    ) -> Self:
        """The report on a disk, or on all of a machine; what blocks comes first.

        :param vulnerable: findings about its packages
        :param lacks: why not all about its packages is said
        """
        found = sorted(
            dict.fromkeys([*scanned.findings, *vulnerable]),
            key=lambda each: each.severity is not Severity.BLOCKS,
        )
        lacking = list(lacks)
        return cls(
            scanned.systems[:_MOST_NOTES],
            tuple(found[:MOST_FINDINGS]),
            tuple(dict.fromkeys([*lacking, *scanned.notes, *notes]))[:_MOST_NOTES],
            scanned.is_whole and not lacking,
            sum(len(each.packages) for each in scanned.inventories),
            max(0, len(found) - MOST_FINDINGS),
            feed,
        )

    @property
    def blocking(self) -> list[Finding]:
        """What it is refused for."""
        return [each for each in self.findings if each.severity is Severity.BLOCKS]

    @property
    def unseen(self) -> Finding | None:
        """That not all of it could be looked into, and why; none if it could."""
        if self.is_whole:
            return None
        why = " ".join(self.notes[:_NAMED]) or "The scan does not say why."
        return Finding(
            "not inspected", Severity.UNINSPECTED, "the image", why[:_LINE], _LOOK_YOURSELF
        )

    @property
    def state(self) -> str:
        """One of :data:`STATES`."""
        if self.blocking:
            return _BLOCKED
        if not self.is_whole:
            return _UNSEEN
        return _FOUND if self.findings else _CLEAN

    @property
    def refusal(self) -> str:
        """What it is refused for, in a few lines' length: places, and what to do."""
        blocking = self.blocking
        said = [f"{each.where}: {each.what} {each.advice}" for each in blocking[:_NAMED]]
        left = len(blocking) - len(said)
        return " ".join([*said, *([f"And {left} more."] if left else [])])

    def to_arguments(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "state": self.state,
            "systems": list(self.systems),
            "findings": [each.to_arguments() for each in self.findings],
            "more": self.more,
            "notes": list(self.notes),
            "is_whole": self.is_whole,
            "packages": self.packages,
            "feed": None if self.feed is None else dict(self.feed),
        }

    def shown(self) -> dict[str, Any]:
        """The same for people: that it is not whole is a finding, too, behind those that block."""
        unseen = self.unseen
        found = [*self.blocking, *([unseen] if unseen else [])]
        found += [each for each in self.findings if each.severity is not Severity.BLOCKS]
        return {**self.to_arguments(), "findings": [each.to_arguments() for each in found]}

    @classmethod
    def of_arguments(cls, stored: Mapping[str, Any]) -> Self:
        """From what the database has."""
        return cls(
            tuple(stored["systems"]),
            tuple(Finding.of_arguments(each) for each in stored["findings"]),
            tuple(stored["notes"]),
            bool(stored["is_whole"]),
            int(stored["packages"]),
            int(stored["more"]),
            stored["feed"],
        )
