# SPDX-License-Identifier: Apache-2.0
"""What the guard asks of requests that share images.

The visibility of an image says whether it is shared: a private image becomes ``shared`` with its
first member, and ``private`` again when the last one is gone. (In Glance alone, a private image
cannot have members, and one without members may be called shared.)
"""

import functools
import logging
from typing import Any

import webob

from ims_glance import exceptions
from ims_glance.api import bodies, whole_images
from ims_glance.api.images import Image, SubrequestRefused, may
from ims_glance.api.rules import Call
from ims_glance.model import rules as image_rules

LOG = logging.getLogger(__name__)


class TooManyMembers(exceptions.Conflict):
    """An image was to have more receivers than it may (S59)."""

    code = "IMG.0088"
    template = "Image {image_id} has {count} receivers, and may not have more than {limit}."


class SharedWithSelf(exceptions.Invalid):
    """The receiver is the owner."""

    code = "IMG.0076"
    template = "Image {image_id} belongs to project {project_id}: name another project."


class ReceiverNotText(exceptions.Invalid):
    """The receiver is given as a number or the like, which Glance takes."""

    template = "'member' must be the id of a project, as text."


def add(call: Call) -> None:
    """``POST /v2/images/{id}/members``."""
    body = bodies.read_object(call.request) or {}
    named = body.get("member")
    if not isinstance(named, str | None):
        raise ReceiverNotText
    image = call.image() if named is not None else None
    if image is None:
        return
    call.check(image_rules.Action.SHARE, image)
    if named == image.view["owner"]:
        raise SharedWithSelf(image_id=image.id, project_id=named)
    # Whoever may not share it learns so from Glance, and nothing was changed before.
    if not may(call.context, "modify_image", image):
        return
    image = _held(call, image)
    whole_images.check_keys(call, image, image_rules.Action.SHARE)
    was_private = image.view["visibility"] == "private"
    if was_private:
        # Glance lists members only of shared images, and takes them only for those.
        _set_visibility(call, image, "shared")
        call.effects.append(functools.partial(_without_receivers, call, image))
    receivers = _receivers(call, image)
    if was_private and named in receivers:
        # From before it was made private: Glance would refuse to add it a second time.
        call.images.call(call.context, "DELETE", f"/v2/images/{image.id}/members/{named}")
        receivers.remove(named)
    if len({*receivers, named}) > call.limits.members:
        _without_receivers(call, image, None)
        raise TooManyMembers(image_id=image.id, count=len(receivers), limit=call.limits.members)
    if named not in receivers:
        try:
            whole_images.share(call, image, str(named))
        except SubrequestRefused:
            _without_receivers(call, image, None)
            raise


def update(call: Call) -> None:
    """``PUT /v2/images/{id}/members/{member}``: accepting or rejecting."""
    bodies.read_object(call.request)
    image = call.image()
    if image is not None:
        call.check(image_rules.Action.ACCEPT, image)


def remove(call: Call) -> None:
    """``DELETE /v2/images/{id}/members/{member}``."""
    image = call.image()
    if image is None:
        return
    call.check(image_rules.Action.UNSHARE, image)
    if not may(call.context, "modify_image", image):
        return
    if _held(call, image).view["visibility"] == "shared":
        member = str(call.request.path_info).rpartition("/")[2]
        whole_images.unshare(call, image, member)
        call.effects.append(functools.partial(_without_receivers, call, image))


def _held(call: Call, image: Image) -> Image:
    """The image as it is once nobody else shares it."""
    call.hold(image)
    return call.image() or image


def _receivers(call: Call, image: Image) -> list[str]:
    listed = call.images.call(call.context, "GET", f"/v2/images/{image.id}/members")
    return [member["member_id"] for member in listed["members"]]


def _without_receivers(call: Call, image: Image, _response: webob.Response | None) -> None:
    """Make the image private again if nobody has it."""
    try:
        if _receivers(call, image):
            return
        _set_visibility(call, image, "private")
    except SubrequestRefused as refused:
        # It is gone, or can be shared and unshared again: nobody sees it in the meantime.
        LOG.warning("Image %s stays shared with nobody: %s", image.id, refused)
        return
    whole_images.make_private(call, image)


def _set_visibility(call: Call, image: Image, visibility: str) -> Any:
    change = {"op": "replace", "path": "/visibility", "value": visibility}
    return call.images.patch(call.context, image.id, [change])
