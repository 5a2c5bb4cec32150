# SPDX-License-Identifier: Apache-2.0
"""What ``update_image`` may change (IMS "Updating image information").

To what, :mod:`ims_glance.model.image.values` says.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ims_glance import exceptions
from ims_glance.model.image import attributes, values
from ims_glance.model.text import collation

_OWN_NAME = re.compile(r"[a-z0-9_.:-]{1,255}")


class ChangeRefused(exceptions.Invalid):
    """An attribute cannot be changed like that."""

    code = "IMG.0035"
    template = "Attribute '{name}': {reason}."


def checked(
    operations: Iterable[Mapping[str, Any]], view: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """The operations as the Image API takes them.

    :param operations: ``op``, ``path`` (one level) and ``value``
    :param view: the image as the Image API shows it
    :raises ChangeRefused: if one cannot be done, ``replace`` of an absent attribute for example
    :raises ValueWrong: and the others of :mod:`ims_glance.model.image.values`
    """
    there = set(view)
    native: list[dict[str, Any]] = []
    for operation in operations:
        name = str(operation["path"])[1:]
        native.append(_checked(name, operation, there))
        twin = None if name in view else collation.twin(name, view)
        if twin is not None:
            reason = f"databases take it for '{twin}', which the image has; use another name"
            raise ChangeRefused(name=name, reason=reason)
        (there.discard if operation["op"] == "remove" else there.add)(name)
    values.check_together(there, {change["path"][1:] for change in native})
    return native


def _checked(name: str, operation: Mapping[str, Any], there: set[str]) -> dict[str, Any]:
    kind = operation["op"]
    _check_name(name)
    if kind != "add" and name not in there:
        reason = f"the image has none, so '{kind}' is not possible; use 'add'"
        raise ChangeRefused(name=name, reason=reason)
    if kind == "remove":
        if name in attributes.CHANGEABLE_BASE:
            raise ChangeRefused(name=name, reason="it can be replaced, not removed")
        return {"op": "remove", "path": f"/{name}"}
    if operation.get("value") is None:
        raise ChangeRefused(name=name, reason=f"'{kind}' needs a value")
    # Glance knows "add" of a property that is there as its replacement, but not for its own.
    native = "replace" if name in there else "add"
    return {"op": native, "path": f"/{name}", "value": values.written(name, operation["value"])}


def _check_name(name: str) -> None:
    if name in attributes.CHANGEABLE_BASE:
        return
    known = attributes.ATTRIBUTES.get(name)
    if known is not None:
        if known.setter is not attributes.Setter.USER:
            raise ChangeRefused(name=name, reason=f"it is set by {known.setter.value}")
        return
    if name in attributes.GLANCE or name.startswith(("__", "os_glance")):
        raise ChangeRefused(name=name, reason="it cannot be changed")
    if not _OWN_NAME.fullmatch(name):
        raise ChangeRefused(
            name=name[:64], reason="names have small letters, digits, '_', '-', '.' and ':'"
        )
