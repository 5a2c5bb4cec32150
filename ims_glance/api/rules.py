# SPDX-License-Identifier: Apache-2.0
"""What the guard asks of requests that make, change or delete images.

Each rule looks at one kind of request, may change it, and raises what forbids it. A request that
Glance will refuse anyway (malformed, unknown image, wrong status, not allowed) is left alone, so
that the answer is Glance's own. Nothing is decided by an image's status, which may change before
Glance looks: it only says whether work with keys is worth while.
"""

import contextlib
import dataclasses
import urllib.parse
from collections.abc import Callable, Iterator
from typing import Any

import webob
from glance.common import wsgi
from oslo_config import cfg

from ims_glance import exceptions
from ims_glance.api import bodies, elsewhere, properties, tokens
from ims_glance.api.image_keys import ImageKeys
from ims_glance.api.images import Image, Images, SubrequestRefused, may, may_create
from ims_glance.api.quota import Quota
from ims_glance.api.roles import as_service, is_service
from ims_glance.clouds import coordination
from ims_glance.clouds.image import ImageRecords
from ims_glance.model import attributes, json_patch, stores, whole
from ims_glance.model import rules as image_rules

_HIDDEN = {"os_hidden": True}
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


@dataclasses.dataclass(frozen=True)
class Limits:
    """How many of what there may be.

    :ivar conf: with ``[ims_api]``
    """

    conf: cfg.ConfigOpts
    quota: Quota

    @property
    def tags(self) -> int:
        """Tags that an image may have."""
        return int(self.conf.ims_api.tags)

    @property
    def members(self) -> int:
        """Receivers that an image may have."""
        return int(self.conf.ims_api.members)

    @property
    def conventions(self) -> bool:
        """Whether what is but a convention of IMS holds for the Image API's clients."""
        return bool(self.conf.ims_api.native_conventions)


@dataclasses.dataclass(frozen=True)
class Call:
    """A request at the door.

    :ivar context: the caller's ``glance.context.RequestContext``
    :ivar image_path: path of the image that it is about, if it is about one
    :ivar backups: server backups (:class:`ims_glance.api.server_backups.Backups`)
    :ivar held: what is held (locks) until Glance has answered
    :ivar effects: what has to be done once Glance has answered
    :ivar locked: ids of the images whose locks are held
    :ivar records: what the Image API does not show
    """

    request: wsgi.Request
    context: Any
    image_path: str
    images: Images
    keys: ImageKeys
    stores: stores.Stores
    limits: Limits
    backups: Any = None
    held: contextlib.ExitStack = dataclasses.field(default_factory=contextlib.ExitStack)
    effects: list[Callable[[webob.Response], None]] = dataclasses.field(default_factory=list)
    locked: set[str] = dataclasses.field(default_factory=set)
    records: ImageRecords = dataclasses.field(default_factory=ImageRecords)

    def image(self) -> Image | None:
        """The image, if the caller can see it."""
        return self.images.get(self.context, self.image_path)

    def hold(self, image: Image) -> None:
        """Hold the lock of an image until Glance has answered; once, if several rules want it."""
        if image.id in self.locked:
            return
        self.locked.add(image.id)
        self.held.enter_context(coordination.lock(self.limits.conf, "image", image.id))

    def check(self, action: image_rules.Action, image: Image) -> None:
        """Ask the table of rules whether something may be done to an image.

        Our worker does what the IMS API has asked it for already. For administrators, Glance's
        policy says whose images they act on.
        """
        if is_service(self.context):
            return
        facts = image_rules.Facts.of(image.view)
        if facts.component and self._is_left_behind(image):
            # It did not follow its image when that was deleted: its owner may tidy up.
            facts = dataclasses.replace(facts, component=False)
        viewer = str(self.context.project_id)
        if self.context.is_admin and action is not image_rules.Action.ACCEPT:
            # Not to accept: that is never the owner's to do, and administrators receive images, too.
            viewer = facts.owner
        share_encrypted = self.limits.conf.ims_api.share_encrypted
        # Where the store encrypts, and nobody asked for it, nobody was promised that a key is kept.
        is_theirs = image.store_key is None or self.limits.conventions
        image_rules.check(
            action,
            facts,
            viewer,
            share_encrypted,
            lambda: (
                is_theirs
                and self.keys.is_default(self.context, str(image.key_id), image.view["owner"])
            ),
            conventions=self.limits.conventions,
        )

    def _is_left_behind(self, image: Image) -> bool:
        """Whether the whole-machine image that an image is a disk of is gone."""
        try:
            path = f"/v2/images/{whole.parent_id(image.view)}"
            self.images.call(self.context.elevated(), "GET", path)
        except SubrequestRefused as refused:
            return bool(refused.response.status_int == 404)
        return False


def create(call: Call) -> None:
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
    view = {**given, "id": "to be created", "owner": owner, **key}
    check_open(call, Image("", view), str(body.get("visibility")))
    wanted = {**defaults, **given, **own, **key}
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


def _key_of_new(call: Call, body: dict[str, Any], owner: Any) -> dict[str, str]:
    """Whoever names a key must be able to use it."""
    named = body.get(attributes.CMK_ID)
    if not isinstance(named, str):
        return {}
    image_id = str(body.get("id") or "to be created")
    elsewhere.check_encryptable({**body, "id": image_id})
    stores.check_key_fits(call.stores, stores.Image(image_id, named))
    if is_service(call.context):
        # Its caller was asked when the job was accepted.
        call.keys.check_alive(call.context, image_id, named)
        return {}
    return {attributes.CMK_ID: call.keys.named(call.context, named, owner)}


def update(call: Call) -> Image | None:
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
    urls = {
        url
        for change in changes
        if change.path[0] == "locations" and change.operation != "remove"
        for url in _urls(change.value)
    }
    # Glance lets the list of locations be replaced by one with the same URLs, to change their
    # metadata. What is there already has passed this door or was written by the service.
    _check_locations(call, image, urls - image.location_urls, "update_locations")
    return image


def opens(call: Call, image: Image) -> list[str]:
    """The visibilities by which a change opens an image to everybody; none if it does not."""
    return [each for each in (COMMUNITY, PUBLIC) if becomes(call, image, each)]


def check_open(call: Call, image: Image, visibility: str) -> None:
    """Check that an image may have a visibility, if everybody sees it then.

    Who may publish is Glance's policy. What they publish may lie in a store that encrypts for its
    own sake; an image whose owner named a key is held to what that promises.
    """
    if visibility == COMMUNITY or (visibility == PUBLIC and image.facts.is_promised):
        call.check(image_rules.Action.OPEN, image)


def becomes(call: Call, image: Image, visibility: str) -> bool:
    """Whether a change gives an image a visibility that it has not."""
    changes = json_patch.changes(call.request.content_type, bodies.read_json(call.request))
    return image.view["visibility"] != visibility and any(
        change.path[0] == "visibility"
        and change.operation != "remove"
        and change.value == visibility
        for change in changes
    )


def _kind_of_update(image: Image) -> image_rules.Action:
    """Nova, Cinder and Glance's clients complete the record of an image while it is made.

    There is no such thing in the IMS API, where only finished images are changed (IMG.0046).
    """
    making = {"queued", "saving", "importing", "uploading"}
    return image_rules.Action.COMPLETE if image.status in making else image_rules.Action.UPDATE


def add_tag(call: Call) -> None:
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


def remove_tag(call: Call) -> None:
    """``DELETE /v2/images/{id}/tags/{tag}``: while nobody writes the list that it was in."""
    image = _to_tag(call)
    if image is not None:
        call.hold(image)


def _to_tag(call: Call) -> Image | None:
    image = call.image()
    if image is not None:
        call.check(image_rules.Action.TAG, image)
    return image


def _check_tags(call: Call, named: Any, there: int = 0) -> None:
    count = len(set(map(str, named))) if isinstance(named, list) else 0
    # An image from before there was a limit may have too many: some can be taken off it.
    if count > max(call.limits.tags, there):
        raise TooManyTags(limit=call.limits.tags, count=count)


def delete(call: Call) -> Image | None:
    """``DELETE /v2/images/{id}``: whether it may go; IMS's clients may send a body along.

    :returns: the image, if the caller can see it
    """
    call.request.headers.pop("Transfer-Encoding", None)
    call.request.body = b""
    image = call.image()
    if image is not None:
        call.check(image_rules.Action.DELETE, image)
    return image


def add_location(call: Call) -> None:
    """``POST /v2/images/{id}/locations``: as for the locations of a patch."""
    body = bodies.read_json(call.request)
    urls = set(_urls(body))
    image = call.image() if urls else None
    if image is not None:
        _check_locations(call, image, urls, "add_location")


def create_task(call: Call) -> None:
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
    _check_scheme(str(task.get("loc_url")))


def _urls(value: Any) -> Iterator[str]:
    for location in value if isinstance(value, list) else [value]:
        if isinstance(location, dict) and isinstance(location.get("url"), str):
            yield location["url"]


def _check_locations(call: Call, image: Image, urls: set[str], policy: str) -> None:
    """Check that an image may get locations, which lie in no encrypting store.

    :param policy: what Glance asks for it
    """
    for url in urls:
        scheme = _check_scheme(url)
        if image.facts.is_promised:
            raise exceptions.StoreNotEncrypting(
                image_id=image.id,
                key_id=image.key_id or "not recorded",
                store=scheme,
                stores=", ".join(call.stores.encrypting),
            )
    if urls and image.key_id and may(call.context, policy, image):
        elsewhere.hide_key(call, image)


def _check_scheme(url: str) -> str:
    try:
        # The parser that Glance finds the store with: it forgives capitals and blanks.
        scheme = urllib.parse.urlparse(url).scheme
    except ValueError:
        return ""
    if scheme == stores.ENCRYPTING_DRIVER:
        raise exceptions.LocationForbidden(scheme=scheme)
    return scheme
