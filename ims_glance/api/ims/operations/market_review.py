# SPDX-License-Identifier: Apache-2.0
"""Versions of products that wait for a reviewer. They are an extension of ours.

Who does not review does not see that there are these operations.
"""

from typing import Any

from ims_glance import exceptions
from ims_glance.api.common.market import Market, actor_of
from ims_glance.api.ims import schemas
from ims_glance.api.ims.operation import Access, Answer, Call, Operation
from ims_glance.api.ims.operations.market_seller import (
    LIMIT,
    MARKER,
    NULLABLE,
    PAGE,
    market_of,
    paged,
    recorded_text,
    with_files,
)
from ims_glance.db.market.rows import VersionNotFound
from ims_glance.db.market.versions import Publication
from ims_glance.model.market import product as products
from ims_glance.model.market import publication, views
from ims_glance.model.market.product import Product, ProductVersion, VersionState


class OwnProduct(exceptions.Forbidden):
    """Nobody reviews what their own project sells."""

    template = (
        "Product {product_id} is sold by your own project: somebody of another one reviews it."
    )


class UninspectedRefused(exceptions.Conflict):
    """What nobody could look into is not sold here."""

    code = "IMG.0024"
    template = (
        "Version {version_id} cannot be approved as not inspected: the operator does not allow that "
        "([ims_market] uninspected). Reject it."
    )


class UninspectedUnexplained(exceptions.Invalid):
    """Nobody says why."""

    template = "What is approved as not inspected has 'reasons': how is it known what is in it?"


def list_reviews(call: Call) -> Answer:
    """``GET /v1/{project_id}/market/reviews``: what waits for a reviewer, the oldest first."""
    market, limit = market_of(call), int(call.query.get("limit", PAGE))
    marker = call.query.get("marker")
    found = market.versions.in_review(limit + 1, marker and _checked(marker))
    rows = [
        views.submission(each, each.project_id, product)
        for each in found
        if (product := market.products.get_any(each.product_id)) is not None
    ]
    return Answer(paged(rows, limit, "reviews"))


def show_review(call: Call) -> Answer:
    """``GET /v1/{project_id}/market/reviews/{version_id}``: all that was handed in, certificates too."""
    market = market_of(call)
    version, product = _get(call, market)
    shown = _shown(market, version, product)
    if call.query.get("files", "").lower() == "true":
        document = shown["document"]
        shown["document"] = {
            **document, "basic": with_files(market, product.id, document.get("basic") or {}),
        }  # fmt: skip
    return Answer(shown)


def approve_version(call: Call) -> Answer:
    """``POST /v1/{project_id}/market/reviews/{version_id}/approve``: list it."""
    market = market_of(call)
    version, _product = _theirs(call, market)
    published = publication.published(version)
    listing = Publication(
        published=published,
        summary=publication.summary(published),
        agreement=published["agreement_digest"],
        agreement_text=published["basic"]["agreement"],
        terms=publication.terms(published),
    )
    market.versions.approve(
        version,
        actor_of(call.context),
        listing,
        recorded_text(call, "reasons"),
        is_acknowledged=_acknowledged(call, market, version),
    )
    return Answer(_shown(market, *_get(call, market)))


def reject_version(call: Call) -> Answer:
    """``POST /v1/{project_id}/market/reviews/{version_id}/reject``: give it back, and say why."""
    market = market_of(call)
    version, _product = _theirs(call, market)
    reasons = recorded_text(call, "reasons") or ""
    market.versions.reject(version, actor_of(call.context), reasons)
    return Answer(_shown(market, *_get(call, market)))


def _get(call: Call, market: Market) -> tuple[ProductVersion, Product]:
    """The version that the path names, if it is or was a reviewer's business."""
    version = market.versions.get_any(_checked(call.arguments["version_id"]))
    product = market.products.get_any(version.product_id)
    if product is None:
        raise VersionNotFound(version_id=version.id)
    return version, product


def _theirs(call: Call, market: Market) -> tuple[ProductVersion, Product]:
    version, product = _get(call, market)
    if product.project_id == call.project_id:
        raise OwnProduct(product_id=product.id)
    return version, product


def _acknowledged(call: Call, market: Market, version: ProductVersion) -> bool:
    """Whether the reviewer says that it is to be sold though nobody could look into all of it.

    :raises UninspectedRefused: if that is not allowed here
    :raises UninspectedUnexplained: if there is no reason
    """
    if not call.body.get("uninspected"):
        return False
    if not market.takes_uninspected:
        raise UninspectedRefused(version_id=version.id)
    if not (call.body.get("reasons") or "").strip():
        raise UninspectedUnexplained
    return True


def _checked(given: str) -> str:
    if not products.is_id(given):
        raise VersionNotFound(version_id=given[:64])
    return given


def _shown(market: Market, version: ProductVersion, product: Product) -> dict[str, Any]:
    history, reviews = market.products.history(product.id), market.products.reviews(product.id)
    copies = market.copies.wanted(version.id)
    shown = views.submission_whole(version, product, copies, history, reviews)
    return {**shown, "scan": market.scans.views(product.id).get(version.id)}


_ROW = {
    "id": {"type": "string", "description": "of the version"},
    "product_id": {"type": "string"},
    "product_name": {"type": "string"},
    "product_state": {"type": "string"},
    "seller_project_id": {"type": "string"},
    "version": {"type": "string"},
    "state": {"enum": [str(state) for state in VersionState]},
    "submitted_at": NULLABLE,
}
_REQUIRED = ["id", "product_id", "product_name", "version", "state"]
_WHOLE = {
    "type": "object",
    "properties": {
        **_ROW,
        "release_notes": NULLABLE,
        "source_image_id": {"type": "string"},
        "source": {"type": "object"},
        "document": {"type": "object", "description": "as it was handed in, with certificates"},
        "note": {**NULLABLE, "description": "of the seller"},
        "copies": {"type": "array", "items": {"type": "object"}},
        "scan": {"type": ["object", "null"], "description": "what was looked for in it, and found"},
        "history": {"type": "array", "items": {"type": "object"}},
        "reviews": {"type": "array", "items": {"type": "object"}},
    },
    "required": [*_REQUIRED, "document"],
}
_ALL = "/v1/{project_id}/market/reviews"
_ONE = f"{_ALL}/{{version_id}}"
_REASONS = {"type": ["string", "null"], "maxLength": 2000}
_UNINSPECTED = {
    "type": "boolean",
    "description": "sell it though the scan could not look into all of it; that needs reasons, which are recorded",
}

OPERATIONS = (
    Operation(
        "list_reviews", "GET", _ALL, list_reviews,
        "List versions of products that wait for a reviewer (an extension)",
        access=Access.REVIEW,
        query={"limit": LIMIT, "marker": MARKER},
        answer={
            "type": "object",
            "properties": {
                "reviews": {
                    "type": "array",
                    "items": {"type": "object", "properties": _ROW, "required": _REQUIRED},
                },
                "page_info": schemas.PAGE_INFO,
            },
            "required": ["reviews", "page_info"],
        },
    ),
    Operation(
        "show_review", "GET", _ONE, show_review,
        "Show all that was handed in of a version (an extension)",
        access=Access.REVIEW,
        query={"files": {"type": "string", "description": "true: with logo and certificates"}},
        answer=_WHOLE,
    ),
    Operation(
        "approve_version", "POST", f"{_ONE}/approve", approve_version,
        "List a version of a product (an extension)",
        access=Access.REVIEW,
        body={
            "type": "object",
            "properties": {"reasons": _REASONS, "uninspected": _UNINSPECTED},
            "additionalProperties": False,
        },
        answer=_WHOLE,
        audit="reviewProduct",
    ),
    Operation(
        "reject_version", "POST", f"{_ONE}/reject", reject_version,
        "Give a version of a product back to its seller (an extension)",
        access=Access.REVIEW,
        body={
            "type": "object",
            "properties": {"reasons": {"type": "string", "minLength": 1, "maxLength": 2000}},
            "required": ["reasons"],
            "additionalProperties": False,
        },
        answer=_WHOLE,
        audit="reviewProduct",
    ),
)  # fmt: skip
