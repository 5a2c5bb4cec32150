# SPDX-License-Identifier: Apache-2.0
"""Whole-machine images: an image without data, and one hidden image for each disk.

An unmodified Nova builds all disks of a server from the first's ``block_device_mapping``. Nothing in
it belongs to one project or one storage, so such an image can be shared, copied and encrypted. A
volume type is named as the source had it; Nova refuses to boot where there is none of that name.
"""

import dataclasses
import json
from collections.abc import Iterable, Mapping
from typing import Any

from ims_glance import exceptions
from ims_glance.model.image import attributes
from ims_glance.model.server import Disk

MAPPING = "block_device_mapping"
MAPPED = frozenset({MAPPING, "bdm_v2", "root_device_name"})
"""What Nova reads of such an image; nobody changes it."""

_ROOT = "/dev/vda"


class DiskMissing(exceptions.NotFound):
    """A disk of the image was deleted, by somebody who may do that."""

    code = "IMG.0027"
    template = (
        "Disk {number} of whole-machine image {image_id}, hidden image {disk_id}, does not exist "
        "any more: the image cannot be used."
    )


@dataclasses.dataclass(frozen=True)
class Component:
    """A disk of a whole-machine image.

    :ivar image_id: of the hidden image that holds its data
    """

    disk: Disk
    image_id: str


def is_whole(view: Mapping[str, Any]) -> bool:
    """Whether an image is a whole machine.

    :param view: as the Image API shows it
    """
    return str(view.get(attributes.WHOLE_IMAGE)).lower() == "true"


def is_of_snapshots(view: Mapping[str, Any]) -> bool:
    """Whether Nova made an image of a server whose root disk is a volume (createImage): its disks
    are snapshots in Cinder, and it has no data.
    """
    return MAPPING in view and not view.get("size") and not is_whole(view)


def parent_id(view: Mapping[str, Any]) -> str | None:
    """Id of the whole-machine image that an image is a disk of; ``None`` if it is none."""
    return view.get(attributes.COMPONENT_OF) or None


def properties(components: Iterable[Component]) -> dict[str, str]:
    """What makes an image without data a whole machine for Nova (``nova/block_device.py``)."""
    entries = [_entry(each) for each in components]
    return {
        MAPPING: json.dumps(entries),
        "bdm_v2": "true",
        "root_device_name": _ROOT,
        attributes.WHOLE_IMAGE: "true",
    }


def components(view: Mapping[str, Any]) -> list[Component]:
    """The disks of a whole-machine image, the system disk first; none of any other image.

    What somebody wrote into the mapping by hand is left out: only entries that name an image.
    """
    if not is_whole(view):
        return []
    try:
        entries = json.loads(str(view.get(MAPPING) or "[]"))
    except (ValueError, RecursionError):
        return []
    return [
        Component(_disk(number, entry), str(entry["image_id"]))
        for number, entry in enumerate(entries if isinstance(entries, list) else [])
        if isinstance(entry, dict) and entry.get("image_id")
    ]


def moved(component: Component, image_id: str) -> Component:
    """The same disk with its data in another image."""
    return dataclasses.replace(component, image_id=image_id)


def _entry(component: Component) -> dict[str, Any]:
    disk = component.disk
    entry = {
        "source_type": "image",
        "destination_type": "volume",
        "image_id": component.image_id,
        "volume_size": disk.size,
        "boot_index": 0 if disk.number == 0 else -1,
        "delete_on_termination": disk.goes_with_server,
    }
    return {**entry, "volume_type": disk.volume_type} if disk.volume_type else entry


def _gib(value: Any) -> int:
    """A size as somebody wrote it, perhaps the operator of another region; 0 for what is none."""
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _named(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _disk(number: int, entry: Mapping[str, Any]) -> Disk:
    return Disk(
        number,
        None,
        _gib(entry.get("volume_size")),
        _named(entry.get("volume_type")),
        bool(entry.get("delete_on_termination")),
    )
