# SPDX-License-Identifier: Apache-2.0
"""Images whose disks lie elsewhere: in the snapshots, volumes or images that they name to Nova.

Nova makes such an image of a server whose root disk is a volume (createImage): it has no data, and
its ``block_device_mapping`` names snapshots in Cinder. Anybody can write that property by hand.
Whoever copies, encrypts or shares the image does so with what Glance has of it, and a server is built
of the rest all the same.

Source: ``nova/compute/api.py``, ``_get_image_defined_bdms``, and ``nova/block_device.py``, for both
forms of an entry, with ``bdm_v2`` and without. (Property ``mappings`` names only blank disks.)
"""

import json
from collections.abc import Mapping
from typing import Any

from ims_glance.model.image import whole_image

_NAMING = ("snapshot_id", "volume_id", "image_id")


def is_elsewhere(view: Mapping[str, Any]) -> bool:
    """Whether a disk that a server would have of an image lies elsewhere.

    The disks of a whole-machine image are its own. A blank disk has no data. What cannot be read
    may name anything.

    :param view: as the Image API shows it
    """
    written = view.get(whole_image.MAPPING)
    if not isinstance(written, str) or whole_image.is_whole(view):
        return False
    try:
        entries = json.loads(written)
    except (ValueError, RecursionError):
        return True
    return not isinstance(entries, list) or not all(map(_is_blank, entries))


def _is_blank(entry: Any) -> bool:
    """Whether an entry is a disk without data, such as swap; or none at all (``no_device``)."""
    if not isinstance(entry, dict) or any(entry.get(name) for name in _NAMING):
        return False
    # The old form has no source_type.
    return entry.get("source_type") in (None, "blank")
