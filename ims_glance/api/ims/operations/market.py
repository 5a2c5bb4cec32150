# SPDX-License-Identifier: Apache-2.0
"""The marketplace as buyers have it: what is listed, and what they subscribed to. An extension of ours."""

from typing import Any

from oslo_utils import uuidutils

from ims_glance import exceptions
from ims_glance.api.common.market import Market
from ims_glance.api.ims import schemas
from ims_glance.api.ims.operation import Access, Answer, Call, Operation
from ims_glance.api.ims.operations.market_seller import (
    LIMIT,
    MARKER,
    NULLABLE,
    PAGE,
    checked_id,
    market_of,
    paged,
    product_id,
    with_files,
)
from ims_glance.db.market.entitlements import SubscriptionNotFound
from ims_glance.db.market.listing import Wish
from ims_glance.model.market import document as documents
from ims_glance.model.market import entitlement as entitlements
from ims_glance.model.market import product as products
from ims_glance.model.market import publication, views
from ims_glance.model.market.entitlement import Entitlement, EntitlementState
from ims_glance.model.market.product import Product
from ims_glance.model.text import patterns

_FILTERS = ("category", "os", "region", "price")


class SkuUnknown(exceptions.Invalid):
    """A product has no such specification, or several, and none was named."""

    template = "Product {product_id} has these specifications: {skus}. Name one of them as 'sku'."


def list_products(call: Call) -> Answer:
    """``GET /v1/{project_id}/market/products``: what is listed, the newest first."""
    query, market = call.query, market_of(call)
    limit, marker = int(query.get("limit", PAGE)), query.get("marker")
    terms = tuple(
        (each, query[each] if each == "region" else publication.folded(query[each]))
        for each in _FILTERS
        if query.get(each)
    )
    words = publication.sought(query.get("search", ""))
    if query.get("search") and not words:
        return Answer(paged([], limit))
    found = market.listing.find(Wish(tuple(words), terms), limit + 1, marker and checked_id(marker))
    return Answer(paged([views.offered(each) for each in found], limit))


def show_product(call: Call) -> Answer:
    """``GET /v1/{project_id}/market/products/{product_id}``: all its public parts."""
    market = market_of(call)
    product = market.listing.get(product_id(call), call.project_id)
    found = market.entitlements.of_project(call.project_id, product.product_code)
    subscription = _shown(call, market, found[0]) if found else None
    versions, reviews = market.versions.of_product(product.id), market.products.reviews(product.id)
    shown = views.offered_whole(product, versions, reviews, subscription)
    shown["basic"] = with_files(market, product.id, shown["basic"])
    return Answer(shown)


def subscribe_product(call: Call) -> Answer:
    """``POST /v1/{project_id}/market/subscriptions``: agree to a product's agreement, and have it."""
    market, body = market_of(call), call.body
    product = market.listing.get(checked_id(body["product_id"]), call.project_id)
    wanted = Entitlement(
        id=uuidutils.generate_uuid(dashed=False),
        project_id=call.project_id,
        user_id=str(call.context.user_id),
        product_id=product.id,
        product_code=product.product_code,
        sku=_sku(product, body.get("sku")),
        agreement=body["agreement_digest"],
    )
    made = market.entitlements.subscribe(wanted)
    market.images.settle(project_id=call.project_id, product_id=product.id)
    return Answer(_shown(call, market, made))


def unsubscribe_product(call: Call) -> Answer:
    """``DELETE /v1/{project_id}/market/subscriptions/{subscription_id}``: have it no more."""
    market, given = market_of(call), call.arguments["subscription_id"]
    if not products.is_id(given):
        raise SubscriptionNotFound(entitlement_id=given[:64])
    ended = market.entitlements.unsubscribe(given, call.project_id)
    market.images.settle(project_id=call.project_id, product_id=ended.product_id)
    return Answer()


def list_subscriptions(call: Call) -> Answer:
    """``GET /v1/{project_id}/market/subscriptions``: those of the project, ended ones too."""
    market = market_of(call)
    images = market.entitlements.images(call.project_id)
    found = market.entitlements.all_of_project(call.project_id)
    return Answer({"subscriptions": [_view(each, images) for each in found]})


def _sku(product: Product, given: str | None) -> str | None:
    """The specification that is subscribed to.

    :raises SkuUnknown: if the product has none of that name, or has several and none is named
    """
    basic = (product.published or {}).get("basic") or {}
    skus = [each["sku"] for each in basic.get("specifications") or ()]
    if given is None and len(skus) <= 1:
        return skus[0] if skus else None
    if given not in skus:
        raise SkuUnknown(product_id=product.id, skus=", ".join(skus))
    return given


def _shown(call: Call, market: Market, entitlement: Entitlement) -> dict[str, Any]:
    return _view(entitlement, market.entitlements.images(call.project_id))


def _view(entitlement: Entitlement, images: dict[str, dict[str, str]]) -> dict[str, Any]:
    is_active = entitlement.state is EntitlementState.ACTIVE
    own = images.get(entitlement.product_id, {}) if is_active else {}
    return entitlements.view(entitlement, own)


_SUBSCRIPTION = {
    "type": ["object", "null"],
    "properties": {
        "id": {"type": "string"},
        "product_id": {"type": "string"},
        "product_code": {"type": "string"},
        "sku": NULLABLE,
        "agreement_digest": {"type": "string"},
        "state": {"enum": [str(state) for state in EntitlementState]},
        "since": NULLABLE,
        "ended_at": NULLABLE,
        "until": {**NULLABLE, "description": "when it ends by itself"},
        "images": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"region": {"type": "string"}, "image_id": {"type": "string"}},
            },
            "description": "what may be booted, and where",
        },
    },
    "required": ["id", "product_id", "state", "images"],
}
_OFFERED = {
    "id": {"type": "string"},
    "product_code": {"type": "string"},
    "name": {"type": "string"},
    "agreement_digest": {"type": ["string", "null"]},
    "listed_at": NULLABLE,
}
_SHORT = {
    **_OFFERED,
    **{
        name: NULLABLE
        for name in (
            "version", "introduction", "category", "os_type", "platform", "architecture",
            "price_model", "price",
        )
    },
    "regions": {"type": "array", "items": {"type": "string"}},
}  # fmt: skip
_REQUIRED = ["id", "product_code", "name", "agreement_digest"]
_DIGEST = {
    "type": "string",
    "pattern": patterns.whole("[0-9a-f]{64}"),
    "description": "SHA-256 of the agreement that you agree to, as the product shows it",
}
_ALL = "/v1/{project_id}/market/products"
_SUBSCRIPTIONS = "/v1/{project_id}/market/subscriptions"

OPERATIONS = (
    Operation(
        "list_products", "GET", _ALL, list_products,
        "List products of the marketplace (an extension)",
        query={
            "search": {
                "type": "string", "maxLength": 255,
                "description": "words that it has, or beginnings of them",
            },
            "category": {"enum": list(documents.CATEGORIES)},
            "os": {"type": "string", "maxLength": 64, "description": "such as Linux, or Ubuntu"},
            "region": {"type": "string", "maxLength": 255},
            "price": {"enum": [documents.FREE, "charged"]},
            "limit": LIMIT,
            "marker": MARKER,
        },
        answer={
            "type": "object",
            "properties": {
                "products": {
                    "type": "array",
                    "items": {"type": "object", "properties": _SHORT, "required": _REQUIRED},
                },
                "page_info": schemas.PAGE_INFO,
            },
            "required": ["products", "page_info"],
        },
    ),
    Operation(
        "show_product", "GET", f"{_ALL}/{{product_id}}", show_product,
        "Show a product of the marketplace (an extension)",
        answer={
            "type": "object",
            "properties": {
                **_OFFERED,
                "state": {"type": "string"},
                "access_type": {"type": "string"},
                "version": {"type": "object"},
                "basic": {"type": "object"},
                "business": {"type": "object"},
                "versions": {"type": "array", "items": {"type": "object"}},
                "subscription": _SUBSCRIPTION,
            },
            "required": [*_REQUIRED, "basic", "business"],
        },
    ),
    Operation(
        "subscribe_product", "POST", _SUBSCRIPTIONS, subscribe_product,
        "Agree to a product's agreement, and have it in the project (an extension)",
        access=Access.WRITE,
        body={
            "type": "object",
            "properties": {
                "product_id": {"type": "string", "maxLength": 64},
                "agreement_digest": _DIGEST,
                "sku": {"type": ["string", "null"], "maxLength": 64},
            },
            "required": ["product_id", "agreement_digest"],
            "additionalProperties": False,
        },
        answer=_SUBSCRIPTION,
        status=201,
        audit="createSubscription",
    ),
    Operation(
        "unsubscribe_product", "DELETE", f"{_SUBSCRIPTIONS}/{{subscription_id}}",
        unsubscribe_product, "Have a product no more (an extension)",
        access=Access.WRITE, status=204, audit="deleteSubscription",
    ),
    Operation(
        "list_subscriptions", "GET", _SUBSCRIPTIONS, list_subscriptions,
        "List what the project subscribed to (an extension)",
        answer={
            "type": "object",
            "properties": {"subscriptions": {"type": "array", "items": _SUBSCRIPTION}},
            "required": ["subscriptions"],
        },
    ),
)  # fmt: skip
