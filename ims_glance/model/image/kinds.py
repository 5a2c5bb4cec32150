# SPDX-License-Identifier: Apache-2.0
"""The kind of an image, ``__imagetype``, as the one who looks sees it.

It follows from the image's visibility, and from whether it has members: Glance calls an image
``shared`` that may have some. The guard marks those that have
(``attributes.BEFORE_SHARING``).
"""

from collections.abc import Mapping
from typing import Any

GOLD = "gold"
PRIVATE = "private"
SHARED = "shared"
MARKET = "market"

KINDS = (GOLD, PRIVATE, SHARED, MARKET)
# Kind -> the visibility of all its images, where they have one.
VISIBILITY = {GOLD: "public", SHARED: "shared"}
_KINDS = {visibility: kind for kind, visibility in VISIBILITY.items()}
HAS_MEMBERS = "__visibility_before_sharing"


def image_type(view: Mapping[str, Any]) -> str:
    """The kind of an image from its view in the Image API.

    A community image, which IMS does not know, is its owner's private one. Images of the market are
    marked by the service.
    """
    if view.get("__imagetype") == MARKET:
        return MARKET
    return _KINDS.get(shown_visibility(view), PRIVATE)


def shown_visibility(view: Mapping[str, Any]) -> str:
    """The visibility of an image as the IMS API shows it: one that is shared with nobody is private."""
    visibility = str(view.get("visibility"))
    return "private" if visibility == "shared" and not view.get(HAS_MEMBERS) else visibility
