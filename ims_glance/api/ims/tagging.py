# SPDX-License-Identifier: Apache-2.0
"""Tags of one image, changed under the lock of the image."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ims_glance import exceptions
from ims_glance.api.ims import lookup
from ims_glance.api.ims.operation import Call
from ims_glance.api.native.image import TooManyTags
from ims_glance.clouds import coordination
from ims_glance.model import rules as image_rules
from ims_glance.model import tags
from ims_glance.model.tags import Tag


class TagsContradict(exceptions.Invalid):
    """Both forms of tags in one request."""

    code = "IMG.0115"
    template = "Use either '{old}' or '{new}', not both."


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
    :raises TagsContradict, TagInvalid, TooManyTags: if they are not valid
    """
    found = tags.merged((), from_body(body))
    if len(found) > limit:
        raise TooManyTags(limit=limit, count=len(found))
    return found


def change(call: Call, image_id: str, changed: Callable[[Sequence[str]], list[str]]) -> None:
    """Give an image other tags.

    :param changed: the new tags from those that it has, both as they are stored
    :raises TooManyTags: if there would be more than there may
    :raises ImageNotFound, Refused, NotTheirs: if the image cannot be changed
    """
    conf = call.service.conf
    # Glance may find it by other letters than it is known by.
    image_id = lookup.get(call, image_id)["id"]
    with coordination.lock(conf, "image", image_id):
        view = lookup.checked(call, image_id, image_rules.Action.TAG)
        wanted = changed(view["tags"])
        if len(wanted) > conf.ims_api.tags and len(wanted) > len(view["tags"]):
            raise TooManyTags(limit=conf.ims_api.tags, count=len(wanted))
        if set(wanted) != set(view["tags"]):
            patch = [{"op": "replace", "path": "/tags", "value": wanted}]
            call.service.images.patch(call.context, image_id, patch)
