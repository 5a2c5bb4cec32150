# SPDX-License-Identifier: Apache-2.0
"""``list_images`` and ``update_image``."""

from typing import Any

from webob import acceptparse

from ims_glance.api.ims import lookup, schemas
from ims_glance.api.ims.operation import Access, Answer, Call, Operation
from ims_glance.api.ims.operations import image_csv
from ims_glance.model.image import listing, update
from ims_glance.model.image import rules as image_rules
from ims_glance.model.text import patterns

_JSON, _CSV = "application/json", "text/csv"
_LIST_ANSWER = {
    "type": "object",
    "properties": {
        "images": {"type": "array", "items": schemas.IMAGE},
        "page_info": schemas.PAGE_INFO,
    },
    "required": ["images"],
}
_UPDATE = {
    "type": "array",
    "minItems": 1,
    "maxItems": 64,
    "items": {
        "type": "object",
        "properties": {
            "op": {"enum": ["add", "replace", "remove"]},
            "path": {"type": "string", "pattern": patterns.whole("/[^/]+"), "maxLength": 256},
            "value": {"type": ["string", "number", "boolean", "null"]},
        },
        "required": ["op", "path"],
    },
}


def list_images(call: Call) -> Answer:
    """``GET /v2/cloudimages``: a page of images, or all of them as CSV."""
    limit = listing.translate(call.query).limit
    if _wants_csv(call.accept):
        pages = lookup.pages(call, {**call.query, "limit": str(listing.DEFAULT_LIMIT)})
        table, length = image_csv.made(pages)
        return Answer(
            stream=table,
            content_type=_CSV,
            headers={
                "Content-Disposition": 'attachment; filename="images.csv"',
                "Content-Length": str(length),
            },
        )
    found: list[dict[str, Any]] = []
    more = False
    # A page that the residue of the filters thinned out is filled up from the next ones.
    for page in lookup.pages(call, call.query):
        found += page
        if len(found) >= limit:
            more = True
            break
    found = found[:limit]
    body: dict[str, Any] = {"images": found}
    if more:
        body["page_info"] = {"next_marker": found[-1]["id"], "current_count": len(found)}
    return Answer(body)


def _wants_csv(accept: str) -> bool:
    """Whether a client prefers a table; of what it likes as much, it gets JSON."""
    wanted = acceptparse.create_accept_header(accept.lower() or None)
    offers = wanted.acceptable_offers([_JSON, _CSV, f"{_CSV};charset=utf-8"])
    return bool(offers) and offers[0][0].startswith(_CSV)


def update_image(call: Call) -> Answer:
    """``PATCH /v2/cloudimages/{image_id}``: the image as it is afterwards."""
    image_id = call.arguments["image_id"]
    view = lookup.checked(call, image_id, image_rules.Action.UPDATE)
    changes = update.checked(call.body, view)
    changed = call.service.images.patch(call.context, image_id, changes)
    return Answer(lookup.shown(call, changed))


OPERATIONS = (
    Operation(
        "list_images",
        "GET",
        "/v2/cloudimages",
        list_images,
        "List images by filters, or all of them as CSV (Accept: text/csv)",
        query=schemas.parameters(*listing.PARAMETERS),
        answer=_LIST_ANSWER,
        other_types=(_CSV,),
    ),
    Operation(
        "update_image",
        "PATCH",
        "/v2/cloudimages/{image_id}",
        update_image,
        "Change attributes of an image",
        access=Access.WRITE,
        body=_UPDATE,
        answer=schemas.IMAGE,
        audit="updateImage",
    ),
)
