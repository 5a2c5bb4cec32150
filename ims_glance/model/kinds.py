# SPDX-License-Identifier: Apache-2.0
"""The kind of an image, ``__imagetype``, as the one who looks sees it.

It follows from the image's visibility, which the guard keeps true: an image is ``shared`` exactly
as long as it has members.
"""

from collections.abc import Mapping
from typing import Any

GOLD = "gold"
PRIVATE = "private"
SHARED = "shared"
MARKET = "market"

# Kind -> the visibility of its images. Images of the market are marked by the service.
VISIBILITY = {GOLD: "public", PRIVATE: "private", SHARED: "shared"}
_KINDS = {visibility: kind for kind, visibility in VISIBILITY.items()}


def image_type(view: Mapping[str, Any]) -> str:
    """The kind of an image from its view in the Image API.

    A community image, which IMS does not know, is its owner's private one.
    """
    if view.get("__imagetype") == MARKET:
        return MARKET
    return _KINDS.get(str(view.get("visibility")), PRIVATE)
