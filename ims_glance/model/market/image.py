# SPDX-License-Identifier: Apache-2.0
"""The service's own copy of an image that is sold."""

from collections.abc import Mapping
from typing import Any

from ims_glance.model import capture
from ims_glance.model.image import attributes, kinds

REGION = "RegionOne"
"""What Keystone calls the first region, if nobody names it."""

_CARRIED = ("disk_format", "container_format", "min_disk", "min_ram")


def body(source: Mapping[str, Any], code: str, default_key: str) -> dict[str, Any]:
    """The body of ``POST /v2/images`` for it.

    It has what says how a server is to be built, and nothing else of what the seller wrote on the
    image: buyers see the product's texts. The image is shared with nobody yet.

    :param source: the seller's image, as the Image API shows it
    :param code: of the product
    :param default_key: the word for the default key of a project. What is encrypted at the seller's is
        so here, under the service's key
    """
    base = {name: source[name] for name in _CARRIED if source.get(name) is not None}
    key = {attributes.CMK_ID: default_key} if source.get(attributes.CMK_ID) else {}
    return {
        **capture.carried(source),
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
