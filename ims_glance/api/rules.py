# SPDX-License-Identifier: Apache-2.0
"""What the guard asks of requests that set keys, stores or locations of images.

Each rule looks at one kind of request, may change it, and raises what forbids it. A request that
Glance will refuse anyway (malformed, unknown image, wrong status, not allowed) is left alone, so
that the answer is Glance's own. Nothing is decided by an image's status, which may change before
Glance looks: it only says whether work with keys is worth while.
"""

import dataclasses
import urllib.parse
from collections.abc import Iterable, Iterator
from typing import Any

from glance.common import wsgi

from ims_glance import exceptions
from ims_glance.api import bodies
from ims_glance.api.image_keys import ImageKeys
from ims_glance.api.images import Image, Images, may, may_create
from ims_glance.model import attributes, json_patch, stores

_STORE_HEADER = "X-Image-Meta-Store"
_COPY = "copy-image"


class AttributeReadOnly(exceptions.Forbidden):
    """A patch of what no patch may change."""

    template = "Attribute '{name}' is read-only."


class UnknownSystemAttribute(exceptions.Invalid):
    """An attribute in the service's own name space that it does not have."""

    template = (
        "The Image service has no attribute '{name}'. To have an image encrypted, name its key in "
        "'__system__cmkid', spelt exactly like that."
    )


class TaskRefused(exceptions.Conflict):
    """The old tasks API was to work on an image with a key."""

    template = (
        "Images with an encryption key are not made by tasks, which know no stores. Create the "
        "image and use 'POST /v2/images/{{id}}/import'."
    )


@dataclasses.dataclass(frozen=True)
class Call:
    """A request at the door.

    :ivar context: the caller's ``glance.context.RequestContext``
    :ivar image_path: path of the image that it is about, if it is about one
    """

    request: wsgi.Request
    context: Any
    image_path: str
    images: Images
    keys: ImageKeys
    stores: stores.Stores

    def image(self) -> Image | None:
        """The image, if the caller can see it."""
        return self.images.get(self.context, self.image_path)


def create(call: Call) -> None:
    """``POST /v2/images``: whoever names a key must be able to use it."""
    body = bodies.read_json(call.request)
    if not isinstance(body, dict):
        return
    _check_names(body)
    named = body.get(attributes.CMK_ID)
    if not isinstance(named, str):
        return
    owner = body.get("owner", call.context.project_id)
    if not may_create(call.context, owner, body.get("visibility")):
        return
    image_id = str(body.get("id") or "to be created")
    stores.check_key_fits(call.stores, stores.Image(image_id, named))
    key_id = call.keys.named(call.context, named, owner)
    if key_id != named:
        bodies.write_json(call.request, {**body, attributes.CMK_ID: key_id})


def update(call: Call) -> None:
    """``PATCH /v2/images/{id}``: the key stays, and no location is attached around the rules."""
    patch = bodies.read_json(call.request)
    changes = json_patch.changes(call.request.content_type, patch)
    _check_names(change.path[0] for change in changes if change.operation != "remove")
    on_key = [change for change in changes if change.path[0] == attributes.CMK_ID]
    urls = {
        url
        for change in changes
        if change.path[0] == "locations" and change.operation != "remove"
        for url in _urls(change.value)
    }
    over_another = any(change.path[0] == "image_id" for change in changes)
    image = call.image() if on_key or urls or over_another else None
    if image is None:
        return
    if over_another:
        # Glance protects "id" but takes this one, and writes the image over another one of the
        # project: with that a key could be taken from an image, or given to it.
        raise AttributeReadOnly(name="image_id")
    for change in on_key:
        # Clients that send the whole image back keep the key as it is.
        if change.operation == "remove" or change.value != image.key_id:
            raise exceptions.KeyNotChangeable(image_id=image.id)
    # Glance lets the list of locations be replaced by one with the same URLs, to change their
    # metadata. What is there already has passed this door or was written by the service.
    _check_locations(call, image, urls - image.location_urls)


def add_location(call: Call) -> None:
    """``POST /v2/images/{id}/locations``: as for the locations of a patch."""
    body = bodies.read_json(call.request)
    urls = set(_urls(body))
    image = call.image() if urls else None
    if image is not None:
        _check_locations(call, image, urls)


def upload(call: Call) -> None:
    """``PUT /v2/images/{id}/file``: with a key to an encrypting store, and into one with a key."""
    image = call.image()
    if image is None:
        return
    named = call.request.headers.get(_STORE_HEADER)
    wish = stores.Wish(None if named is None else (named,))
    decision = stores.decide(call.stores, image.facts, wish)
    if decision.store is not None:
        call.request.headers[_STORE_HEADER] = decision.store
    if image.status == "queued":
        _prepare_key(call, image, decision, "upload_image")


def import_(call: Call) -> None:
    """``POST /v2/images/{id}/import``: as an upload, for one store or several, or a copy."""
    body = bodies.read_json(call.request)
    method = _import_method(body)
    wish = _import_wish(call, body, copies=method == _COPY) if method else None
    image = call.image() if wish else None
    if wish is None or image is None:
        return
    decision = stores.decide(call.stores, image.facts, wish)
    if decision.store is not None:
        bodies.write_json(call.request, {**body, "stores": [decision.store]})
    if image.status in (("active",) if wish.copies else ("queued", "uploading")):
        _prepare_key(call, image, decision, "modify_image")


def create_task(call: Call) -> None:
    """``POST /v2/tasks``, by default for administrators: it goes around all of the above."""
    body = bodies.read_json(call.request)
    task = body.get("input") if isinstance(body, dict) else None
    if not isinstance(task, dict):
        return
    properties = task.get("image_properties")
    if isinstance(properties, dict) and attributes.CMK_ID in properties:
        raise TaskRefused
    image_id = task.get("image_id")
    image = call.images.get(call.context, f"/v2/images/{image_id}") if image_id else None
    if image is not None and image.key_id:
        raise TaskRefused
    _check_scheme(str(task.get("loc_url")))


def _check_names(names: Iterable[str]) -> None:
    for name in attributes.unknown_system_names(names):
        raise UnknownSystemAttribute(name=name[:255])


def _urls(value: Any) -> Iterator[str]:
    for location in value if isinstance(value, list) else [value]:
        if isinstance(location, dict) and isinstance(location.get("url"), str):
            yield location["url"]


def _check_locations(call: Call, image: Image, urls: set[str]) -> None:
    for url in urls:
        scheme = _check_scheme(url)
        if image.key_id:
            raise exceptions.StoreNotEncrypting(
                image_id=image.id,
                key_id=image.key_id,
                store=scheme,
                stores=", ".join(call.stores.encrypting),
            )


def _check_scheme(url: str) -> str:
    try:
        # The parser that Glance finds the store with: it forgives capitals and blanks.
        scheme = urllib.parse.urlparse(url).scheme
    except ValueError:
        return ""
    if scheme == stores.ENCRYPTING_DRIVER:
        raise exceptions.LocationForbidden(scheme=scheme)
    return scheme


def _import_method(body: Any) -> str | None:
    method = body.get("method") if isinstance(body, dict) else None
    name = method.get("name") if isinstance(method, dict) else None
    return name if isinstance(name, str) else None


def _import_wish(call: Call, body: dict[str, Any], *, copies: bool) -> stores.Wish | None:
    """The stores as Glance reads them (``glance/common/utils.py``, get_stores_from_request).

    :returns: ``None`` for what Glance refuses or chokes on
    """
    header = call.request.headers.get(_STORE_HEADER)
    if body.get("all_stores"):
        refused = body["all_stores"] is not True or "stores" in body or header is not None
        return None if refused else stores.Wish(call.stores.all, copies)
    if "stores" not in body:
        return stores.Wish(None if header is None else (header,), copies)
    named = body["stores"]
    # Glance takes any iterable: the names of an object are as good as a list.
    if header is not None or not isinstance(named, list | dict | str):
        return None
    return stores.Wish(tuple(map(str, named)), copies)


def _prepare_key(call: Call, image: Image, decision: stores.Decision, rule: str) -> None:
    """See to it that the key is there before any data moves.

    :param rule: policy rule for what the caller is about to do
    """
    if image.key_id:
        call.keys.check_alive(call.context, image.id, image.key_id)
    elif decision.needs_key and may(call.context, rule, image):
        key_id = call.keys.default(call.context, image.view["owner"])
        call.images.record_key(call.context, image, key_id)
