# SPDX-License-Identifier: Apache-2.0
"""The kind of an image, ``__imagetype``, as the one who looks sees it, and the products in it.

The kind follows from the image's visibility, and from whether it has members: Glance calls an image
``shared`` that may have some. The guard marks those that have
(``attributes.BEFORE_SHARING``).
"""

import re
from collections.abc import Iterable, Mapping
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
PRODUCT_CODE = "__productcode"
"""On the service's copy of a product, and on all that was made of it: the code of the product."""

# A product's code; and as many in one attribute as a machine may have disks.
_CODE = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,63}")
_CODES = 30


def image_type(view: Mapping[str, Any]) -> str:
    """The kind of an image from its view in the Image API.

    A community image, which IMS does not know, is its owner's private one. Images of the market are
    marked by the service.
    """
    if is_of_market(view):
        return MARKET
    return _KINDS.get(shown_visibility(view), PRIVATE)


def shown_visibility(view: Mapping[str, Any]) -> str:
    """The visibility of an image as the IMS API shows it: one that is shared with nobody is private."""
    visibility = str(view.get("visibility"))
    return "private" if visibility == "shared" and not view.get(HAS_MEMBERS) else visibility


def is_of_market(view: Mapping[str, Any]) -> bool:
    """Whether an image is the service's own copy of a product."""
    return view.get("__imagetype") == MARKET


def product_codes(view: Mapping[str, Any]) -> frozenset[str]:
    """The products of the marketplace that an image's data holds, as its attribute says."""
    named = str(view.get(PRODUCT_CODE) or "").split(",")
    return frozenset(filter(_CODE.fullmatch, named[:_CODES]))


def of_products(codes: Iterable[str]) -> dict[str, str]:
    """The attribute of an image that holds products; none for none."""
    there = sorted(set(codes))[:_CODES]
    return {PRODUCT_CODE: ",".join(there)} if there else {}
