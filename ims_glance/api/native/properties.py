# SPDX-License-Identifier: Apache-2.0
"""What the Image API's clients may do with the attributes that IMS adds to images.

Glance's clients own all properties of an image: Terraform takes away, with each of its runs, those
that its file does not name, and others send back what they read. So what leaves an attribute of the
service as it is, is answered as done, and the rest of the request is carried out. Properties
whose names are not the service's own are none of its business.
"""

import functools
from collections.abc import Callable, Collection, Mapping
from typing import Any

from glance.common import wsgi

from ims_glance import exceptions
from ims_glance.api.common.image import ShownImage, may
from ims_glance.api.common.image_keys import ImageKeys
from ims_glance.api.common.roles import as_service, is_service
from ims_glance.api.native import bodies
from ims_glance.model.image import attributes, kinds, values, whole_image
from ims_glance.model.text import json_patch


class AttributeReadOnly(exceptions.Forbidden):
    """A patch of what no patch may change."""

    template = "Attribute '{name}' is read-only."


class UnknownSystemAttribute(exceptions.Invalid):
    """An attribute in the service's own name space that it does not have."""

    template = (
        "The Image service has no attribute '{name}'. To have an image encrypted, name its key in "
        "'__system__cmkid', spelt exactly like that."
    )


class NameAmbiguous(exceptions.Invalid):
    """The name of a property that a database takes for another one."""

    template = (
        "Attribute '{name}' would be stored as if it were '{other}'. Spell it exactly like that, or "
        "use a name that does not begin with '__' and is none of the service's."
    )


def check_names(given: Collection[str]) -> None:
    """Check names of properties that an image is to get.

    :raises UnknownSystemAttribute, NameAmbiguous: if one looks like an attribute of the service's
    """
    for name in attributes.unknown_system_names(given):
        raise UnknownSystemAttribute(name=name[:255])
    for name, other in attributes.ambiguous_names(given):
        raise NameAmbiguous(name=name[:255], other=other[:255])


def check_new(context: Any, body: Mapping[str, Any]) -> None:
    """Check names and values of a new image.

    Values of the service's are replaced by its own, since Nova and Cinder copy properties of one
    image to another, but what is no string is a mistake, as for all properties.

    :param body: of ``POST /v2/images``
    :raises UnknownSystemAttribute, NameAmbiguous: for a name
    :raises ValueWrong: and the others of :mod:`ims_glance.model.image.values`, for a value
    """
    check_names(body)
    if is_service(context):
        return
    for name in body.keys() & (attributes.SYSTEM | {attributes.OS_VERSION}):
        values.check_is_text(name, body[name])
    for name, value in body.items():
        values.check_native(name, value)
    values.check_together(body, body)


def settle(
    request: wsgi.Request, context: Any, keys: ImageKeys, image: ShownImage
) -> list[json_patch.Change]:
    """Check a patch of an image, and make of it what Glance is to carry out.

    A change that leaves an attribute of the service as it is, is left out: a removal, and the value
    that the image has. The key is no exception, even if whoever removes it named it. That it stays
    is what the service promises; to refuse would lose the rest of the patch, each time that somebody
    whose file does not name the key renames an image; and whoever wanted the data readable in its
    store sees in the answer that it is not. Another key is refused, for there the client would take
    an image for safe under it.

    :returns: the changes that are left
    :raises AttributeReadOnly, KeyNotChangeable: for a change that cannot be made
    :raises ValueWrong: and the others of :mod:`ims_glance.model.image.values`
    """
    kind = request.content_type
    patch = settled = bodies.read_json(request)
    service = is_service(context)
    if not service and _may_be_settled(context, image, kind, patch):
        # Clients repeat themselves, and the key manager need not be asked each time.
        is_named = functools.cache(
            lambda value: keys.is_named(context, value, str(image.key_id), image.view["owner"])
        )
        settled = json_patch.without(kind, patch, lambda change: _is_kept(is_named, image, change))
        if settled != patch and not may(context, "modify_image", image):
            # Nothing might be left to be refused.
            settled = patch
    changes = json_patch.changes(kind, settled)
    for change in changes:
        _check(image, change, service=service)
    followers: list[dict[str, str]] = []
    writes_system = any(change.path[0] in attributes.SYSTEM for change in changes)
    if not service:
        _check_together(image, changes)
        # Otherwise Glance refuses the patch, with the caller's own roles.
        followers = [] if writes_system else _followers(kind, image, changes)
    if followers or (writes_system and service):
        request.context = as_service(context)
    if followers or settled != patch:
        bodies.write_json(request, [*settled, *followers])
    return changes


def _may_be_settled(context: Any, image: ShownImage, kind: str, patch: Any) -> bool:
    """Whether a patch may be looked through: the key manager is asked for nobody whom Glance refuses."""
    names = {change.path[0] for change in json_patch.changes(kind, patch)}
    return attributes.CMK_ID not in names or may(context, "modify_image", image)


def _is_kept(is_named: Callable[[str], bool], image: ShownImage, change: json_patch.Change) -> bool:
    """Whether a change is one of an attribute of the service's that leaves it as it is.

    :param is_named: whether a value means the image's key
    """
    (name,) = change.path
    if name == attributes.CMK_ID:
        if image.key_id is None or change.operation == "remove":
            return image.key_id is not None
        return isinstance(change.value, str) and is_named(change.value)
    if name in attributes.SYSTEM or _is_mapped(image, name):
        shown = {**image.view, attributes.IMAGE_TYPE: kinds.image_type(image.view)}
        return name in shown and (change.operation == "remove" or change.value == shown[name])
    return False


def _is_mapped(image: ShownImage, name: str) -> bool:
    return name in whole_image.MAPPED and whole_image.is_whole(image.view)


def _check(image: ShownImage, change: json_patch.Change, *, service: bool) -> None:
    name = change.path[0]
    there = image.view.get(name)
    if name == "image_id":
        # Glance protects "id" but takes this one, and writes the image over another one of the
        # project: with that a key could be taken from an image, or given to it.
        raise AttributeReadOnly(name=name)
    removes = change.operation == "remove"
    if not removes and there is not None and change.value == there:
        return
    if name == attributes.CMK_ID:
        # Also if there is none: by the time Glance looks there may be one.
        raise exceptions.KeyNotChangeable(image_id=image.id)
    if removes and there is None:
        # Glance says so.
        return
    if (name in attributes.SYSTEM and not service) or _is_mapped(image, name):
        raise AttributeReadOnly(name=name)
    if not removes and not service:
        values.check_native(name, change.value)


def _check_together(image: ShownImage, changes: list[json_patch.Change]) -> None:
    there = set(image.view)
    for change in changes:
        (there.discard if change.operation == "remove" else there.add)(change.path[0])
    values.check_together(there, {change.path[0] for change in changes})


def _followers(
    kind: str, image: ShownImage, changes: list[json_patch.Change]
) -> list[dict[str, str]]:
    """The operations for what follows from the operating system, if a patch changes that.

    Taken away, it is what it is for a new image that names none.
    """
    named = [change for change in changes if change.path == (attributes.OS_VERSION,)]
    before = image.view.get(attributes.OS_VERSION)
    if not named:
        return []
    there = set(image.view)
    value = None if named[-1].operation == "remove" else named[-1].value
    if value is None:
        there.discard(attributes.OS_VERSION)
    if value == before or not isinstance(value, str | None):
        # As it was; or Glance refuses it.
        return []
    derived = attributes.of_system(value)
    return [
        json_patch.operation(kind, "replace" if name in there else "add", name, derived[name])
        for name in derived
        if derived[name] != (value if name == attributes.OS_VERSION else image.view.get(name))
    ]
