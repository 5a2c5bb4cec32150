# SPDX-License-Identifier: Apache-2.0
"""What the guard asks of requests that share images.

A private image becomes ``shared`` with its first member. (In Glance alone, a private image cannot
have members.) Which images have any says a mark, which also keeps what the visibility was before;
that it is again when the last member is gone. So an image that was ``shared`` with nobody, as all
are that a client of Glance makes and says nothing, stays so.

Glance keeps the members of an image that is made private, shows them to nobody, and gives it back to
them when it is shared again, as its own documentation says. So whoever is named as the first member
of a private image shares it with that one alone: who had it before is forgotten first, while nobody
can see the image yet. The same holds if the owner of an image with a key that they named, or of a
whole-machine image, sets its visibility to ``shared`` by hand: who may read those is what this
service promises, and a client that makes such images knows it. All other images keep Glance's own rule there: a client of plain
Glance that sets them to ``private`` and back expects their members back.
"""

import functools
import logging

import webob

from ims_glance import exceptions
from ims_glance.api.common.image import ShownImage, SubrequestRefused, may
from ims_glance.api.common.roles import as_service, is_service
from ims_glance.api.native import bodies, whole_image
from ims_glance.api.native.call import NativeCall
from ims_glance.model.image import attributes, kinds
from ims_glance.model.image import rules as image_rules

LOG = logging.getLogger(__name__)

_THERE, _MISSING = 409, 404
_SHAREABLE = ("private", "shared")


class TooManyMembers(exceptions.Conflict):
    """An image was to have more receivers than it may."""

    code = "IMG.0088"
    template = "Image {image_id} has {count} receivers, and may not have more than {limit}."


class SharedWithSelf(exceptions.Invalid):
    """The receiver is the owner."""

    code = "IMG.0076"
    template = "Image {image_id} belongs to project {project_id}: name another project."


class ReceiverNotText(exceptions.Invalid):
    """The receiver is given as a number or the like, which Glance takes."""

    template = "'member' must be the id of a project, as text."


def add(call: NativeCall) -> None:
    """``POST /v2/images/{id}/members``."""
    body = bodies.read_object(call.request) or {}
    named = body.get("member")
    if not isinstance(named, str | None):
        raise ReceiverNotText
    image = call.image() if named is not None else None
    if image is None:
        return
    call.check(image_rules.Action.SHARE, image)
    if is_service(call.context) and kinds.is_of_market(image.view):
        whole_image.share(call, image, str(named))
        call.effects.append(functools.partial(_accepted, call, image, str(named)))
        return
    if named == image.view["owner"] and call.limits.conventions:
        raise SharedWithSelf(image_id=image.id, project_id=named)
    if image.view["visibility"] not in _SHAREABLE:
        return
    # Whoever may not share it learns so from Glance, and nothing was changed before.
    if not may(call.context, "modify_image", image):
        return
    image = _held(call, image)
    whole_image.check_keys(call, image, image_rules.Action.SHARE)
    _share(call, image, str(named))


def _share(call: NativeCall, image: ShownImage, named: str) -> None:
    """Prepare the image, and its disks, for Glance to take a new member."""
    was_private = image.view["visibility"] == "private"
    if was_private:
        whole_image.forget_members(call, image)
    if was_private or attributes.BEFORE_SHARING not in image.view:
        _mark_shared(call, image)
        call.effects.append(functools.partial(_without_receivers, call, image))
    receivers = _receivers(call, image)
    if len({*receivers, named}) > call.limits.members:
        _without_receivers(call, image, None)
        raise TooManyMembers(image_id=image.id, count=len(receivers), limit=call.limits.members)
    if named not in receivers:
        try:
            whole_image.share(call, image, named)
        except SubrequestRefused:
            _without_receivers(call, image, None)
            raise


def _accepted(
    call: NativeCall, image: ShownImage, project_id: str, response: webob.Response
) -> None:
    """Have a product in the list of a project that agreed to its terms: that it accepts it.

    Nobody counts who has a product, and its image is ``shared`` from the beginning.
    """
    if response.status_int >= 300 and response.status_int != _THERE:
        return
    path = f"/v2/images/{image.id}/members/{project_id}"
    try:
        call.images.call(call.context.elevated(), "PUT", path, {"status": "accepted"})
    except SubrequestRefused as refused:
        # Whoever asked tries again until it is done.
        response.status_int = refused.response.status_int
        response.body = refused.response.body


def update(call: NativeCall) -> None:
    """``PUT /v2/images/{id}/members/{member}``: accepting or rejecting."""
    bodies.read_object(call.request)
    image = call.image()
    if image is not None:
        call.check(image_rules.Action.ACCEPT, image)


def remove(call: NativeCall) -> None:
    """``DELETE /v2/images/{id}/members/{member}``."""
    image = call.image()
    if image is None:
        return
    call.check(image_rules.Action.UNSHARE, image)
    if kinds.is_of_market(image.view):
        member = str(call.request.path_info).rpartition("/")[2]
        whole_image.unshare(call, image, member, done=(_MISSING,))
        return
    if not may(call.context, "modify_image", image):
        return
    if _held(call, image).view["visibility"] == "shared":
        member = str(call.request.path_info).rpartition("/")[2]
        whole_image.unshare(call, image, member)
        call.effects.append(functools.partial(_without_receivers, call, image))


def _held(call: NativeCall, image: ShownImage) -> ShownImage:
    """The image as it is once nobody else shares it."""
    call.hold(image)
    return call.image() or image


def _receivers(call: NativeCall, image: ShownImage) -> list[str]:
    listed = call.images.call(call.context, "GET", f"/v2/images/{image.id}/members")
    return [member["member_id"] for member in listed["members"]]


def _without_receivers(
    call: NativeCall, image: ShownImage, _response: webob.Response | None
) -> None:
    """Give the image the visibility that it had before it was shared, if nobody has it."""
    try:
        if _receivers(call, image):
            return
        there = call.images.call(call.context, "GET", f"/v2/images/{image.id}")
        before = there.get(attributes.BEFORE_SHARING)
        if before is not None:
            unmarked = {"op": "remove", "path": f"/{attributes.BEFORE_SHARING}"}
            _change(call, image, [_visibility(before), unmarked])
    except SubrequestRefused as refused:
        # It is gone, or can be shared and unshared again: nobody sees it in the meantime.
        LOG.warning("Image %s stays shared with nobody: %s", image.id, refused)
        return
    whole_image.make_private(call, image)


def _mark_shared(call: NativeCall, image: ShownImage) -> None:
    """Say that an image has members: Glance lists and takes them only for shared images."""
    before = image.view["visibility"]
    mark = {"op": "add", "path": f"/{attributes.BEFORE_SHARING}", "value": before}
    _change(call, image, [_visibility("shared"), mark])


def _visibility(value: str) -> dict[str, str]:
    return {"op": "replace", "path": "/visibility", "value": value}


def _change(call: NativeCall, image: ShownImage, changes: list[dict[str, str]]) -> None:
    call.images.patch(as_service(call.context), image.id, changes)
