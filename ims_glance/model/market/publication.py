# SPDX-License-Identifier: Apache-2.0
"""What buyers see of a product, and what they find it by.

Only fields that are named here get out: certificates, the seller's note and its image are not.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ims_glance.model.market import document as documents
from ims_glance.model.market.product import ProductVersion

_BASIC = (
    "introduction", "description", "category", "usage_guide", "support_scope", "agreement",
    "attributes", "specifications", "keywords",
)  # fmt: skip
_LOGO = ("name", "digest", "media_type", "size")
_BUSINESS = ("regions", "pricing", "support_terms")
_VERSION = ("name", "release_notes")
_SOURCE = ("os_type", "os_version", "platform", "architecture", "size", "disks")
_WORD = re.compile(r"\w+")
_MAX_WORDS, _MAX_LENGTH = 300, 64
MAX_SOUGHT = 8
"""Words of a search that count."""


def published(version: ProductVersion) -> dict[str, Any]:
    """What buyers see of a product once a version is approved."""
    document = version.document
    basic, business = document.get("basic") or {}, document.get("business") or {}
    return {
        "name": document["name"],
        "access_type": document["access_type"],
        "version": {
            **_of(document.get("version") or {}, _VERSION),
            **_of(version.source, _SOURCE),
        },
        "basic": {**_of(basic, _BASIC), "logo": _of(basic.get("logo") or {}, _LOGO)},
        "business": _of(business, _BUSINESS),
        "agreement_digest": documents.agreement_digest(basic["agreement"]),
    }


def summary(shown: Mapping[str, Any]) -> dict[str, Any]:
    """What of it is in lists.

    :param shown: as :func:`published` has it
    """
    basic, business, version = shown["basic"], shown["business"], shown["version"]
    pricing = business.get("pricing") or {}
    return {
        "name": shown["name"],
        "version": version.get("name"),
        "introduction": basic.get("introduction"),
        "category": basic.get("category"),
        "os_type": version.get("os_type"),
        "platform": version.get("platform"),
        "architecture": version.get("architecture"),
        "regions": business.get("regions") or [],
        "price_model": pricing.get("model"),
        "price": pricing.get("text"),
    }


def terms(shown: Mapping[str, Any]) -> set[tuple[str, str]]:
    """Pairs of kind and term that a product is found by.

    :param shown: as :func:`published` has it
    """
    short = summary(shown)
    basic = shown["basic"]
    texts = (
        shown["name"],
        *(basic.get("keywords") or ()),
        short["category"] or "",
        short["platform"] or "",
        basic.get("introduction") or "",
        basic.get("description") or "",
    )
    found = {("word", word) for word in _first(words(texts), _MAX_WORDS)}
    found |= {("region", each) for each in region_terms(short["regions"])}
    is_free = short["price_model"] == documents.FREE
    for kind, value in (
        ("category", short["category"]),
        ("os", short["os_type"]),
        ("os", short["platform"]),
        ("price", documents.FREE if is_free else "charged"),
    ):
        if value:
            found.add((kind, folded(value)[:_MAX_LENGTH]))
    return found


def region_terms(regions: Iterable[str]) -> list[str]:
    """What a product is found by that is listed in regions."""
    return sorted({each[:_MAX_LENGTH] for each in regions})


def in_regions(
    shown: Mapping[str, Any], short: Mapping[str, Any], regions: Iterable[str]
) -> dict[str, Any]:
    """What buyers see of a product that is listed in these regions alone.

    :param shown: as :func:`published` has it
    :param short: as :func:`summary` has it
    :returns: both, as ``published`` and ``summary``
    """
    named = list(regions)
    business = {**(shown.get("business") or {}), "regions": named}
    return {
        "published": {**shown, "business": business},
        "summary": {**short, "regions": named},
    }


def sought(text: str) -> list[str]:
    """The words that a search is for; a product has words that begin with each."""
    return _first(words([text]), MAX_SOUGHT)


def words(texts: Iterable[str]) -> Iterator[str]:
    """Words as they are kept: whatever their case and accents."""
    for text in texts:
        for word in _WORD.findall(folded(text)):
            yield word[:_MAX_LENGTH]


def folded(text: str) -> str:
    """A text without case and accents."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(each for each in apart if not unicodedata.combining(each))


def _first(found: Iterable[str], most: int) -> list[str]:
    return list(dict.fromkeys(found))[:most]


def _of(value: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: value[name] for name in names if value.get(name) is not None}
