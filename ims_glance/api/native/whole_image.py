# SPDX-License-Identifier: Apache-2.0
"""What is done to a whole-machine image is done to its disks, at both doors.

Its disks are hidden images of the same project, which nobody works with directly. That an image is
one says ``__component_of``, which only the service writes: the mapping alone, which Nova reads,
could name anything.
"""

import functools
import logging
from collections.abc import Callable, Collection, Mapping
from typing import Any

import webob

from ims_glance.api.common.image import ShownImage, SubrequestRefused, may
from ims_glance.api.common.roles import as_service, is_service
from ims_glance.api.native import backup
from ims_glance.api.native import image as native_image
from ims_glance.api.native.call import NativeCall
from ims_glance.model.image import attributes, whole_image
from ims_glance.model.image import rules as image_rules

LOG = logging.getLogger(__name__)

_GONE = (404, 410)
# What the disks have in common with their image; Glance lets administrators change the owner. Every
# new visibility counts, "shared" too: the disks of a community image are open to everybody.
_FOLLOWED = ("owner", "visibility")


def components(call: NativeCall, image: ShownImage) -> list[dict[str, Any]]:
    """The disks of a whole-machine image that are there, as Glance shows them to the service."""
    found = []
    for component in whole_image.components(image.view):
        view = call.images.get(call.context.elevated(), f"/v2/images/{component.image_id}")
        if view is not None and _belongs(view.view, image):
            found.append(view.view)
    return found


def check_keys(call: NativeCall, image: ShownImage, action: image_rules.Action) -> None:
    """Before others see an image, check that no disk is encrypted with the default key of its project.

    The image shows the key of its first encrypted disk; others may have been made of other images.

    :raises Refused: if one is
    """
    others = {
        view.get(attributes.CMK_ID)
        for view in components(call, image)
        if attributes.STORE_KEY not in view or call.limits.conventions
    }
    for key_id in others - {image.key_id, None}:
        if call.keys.is_default(call.context, str(key_id), image.view["owner"]):
            raise image_rules.refusal(action, image_rules.Trait.DEFAULT_KEY, image.id)


def share(call: NativeCall, image: ShownImage, project_id: str) -> None:
    """Let a new member see the disks, before the image; if that fails, nothing was shared.

    :raises SubrequestRefused: if Glance does not take it
    """
    added: list[dict[str, Any]] = []
    try:
        for view in components(call, image):
            if _add_member(call, view, project_id):
                added.append(view)
    except SubrequestRefused:
        _take_back(call, added, project_id)
        raise
    if added:
        call.effects.append(functools.partial(_shared, call, added, project_id))


def unshare(
    call: NativeCall, image: ShownImage, project_id: str, done: Collection[int] = ()
) -> None:
    """Take the disks from a member that the image is taken from.

    :param done: statuses of the answer by which the image was taken from them before
    """
    views = components(call, image)

    def effect(response: webob.Response) -> None:
        if response.status_int < 300 or response.status_int in done:
            _take_back(call, views, project_id)

    call.effects.append(effect)


def forget_members(call: NativeCall, image: ShownImage) -> None:
    """Take an image that is not shared, and its disks, from all who had it before."""
    for image_id in (*(view["id"] for view in components(call, image)), image.id):
        call.records.forget_members(str(image_id))


def delete(call: NativeCall) -> None:
    """``DELETE /v2/images/{id}``: the disks with the image, and its backup if that is wished."""
    with_backup = backup.is_wanted(call)
    image = native_image.delete(call)
    if image is None:
        return
    if with_backup and call.backups is not None:
        backup.delete_with(call, call.backups, image)
    if not is_service(call.context):
        # A job deletes what it made one by one: if it makes its image anew, the disks stay.
        _on_success(call, components(call, image), _delete)


def update(call: NativeCall) -> None:
    """``PATCH /v2/images/{id}``: who has it has the disks; who sees it too (members one by one)."""
    image = native_image.update(call)
    if image is None:
        return
    _forget_members_of_promised(call, image)
    if not (views := components(call, image)):
        return
    if native_image.opens(call, image):
        check_keys(call, image, image_rules.Action.OPEN)

    def follow(response: webob.Response) -> None:
        if response.status_int != 200:
            return
        for name in _FOLLOWED:
            value = response.json[name]
            if value != image.view[name]:
                _follow(call, views, functools.partial(_give, name, value))

    call.effects.append(follow)


def _forget_members_of_promised(call: NativeCall, image: ShownImage) -> None:
    """Before an image whose key was named, or a whole-machine image, is shared by hand.

    See :mod:`ims_glance.api.native.member`.
    """
    is_promised = image.facts.is_promised or whole_image.is_whole(image.view)
    if not is_promised or not native_image.becomes(call, image, "shared"):
        return
    if may(call.context, "modify_image", image):
        call.hold(image)
        now = call.image()
        if now is not None and now.view["visibility"] != "shared":
            forget_members(call, now)
            if attributes.BEFORE_SHARING in now.view:
                # It is shared with nobody.
                unmarked = {"op": "remove", "path": f"/{attributes.BEFORE_SHARING}"}
                call.images.patch(as_service(call.context), now.id, [unmarked])


def make_private(call: NativeCall, image: ShownImage) -> None:
    """Let the disks follow an image that nobody has any more."""
    try:
        views = components(call, image)
    except SubrequestRefused as refused:
        # They have no members either: only their record says that they are shared.
        LOG.error("The disks of image %s did not follow it: %s", image.id, refused)
        return
    _follow(call, views, functools.partial(_give, "visibility", "private"))


def change_status(call: NativeCall) -> None:
    """``POST /v2/images/{id}/actions/deactivate|reactivate``: the disks too."""
    image = call.image()
    if image is not None:
        call.check(image_rules.Action.SWITCH, image)
        action = str(call.request.path_info).rpartition("/")[2]
        _on_success(call, components(call, image), functools.partial(_act, action))


Effect = Callable[[NativeCall, Mapping[str, Any]], None]


def _on_success(call: NativeCall, views: list[dict[str, Any]], effect: Effect) -> None:
    """Do something to each disk once Glance has done it to the image."""

    def follow(response: webob.Response) -> None:
        if response.status_int < 300:
            _follow(call, views, effect)

    if views:
        call.effects.append(follow)


def _follow(call: NativeCall, views: list[dict[str, Any]], effect: Effect) -> None:
    for view in views:
        try:
            effect(call, view)
        except SubrequestRefused as refused:
            if refused.response.status_int not in _GONE:
                # One whose image is deleted is its owner's to delete.
                LOG.error("Disk %s did not follow its image: %s", view["id"], refused)


def _delete(call: NativeCall, view: Mapping[str, Any]) -> None:
    _set(call, view, "protected", value=False)
    call.images.call(call.context.elevated(), "DELETE", f"/v2/images/{view['id']}")


def _act(action: str, call: NativeCall, view: Mapping[str, Any]) -> None:
    path = f"/v2/images/{view['id']}/actions/{action}"
    call.images.call(call.context.elevated(), "POST", path)


def _give(name: str, value: Any, call: NativeCall, view: Mapping[str, Any]) -> None:
    if view[name] != value:
        _set(call, view, name, value)


def _shared(
    call: NativeCall, added: list[dict[str, Any]], project_id: str, response: webob.Response
) -> None:
    if response.status_int >= 300:
        _take_back(call, added, project_id)


def _add_member(call: NativeCall, view: Mapping[str, Any], project_id: str) -> bool:
    """Whether the project was none of its members before."""
    if view["visibility"] == "private":
        _set(call, view, "visibility", "shared")
    try:
        path = f"/v2/images/{view['id']}/members"
        call.images.call(call.context.elevated(), "POST", path, {"member": project_id})
    except SubrequestRefused as refused:
        if refused.response.status_int != 409:
            raise
        return False
    return True


def _take_back(call: NativeCall, views: list[dict[str, Any]], project_id: str) -> None:
    for view in views:
        try:
            path = f"/v2/images/{view['id']}/members/{project_id}"
            call.images.call(call.context.elevated(), "DELETE", path)
        except SubrequestRefused as refused:
            if refused.response.status_int not in _GONE:
                LOG.error("Disk %s stays shared with %s: %s", view["id"], project_id, refused)


def _set(call: NativeCall, view: Mapping[str, Any], name: str, value: Any) -> None:
    change = {"op": "replace", "path": f"/{name}", "value": value}
    call.images.patch(call.context.elevated(), str(view["id"]), [change])


def _belongs(view: Mapping[str, Any], image: ShownImage) -> bool:
    is_its = view.get(attributes.COMPONENT_OF) == image.id
    return is_its and view["owner"] == image.view["owner"]
