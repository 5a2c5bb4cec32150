# SPDX-License-Identifier: Apache-2.0
"""Images of a server's disks: what a job captures, and what the images say."""

import dataclasses
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ims_glance import exceptions
from ims_glance.model.image import attributes, update, values, whole_image
from ims_glance.model.image.whole_image import Component
from ims_glance.model.server import GIB, Disk

# Properties that say how a server is to be built of an image; they hold for an image of the server
# as for the image that it was made of.
_CARRIED = re.compile(
    r"hw_.*|img_.*|os_(type|distro|version|admin_user|require_quiesce|shutdown_timeout)"
    r"|architecture|kernel_id|ramdisk_id|__support_(?!market|agent).*|__os_version"
    r"|hypervisor_type|vm_mode|max_ram"
)
# True of the one image's own data.
_NOT_CARRIED = re.compile(r"img_signature.*")


# What Nova takes for yes (``strutils.bool_from_string``).
_YES = frozenset({"1", "t", "true", "on", "y", "yes"})


def requires_quiesce(properties: Mapping[str, Any]) -> bool:
    """Whether Nova freezes the guest for snapshots, and makes none if it cannot.

    :param properties: of the image that the server was made of
    """
    wanted = ("hw_qemu_guest_agent", "os_require_quiesce")
    return all(str(properties.get(name)).strip().lower() in _YES for name in wanted)


def quiesces(disks: Sequence[Disk], properties: Mapping[str, Any]) -> bool:
    """Whether Nova can freeze a server's guest for snapshots of all its disks, and tell that it did.

    It does so only if the root disk is a volume, and the freeze is certain only if it is required.

    :param properties: of the image that the server was made of
    """
    return disks[0].volume_id is not None and requires_quiesce(properties)


@dataclasses.dataclass(frozen=True)
class DiskToCapture:
    """A disk that becomes an image.

    :ivar name: of an image of its own; ``None`` for a disk of a whole-machine image
    """

    disk: Disk
    name: str | None = None
    description: str | None = None
    tags: tuple[str, ...] = ()

    def to_arguments(self) -> dict[str, Any]:
        """As JSON, for a job."""
        return dataclasses.asdict(self)

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> "DiskToCapture":
        """From a job."""
        return cls(
            Disk(**stored["disk"]), stored["name"], stored["description"], tuple(stored["tags"])
        )


def carried(source: Mapping[str, Any]) -> dict[str, str]:
    """What an image of a server has of the image that the server was made of.

    :param source: properties of that image
    """
    kept = {
        name: str(value)
        for name, value in source.items()
        if value is not None and _CARRIED.fullmatch(name) and not _NOT_CARRIED.fullmatch(name)
    }
    return {**kept, **attributes.of_system(kept.get(attributes.OS_VERSION))}


def claimed(said: Mapping[str, Any]) -> dict[str, str]:
    """What is believed of properties of an image that do not lie in Glance.

    Cinder keeps them with volumes and backups (``volume_image_metadata``, metadata), and whoever may
    change those can write them there. Images made of them are described in the service's own right:
    so these are properties, and values, that the same user could give an image at the front door.
    """
    kept: dict[str, str] = {}
    for name, value in said.items():
        try:
            kept[name] = _given(name, value, kept)
        except exceptions.Invalid:
            continue
    return kept


def _given(name: str, value: Any, there: Mapping[str, str]) -> str:
    """A value as the image of a user would have it who gives it.

    :param there: what the image has already
    :raises Invalid: if they may not give it
    """
    if name == attributes.OS_VERSION:
        return str(values.written(name, value))
    [change] = update.checked([{"op": "add", "path": f"/{name}", "value": value}], there)
    return str(change["value"])


def for_system(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes of an image that servers are made of: a system disk, or a whole machine.

    :param arguments: of the job: ``server_id``, ``name``, ``attributes``, and if given
        ``description``, ``min_ram``, ``max_ram`` (MiB), ``tags`` (as they are stored),
        ``enterprise_project_id``; ``server_is_claimed`` if nobody but its owner says which server
        it was (then also ``wishes``)
    """
    given = {
        attributes.DESCRIPTION: arguments.get("description"),
        "max_ram": str(arguments.get("max_ram") or ""),
        "enterprise_project_id": arguments.get("enterprise_project_id"),
    }
    return {
        **arguments["attributes"],
        **{name: value for name, value in given.items() if value},
        **_of_server(arguments),
        "name": arguments["name"],
        "tags": list(arguments.get("tags") or []),
        "min_ram": int(arguments.get("min_ram") or 0),
        attributes.VIRTUAL_ENV_TYPE: "FusionCompute",
    }


def for_data(arguments: Mapping[str, Any], wish: DiskToCapture) -> dict[str, Any]:
    """The attributes of an image of one data disk."""
    given = {
        attributes.DESCRIPTION: wish.description,
        "enterprise_project_id": arguments.get("enterprise_project_id"),
    }
    return {
        **_system_of(arguments),
        **{name: value for name, value in given.items() if value},
        **_of_server(arguments),
        "name": wish.name,
        "tags": list(wish.tags),
        attributes.VIRTUAL_ENV_TYPE: "DataImage",
    }


def for_component(arguments: Mapping[str, Any], disk: Disk) -> dict[str, Any]:
    """The attributes of the hidden image of one disk of a whole-machine image."""
    return {
        **_system_of(arguments),
        **_of_server(arguments, disk),
        "name": f"{arguments['name']} disk {disk.number}",
        "os_hidden": True,
        "protected": True,
        attributes.VIRTUAL_ENV_TYPE: "DataImage" if disk.number else "FusionCompute",
    }


def of_data(view: Mapping[str, Any], disk: Disk) -> dict[str, Any]:
    """What an image's data says: its size, and that of a disk made of it.

    :param view: as the Image API shows the image
    """
    return {
        "min_disk": grown(view, disk).size,
        "__image_size": str(int(view.get("size") or 0)),
        "os_hidden": False,
    }


def grown(view: Mapping[str, Any], disk: Disk) -> Disk:
    """The disk with the size that its data needs: a flavor may have said less."""
    needed = math.ceil(int(view.get("virtual_size") or 0) / GIB)
    return dataclasses.replace(disk, size=max(disk.size, needed))


def of_disks(components: Iterable[Component], sizes: Iterable[int]) -> dict[str, Any]:
    """The sizes that a whole-machine image tells.

    :param sizes: of the data of its disks, in bytes
    """
    return {
        "min_disk": next(each.disk.size for each in components if each.disk.number == 0),
        "__image_size": str(sum(sizes)),
    }


# What Nova and Cinder write on the images that they make (nova/compute/utils.py,
# cinder/volume/volume_utils.py), of the user, the server and the host; and what a volume keeps of
# an image that it was made of: a server would get that image's disks, and not the volume's data.
_SURPLUS = frozenset(
    {
        "__root_origin",
        "base_image_ref",
        "boot_roles",
        "image_location",
        "image_state",
        "image_type",
        "instance_uuid",
        "owner_project_name",
        "owner_user_name",
        "user_id",
        "signature_verified",
        *whole_image.MAPPED,
    }
)


def is_surplus(name: str) -> bool:
    """Whether a property says what nobody asks of a finished image, or should not know."""
    return name in _SURPLUS


def _of_server(arguments: Mapping[str, Any], disk: Disk | None = None) -> dict[str, str]:
    origin = f"instance,{arguments['server_id']}"
    if arguments.get("server_is_claimed"):
        # Which server it was, its owner says; which volume, Cinder does.
        disk = disk or DiskToCapture.of(arguments["wishes"][0]).disk
        origin = f"volume,{disk.volume_id}"
    return {
        attributes.DATA_ORIGIN: origin,
        "__image_source_type": "uds",
        "__isregistered": "true",
    }


def _system_of(arguments: Mapping[str, Any]) -> dict[str, str]:
    return attributes.of_system(arguments["attributes"].get(attributes.OS_VERSION))
