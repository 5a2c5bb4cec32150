# SPDX-License-Identifier: Apache-2.0
"""The description of a machine in an archive: DSP0243, "Open Virtualization Format", versions 1 and 2.

It is read without entities and without document types, and no name in it is followed but those of the
archive's own members.
"""

import dataclasses
import re
from collections.abc import Iterable, Mapping
from typing import Any

import defusedxml
from defusedxml import ElementTree

from ims_glance.formats.found import Fact
from ims_glance.formats.refusals import FileRefused, FormatNotRead, quoted

MAX_SIZE = 1 << 20
_MOST_ELEMENTS = 20_000
_DISK = "17"
_CONTROLLERS = ("5", "6", "20")
_CPU, _MEMORY = "3", "4"
_LONGEST = 100
_LONGEST_TYPE = 255
# DSP0004's programmatic units; in an older form too, as of OVF 0.9.
_UNIT = re.compile(r"bytes?(\s*\*\s*2\^(\d{1,2}))?")
_OLD_UNITS = {"kilobytes": 10, "megabytes": 20, "gigabytes": 30}
_YES = frozenset({"true", "1", "yes"})
_MOST_PROPERTIES = 64
_PROPERTY = re.compile(r"[a-z0-9_]{1,64}")


@dataclasses.dataclass(frozen=True)
class OvfDisk:
    """A disk of the machine.

    :ivar href: name of its file
    :ivar size: of the file in bytes, if it is told
    :ivar capacity: of the disk in bytes, if it is told
    :ivar volume_type: name of the type that its volume had, where a cloud like this one wrote the archive
    :ivar goes_with_server: whether its volume was deleted with its server; said there too
    """

    href: str
    size: int | None
    capacity: int | None = None
    volume_type: str | None = None
    goes_with_server: bool = True


@dataclasses.dataclass(frozen=True)
class OvfMachine:
    """A machine.

    :ivar disks: in the order in which it has them, but first the one that it boots from
    """

    disks: tuple[OvfDisk, ...]
    facts: dict[str, Fact]


def parse(data: bytes) -> OvfMachine:
    """What is described.

    :raises FileRefused: if it is damaged, needs something else, or describes no machine
    """
    try:
        root = ElementTree.fromstring(data, forbid_dtd=True)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        kind = (
            "has a document type"
            if isinstance(error, defusedxml.DefusedXmlException)
            else "is no XML"
        )
        raise FileRefused(f"its description {kind}") from error
    elements = list(root.iter())
    if len(elements) > _MOST_ELEMENTS:
        raise FileRefused("its description is too long")
    named: dict[str, list[Any]] = {}
    for element in elements:
        named.setdefault(_local(element.tag), []).append(element)
    machines = named.get("VirtualSystem", [])
    if len(machines) != 1 or "VirtualSystemCollection" in named:
        raise FormatNotRead(
            f"it describes {len(machines)} machines instead of one",
            "Export each machine by itself.",
        )
    files = _by_id(named.get("File", []), "id")
    disks = _by_id(named.get("Disk", []), "diskId")
    items = [_fields(each) for name in ("Item", "StorageItem") for each in named.get(name, [])]
    ordered = _order(items, disks)
    boots = _boots(ordered, items, named, disks)
    names = [*boots, *(name for name in ordered if name not in boots)]
    chosen = [_disk(disks[name], files) for name in names]
    found = tuple(disk for disk in chosen if disk is not None)
    return OvfMachine(found, _facts(machines[0], named, items))


def _local(tag: object) -> str:
    """A name without its namespace; of a comment, nothing."""
    return tag.rsplit("}", 1)[-1] if isinstance(tag, str) else ""


def _attributes(element: Any) -> dict[str, str]:
    return {_local(key): value for key, value in element.attrib.items()}


def _fields(item: Any) -> dict[str, str]:
    """What an item of the hardware says, by its names."""
    return {_local(field.tag): (field.text or "").strip() for field in item}


def _by_id(elements: list[Any], key: str) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for element in elements:
        attributes = _attributes(element)
        name = attributes.get(key, "")
        if not name or name in found:
            raise FileRefused(f"its description has {quoted(name)} twice, or a part without a name")
        found[name] = attributes
    return found


def _order(items: list[dict[str, str]], disks: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Names of the disks: by controller, then by place there; those that no drive has come last."""
    controllers = [item for item in items if item.get("ResourceType") in _CONTROLLERS]
    places = {_id(item): number for number, item in enumerate(controllers)}
    drives = [
        (
            places.get(item.get("Parent"), len(places)),
            _number(item.get("AddressOnParent", "")) or 0,
            _named_by(item, disks),
        )
        for item in _drives(items)
    ]
    # Places that are not told keep the order of the description.
    ordered = [name for _, _, name in sorted(drives, key=lambda each: each[:2])]
    if len(set(ordered)) != len(ordered):
        raise FileRefused("its description has a disk in two drives")
    return [*ordered, *(name for name in disks if name not in ordered)]


def _drives(items: Iterable[dict[str, str]]) -> list[dict[str, str]]:
    """The items that are hard disks."""
    return [
        item for item in items if item.get("ResourceType") == _DISK and item.get("HostResource")
    ]


def _id(item: Mapping[str, str]) -> str | None:
    # OVF 0.9, and virt-v2v, have the first letter of "Id" alone large.
    return item.get("InstanceID") or item.get("InstanceId")


def _named_by(item: Mapping[str, str], disks: Mapping[str, Mapping[str, str]]) -> str:
    """The name of the disk in a drive.

    virt-v2v names its file there.

    :raises FileRefused: if there is none of that name
    """
    name = item["HostResource"].rsplit("/disk/", 1)[-1]
    if name not in disks:
        for disk_id, disk in disks.items():
            if disk.get("fileRef") == name:
                return disk_id
        raise FileRefused(f"its description has a drive with {quoted(name)}, which is no disk")
    return name


def _boots(
    ordered: Iterable[str],
    items: list[dict[str, str]],
    named: Mapping[str, list[Any]],
    disks: Mapping[str, Mapping[str, str]],
) -> list[str]:
    """The name of the disk that the machine boots from, if it is said.

    VMware names the drive in a section of its own, oVirt and virt-v2v mark the disk.
    """
    drives = {_id(item): _named_by(item, disks) for item in _drives(items)}
    for section in named.get("BootOrderSection", []):
        told = _attributes(section)
        if told.get("type") == "disk" and told.get("instanceId") in drives:
            return [drives[told["instanceId"]]]
    return [name for name in ordered if disks[name].get("boot", "").lower() in _YES][:1]


def _disk(disk: dict[str, str], files: dict[str, dict[str, str]]) -> OvfDisk | None:
    """A disk with its file; none, if it has none and is made empty."""
    # oVirt and virt-v2v write that there is none.
    if disk.get("parentRef"):
        raise FileRefused(
            "a disk of it holds only what differs from another disk",
            "Export the machine without it.",
        )
    reference = disk.get("fileRef")
    if reference is None:
        return None
    if reference not in files:
        raise FileRefused(
            f"its description names a file {quoted(reference)}, which it does not have"
        )
    file = files[reference]
    if "chunkSize" in file:
        raise FormatNotRead("a disk of it is in several files", "Export it in one file a disk.")
    volume_type = disk.get("volumeType", "")
    return OvfDisk(
        file.get("href", ""),
        _number(file.get("size", "")),
        _capacity(disk),
        volume_type[:_LONGEST_TYPE] if volume_type.isprintable() and volume_type else None,
        disk.get("deleteOnTermination", "true").lower() in _YES,
    )


def _capacity(disk: Mapping[str, str]) -> int | None:
    """The size of a disk in bytes; ``None`` if it is not told, or in words that nobody knows."""
    number = _number(disk.get("capacity", ""))
    unit = disk.get("capacityAllocationUnits", "byte").strip().lower()
    found = _UNIT.fullmatch(unit)
    power = int(found[2] or 0) if found else _OLD_UNITS.get(unit)
    return None if number is None or power is None else number << power


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _facts(
    machine: Any, named: dict[str, list[Any]], items: list[dict[str, str]]
) -> dict[str, Fact]:
    """What may help to make a machine of the image."""
    told: dict[str, str | None] = {"machine": _attributes(machine).get("id")}
    for section in named.get("OperatingSystemSection", []):
        told["os_description"] = _fields(section).get("Description")
        told["os_type"] = _attributes(section).get("osType")
    for item in items:
        for kind, name in ((_CPU, "cpus"), (_MEMORY, "memory")):
            if item.get("ResourceType") == kind:
                told[name] = item.get("VirtualQuantity")
                told[f"{name}_unit"] = item.get("AllocationUnits") if kind == _MEMORY else None
    for each in named.get("Config", []):
        if _attributes(each).get("key") == "firmware":
            told["firmware"] = _attributes(each).get("value")
    for each in named.get("Firmware", []):
        # VirtualBox.
        told["firmware"] = _attributes(each).get("type")
    facts: dict[str, Fact] = {
        key: value[:_LONGEST] for key, value in told.items() if value and value.isprintable()
    }
    return {**facts, **_of_image(named)}


def _of_image(named: dict[str, list[Any]]) -> dict[str, Fact]:
    """What a cloud like this one says of the image that the archive was made of.

    ``whole_machine`` if it was a whole machine, and its properties, each as ``image NAME``.
    """
    facts: dict[str, Fact] = {}
    for section in named.get("ImageSection", [])[:1]:
        if _attributes(section).get("wholeMachine", "").lower() in _YES:
            facts["whole_machine"] = True
        for each in list(section)[:_MOST_PROPERTIES]:
            told = _attributes(each)
            name, value = told.get("name", ""), told.get("value", "")
            if _PROPERTY.fullmatch(name) and value.isprintable() and 0 < len(value) <= _LONGEST:
                facts[f"image {name}"] = value
    return facts
