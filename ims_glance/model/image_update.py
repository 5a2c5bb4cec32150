# SPDX-License-Identifier: Apache-2.0
"""What ``update_image`` may change, and to what (IMS "Updating image information")."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ims_glance import exceptions
from ims_glance.model import attributes, text

_NUMBERS = {"min_ram": (0, 2**31 - 1), "max_ram": (0, 2**31 - 1), "os_shutdown_timeout": (60, 300)}
_OWN_NAME = re.compile(r"[a-z0-9_.:-]{1,255}")
# An image fits these servers, or the hypervisors of all others.
_INSTEAD = {
    "__support_xen_gpu_type": ("__support_xen", "__support_kvm"),
    "__support_kvm_gpu_type": ("__support_xen", "__support_kvm"),
    "__support_xen_hana": ("__support_xen", "__support_kvm"),
    "__support_kvm_infiniband": ("__support_xen",),
}
_MAX_VALUE = 4096


class ChangeRefused(exceptions.Invalid):
    """An attribute cannot be changed like that."""

    code = "IMG.0035"
    template = "Attribute '{name}': {reason}."


class ValueRefused(exceptions.Invalid):
    """An attribute cannot have that value."""

    template = "Attribute '{name}' is one of {values}, not '{value}'."

    def __init__(self, name: str, value: str, values: tuple[str, ...]) -> None:
        self.code = _VALUE_CODES.get(name, ChangeRefused.code)
        super().__init__(name=name, value=value, values=", ".join(values))


_VALUE_CODES = {"hw_firmware_type": "IMG.0141"}


def checked(
    operations: Iterable[Mapping[str, Any]], view: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """The operations as the Image API takes them.

    :param operations: ``op``, ``path`` (one level) and ``value``
    :param view: the image as the Image API shows it
    :raises ChangeRefused: if one cannot be done, ``replace`` of an absent attribute for example
    :raises NameMalformed, DescriptionMalformed: and the others of :mod:`ims_glance.model.text`
    """
    there = set(view)
    native: list[dict[str, Any]] = []
    for operation in operations:
        name = str(operation["path"])[1:]
        native.append(_checked(name, operation, there))
        (there.discard if operation["op"] == "remove" else there.add)(name)
    touched = {change["path"][1:] for change in native}
    for name, others in _INSTEAD.items():
        both = [other for other in others if other in there]
        # What the image was before does not hinder other changes.
        if name in there and both and touched.intersection((name, *both)):
            raise ChangeRefused(name=name, reason=f"not together with '{both[0]}'")
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
    return {"op": native, "path": f"/{name}", "value": _value(name, operation["value"])}


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


def _value(name: str, value: Any) -> Any:
    if name in _NUMBERS:
        return _number(name, value)
    plain = str(value).lower() if isinstance(value, bool) else str(value)
    if name == "name":
        return text.check_name(plain)
    if name == attributes.DESCRIPTION:
        return text.check_description(plain)
    known = attributes.ATTRIBUTES.get(name)
    if known is not None and known.values and plain not in known.values:
        raise ValueRefused(name, plain[:64], known.values)
    if len(plain) > _MAX_VALUE or not text.is_storable(plain):
        raise ChangeRefused(name=name, reason="the value is too long, or has odd characters")
    return plain


def _number(name: str, value: Any) -> Any:
    least, most = _NUMBERS[name]
    is_whole = re.fullmatch(r"[0-9]{1,10}", str(value)) is not None
    if isinstance(value, bool) or not is_whole or not least <= int(value) <= most:
        raise ChangeRefused(name=name, reason=f"a whole number from {least} to {most}")
    # Of these, only min_ram is a number in Glance.
    return int(value) if name == "min_ram" else str(int(value))
