# SPDX-License-Identifier: Apache-2.0
"""What the guard asks of requests that make, change or delete images.

Each rule looks at one kind of request, may change it, and raises what forbids it. A request that
Glance will refuse anyway (malformed, unknown image, wrong status, not allowed) is left alone, so
that the answer is Glance's own. Nothing is decided by an image's status, which may change before
Glance looks: it only says whether work with keys is worth while.
"""

import functools
import urllib.parse
from collections.abc import Iterator
from typing import Any

import webob
from oslo_config import cfg

from ims_glance import exceptions
from ims_glance.api.common import tokens
from ims_glance.api.common.image import ShownImage, may, may_create, may_use_tasks
from ims_glance.api.common.roles import as_service, is_service
from ims_glance.api.market import product_code
from ims_glance.api.native import bodies, elsewhere, properties
from ims_glance.api.native.call import NativeCall
from ims_glance.model.image import attributes, kinds, stores
from ims_glance.model.image import rules as image_rules
from ims_glance.model.text import json_patch

_HIDDEN = {"os_hidden": True}
_OF_PATCH = "update_locations"
COMMUNITY, PUBLIC = "community", "public"
"""The visibilities of images that are open to everybody."""


class TaskRefused(exceptions.Conflict):
    """The old tasks API was to work on an image with a key."""

    template = (
        "Images with an encryption key are not made by tasks, which know no stores. Create the "
        "image and use 'POST /v2/images/{{id}}/import'."
    )


class TooManyTags(exceptions.Conflict):
    """An image was to have more tags than it may."""

    code = "IMG.0116"
    template = "An image may have {limit} tags, not {count}. Remove some first."


def create(call: NativeCall) -> None:
    """``POST /v2/images``: attributes of IMS, a place for the image, and a key that works."""
    body = bodies.read_object(call.request)
    if body is None:
        return
    properties.check_new(call.context, body)
    owner = body.get("owner", call.context.project_id)
    if not may_create(call.context, owner, body.get("visibility")):
        return
    service = is_service(call.context)
    # Who uses IMS's words is answered in IMS's way.
    is_ims = service or call.limits.conventions or attributes.names_own(body)
    defaults = {"visibility": "private"} if is_ims else {}
    own = {} if service else attributes.for_creation(body)
    # Nova and Cinder copy properties of one image to another: the service's own are none of them.
    given = {
        name: value for name, value in body.items() if service or name not in attributes.SYSTEM
    }
    key = _key_of_new(call, given, owner)
    products = {} if service else _products(call, body)
    view = {**given, "id": "to be created", "owner": owner, **key, **products}
    check_open(call, ShownImage("", view), str(body.get("visibility")))
    wanted = {**defaults, **given, **own, **key, **products}
    bodies.write_json(call.request, wanted)
    call.request.context = as_service(call.context)
    _check_tags(call, body.get("tags"))
    if service or body.get("visibility") == "public":
        return
    grant = tokens.grant(call.request.environ)
    disk = call.limits.quota.of_job(str(owner), str(body.get("name")), grant)
    if disk is None:
        call.held.enter_context(call.limits.quota.place(call.context, str(owner)))
    elif disk.number is not None:
        # Nobody needs to see it before it has its name and its attributes.
        bodies.write_json(call.request, {**wanted, **_HIDDEN})


def _products(call: NativeCall, body: dict[str, Any]) -> dict[str, str]:
    """What was made of an image of the marketplace says so."""
    return product_code.of_new(call.images, call.records, call.context, body, call.servers)


def _key_of_new(call: NativeCall, body: dict[str, Any], owner: Any) -> dict[str, str]:
    """Whoever names a key must be able to use it."""
    named = body.get(attributes.CMK_ID)
    if not isinstance(named, str):
        return {}
    image_id = str(body.get("id") or "to be created")
    elsewhere.check_encryptable({**body, "id": image_id})
    stores.check_key_fits(call.stores, stores.ImageFacts(image_id, named))
    if is_service(call.context) and named != call.keys.default_name:
        # Its caller was asked when the job was accepted.
        call.keys.check_alive(call.context, image_id, named)
        return {}
    return {attributes.CMK_ID: call.keys.named(call.context, named, owner)}


def update(call: NativeCall) -> ShownImage | None:
    """``PATCH /v2/images/{id}``: what is the service's stays, no location goes around the rules.

    :returns: the image, if the caller can see it
    """
    patch = bodies.read_json(call.request)
    changes = json_patch.changes(call.request.content_type, patch)
    properties.check_names([change.path[0] for change in changes if change.operation != "remove"])
    image = call.image() if changes else None
    if image is not None and any(change.path[0] == "tags" for change in changes):
        # Glance adds a request's tags to those of another one that comes at the same time.
        call.hold(image)
        image = call.image()
    if image is None:
        return None
    call.check(_kind_of_update(image), image)
    changes = properties.settle(call.request, call.context, call.keys, image)
    for change in changes:
        if change.path[0] == "tags" and change.operation != "remove":
            _check_tags(call, change.value, len(image.view["tags"]))
    elsewhere.change(call, image, changes)
    for visibility in opens(call, image):
        check_open(call, image, visibility)
    if kinds.product_codes(image.view) and becomes(call, image, "shared"):
        call.check(image_rules.Action.SHARE, image)
    urls = {
        url
        for change in changes
        if change.path[0] == "locations" and change.operation != "remove"
        for url in _urls(change.value)
    }
    # Glance lets the list of locations be replaced by one with the same URLs, to change their
    # metadata. What is there already has passed this door or was written by the service.
    _check_locations(call, image, urls - image.location_urls, _OF_PATCH)
    return image


def opens(call: NativeCall, image: ShownImage) -> list[str]:
    """The visibilities by which a change opens an image to everybody; none if it does not."""
    return [each for each in (COMMUNITY, PUBLIC) if becomes(call, image, each)]


def check_open(call: NativeCall, image: ShownImage, visibility: str) -> None:
    """Check that an image may have a visibility, if everybody sees it then.

    Who may publish is Glance's policy. What they publish may lie in a store that encrypts for its
    own sake; an image whose owner named a key is held to what that promises.
    """
    is_promised = image.facts.is_promised or bool(kinds.product_codes(image.view))
    if visibility == COMMUNITY or (visibility == PUBLIC and is_promised):
        call.check(image_rules.Action.OPEN, image)


def becomes(call: NativeCall, image: ShownImage, visibility: str) -> bool:
    """Whether a change gives an image a visibility that it has not."""
    changes = json_patch.changes(call.request.content_type, bodies.read_json(call.request))
    return image.view["visibility"] != visibility and any(
        change.path[0] == "visibility"
        and change.operation != "remove"
        and change.value == visibility
        for change in changes
    )


def _kind_of_update(image: ShownImage) -> image_rules.Action:
    """Nova, Cinder and Glance's clients complete the record of an image while it is made.

    There is no such thing in the IMS API, where only finished images are changed (IMG.0046).
    """
    making = {"queued", "saving", "importing", "uploading"}
    return image_rules.Action.COMPLETE if image.status in making else image_rules.Action.UPDATE


def add_tag(call: NativeCall) -> None:
    """``PUT /v2/images/{id}/tags/{tag}``: no more than there may be."""
    image = _to_tag(call)
    if image is None:
        return
    call.hold(image)
    there = call.image()
    if there is not None:
        tag = str(call.request.path_info).rpartition("/")[2]
        tags = there.view["tags"]
        _check_tags(call, [*tags, tag], len(tags))


def remove_tag(call: NativeCall) -> None:
    """``DELETE /v2/images/{id}/tags/{tag}``: while nobody writes the list that it was in."""
    image = _to_tag(call)
    if image is not None:
        call.hold(image)


def _to_tag(call: NativeCall) -> ShownImage | None:
    image = call.image()
    if image is not None:
        call.check(image_rules.Action.TAG, image)
    return image


def _check_tags(call: NativeCall, named: Any, there: int = 0) -> None:
    count = len(set(map(str, named))) if isinstance(named, list) else 0
    # An image from before there was a limit may have too many: some can be taken off it.
    if count > max(call.limits.tags, there):
        raise TooManyTags(limit=call.limits.tags, count=count)


def delete(call: NativeCall) -> ShownImage | None:
    """``DELETE /v2/images/{id}``: whether it may go; IMS's clients may send a body along.

    :returns: the image, if the caller can see it
    """
    call.request.headers.pop("Transfer-Encoding", None)
    call.request.body = b""
    image = call.image()
    if image is not None:
        call.check(image_rules.Action.DELETE, image)
        call.effects.append(functools.partial(_forget_report, call, image.id))
    return image


def _forget_report(call: NativeCall, image_id: str, response: webob.Response) -> None:
    """Forget what is known of the system of an image that was deleted; of others there is nothing."""
    if response.status_int < 300 and call.reports is not None:
        call.reports.forget_soon(image_id)


def add_location(call: NativeCall) -> None:
    """``POST /v2/images/{id}/locations``: as for the locations of a patch."""
    body = bodies.read_json(call.request)
    urls = set(_urls(body))
    image = call.image() if urls else None
    if image is not None:
        _check_locations(call, image, urls, "add_location")


def create_task(call: NativeCall) -> None:
    """``POST /v2/tasks``, by default for administrators: it goes around all of the above."""
    body = bodies.read_json(call.request)
    task = body.get("input") if isinstance(body, dict) else None
    if not isinstance(task, dict):
        return
    given = task.get("image_properties")
    if isinstance(given, dict):
        properties.check_names(given)
        if attributes.CMK_ID in given:
            raise TaskRefused
    image_id = task.get("image_id")
    image = call.images.get(call.context, f"/v2/images/{image_id}") if image_id else None
    if image is not None and image.key_id:
        raise TaskRefused
    if may_use_tasks(call.context):
        places = [str(task.get(name)) for name in ("loc_url", "import_from")]
        product_code.check_places(call.records, call.context, places)
    _check_scheme(str(task.get("loc_url")))


def _urls(value: Any) -> Iterator[str]:
    for location in value if isinstance(value, list) else [value]:
        if isinstance(location, dict) and isinstance(location.get("url"), str):
            yield location["url"]


def _check_locations(call: NativeCall, image: ShownImage, urls: set[str], policy: str) -> None:
    """Check that an image may get locations, which lie in no encrypting store.

    :param policy: what Glance asks for it
    """
    is_open = bool(urls) and _may_place(call, image, policy)
    if is_open:
        product_code.check_places(call.records, call.context, sorted(urls), image.id)
    for url in urls:
        scheme = _check_scheme(url)
        if image.facts.is_promised:
            raise exceptions.StoreNotEncrypting(
                image_id=image.id,
                key_id=image.key_id or "not recorded",
                store=scheme,
                stores=", ".join(call.stores.encrypting),
            )
    if is_open and image.key_id:
        elsewhere.hide_key(call, image)


def _may_place(call: NativeCall, image: ShownImage, policy: str) -> bool:
    """Whether Glance lets the caller say where data lies; otherwise its refusal is all that they learn."""
    cfg.CONF.import_opt("show_multiple_locations", "glance.common.config")
    if policy == _OF_PATCH and not cfg.CONF.show_multiple_locations:
        return False
    return may(call.context, policy, image)


def _check_scheme(url: str) -> str:
    try:
        # The parser that Glance finds the store with: it forgives capitals and blanks.
        scheme = urllib.parse.urlparse(url).scheme
    except ValueError:
        return ""
    if scheme == stores.ENCRYPTING_DRIVER:
        raise exceptions.LocationForbidden(scheme=scheme)
    return scheme
