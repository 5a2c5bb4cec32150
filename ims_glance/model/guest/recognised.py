# SPDX-License-Identifier: Apache-2.0
"""What an image says of the system that was found on it.

The names of systems are those of :data:`ims_glance.model.image.platforms.TABLE`, which
``list_os_versions`` answers. IMS: the system found wins over the one given; unknown, it is what was
given, else "Other Linux(64 bit)", "Other Windows(64 bit)" or "Other(64 bit)". No guest is refused for being unknown.
"""

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

from ims_glance.model.guest.found import LINUX, UEFI, WINDOWS, Guest
from ims_glance.model.image import attributes, platforms

_BITS_64 = frozenset({"x86_64", "aarch64", "ppc64", "ppc64le", "s390x", "riscv64", "ia64"})
_ARM = "aarch64"
_ARCHITECTURES = {"i386": "i686", "i486": "i686", "i586": "i686"}
_PARTS = 3
# Names of distributions in libosinfo, which "os_distro" has, where libguestfs has another.
_DISTROS = {
    "redhat-based": "rhel",
    "oraclelinux": "ol",
    "sles": "sles",
    "suse-based": "opensuse",
    "alpinelinux": "alpine",
    "archlinux": "arch",
}
# Where a guest starts without virtio: what virt-v2v falls back to, with a card that all guests know.
_WITHOUT_VIRTIO = {"hw_disk_bus": "ide", "hw_vif_model": "e1000"}
_EMULATED = {
    "hw_disk_bus": frozenset({"fdc", "ide", "sata"}),
    "hw_vif_model": frozenset({"e1000", "e1000e", "ne2k_pci", "pcnet", "rtl8139", "vmxnet3"}),
}
_WITH_VIRTIO = {"hw_disk_bus": "virtio", "hw_vif_model": "virtio"}


@dataclasses.dataclass(frozen=True)
class _Names:
    """How IMS names the versions of a distribution.

    :ivar pattern: of a name; its groups are numbers of the version
    :ivar exact: so many of these must be the same: what differs in the others is the same release
        with more or fewer updates
    """

    pattern: re.Pattern[str]
    exact: int = 1


def _names(pattern: str, exact: int = 1) -> _Names:
    return _Names(re.compile(pattern, re.IGNORECASE), exact)


_RHEL = _names(r"Red ?hat(?: Linux Enterprise)? (\d+)\.(\d+) \d\dbit")
_SLES = _names(r"SUSE (?:Linux )?Enterprise(?: Server)? (\d+)(?: SP(\d+))? \d\dbit")
_OPENSUSE = _names(r"openSUSE (\d+)\.(\d+) \d\dbit")
_ORACLE = _names(r"Oracle Linux Server release (\d+)\.(\d+) \d\dbit")
_NAMES: Mapping[str, _Names] = {
    "ubuntu": _names(r"Ubuntu (\d+)\.(\d+)(?:\.(\d+))? server \d\dbit", exact=2),
    "rhel": _RHEL,
    "redhat-based": _RHEL,
    "sles": _SLES,
    "centos": _names(r"CentOS (\d+)\.(\d+) \d\dbit"),
    "debian": _names(r"Debian GNU/Linux (\d+)\.(\d+)\.(\d+) \d\dbit"),
    "opensuse": _OPENSUSE,
    "opensuse-leap": _OPENSUSE,
    "oraclelinux": _ORACLE,
    "ol": _ORACLE,
    "fedora": _names(r"Fedora (\d+) \d\dbit"),
    "coreos": _names(r"CoreOS (\d+)\.(\d+)\.(\d+)", exact=2),
    "euleros": _names(r"EulerOS (\d+)\.(\d+) \d\dbit", exact=2),
    "openeuler": _names(r"openEuler (\d+)\.(\d+) \d\dbit", exact=2),
}
_SERVICE_PACK = re.compile(r"\(SP(\d+)", re.IGNORECASE)
_RELEASE = re.compile(r"\b(\d{1,5})\.(\d{1,5})\.(\d{1,5})\b")
_TRADEMARKS = re.compile(r"\((?:r|tm)\)|[®™]|\bmicrosoft\b|\bevaluation\b", re.IGNORECASE)
# Windows names an edition otherwise than IMS.
_EDITIONS = {"windows web server 2008 r2": "windows server 2008 r2 web"}


def properties(guest: Guest | None, given: Mapping[str, Any]) -> dict[str, str]:
    """Properties of the image.

    :param guest: as it is now (:attr:`ims_glance.model.guest.report.Report.prepared`); ``None`` if nobody could look:
        nothing is said then
    :param given: what the caller said of it, in the words of ``create_image``: ``os_version``, ``os_type``,
        ``hw_firmware_type``, ``architecture`` (``x86`` or ``arm``); these win where the guest does not tell
    """
    if guest is None:
        return {}
    found = guest
    named = attributes.of_system(os_version(found, given))
    if found.kind is not None and platforms.find(named[attributes.OS_VERSION]) is None:
        # A name that IMS does not know says nothing of the kind of system; the disk does.
        named["__os_type"] = _OS_TYPES[found.kind]
    said = {
        "os_type": found.kind,
        "os_distro": _distro(found),
        "architecture": _ARCHITECTURES.get(found.arch or "", found.arch),
        "hw_firmware_type": UEFI if found.arch == _ARM else found.firmware,
        "__support_arm": "true" if found.arch == _ARM else None,
    }
    return {
        **named,
        **{name: value for name, value in said.items() if value},
        **_devices(found),
    }


def properties_of_captured(
    guest: Guest | None, given: Mapping[str, Any], had: Mapping[str, Any]
) -> dict[str, str]:
    """The same of an image of a volume or of a server, which has run with what it had.

    Its firmware stays, and so do its devices, but for emulated ones where the guest has virtio now.

    :param given: as for :func:`properties`
    :param had: properties of the image without this
    """
    found = properties(guest, given)
    if had.get("hw_firmware_type"):
        found.pop("hw_firmware_type", None)
    for name, emulated in _EMULATED.items():
        device = had.get(name)
        if device and not (device in emulated and found.get(name) == "virtio"):
            found.pop(name, None)
    return found


_OS_TYPES = {LINUX: platforms.LINUX, WINDOWS: platforms.WINDOWS}


def os_version(guest: Guest, given: Mapping[str, Any]) -> str:
    """The name of the system in IMS: as found, else as given, else Other.

    :param given: as for :func:`properties`
    """
    known = find(guest)
    if known is not None:
        return known.os_version
    if given.get("os_version"):
        return str(given["os_version"])
    bits = 64 if guest.arch is None or guest.arch in _BITS_64 else 32
    kind = _OS_TYPES.get(guest.kind or "", str(given.get("os_type") or platforms.LINUX))
    word = "" if kind == platforms.OTHER else f" {kind}"
    return f"Other{word}({bits} bit)"


def find(guest: Guest) -> platforms.OperatingSystem | None:
    """The row of the table that a guest is; ``None`` if IMS knows none.

    Of a release that IMS knows by several updates it is the newest that is not newer than the guest, else the oldest.
    """
    if guest.kind == WINDOWS:
        return _windows(guest)
    names = _NAMES.get(guest.distro or "")
    if guest.kind != LINUX or names is None:
        return None
    wanted = _version(guest)
    same = [
        (version, system)
        for system in platforms.TABLE
        if _runs_on(system, guest)
        and (version := _numbers(names.pattern, system.os_version)) is not None
        and version[: names.exact] == wanted[: names.exact]
    ]
    # Where IMS has two spellings of one version, the later row is the newer one.
    not_newer = [pair for pair in same if pair[0] <= wanted]
    if not_newer:
        newest = max(version for version, _ in not_newer)
        return [system for version, system in not_newer if version == newest][-1]
    return min(same, key=lambda pair: pair[0])[1] if same else None


def _numbers(pattern: re.Pattern[str], name: str) -> tuple[int, ...] | None:
    match = pattern.fullmatch(name)
    if match is None:
        return None
    groups = [int(group or 0) for group in match.groups()]
    return tuple([*groups, 0, 0][:_PARTS])


def _version(guest: Guest) -> tuple[int, int, int]:
    """Major, minor and update of a guest; of EulerOS the minor is the number of its service pack."""
    name = guest.product_name or ""
    pack = _SERVICE_PACK.search(name)
    if guest.distro == "euleros" and pack is not None:
        return guest.major, int(pack[1]), 0
    release = _RELEASE.search(name)
    if release is not None and (int(release[1]), int(release[2])) == (guest.major, guest.minor):
        return guest.major, guest.minor, int(release[3])
    return guest.major, guest.minor, 0


def _runs_on(system: platforms.OperatingSystem, guest: Guest) -> bool:
    if guest.arch == _ARM:
        return "arm" in system.tags and system.os_bit == 64
    return guest.arch is None or system.os_bit == (64 if guest.arch in _BITS_64 else 32)


def _windows(guest: Guest) -> platforms.OperatingSystem | None:
    name = " ".join(_TRADEMARKS.sub(" ", (guest.product_name or "").lower()).split())
    name = _EDITIONS.get(name, name)
    if guest.osinfo == "win11":
        # It calls itself Windows 10 in its registry.
        return None
    for system in platforms.TABLE:
        known = re.sub(r" \d\dbit\Z", "", system.os_version.lower())
        is_it = name == known or (known == "windows 10" and name.startswith("windows 10 "))
        if system.platform == platforms.WINDOWS and _runs_on(system, guest) and is_it:
            return system
    return None


def _distro(guest: Guest) -> str | None:
    if guest.kind == WINDOWS:
        return "windows"
    return _DISTROS.get(guest.distro or "", guest.distro) if guest.kind == LINUX else None


def _devices(guest: Guest) -> dict[str, str]:
    """The bus of the disk and the network card; nothing where nobody knows: Nova's own default is virtio."""
    if guest.has_virtio is None or guest.arch == _ARM:
        return {}
    return dict(_WITH_VIRTIO if guest.has_virtio else _WITHOUT_VIRTIO)
