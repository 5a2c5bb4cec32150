# SPDX-License-Identifier: Apache-2.0
"""Tags: of one image, changed under its lock; of all images; and images by their tags."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ims_glance import exceptions
from ims_glance.api.common.image import SubrequestRefused
from ims_glance.api.ims import lookup, schemas
from ims_glance.api.ims.operation import Access, Answer, Call, Operation
from ims_glance.api.native.image import TooManyTags
from ims_glance.clouds import coordination
from ims_glance.model import tag as tags
from ims_glance.model import tag_query
from ims_glance.model.image import listing
from ims_glance.model.image import rules as image_rules
from ims_glance.model.tag import Tag
from ims_glance.model.text import patterns

_KEY = {"type": "string", "maxLength": 255}
_VALUE = {"type": ["string", "null"], "maxLength": 255}
_PAIR = {
    "type": "object",
    "properties": {"key": _KEY, "value": _VALUE},
    "required": ["key"],
    "x-ims-code": "IMG.0115",
}
_PAIRS = {"type": "array", "items": _PAIR, "minItems": 1, "maxItems": 128}
# Parameters of a list of images that one of tags has not.
_OF_PAGES = ("marker", "sort_key", "sort_dir")
_TEXT = {"type": "string"}


def _tags_answer(tag: dict[str, Any]) -> dict[str, Any]:
    """An answer with tags, each of which is as *tag* says."""
    return {
        "type": "object",
        "properties": {"tags": {"type": "array", "items": tag}},
        "required": ["tags"],
    }


_OF_ONE_ANSWER = _tags_answer({"type": "object", "properties": {"key": _TEXT, "value": _TEXT}})
_OF_ALL_ANSWER = _tags_answer(
    {
        "type": "object",
        "properties": {"key": _TEXT, "values": {"type": "array", "items": _TEXT}},
    }
)


class TagNotFound(exceptions.NotFound):
    """The image has no such tag."""

    template = "Image {image_id} has no tag with key '{key}'."


class TagMissing(exceptions.Invalid):
    """A request to set a tag names none, or two."""

    code = "IMG.0115"
    template = "Name the tag, either as 'tag' or as 'image_tag'."


class TagsContradict(exceptions.Invalid):
    """Both forms of tags in one request."""

    code = "IMG.0115"
    template = "Use either '{old}' or '{new}', not both."


def create_or_update_tags(call: Call) -> Answer:
    """``PUT /v1/cloudimages/tags``: set one tag of an image."""
    body = call.body
    pair = body.get("image_tag")
    if (body.get("tag") is None) == (pair is None):
        raise TagMissing
    tag = tags.from_pair(pair["key"], pair.get("value") or "") if pair else tags.parse(body["tag"])
    return _add(call, body["image_id"], [tag])


def add_image_tag(call: Call) -> Answer:
    """``POST /v2/{project_id}/images/{image_id}/tags``."""
    pair = call.body["tag"]
    tag = tags.from_pair(pair["key"], pair.get("value") or "")
    return _add(call, call.arguments["image_id"], [tag])


def batch_add_or_delete_tags(call: Call) -> Answer:
    """``POST /v2/{project_id}/images/{image_id}/tags/action``: repeated, it changes nothing."""
    image_id = call.arguments["image_id"]
    if call.body["action"] == "create":
        return _add(call, image_id, from_body(call.body, "", "tags"))
    return _remove(call, image_id, [pair["key"] for pair in call.body["tags"]])


def batch_delete_tags(call: Call) -> Answer:
    """``DELETE /v1/{project_id}/cloudimages/{image_id}/tags/delete``."""
    keys = [pair["key"] for pair in call.body["tags"]]
    return _remove(call, call.arguments["image_id"], keys)


def delete_image_tag(call: Call) -> Answer:
    """``DELETE /v2/{project_id}/images/{image_id}/tags/{key}``: it must be there."""
    image_id, key = call.arguments["image_id"], call.arguments["key"]
    view = lookup.get(call, image_id)
    if key not in {tags.from_stored(text).key for text in view["tags"]}:
        raise TagNotFound(image_id=image_id, key=key[:64])
    return _remove(call, image_id, [key])


def list_image_tags(call: Call) -> Answer:
    """``GET /v2/{project_id}/images/{image_id}/tags``."""
    return Answer({"tags": [tag.to_wire() for tag in _tags_of(_image(call))]})


def list_images_tags(call: Call) -> Answer:
    """``GET /v2/{project_id}/images/tags``: all of the project, by key."""
    values: dict[str, set[str]] = {}
    for view in _own_images(call):
        for tag in _tags_of(view):
            values.setdefault(tag.key, set()).add(tag.value)
    return Answer({"tags": [{"key": key, "values": sorted(values[key])} for key in sorted(values)]})


def list_tags(call: Call) -> Answer:
    """``GET /v1/cloudimages/tags``: the tags of the images that the filters choose."""
    query = dict(call.query)
    first = int(query.pop("page", "1") or "1")
    limit = query.pop("limit", None)
    found: dict[str, None] = {}
    for page in lookup.pages(call, {**query, "limit": str(listing.DEFAULT_LIMIT)}):
        for view in page:
            found |= dict.fromkeys(view["tags"])
    listed = sorted(found)
    if limit is not None:
        begin = (first - 1) * int(limit)
        listed = listed[begin : begin + int(limit)]
    return Answer({"tags": listed})


def list_image_by_tags(call: Call) -> Answer:
    """``POST /v2/{project_id}/images/resource_instances/action``: filter or count."""
    query = tag_query.read(call.body)
    count, page = 0, []
    for view in _own_images(call):
        if query.fits(view["id"], view["name"], view["tags"]):
            if query.offset <= count < query.offset + query.limit:
                page.append(_resource(view))
            count += 1
    if query.counts:
        return Answer({"total_count": count})
    return Answer({"total_count": count, "resources": page})


def _resource(view: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "resource_id": view["id"],
        "resource_name": view["name"],
        "resource_detail": {"status": view["status"]},
        "tags": [tag.to_wire() for tag in _tags_of(view)],
    }


def _image(call: Call) -> dict[str, Any]:
    return lookup.get(call, call.arguments["image_id"])


def _tags_of(view: Mapping[str, Any]) -> list[Tag]:
    return sorted(map(tags.from_stored, view["tags"]))


def _own_images(call: Call) -> Iterator[dict[str, Any]]:
    query = {"owner": call.project_id, "limit": str(listing.DEFAULT_LIMIT)}
    for page in lookup.pages(call, query):
        yield from page


def _add(call: Call, image_id: str, added: list[Tag]) -> Answer:
    change(call, image_id, lambda stored: tags.merged(stored, added))
    return Answer(image_ids=(image_id,))


def _remove(call: Call, image_id: str, keys: list[str]) -> Answer:
    change(call, image_id, lambda stored: tags.without(stored, keys))
    return Answer(image_ids=(image_id,))


def from_body(body: Mapping[str, Any], old: str = "tags", new: str = "image_tags") -> list[Tag]:
    """The tags that a request names, in one of the two forms (they exclude each other).

    :raises TagsContradict, TagInvalid: if they are not valid
    """
    if body.get(old) and body.get(new):
        raise TagsContradict(old=old, new=new)
    return [
        *map(tags.parse, body.get(old) or ()),
        *(tags.from_pair(each["key"], each.get("value") or "") for each in body.get(new) or ()),
    ]


def stored(body: Mapping[str, Any], limit: int) -> list[str]:
    """The tags that a new image is to have, as they are stored.

    :param limit: as many as there may be
    :raises TagsContradict, TagInvalid, TagsAlike, TooManyTags: if they are not valid
    """
    found = tags.merged((), from_body(body))
    if len(found) > limit:
        raise TooManyTags(limit=limit, count=len(found))
    tags.check_apart(found, found)
    return found


def change(call: Call, image_id: str, changed: Callable[[Sequence[str]], list[str]]) -> None:
    """Give an image other tags.

    :param changed: the new tags from those that it has, both as they are stored
    :raises TooManyTags, TagsAlike: if there would be more than there may, or two that are alike
    :raises ImageNotFound, Refused, NotTheirs: if the image cannot be changed
    """
    conf = call.service.conf
    # Glance may find it by other letters than it is known by.
    image_id = lookup.get(call, image_id)["id"]
    with coordination.lock(conf, "image", image_id):
        view = lookup.checked(call, image_id, image_rules.Action.TAG)
        before = tuple(view["tags"])
        wanted = changed(before)
        if len(wanted) > conf.ims_api.tags and len(wanted) > len(before):
            raise TooManyTags(limit=conf.ims_api.tags, count=len(wanted))
        steps = tags.steps(before, wanted)
        try:
            for step in steps:
                _replace(call, image_id, step)
        except SubrequestRefused:
            if len(steps) > 1:
                # The first may have taken one away.
                _replace(call, image_id, before)
            raise


def _replace(call: Call, image_id: str, stored: Sequence[str]) -> None:
    patch = [{"op": "replace", "path": "/tags", "value": list(stored)}]
    call.service.images.patch(call.context, image_id, patch)


_OF_IMAGE = "/v2/{project_id}/images/{image_id}/tags"

OPERATIONS = (
    Operation(
        "create_or_update_tags",
        "PUT",
        "/v1/cloudimages/tags",
        create_or_update_tags,
        "Set a tag of an image",
        access=Access.WRITE,
        body={
            "type": "object",
            "properties": {
                "image_id": schemas.UUID,
                "tag": {"type": ["string", "null"], "maxLength": 255},
                "image_tag": {"anyOf": [_PAIR, {"type": "null"}]},
            },
            "required": ["image_id"],
        },
        status=204,
        audit="addTag",
    ),
    Operation(
        "list_tags",
        "GET",
        "/v1/cloudimages/tags",
        list_tags,
        "List the tags of images chosen by filters",
        query=schemas.parameters(
            *(name for name in listing.PARAMETERS if name not in _OF_PAGES),
            page={"type": "string", "pattern": patterns.whole("[1-9][0-9]{0,6}")},
            limit={"type": "string", "pattern": patterns.whole("[1-9][0-9]{0,6}")},
        ),
        answer=_tags_answer(_TEXT),
    ),
    Operation(
        "add_image_tag",
        "POST",
        _OF_IMAGE,
        add_image_tag,
        "Add a tag to an image, or give it another value",
        access=Access.WRITE,
        body={"type": "object", "properties": {"tag": _PAIR}, "required": ["tag"]},
        status=204,
        audit="addTag",
    ),
    Operation(
        "delete_image_tag",
        "DELETE",
        _OF_IMAGE + "/{key}",
        delete_image_tag,
        "Delete a tag of an image by its key",
        access=Access.WRITE,
        status=204,
        audit="deleteTag",
    ),
    Operation(
        "list_image_tags", "GET", _OF_IMAGE, list_image_tags, "List the tags of an image",
        answer=_OF_ONE_ANSWER,
    ),
    Operation(
        "list_images_tags",
        "GET",
        "/v2/{project_id}/images/tags",
        list_images_tags,
        "List all tags of the project's images",
        answer=_OF_ALL_ANSWER,
    ),
    Operation(
        "batch_add_or_delete_tags",
        "POST",
        _OF_IMAGE + "/action",
        batch_add_or_delete_tags,
        "Add or delete several tags of an image",
        access=Access.WRITE,
        body={
            "type": "object",
            "properties": {"action": {"enum": ["create", "delete"]}, "tags": _PAIRS},
            "required": ["action", "tags"],
        },
        status=204,
        audit="addTag",
        audit_by_action={"delete": "deleteTag"},
    ),
    Operation(
        "batch_delete_tags",
        "DELETE",
        "/v1/{project_id}/cloudimages/{image_id}/tags/delete",
        batch_delete_tags,
        "Delete several tags of an image",
        access=Access.WRITE,
        body={"type": "object", "properties": {"tags": _PAIRS}, "required": ["tags"]},
        status=204,
        audit="deleteTag",
    ),
    Operation(
        "list_image_by_tags",
        "POST",
        "/v2/{project_id}/images/resource_instances/action",
        list_image_by_tags,
        "List or count images by their tags",
        body=tag_query.SCHEMA,
        answer={
            "type": "object",
            "properties": {"total_count": {"type": "integer"}, "resources": {"type": "array"}},
            "required": ["total_count"],
        },
    ),
)  # fmt: skip
