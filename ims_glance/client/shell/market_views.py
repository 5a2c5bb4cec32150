# SPDX-License-Identifier: Apache-2.0
"""The marketplace as columns."""

from typing import Any

from ims_glance.client.resources.market import (
    OfferedProduct,
    SellersProduct,
    SubmittedVersion,
    Subscription,
)
from ims_glance.client.shell.columns import Lines, TextLines
from ims_glance.client.shell.views import Shown

OWN = ("ID", "Name", "State", "Listed At", "Updated At")
OFFERED = ("ID", "Name", "Version", "Introduction", "Category", "OS", "Regions", "Price")
REVIEWS = ("ID", "Product", "Version", "State", "Seller", "Submitted At")
SUBSCRIPTIONS = ("ID", "Product", "SKU", "State", "Since", "Until", "Images")


def own_row(shown: SellersProduct) -> tuple[Any, ...]:
    """The values of :data:`OWN`."""
    return shown.id, shown.name, shown.state, shown.listed_at, shown.updated_at


# Why it is not there yet is said of those that are not.
_OF_COPY = ("region", "state", "error_code", "reason")


def own(shown: SellersProduct, scan: dict[str, Any] | None = None) -> Shown:
    """A product of the project; without the long texts, which are in its file.

    :param scan: of its image, which is not submitted; else that of its newest version is shown
    """
    scans = [each["scan"] for each in shown.versions or () if each.get("scan")]
    version, basic, business = shown.version or {}, shown.basic or {}, shown.business or {}
    pricing = business.get("pricing") or {}
    values = {
        "id": shown.id,
        "name": shown.name,
        "state": shown.state,
        "product_code": shown.product_code,
        "version": version.get("name"),
        "image": version.get("image_id"),
        "introduction": basic.get("introduction"),
        "category": basic.get("category"),
        "regions": ", ".join(business.get("regions") or ()),
        "price_model": pricing.get("model"),
        "price": pricing.get("text"),
        "note": shown.note,
        "listed_at": shown.listed_at,
        "withdrawn_from": shown.withdrawn_from,
        "missing": Lines(shown.missing or []),
        "problems": Lines(shown.problems or []),
        "versions": Lines(
            [_short(each, "name", "state", "error_code", "reason") for each in shown.versions or ()]
        ),
        "copies": Lines(
            [
                {"version": each.get("name"), **_short(copy, *_OF_COPY)}
                for each in shown.versions or ()
                for copy in each.get("copies") or ()
            ]
        ),
        **_scan(scan or (scans[-1] if scans else None)),
        "reviews": Lines(
            [_short(each, "decision", "reasons", "decided_at") for each in shown.reviews or ()]
        ),
        "history": Lines(
            [_short(each, "at", "action", "from", "to", "why") for each in shown.history or ()]
        ),
    }
    return tuple(values), tuple(values.values())


def offered_row(shown: OfferedProduct) -> tuple[Any, ...]:
    """The values of :data:`OFFERED`."""
    return (
        shown.id,
        shown.name,
        shown.version,
        shown.introduction,
        shown.category,
        shown.platform or shown.os_type,
        ", ".join(shown.regions or ()),
        shown.price or shown.price_model,
    )


def offered(shown: OfferedProduct) -> Shown:
    """Everything public about a product."""
    version, basic, business = shown.version or {}, shown.basic or {}, shown.business or {}
    guide, pricing = basic.get("usage_guide") or {}, business.get("pricing") or {}
    login = guide.get("login") or {}
    have = shown.subscription or {}
    values = {
        "id": shown.id,
        "name": shown.name,
        "state": shown.state,
        "version": version.get("name"),
        "release_notes": version.get("release_notes"),
        "os": version.get("os_version") or version.get("platform"),
        "architecture": version.get("architecture"),
        "introduction": basic.get("introduction"),
        "description": basic.get("description"),
        "category": basic.get("category"),
        "attributes": Lines([basic["attributes"]] if basic.get("attributes") else []),
        "specifications": Lines(basic.get("specifications") or []),
        "usage_guide": guide.get("text"),
        "ports": Lines(guide.get("ports") or []),
        "login": ", ".join(filter(None, (login.get("method"), login.get("user")))),
        "regions": ", ".join(business.get("regions") or ()),
        "price_model": pricing.get("model"),
        "price": pricing.get("text"),
        "support_scope": basic.get("support_scope"),
        "support_terms": business.get("support_terms"),
        "agreement": basic.get("agreement"),
        "agreement_digest": shown.agreement_digest,
        "subscription": have.get("id"),
        "images": Lines(have.get("images") or []),
    }
    return tuple(values), tuple(values.values())


def review_row(shown: SubmittedVersion) -> tuple[Any, ...]:
    """The values of :data:`REVIEWS`."""
    return (
        shown.id,
        shown.product_name,
        shown.version,
        shown.state,
        shown.seller_project_id,
        shown.submitted_at,
    )


def review(shown: SubmittedVersion) -> Shown:
    """All that was handed in, but the content of files."""
    document = dict(shown.document or {})
    basic = document.get("basic") or {}
    certificates = [
        _short(each, "name", "kind", "size", "digest") for each in basic.get("certificates") or ()
    ]
    values = {
        "id": shown.id,
        "product": shown.product_id,
        "name": shown.product_name,
        "product_state": shown.product_state,
        "version": shown.version,
        "release_notes": shown.release_notes,
        "state": shown.state,
        "seller": shown.seller_project_id,
        "submitted_at": shown.submitted_at,
        "note": shown.note,
        "source_image": shown.source_image_id,
        "source": Lines([shown.source] if shown.source else []),
        "copies": Lines(shown.copies or []),
        **_scan(shown.scan),
        **{name: basic.get(name) for name in ("introduction", "description", "category")},
        "usage_guide": Lines([basic["usage_guide"]] if basic.get("usage_guide") else []),
        "specifications": Lines(basic.get("specifications") or []),
        **{name: basic.get(name) for name in ("support_scope", "agreement")},
        "business": Lines([document["business"]] if document.get("business") else []),
        "certificates": Lines(certificates),
        "reviews": Lines(shown.reviews or []),
        "history": Lines(shown.history or []),
    }
    return tuple(values), tuple(values.values())


def subscription_row(shown: Subscription) -> tuple[Any, ...]:
    """The values of :data:`SUBSCRIPTIONS`."""
    return (
        shown.id,
        shown.product_id,
        shown.sku,
        shown.state,
        shown.since,
        shown.until,
        Lines(shown.images or []),
    )


def subscription(shown: Subscription) -> Shown:
    """Everything about a subscription."""
    values = {
        "id": shown.id,
        "product": shown.product_id,
        "product_code": shown.product_code,
        "sku": shown.sku,
        "agreement_digest": shown.agreement_digest,
        "state": shown.state,
        "since": shown.since,
        "ended_at": shown.ended_at,
        "until": shown.until,
        "images": Lines(shown.images or []),
    }
    return tuple(values), tuple(values.values())


def _scan(report: dict[str, Any] | None) -> dict[str, Any]:
    """What a scan came to, what it found, and what it says besides."""
    found = report or {}
    more = found.get("more")
    notes = [
        *(found.get("notes") or ()),
        *([f"{more} more findings are not listed."] if more else []),
    ]
    return {
        "scan": found.get("state"),
        "scan_findings": Lines(
            [
                _short(each, "severity", "where", "what", "advice")
                for each in found.get("findings") or ()
            ]
        ),
        "scan_notes": TextLines(notes),
    }


def _short(record: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: record[name] for name in names if record.get(name) is not None}
