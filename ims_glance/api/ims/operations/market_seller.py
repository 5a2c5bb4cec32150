# SPDX-License-Identifier: Apache-2.0
"""Products of the marketplace as sellers have them. They are an extension of ours.

Who does not sell does not see that there are these operations.
"""

import base64
from typing import Any

from oslo_utils import uuidutils

from ims_glance import exceptions
from ims_glance.api.common.market import Market, actor_of
from ims_glance.api.ims import schemas
from ims_glance.api.ims.operation import Access, Answer, Call, Operation
from ims_glance.db.market.rows import ProductNotFound
from ims_glance.model.market import document as documents
from ims_glance.model.market import product as products
from ims_glance.model.market import views
from ims_glance.model.market.product import Product, ProductState
from ims_glance.model.text import patterns

MAX_BODY_KIB = 16384
"""Certificates come in Base64."""
PAGE = 50
_DAY = 86400.0


class MarketClosed(exceptions.NotFound):
    """There is no marketplace here."""

    code = "IMG.0017"
    template = "There is no marketplace in this region."


class NothingToTakeBack(exceptions.Conflict):
    """A product has been withdrawn, or was never submitted."""

    template = "Product {product_id} is {state}: there is nothing to withdraw."


def market_of(call: Call) -> Market:
    """The marketplace.

    :raises MarketClosed: if there is none
    """
    if call.service.market is None:
        raise MarketClosed
    return call.service.market


def create_product(call: Call) -> Answer:
    """``POST /v1/{project_id}/market/seller/products``: a draft, which may be incomplete."""
    market = market_of(call)
    given = documents.merged({}, call.body)
    uploads = documents.checked(given, {}, market.certificates_kib)
    made = Product(
        id=uuidutils.generate_uuid(dashed=False),
        product_code=uuidutils.generate_uuid(dashed=False),
        project_id=call.project_id,
        user_id=str(call.context.user_id),
        state=ProductState.DRAFT,
        access_type=uploads.document["access_type"],
        name=uploads.document.get("name", ""),
        document=uploads.document,
        note=recorded_text(call, "note"),
    )
    market.products.create(made, uploads.files, market.drafts)
    return Answer(_shown(market, market.products.get(made.id, call.project_id)))


def list_own_products(call: Call) -> Answer:
    """``GET /v1/{project_id}/market/seller/products``: the newest first."""
    limit = int(call.query.get("limit", PAGE))
    marker = call.query.get("marker")
    found = market_of(call).products.find(call.project_id, limit + 1, marker and checked_id(marker))
    return Answer(paged([views.own(each) for each in found], limit))


def show_own_product(call: Call) -> Answer:
    """``GET /v1/{project_id}/market/seller/products/{product_id}``; with its files, if asked for."""
    market = market_of(call)
    product = _get(call, market)
    shown = _shown(market, product)
    if call.query.get("files", "").lower() == "true" and shown["basic"]:
        shown["basic"] = with_files(market, product.id, shown["basic"])
    return Answer(shown)


def update_product(call: Call) -> Answer:
    """``PUT /v1/{project_id}/market/seller/products/{product_id}``: fields that are given replace others."""
    market = market_of(call)
    product = _get(call, market)
    draft = documents.merged(product.document, call.body)
    uploads = documents.checked(draft, product.document, market.certificates_kib)
    values: dict[str, Any] = {
        "document": uploads.document,
        "access_type": uploads.document["access_type"],
        "name": uploads.document.get("name", ""),
    }
    if "note" in call.body:
        values["note"] = recorded_text(call, "note")
    return Answer(_shown(market, market.products.change(product, values, uploads.files)))


def delete_product(call: Call) -> Answer:
    """``DELETE /v1/{project_id}/market/seller/products/{product_id}``: a draft, or what was rejected."""
    market_of(call).products.delete(product_id(call), call.project_id)
    return Answer()


def submit_product(call: Call) -> Answer:
    """``POST …/{product_id}/submit``: have it copied, scanned and reviewed; or only say what would be refused."""
    market = market_of(call)
    product = _get(call, market)
    if not call.body.get("validate_only"):
        market.submit(call.context, product)
        return Answer(_shown(market, market.products.get(product.id, call.project_id)))
    problems, job_id = [], None
    try:
        source = market.check(call.context, product)
        job_id = market.images.scan(call.context, source.image_id)
    except exceptions.Unavailable:
        raise
    except exceptions.ImsError as refused:
        problems.append({"code": refused.code, "message": str(refused)})
    shown = {**_shown(market, product), "problems": problems, "scan_job_id": job_id}
    return Answer(shown, job_id=job_id, has_changed=job_id is not None)


def add_product_version(call: Call) -> Answer:
    """``POST …/{product_id}/versions``: change the draft's version, and submit it."""
    market = market_of(call)
    product = _get(call, market)
    draft = documents.merged(product.document, {"version": call.body})
    uploads = documents.checked(draft, product.document, market.certificates_kib)
    values = {"document": uploads.document}
    market.submit(call.context, market.products.change(product, values, {}))
    return Answer(_shown(market, market.products.get(product.id, call.project_id)))


def withdraw_product(call: Call) -> Answer:
    """``POST …/{product_id}/withdraw``: take back what is submitted; else take it from all who have it."""
    market, why = market_of(call), recorded_text(call, "why")
    product, actor = _get(call, market), actor_of(call.context)
    if product.submission_id is not None:
        version = market.versions.get_any(product.submission_id)
        market.versions.take_back(version, actor, why)
    elif product.listed_at is None:
        raise NothingToTakeBack(product_id=product.id, state=product.state)
    else:
        after = call.body.get("after_days", 0) * _DAY
        market.entitlements.withdraw(product.id, call.project_id, actor, why, after or None)
    return Answer(_shown(market, market.products.get(product.id, call.project_id)))


def restrict_product(call: Call) -> Answer:
    """``POST …/{product_id}/restrict``: take no new buyers."""
    market, named = market_of(call), product_id(call)
    actor = actor_of(call.context)
    market.entitlements.restrict(named, call.project_id, actor, recorded_text(call, "why"))
    return Answer(_shown(market, market.products.get(named, call.project_id)))


def product_id(call: Call) -> str:
    """The id in the path. Not every database takes every text.

    :raises ProductNotFound: if there can be none of that id
    """
    return checked_id(call.arguments["product_id"])


def checked_id(given: str) -> str:
    """An id of a product that a client gave.

    :raises ProductNotFound: if it is none
    """
    if not products.is_id(given):
        raise ProductNotFound(product_id=given[:64])
    return given


def recorded_text(call: Call, name: str) -> str | None:
    """A text of the body that is recorded as it is, in words of whoever sends it.

    :raises ProductTextWrong: if it cannot be kept
    """
    text: str | None = call.body.get(name)
    if text is not None:
        documents.check_text(name, text)
    return text


def paged(found: list[dict[str, Any]], limit: int, name: str = "products") -> dict[str, Any]:
    """A page of a list.

    :param found: one more than the page has, if there are more
    """
    page = found[:limit]
    following = page[-1]["id"] if len(found) > limit and page else None
    return {name: page, "page_info": {"next_marker": following, "current_count": len(page)}}


def with_files(market: Market, of_product: str, basic: dict[str, Any]) -> dict[str, Any]:
    """The second step of a product with its files' content, as far as that is kept."""

    def whole(file: dict[str, Any]) -> dict[str, Any]:
        content = market.products.file(of_product, file["digest"])
        if content is None:
            # Of a version that was taken back.
            return file
        return {**file, "content": base64.b64encode(content).decode()}

    found = dict(basic)
    if found.get("logo"):
        found["logo"] = whole(found["logo"])
    if found.get("certificates"):
        found["certificates"] = [whole(each) for each in found["certificates"]]
    return found


def _get(call: Call, market: Market) -> Product:
    return market.products.get(product_id(call), call.project_id)


def _shown(market: Market, product: Product) -> dict[str, Any]:
    versions = market.versions.of_product(product.id)
    copies = {each.id: market.copies.wanted(each.id) for each in versions}
    history, reviews = market.products.history(product.id), market.products.reviews(product.id)
    shown = views.own_whole(product, versions, copies, history, reviews)
    scans = market.scans.views(product.id)
    shown["versions"] = [{**each, "scan": scans.get(each["id"])} for each in shown["versions"]]
    return shown


NULLABLE = {"type": ["string", "null"]}
_OBJECT = {"type": ["object", "null"]}
_WHY = {"type": ["string", "null"], "maxLength": 2000}
_OWN = {
    "id": {"type": "string"},
    "product_code": {"type": "string", "description": "on each image that is made of it"},
    "state": {"enum": [str(state) for state in ProductState]},
    "access_type": {"type": "string"},
    "name": {"type": "string"},
    "submission_id": {**NULLABLE, "description": "version that is copied or reviewed"},
    "listed_at": NULLABLE,
    "withdrawn_from": {**NULLABLE, "description": "from when nobody has it any more"},
    "created_at": NULLABLE,
    "updated_at": NULLABLE,
}
_REQUIRED = ["id", "product_code", "state", "name"]
_IN_LIST = {"type": "object", "properties": _OWN, "required": _REQUIRED}
_LIST_OF_OBJECTS = {"type": "array", "items": {"type": "object"}}
_PRODUCT = {
    "type": "object",
    "properties": {
        **_OWN,
        **{name: _OBJECT for name in documents.SECTIONS},
        "note": NULLABLE,
        "missing": {
            **_LIST_OF_OBJECTS, "description": "what it lacks, step by step: step, field, what",
        },
        "versions": {
            **_LIST_OF_OBJECTS,
            "description": "each with its copies, one a region: region, state, attempts (that failed), "
            "error_code and reason (why it is not there yet)",
        },
        "history": {**_LIST_OF_OBJECTS, "description": "each change of its state"},
        "reviews": _LIST_OF_OBJECTS,
        "problems": {**_LIST_OF_OBJECTS, "description": "why it would be refused: code, message"},
        "scan_job_id": {
            **NULLABLE, "description": "job that scans the image, of what is only to be validated",
        },
    },
    "required": [*_REQUIRED, "missing", "versions"],
}  # fmt: skip
LIMIT = {"type": "string", "pattern": patterns.whole("[1-9][0-9]?|100")}
MARKER = {"type": "string", "maxLength": 64, "description": "id of the last one of the page before"}
_ALL = "/v1/{project_id}/market/seller/products"
_ONE = f"{_ALL}/{{product_id}}"
_REASON = {"type": "object", "properties": {"why": _WHY}, "additionalProperties": False}


def _operation(
    name: str, method: str, path: str, handler: Any, summary: str, **rest: Any
) -> Operation:
    values = {"answer": _PRODUCT, **rest}
    audit: dict[str, Any] = (
        {} if method == "GET" else {"audit": f"{values.pop('does', 'update')}Product"}
    )
    return Operation(
        name, method, path, handler, f"{summary} (an extension)", access=Access.SELL,
        **values, **audit,
    )  # fmt: skip


OPERATIONS = (
    _operation(
        "create_product", "POST", _ALL, create_product, "Begin a product of the marketplace",
        body=documents.SCHEMA, status=201, max_body_kib=MAX_BODY_KIB, does="create",
    ),
    _operation(
        "list_own_products", "GET", _ALL, list_own_products, "List the products that the project sells",
        query={"limit": LIMIT, "marker": MARKER},
        answer={
            "type": "object",
            "properties": {
                "products": {"type": "array", "items": _IN_LIST}, "page_info": schemas.PAGE_INFO,
            },
            "required": ["products", "page_info"],
        },
    ),
    _operation(
        "show_own_product", "GET", _ONE, show_own_product, "Show a product of the project, and what it lacks",
        query={"files": {"type": "string", "description": "true: with its logo and certificates"}},
    ),
    _operation(
        "update_product", "PUT", _ONE, update_product, "Change the draft of a product",
        body=documents.SCHEMA, max_body_kib=MAX_BODY_KIB,
    ),
    _operation(
        "delete_product", "DELETE", _ONE, delete_product, "Delete a draft", answer=None, status=204,
        does="delete",
    ),
    _operation(
        "submit_product", "POST", f"{_ONE}/submit", submit_product, "Submit a product for review",
        body={
            "type": "object",
            "properties": {
                "validate_only": {
                    **schemas.BOOLEAN,
                    "description": "say what would be refused, have the image scanned, and submit nothing",
                },
            },
            "additionalProperties": False,
        },
    ),
    _operation(
        "add_product_version", "POST", f"{_ONE}/versions", add_product_version,
        "Submit another version of a product",
        body={**documents.SCHEMA["properties"]["version"], "type": "object"},
    ),
    _operation(
        "withdraw_product", "POST", f"{_ONE}/withdraw", withdraw_product,
        "Take back a product that is submitted, or take one from the market and all who have it",
        body={
            "type": "object",
            "properties": {
                "why": _WHY,
                "after_days": {
                    "type": "number", "minimum": 0, "maximum": 3650,
                    "description": "when those who have it lose it; at once, if it is left out",
                },
            },
            "additionalProperties": False,
        },
    ),
    _operation(
        "restrict_product", "POST", f"{_ONE}/restrict", restrict_product,
        "Take no new buyers for a product", body=_REASON,
    ),
)  # fmt: skip
