# SPDX-License-Identifier: Apache-2.0
"""Which advisories are about a system, and whether a version of a package is affected.

Versions are compared by the library ``univers`` (AboutCode's, of the package-url project), which has the order of
dpkg, of rpm and of apk, each tested with the distribution's own cases. dpkg's own comparison is a process for each
pair, of which there are millions, and is not on hosts that run on RPM.
"""

import dataclasses
import re
from collections.abc import Callable, Mapping
from typing import Any

from univers import versions

from ims_glance.model.market.scan.report import GuestPackage, Inventory

# What comes after a release in apk's order; univers knows one of them.
_AFTER_RELEASE = re.compile(r"_(cvs|svn|git|hg)(?=\d|-|\Z)")
_OPENEULER = re.compile(r"openEuler (\d\d\.\d\d)(?: \(([A-Z0-9-]+)\))?")
_FIRST = "0"
# What univers raises for a text that is no version, or an order of two that are none.
_NO_VERSION = (
    versions.InvalidVersion,
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    ArithmeticError,
)


class NotComparable(Exception):
    """A version is none of its ecosystem."""


@dataclasses.dataclass(frozen=True)
class Ecosystem:
    """What OSV calls a distribution's release.

    :ivar name: as in OSV, ``Debian:12``
    :ivar is_prefix: whether what follows it after a colon belongs to it, too
    :ivar by_source: whether its advisories name sources alone
    """

    name: str
    version: Callable[[str], Any]
    is_prefix: bool = False
    by_source: bool = False

    def has(self, named: str) -> bool:
        """Whether an advisory's ecosystem is this one."""
        if named in (self.name, self.name.partition(":")[0]):
            return True
        return self.is_prefix and named.startswith(f"{self.name}:")

    def keys(self, package: GuestPackage) -> list[tuple[str, str]]:
        """The names that advisories have for a package, and its version under each."""
        own = (package.name, package.version)
        source = (package.source, package.source_version) if package.source else own
        return [source] if self.by_source else list(dict.fromkeys([own, source]))

    def parsed(self, version: str) -> Any:
        """A version that can be compared.

        :raises NotComparable: if it is none
        """
        try:
            return self.version(version)
        except _NO_VERSION as error:
            raise NotComparable(version) from error


def _of_apk(version: str) -> Any:
    return versions.AlpineLinuxVersion(_AFTER_RELEASE.sub("_p", version))


def of_inventory(system: Inventory) -> Ecosystem | None:
    """That of a system; ``None`` if OSV has none for it, or none that is known here."""
    major, minor = system.major, system.minor
    deb, rpm = versions.DebianVersion, versions.RpmVersion
    known: Mapping[str, Callable[[], Ecosystem]] = {
        "debian": lambda: Ecosystem(f"Debian:{major}", deb, by_source=True),
        "ubuntu": lambda: Ecosystem(f"Ubuntu:{major}.{minor:02d}", deb, True, True),
        "alpine": lambda: Ecosystem(f"Alpine:v{major}.{minor}", _of_apk, by_source=True),
        "rocky": lambda: Ecosystem(f"Rocky Linux:{major}", rpm),
        "almalinux": lambda: Ecosystem(f"AlmaLinux:{major}", rpm),
        "rhel": lambda: Ecosystem(f"Red Hat:enterprise_linux:{major}", rpm, True),
        "opensuse": lambda: Ecosystem(f"openSUSE:Leap {major}.{minor}", rpm),
        "sles": lambda: Ecosystem(f"SUSE:Linux Enterprise Server {major}{_pack(minor)}", rpm),
        "openeuler": lambda: Ecosystem(f"openEuler:{_of_openeuler(system)}", rpm),
    }
    made = known.get(_ALIASES.get(system.distro or "", system.distro or ""))
    return made() if made is not None and (major or minor) else None


_ALIASES = {
    "alpinelinux": "alpine",
    "opensuse-leap": "opensuse",
    "redhat-based": "rhel",
    "suse-based": "sles",
}


def _pack(minor: int) -> str:
    return f" SP{minor}" if minor else ""


def _of_openeuler(system: Inventory) -> str:
    found = _OPENEULER.match(system.product_name or "")
    if found is None:
        return f"{system.major}.{system.minor:02d}"
    return "-".join(filter(None, found.groups()))


def is_affected(ecosystem: Ecosystem, affected: Mapping[str, Any], version: str) -> bool:
    """Whether a version is, by an entry of an OSV record (its "Evaluation").

    :raises NotComparable: if a version is none
    """
    if version in (affected.get("versions") or ()):
        return True
    own = ecosystem.parsed(version)
    try:
        return any(
            _is_in(ecosystem, each.get("events") or (), own)
            for each in affected.get("ranges") or ()
            if each.get("type") in ("ECOSYSTEM", "SEMVER")
        )
    except _NO_VERSION as error:
        raise NotComparable(version) from error


def fixed_in(affected: Mapping[str, Any]) -> str | None:
    """The version that is not affected any more, as the last range says it."""
    fixes = [
        str(event["fixed"])
        for each in affected.get("ranges") or ()
        for event in each.get("events") or ()
        if "fixed" in event
    ]
    return fixes[-1] if fixes else None


def _is_in(ecosystem: Ecosystem, events: Any, own: Any) -> bool:
    ordered: list[tuple[str, Any]] = []
    for event in events:
        for kind, text in event.items():
            at = None if (kind, text) == ("introduced", _FIRST) else ecosystem.parsed(str(text))
            ordered.append((kind, at))
    first = [pair for pair in ordered if pair[1] is None]
    rest = sorted((pair for pair in ordered if pair[1] is not None), key=lambda pair: pair[1])
    is_in = False
    for kind, at in [*first, *rest]:
        # Of apk's versions univers orders "<" and ">" alone: its ">=" is the order of their text.
        if kind == "introduced" and (at is None or not own < at):
            is_in = True
        elif (kind in ("fixed", "limit") and not own < at) or (
            kind == "last_affected" and own > at
        ):
            is_in = False
    return is_in
