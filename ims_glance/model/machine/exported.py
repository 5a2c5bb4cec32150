# SPDX-License-Identifier: Apache-2.0
"""A machine that is exported: its disks in their order, and what is told of it."""

import dataclasses
import datetime
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Self

from ims_glance.model.copy import Digest
from ims_glance.model.image import attributes, rules, whole_image
from ims_glance.model.image.from_file import GIB
from ims_glance.model.image.whole_image import Component
from ims_glance.model.machine import carried
from ims_glance.model.server import Disk

OVA = "ova"
"""The format of a machine in one file."""
DISKS = "disks"
"""What the job of an export says of a machine with one object a disk (:mod:`ims_glance.model.machine.manifest`)."""

_NO_NAME = re.compile(r"[^A-Za-z0-9_-]+")
_LONGEST_STEM = 60
_CPU = ("hw_cpu_sockets", "hw_cpu_cores", "hw_cpu_threads")
_MOST_CPUS = 64
# What a machine has of which nobody said more.
_MEMORY = 2048


@dataclasses.dataclass(frozen=True)
class MachineDisk:
    """A disk.

    :ivar image_id: of the image that holds its data
    :ivar size: of that, in bytes
    :ivar checksum: MD5 of it, if Glance knows one
    :ivar capacity: of the disk, GiB
    """

    image_id: str
    size: int
    checksum: str | None
    capacity: int
    volume_type: str | None
    goes_with_server: bool


@dataclasses.dataclass(frozen=True)
class ExportedMachine:
    """A machine.

    :ivar stem: what the names of its files begin with
    :ivar when: its image was made, in seconds since 1970
    :ivar description: :class:`ims_glance.writers.archive.ovf.DescribedMachine`, field by field
    """

    stem: str
    when: int
    disks: tuple[MachineDisk, ...]
    description: dict[str, Any]

    def file_of(self, number: int) -> str:
        """The name of a disk's file in an archive."""
        return f"{self.stem}-disk{number + 1}.vmdk"

    def to_arguments(self) -> dict[str, Any]:
        """As JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def of_arguments(cls, told: Mapping[str, Any]) -> Self:
        """What :meth:`to_arguments` made."""
        disks = tuple(MachineDisk(**each) for each in told["disks"])
        return cls(**{**told, "disks": disks})

    @classmethod
    def of(cls, view: Mapping[str, Any], disks: Sequence[Mapping[str, Any]]) -> Self:
        """The machine in an image; one of a single disk is a machine with that.

        :param view: as the Image API shows it
        :param disks: as it shows the images of its disks, in their order
        """
        parts = whole_image.components(view) or [_only(view)]
        made = tuple(map(_disk, parts, disks))
        return cls(_stem(view), _when(view), made, _described(view))


def check_disks(view: Mapping[str, Any], disks: Sequence[Mapping[str, Any]], viewer: str) -> None:
    """Check that the disks of an image may go with it.

    :param view: as the Image API shows it
    :param disks: as it shows the images of its disks
    :param viewer: project of the one who acts
    :raises RuleRefused, NotTheirs: if one may not
    """
    for each in disks:
        has = rules.traits(rules.Facts.of(each), viewer)
        if each.get(attributes.COMPONENT_OF) == view["id"]:
            has -= {rules.Trait.COMPONENT}
        for action, trait, _code, _why in rules.TABLE:
            if action is rules.Action.EXPORT and trait in has:
                raise rules.refusal(action, trait, str(each["id"]))


def _only(view: Mapping[str, Any]) -> Component:
    capacity = max(math.ceil(int(view.get("size") or 0) / GIB), int(view.get("min_disk") or 0), 1)
    return Component(Disk(0, None, capacity), str(view["id"]))


def _disk(component: Component, view: Mapping[str, Any]) -> MachineDisk:
    digest, disk = Digest.of(view), component.disk
    return MachineDisk(
        str(view["id"]),
        digest.size,
        digest.checksum,
        max(disk.size, math.ceil(digest.size / GIB)),
        disk.volume_type,
        disk.goes_with_server,
    )


def _stem(view: Mapping[str, Any]) -> str:
    plain = _NO_NAME.sub("-", str(view.get("name") or "")).strip("-")[:_LONGEST_STEM]
    return plain or "machine"


def _when(view: Mapping[str, Any]) -> int:
    try:
        return int(datetime.datetime.fromisoformat(str(view["created_at"])).timestamp())
    except (KeyError, ValueError):
        return 0


def _described(view: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": str(view.get("name") or view["id"]),
        "system": str(view.get(attributes.OS_VERSION) or ""),
        "family": str(view.get("__os_type") or ""),
        "firmware": str(view.get("hw_firmware_type") or ""),
        "bus": str(view.get("hw_disk_bus") or ""),
        "cpus": _cpus(view),
        "memory": int(view.get(carried.MIN_RAM) or 0) or _MEMORY,
        "is_whole": whole_image.is_whole(view),
        "properties": carried.outward(view),
    }


def _cpus(view: Mapping[str, Any]) -> int:
    """As many as the image's topology has; one if it has none."""
    counts = [str(view.get(name) or "1") for name in _CPU]
    if not all(each.isascii() and each.isdigit() and len(each) < 4 for each in counts):
        return 1
    return min(max(1, math.prod(map(int, counts))), _MOST_CPUS)
