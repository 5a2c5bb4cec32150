# SPDX-License-Identifier: Apache-2.0
"""Properties of an image that go out with its machine, and come in again with it.

They are those by which Nova makes a server like the one before, and those of IMS's that are the owner's to set. What
comes in was written by anybody: nothing else is taken, and of IMS's no value that IMS has not.
"""

import re
from collections.abc import Mapping
from typing import Any

from ims_glance import exceptions
from ims_glance.model.image import attributes, values

FACT = "image "
"""What the names of such properties begin with among the facts of an archive (:mod:`ims_glance.formats.packed.ovf`)."""
WHOLE = "whole_machine"
"""The fact that an archive with one disk is a whole machine, too."""
MIN_RAM = "min_ram"
MAX_RAM = "max_ram"

_LONGEST = 100
# All that Nova's drivers know of a machine: one of its hw_* that stayed behind, as that its memory is encrypted, would be
# missed by nobody.
_OF_NOVA = re.compile(
    r"hw_[a-z0-9_]{1,60}|os_(type|distro|version|admin_user|require_quiesce|secure_boot)"
    r"|img_(config_drive|hide_hypervisor_id)|architecture|hypervisor_type|vm_mode"
)
# They are of this image alone, and an import has its own.
_OWN = frozenset({attributes.DESCRIPTION, "enterprise_project_id"})
_OF_IMS = frozenset(
    each.name
    for each in attributes.TABLE
    if each.setter is attributes.Setter.USER and each.name not in _OWN
)


def outward(view: Mapping[str, Any]) -> dict[str, str]:
    """What goes out.

    :param view: as the Image API shows the image
    """
    said = {name: str(value) for name, value in view.items() if _is_carried(name, value)}
    if view.get(MIN_RAM):
        said[MIN_RAM] = str(view[MIN_RAM])
    return said


def inward(facts: Mapping[str, Any]) -> dict[str, str]:
    """What comes in.

    :param facts: of an archive
    """
    told = {
        name.removeprefix(FACT): value for name, value in facts.items() if name.startswith(FACT)
    }
    return {
        name: value
        for name, value in told.items()
        if _is_carried(name, value) or (name == MIN_RAM and _is_number(value))
    }


def _is_carried(name: str, value: Any) -> bool:
    if not isinstance(value, str) or not value.isprintable() or not 0 < len(value) <= _LONGEST:
        return False
    if not (_OF_NOVA.fullmatch(name) or name in _OF_IMS):
        return False
    try:
        values.written(name, value)
    except exceptions.Invalid:
        return False
    return True


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 8
