# SPDX-License-Identifier: Apache-2.0
"""A system that was found on a disk.

What is known comes from the disk, which a stranger wrote. So each text is one line of printable
characters, each number is one of a few digits, and each list is short; whoever makes a :class:`Guest` by
:meth:`Guest.of_arguments` gets no other.
"""

import dataclasses
import re
from collections.abc import Mapping
from typing import Any, Self

from ims_glance.model.text.printable import printable

MOST_ENTRIES = 32
_TEXT = 120
_MOST_NUMBER = 999_999

LINUX, WINDOWS = "linux", "windows"
BIOS, UEFI = "bios", "uefi"

_KINDS = (LINUX, WINDOWS)
_FIRMWARE = (BIOS, UEFI)
_WORD = re.compile(r"[a-z0-9][a-z0-9_.+-]{0,31}")


@dataclasses.dataclass(frozen=True)
class Guest:
    """A system on a disk; what nobody could tell is ``None`` or empty.

    :ivar kind: ``linux`` or ``windows``
    :ivar distro: ``debian``, ``ubuntu``, ``centos``, ``rhel``, ``windows``, … as libguestfs or the
        guest's ``os-release`` names it
    :ivar product_name: for people, ``Debian GNU/Linux 12 (bookworm)``
    :ivar osinfo: id in libosinfo, ``win2k19``
    :ivar major: of its version; with *minor* 0 if unknown
    :ivar arch: ``x86_64``, ``aarch64``, ``i386``, …
    :ivar firmware: ``bios`` or ``uefi``: what it boots with; ``bios`` if both do
    :ivar boot_loader: ``grub2``, ``grub1``, ``extlinux``, ``systemd-boot`` or ``bootmgr``
    :ivar package_format: ``deb``, ``rpm``, ``apk``, …
    :ivar root: device that the system lies on, in the appliance
    :ivar mountpoints: where in the guest, and the appliance's device, the shortest path first
    :ivar kernels: versions of those with modules, the newest first
    :ivar has_cloud_init: or Cloudbase-init
    :ivar has_virtio: whether it starts from a virtio disk; ``None`` if only its initrd can tell
    :ivar systemroot: of Windows, a path in the guest
    :ivar control_set: of Windows, the one that is current, ``ControlSet001``
    :ivar notes: what its owner should know
    """

    kind: str | None = None
    distro: str | None = None
    product_name: str | None = None
    osinfo: str | None = None
    major: int = 0
    minor: int = 0
    arch: str | None = None
    firmware: str | None = None
    boot_loader: str | None = None
    package_format: str | None = None
    hostname: str | None = None
    root: str | None = None
    mountpoints: tuple[tuple[str, str], ...] = ()
    kernels: tuple[str, ...] = ()
    has_cloud_init: bool | None = None
    has_virtio: bool | None = None
    systemroot: str | None = None
    control_set: str | None = None
    notes: tuple[str, ...] = ()

    def to_arguments(self) -> dict[str, Any]:
        """As JSON."""
        stored = dataclasses.asdict(self)
        return {
            **stored,
            "mountpoints": [list(pair) for pair in self.mountpoints],
            "kernels": list(self.kernels),
            "notes": list(self.notes),
        }

    @classmethod
    def of_arguments(cls, stored: Mapping[str, Any]) -> Self:
        """From JSON that a process wrote which had a stranger's disk in its hands."""
        return cls(
            kind=_one_of(stored.get("kind"), _KINDS),
            distro=_word(stored.get("distro")),
            product_name=_text(stored.get("product_name")),
            osinfo=_word(stored.get("osinfo")),
            major=_number(stored.get("major")),
            minor=_number(stored.get("minor")),
            arch=_word(stored.get("arch")),
            firmware=_one_of(stored.get("firmware"), _FIRMWARE),
            boot_loader=_word(stored.get("boot_loader")),
            package_format=_word(stored.get("package_format")),
            hostname=_text(stored.get("hostname")),
            root=_text(stored.get("root")),
            mountpoints=tuple(_pair(each) for each in _entries(stored.get("mountpoints"))),
            kernels=tuple(printable(each, _TEXT) for each in _entries(stored.get("kernels"))),
            has_cloud_init=_flag(stored.get("has_cloud_init")),
            has_virtio=_flag(stored.get("has_virtio")),
            systemroot=_text(stored.get("systemroot")),
            control_set=_text(stored.get("control_set")),
            notes=tuple(printable(each) for each in _entries(stored.get("notes"))),
        )


def _one_of(value: Any, known: tuple[str, ...]) -> str | None:
    return value if value in known else None


def _word(value: Any) -> str | None:
    """A name of few plain characters; any other is none."""
    return value if isinstance(value, str) and _WORD.fullmatch(value) else None


def _text(value: Any) -> str | None:
    return None if value is None else printable(value, _TEXT) or None


def _number(value: Any) -> int:
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return value if is_number and 0 <= value <= _MOST_NUMBER else 0


def _flag(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _entries(value: Any) -> list[Any]:
    return list(value[:MOST_ENTRIES]) if isinstance(value, list | tuple) else []


def _pair(value: Any) -> tuple[str, str]:
    both = [*_entries(value), "", ""]
    return printable(both[0], _TEXT), printable(both[1], _TEXT)
