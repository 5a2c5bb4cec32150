# SPDX-License-Identifier: Apache-2.0
"""A product's text, as sellers write it in three steps: what it is, what buyers read, what it costs.

A draft may be incomplete, and :func:`missing` says what it lacks. What is there is checked at once: the
schema bounds it, and :func:`checked` looks at what a schema cannot say.
"""

import base64
import binascii
import dataclasses
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ims_glance import exceptions
from ims_glance.model.market import logo
from ims_glance.model.text import free_text, patterns

IMAGE = "image"
OTHER_TYPES = (
    "download", "manual service", "SaaS", "solution", "API", "licence", "hardware",
)  # fmt: skip
"""Access types that KooGallery has besides, and this service has not."""
CATEGORIES = (
    "operating system", "database", "middleware", "development", "security", "network", "storage",
    "analytics", "machine learning", "business", "media", "other",
)  # fmt: skip
FREE = "free"
PRICE_MODELS = (FREE, "hourly", "monthly", "yearly", "once", "by usage")
MAX_CERTIFICATES = 10
MAX_SPECIFICATIONS = 50

_PRICE = re.compile(r"[$€£¥]|\b(free|usd|eur|gbp|cny|price|discount)\b", re.IGNORECASE)
_VERSION = re.compile(r"\bv?\d+(\.\d+)+\b|\bv\d+\b", re.IGNORECASE)
_PHONE = re.compile(r"(\d[ ()/-]*){7,}")
_NOT_IN_NAMES = (("a price", _PRICE), ("a version", _VERSION), ("a telephone number", _PHONE))


class AccessTypeUnknown(exceptions.Invalid):
    """Another kind of goods than images."""

    code = "IMG.0105"
    template = (
        "Products of access type '{given}' are not sold here: 'image' is, and nothing else yet (there are "
        "also {others})."
    )


class ProductNameWrong(exceptions.Invalid):
    """A name that says what is said elsewhere."""

    code = "IMG.0003"
    template = "The name of a product has no {what} in it: '{name}'. There are fields for that."


class ProductTextWrong(exceptions.Invalid):
    """Something in a product's text cannot be."""

    template = "'{place}': {reason}."


class CertificatesTooLarge(exceptions.Invalid):
    """The certificates are larger than the operator allows."""

    template = (
        "The certificates have {kib} KiB; {limit} are the most ([ims_market] certificates_kib)."
    )


def _text(most: int, **others: Any) -> dict[str, Any]:
    return {"type": ["string", "null"], "maxLength": most, **others}


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": ["object", "null"], "properties": properties, "additionalProperties": False}


def _file(most: int) -> dict[str, Any]:
    return {
        "type": ["object", "null"],
        "properties": {
            "name": {"type": "string", "minLength": 1, "maxLength": 255},
            "kind": {"enum": ["self-test report", "software copyright", "other"]},
            "content": {"type": "string", "maxLength": most, "description": "in Base64"},
            "digest": {
                "type": "string",
                "pattern": patterns.whole("[0-9a-f]{64}"),
                "description": "SHA-256 of one that is there already",
            },
            "size": {"type": "integer"},
            "media_type": {"type": "string"},
        },
        "required": ["name"],
        "additionalProperties": False,
    }


_PORT = {
    "type": "object",
    "properties": {
        "port": {"type": "integer", "minimum": 1, "maximum": 65535},
        "protocol": {"enum": ["tcp", "udp"]},
        "purpose": {"type": "string", "maxLength": 255},
    },
    "required": ["port"],
    "additionalProperties": False,
}
_LOGIN = _object(
    method={"enum": ["key pair", "password set by the buyer", "none"]},
    user={"type": "string", "maxLength": 64},
)
_SPECIFICATION = {
    "type": "object",
    "properties": {
        "sku": {"type": "string", "pattern": patterns.whole("[0-9A-Za-z._-]{1,64}")},
        "name": {"type": "string", "maxLength": 128},
        "description": {"type": "string", "maxLength": 1024},
        "price": {"type": "string", "maxLength": 255},
    },
    "required": ["sku"],
    "additionalProperties": False,
}


def _list(of: Mapping[str, Any], most: int) -> dict[str, Any]:
    return {"type": ["array", "null"], "items": of, "maxItems": most}


SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "access_type": {"type": "string", "maxLength": 64},
        "name": {"type": "string", "minLength": 1, "maxLength": 64},
        "note": _text(4096, description="for yourself and the reviewers; no buyer sees it"),
        "version": _object(
            name=_text(32),
            release_notes=_text(4096),
            image_id={
                "type": ["string", "null"],
                "pattern": patterns.whole("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"),
                "description": "a private image of yours, which is copied when the product is submitted",
            },
        ),
        "basic": _object(
            logo=_file(logo.MAX_LOGO * 2),
            introduction=_text(300),
            description=_text(20000),
            category={"enum": [*CATEGORIES, None]},
            usage_guide=_object(text=_text(20000), ports=_list(_PORT, 50), login=_LOGIN),
            support_scope=_text(4096),
            agreement=_text(60000),
            certificates=_list(_file(2**24), MAX_CERTIFICATES),
            attributes={
                "type": ["object", "null"],
                "additionalProperties": {"type": "string", "maxLength": 255},
                "maxProperties": 50,
            },
            specifications=_list(_SPECIFICATION, MAX_SPECIFICATIONS),
            keywords=_list({"type": "string", "minLength": 1, "maxLength": 64}, 30),
        ),
        "business": _object(
            regions=_list({"type": "string", "minLength": 1, "maxLength": 255}, 50),
            pricing=_object(model={"enum": [*PRICE_MODELS, None]}, text=_text(1024)),
            support_terms=_text(4096),
        ),
    },
    "additionalProperties": False,
}
"""Of a draft as sellers send it."""
SECTIONS = ("version", "basic", "business")
FIELDS = ("access_type", "name", *SECTIONS)


@dataclasses.dataclass(frozen=True)
class DraftWithFiles:
    """Files that came with a draft.

    :ivar document: the draft, with their digests in place of them
    :ivar files: their content by digest
    """

    document: dict[str, Any]
    files: dict[str, bytes]


def merged(known: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """A draft with changes: fields of a step replace those that are there, ``null`` takes one away."""
    found = dict(known)
    for name in FIELDS:
        if name not in given:
            continue
        value = given[name]
        if name in SECTIONS and value is not None:
            kept = {**(known.get(name) or {}), **value}
            value = {each: kept[each] for each in kept if kept[each] is not None}
        found[name] = value
    return {name: value for name, value in found.items() if value not in (None, {})}


def checked(
    document: Mapping[str, Any], known: Mapping[str, Any], certificates_kib: int
) -> DraftWithFiles:
    """A draft that fits the schema, with its files apart.

    :param known: the draft that the product has already. A file of it may be named by its digest, in the
        same place; its size and its kind are what they are there
    :param certificates_kib: size of all certificates
    :raises AccessTypeUnknown, ProductNameWrong, ProductTextWrong: what is wrong with it
    :raises LogoWrong, CertificateWrong, CertificatesTooLarge: what is wrong with its files
    """
    access_type, name = document.get("access_type", IMAGE), document.get("name", "")
    if access_type != IMAGE:
        raise AccessTypeUnknown(given=str(access_type)[:64], others=", ".join(OTHER_TYPES))
    check_product_name(name)
    for place, text in _texts(document, ""):
        check_text(place, text)
    basic = dict(document.get("basic") or {})
    skus = [each["sku"] for each in basic.get("specifications") or ()]
    if len(set(skus)) != len(skus):
        raise ProductTextWrong(place="basic.specifications", reason="a 'sku' stands there twice")
    files: dict[str, bytes] = {}
    there = known.get("basic") or {}
    if basic.get("logo"):
        logos = [there["logo"]] if there.get("logo") else []
        basic["logo"] = _kept("basic.logo", basic["logo"], logos, files)
    if basic.get("certificates"):
        certificates = there.get("certificates") or []
        basic["certificates"] = [
            _kept("basic.certificates", each, certificates, files) for each in basic["certificates"]
        ]
        size = sum(each["size"] for each in basic["certificates"])
        if size > certificates_kib * 1024:
            raise CertificatesTooLarge(kib=size // 1024, limit=certificates_kib)
    whole = {**document, "access_type": access_type, **({"basic": basic} if basic else {})}
    if business := document.get("business"):
        whole["business"] = _with_regions_once(business)
    return DraftWithFiles(whole, files)


_LINES = {10: " ", 13: " "}


def check_text(place: str, text: str) -> None:
    """Check that a text of several lines can be kept: no database takes half of a surrogate pair, not every
    one a NUL.

    :param place: where it stands, for the message
    :raises ProductTextWrong: if it cannot
    """
    if not free_text.is_storable(text.translate(_LINES)):
        raise ProductTextWrong(place=place, reason="it has characters that cannot be kept")


def check_product_name(name: str) -> None:
    """Check the name of a product (KooGallery: no price, version or telephone number).

    :raises ProductNameWrong: if it has one
    """
    for what, pattern in _NOT_IN_NAMES:
        if pattern.search(name):
            raise ProductNameWrong(what=what.removeprefix("a "), name=name)


def agreement_digest(text: str) -> str:
    """SHA-256 of an agreement, by which buyers say which they agree to."""
    return hashlib.sha256(text.encode()).hexdigest()


def _with_regions_once(business: Mapping[str, Any]) -> dict[str, Any]:
    """The third step of a draft, which names each region once, in the order of the seller."""
    regions = business.get("regions")
    return {**business, **({"regions": list(dict.fromkeys(regions))} if regions else {})}


def _kept(
    place: str,
    file: Mapping[str, Any],
    known: Sequence[Mapping[str, Any]],
    files: dict[str, bytes],
) -> dict[str, Any]:
    """A file as the draft has it: by its digest."""
    content = file.get("content")
    if content is None:
        for each in known:
            if each["digest"] == file.get("digest"):
                measured = {name: each[name] for name in ("digest", "size", "media_type")}
                return {name: file[name] for name in ("name", "kind") if name in file} | measured
        raise ProductTextWrong(place=place, reason="give its 'content', in Base64")
    try:
        raw = base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError):
        raise ProductTextWrong(place=place, reason="its 'content' is not Base64") from None
    is_logo = place == "basic.logo"
    kind = logo.media_type(raw) if is_logo else logo.document_type(file["name"], raw)
    digest = hashlib.sha256(raw).hexdigest()
    files[digest] = raw
    kept = {"name": file["name"], "digest": digest, "size": len(raw), "media_type": kind}
    return {**kept, **({"kind": file["kind"]} if "kind" in file else {})}


def _texts(value: Any, place: str) -> Iterator[tuple[str, str]]:
    """All texts of a draft, and where they stand; not those of files."""
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, Mapping):
        for name, each in value.items():
            yield place, name
            if name != "content":
                yield from _texts(each, f"{place}.{name}".lstrip("."))
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each, place)


# --- what a draft lacks --------------------------------------------------------------------------

_WANTED: tuple[tuple[str, str, str], ...] = (
    ("access", "name", "the product's name"),
    ("access", "version.name", "the version's name, such as V1.0"),
    ("access", "version.image_id", "the image: a private one of yours"),
    ("basic", "basic.logo", "a logo of 120 x 120 pixels"),
    ("basic", "basic.introduction", "an introduction of a few lines, for lists"),
    ("basic", "basic.description", "a description"),
    ("basic", "basic.category", "a category"),
    ("basic", "basic.usage_guide.text", "a guide to its use"),
    (
        "basic",
        "basic.usage_guide.ports",
        "the ports that it opens; an empty list if there are none",
    ),
    ("basic", "basic.usage_guide.login.method", "how one logs in"),
    ("basic", "basic.support_scope", "what support there is"),
    ("basic", "basic.agreement", "the agreement with its buyers"),
    ("basic", "basic.specifications", "at least one specification"),
    ("business", "business.regions", "the regions that it is offered in"),
    ("business", "business.pricing.model", "how it is paid for; 'free' if it is not"),
    ("business", "business.pricing.text", "what it costs, unless it is free"),
    ("business", "business.support_terms", "the terms of support"),
)


def missing(document: Mapping[str, Any]) -> list[dict[str, str]]:
    """What a draft lacks before it can be submitted, step by step."""
    is_free = _at(document, "business.pricing.model") == FREE
    lacking = []
    for step, place, what in _WANTED:
        value = _at(document, place)
        if value in (None, "", []) and not _may_lack(place, value, is_free):
            lacking.append({"step": step, "field": place, "what": what})
    return lacking


def _may_lack(place: str, value: Any, is_free: bool) -> bool:
    if place == "basic.usage_guide.ports":
        return bool(value == [])
    return is_free and place == "business.pricing.text"


def _at(document: Mapping[str, Any], place: str) -> Any:
    found: Any = document
    for name in place.split("."):
        found = (found or {}).get(name)
    return found
