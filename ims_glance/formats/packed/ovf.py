# SPDX-License-Identifier: Apache-2.0
"""The description of a machine in an archive: DSP0243, "Open Virtualization Format", versions 1 and 2.

It is read without entities and without document types, and no name in it is followed but those of the
archive's own members.
"""

import dataclasses
from collections.abc import Iterator
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


@dataclasses.dataclass(frozen=True)
class OvfDisk:
    """A disk of the machine.

    :ivar href: name of its file
    :ivar size: of the file in bytes, if it is told
    """

    href: str
    size: int | None


@dataclasses.dataclass(frozen=True)
class OvfMachine:
    """A machine.

    :ivar disks: in the order in which it has them
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
    chosen = [_disk(disks[name], files) for name in _order(items, disks)]
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


def _order(items: list[dict[str, str]], disks: dict[str, Any]) -> Iterator[str]:
    """Names of the disks: by controller, then by place there; those that no drive has come last."""
    controllers = [item for item in items if item.get("ResourceType") in _CONTROLLERS]
    places = {item.get("InstanceID"): number for number, item in enumerate(controllers)}
    drives = []
    for item in items:
        if item.get("ResourceType") == _DISK and item.get("HostResource"):
            name = item["HostResource"].rsplit("/disk/", 1)[-1]
            if name not in disks:
                raise FileRefused(
                    f"its description has a drive with {quoted(name)}, which is no disk"
                )
            controller = places.get(item.get("Parent"), len(places))
            drives.append((controller, _number(item.get("AddressOnParent", "")) or 0, name))
    # Places that are not told keep the order of the description.
    ordered = [name for _, _, name in sorted(drives, key=lambda each: each[:2])]
    if len(set(ordered)) != len(ordered):
        raise FileRefused("its description has a disk in two drives")
    yield from ordered
    yield from (name for name in disks if name not in ordered)


def _disk(disk: dict[str, str], files: dict[str, dict[str, str]]) -> OvfDisk | None:
    """A disk with its file; none, if it has none and is made empty."""
    if "parentRef" in disk:
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
    return OvfDisk(file.get("href", ""), _number(file.get("size", "")))


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
    return {key: value[:_LONGEST] for key, value in told.items() if value and value.isprintable()}
