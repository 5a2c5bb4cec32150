# SPDX-License-Identifier: Apache-2.0
"""What attributes may be set to: one table for both doors (IMS "Image attributes").

The IMS API writes whatever its clients send as the string that Glance keeps. Through the Image API
clients send strings, and of those only the values of attributes whose names are the service's own
(``__...``) are looked at: ``max_ram`` or ``hw_firmware_type`` may be anybody's there, and what Nova
makes of them is Nova's.
"""

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from ims_glance import exceptions
from ims_glance.model.image import attributes
from ims_glance.model.image.attributes import Setter
from ims_glance.model.text import free_text

MAX_OS_VERSION = 128
_MAX = 4096


class ValueWrong(exceptions.Invalid):
    """An attribute cannot have that value."""

    code = "IMG.0035"
    template = "Attribute '{name}': {reason}."


class ValueRefused(exceptions.Invalid):
    """An attribute has one of some values, and that is none of them."""

    template = "Attribute '{name}' is one of {values}, not '{value}'."

    def __init__(self, name: str, value: str, values: tuple[str, ...]) -> None:
        self.code = _CODES.get(name, ValueWrong.code)
        super().__init__(name=name, value=value, values=", ".join(values))


_CODES = {"hw_firmware_type": "IMG.0141"}


def _os_version(value: str) -> str:
    if len(value) > MAX_OS_VERSION or not free_text.is_storable(value):
        raise ValueWrong(
            name=attributes.OS_VERSION,
            reason=f"at most {MAX_OS_VERSION} characters, as list_os_versions names a system",
        )
    return value


_NUMBERS = {"min_ram": (0, 2**31 - 1), "max_ram": (0, 2**31 - 1), "os_shutdown_timeout": (60, 300)}
_TEXTS: Mapping[str, Callable[[str], str]] = {
    "name": free_text.check_name,
    attributes.DESCRIPTION: free_text.check_description,
    attributes.OS_VERSION: _os_version,
}
# An image fits these servers, or the hypervisors of all others.
_INSTEAD = {
    "__support_xen_gpu_type": ("__support_xen", "__support_kvm"),
    "__support_kvm_gpu_type": ("__support_xen", "__support_kvm"),
    "__support_xen_hana": ("__support_xen", "__support_kvm"),
    "__support_kvm_infiniband": ("__support_xen",),
}
# The key is asked of the key manager, by ims_glance.api.common.image_keys.
_CHECKED_NATIVELY = frozenset(
    attribute.name
    for attribute in attributes.TABLE
    if attribute.setter is not Setter.SERVICE and attributes.is_ours(attribute.name)
) - {attributes.CMK_ID}


def written(name: str, value: Any) -> Any:
    """A value of the IMS API as Glance keeps it.

    :param value: string, number or boolean
    :raises ValueWrong, ValueRefused: if the attribute cannot have it
    :raises NameMalformed, DescriptionMalformed: and the others of :mod:`ims_glance.model.text.free_text`
    """
    if name in _NUMBERS:
        return _number(name, value)
    plain = str(value).lower() if isinstance(value, bool) else str(value)
    if name in _TEXTS:
        return _TEXTS[name](plain)
    known = attributes.ATTRIBUTES.get(name)
    if known is not None and known.values and plain not in known.values:
        raise ValueRefused(name, plain[:64], known.values)
    if len(plain) > _MAX or not free_text.is_storable(plain):
        raise ValueWrong(name=name, reason="the value is too long, or has odd characters")
    return plain


def _number(name: str, value: Any) -> Any:
    least, most = _NUMBERS[name]
    is_whole = re.fullmatch(r"[0-9]{1,10}", str(value)) is not None
    if isinstance(value, bool) or not is_whole or not least <= int(value) <= most:
        raise ValueWrong(name=name, reason=f"a whole number from {least} to {most}")
    # Of these, only min_ram is a number in Glance.
    return int(value) if name == "min_ram" else str(int(value))


def check_native(name: str, value: Any) -> None:
    """Check a value of the Image API, if it is of an attribute of the service's own.

    What is no string Glance refuses itself, wherever it sees it.

    :raises ValueWrong, ValueRefused, DescriptionMalformed: and the others of :func:`written`
    """
    if name in _CHECKED_NATIVELY and isinstance(value, str):
        written(name, value)


def check_is_text(name: str, value: Any) -> None:
    """Check the type of a value that Glance does not get to see, for the service writes its own.

    :raises ValueWrong: as Glance refuses it for other properties
    """
    if not isinstance(value, str):
        raise ValueWrong(name=name, reason="the value must be a string")


def check_together(there: Collection[str], touched: Collection[str]) -> None:
    """Check that the attributes of an image do not exclude each other.

    :param there: names of those that it has afterwards
    :param touched: those that are changed: what the image was before does not hinder other changes
    :raises ValueWrong: if two of them do
    """
    for name, others in _INSTEAD.items():
        both = [other for other in others if other in there]
        if name in there and both and not {name, *both}.isdisjoint(touched):
            raise ValueWrong(name=name, reason=f"not together with '{both[0]}'")
