# SPDX-License-Identifier: Apache-2.0
"""The service's own copy of an image that is sold."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from ims_glance.model import capture
from ims_glance.model.image import attributes, kinds

_CARRIED = ("disk_format", "container_format", "min_disk", "min_ram")

BOOT_IMAGES = ("kernel_id", "ramdisk_id")
"""Properties that name other images, which a server boots instead of what is in this one."""


def body(source: Mapping[str, Any], code: str, default_key: str) -> dict[str, Any]:
    """The body of ``POST /v2/images`` for it.

    It has what says how a server is to be built, and nothing else of what the seller wrote on the
    image: buyers see the product's texts. The image is shared with nobody yet. It names no other images:
    buyers have none of the seller's, and nobody has looked into those.

    :param source: the seller's image, as the Image API shows it
    :param code: of the product
    :param default_key: the word for the default key of a project. What is encrypted at the seller's is
        so here, under the service's key
    """
    base = {name: source[name] for name in _CARRIED if source.get(name) is not None}
    key = {attributes.CMK_ID: default_key} if source.get(attributes.CMK_ID) else {}
    carried = {
        name: value for name, value in capture.carried(source).items() if name not in BOOT_IMAGES
    }
    return {
        **carried,
        **base,
        **key,
        **kinds.of_products([code]),
        attributes.IMAGE_TYPE: kinds.MARKET,
        attributes.VIRTUAL_ENV_TYPE: str(
            source.get(attributes.VIRTUAL_ENV_TYPE) or "FusionCompute"
        ),
        "name": source.get("name") or "",
        "visibility": "shared",
        "__image_source_type": "uds",
        "__image_size": "0",
        "__isregistered": "true",
    }


def marks(source: Mapping[str, Any]) -> dict[str, str]:
    """What makes an image that was copied from the service's copy one of its own, in another region.

    :param source: the copy, as the Image API shows it
    """
    codes = kinds.of_products(kinds.product_codes(source))
    return {**codes, attributes.IMAGE_TYPE: kinds.MARKET}


def digest(view: Mapping[str, Any], disks: Iterable[Mapping[str, Any]] = ()) -> str:
    """What tells whether an image has the same data as another one; empty if nobody knows.

    :param view: as the Image API shows it
    :param disks: of a whole machine, the same of each in their order
    :returns: its ``os_hash_value``; SHA-512 of those of its disks, of a whole machine
    """
    own = [str(each.get("os_hash_value") or "") for each in disks]
    if not own:
        return str(view.get("os_hash_value") or "")
    return hashlib.sha512("\n".join(own).encode()).hexdigest() if all(own) else ""
