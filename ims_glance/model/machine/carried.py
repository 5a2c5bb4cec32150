# SPDX-License-Identifier: Apache-2.0
"""Properties of an image that go out with its machine, and come in again with it.

They are those by which Nova makes a server like the one before, and those of IMS's that are the owner's to set. What
comes in was written by anybody: nothing else is taken, and of IMS's no value that IMS has not.
"""

from collections.abc import Mapping
from typing import Any

from ims_glance.model.image import attributes

FACT = "image "
"""What the names of such properties begin with among the facts of an archive (:mod:`ims_glance.formats.packed.ovf`)."""
WHOLE = "whole_machine"
"""The fact that an archive with one disk is a whole machine, too."""
MIN_RAM = "min_ram"

_LONGEST = 100
_OF_NOVA = frozenset(
    {
        "architecture",
        "hw_boot_menu",
        "hw_cpu_cores",
        "hw_cpu_sockets",
        "hw_cpu_threads",
        "hw_disk_bus",
        "hw_input_bus",
        "hw_machine_type",
        "hw_pointer_model",
        "hw_qemu_guest_agent",
        "hw_rng_model",
        "hw_scsi_model",
        "hw_serial_port_count",
        "hw_time_hpet",
        "hw_tpm_model",
        "hw_tpm_version",
        "hw_video_model",
        "hw_vif_model",
        "hw_watchdog_action",
        "img_config_drive",
        "os_admin_user",
        "os_distro",
        "os_require_quiesce",
        "os_secure_boot",
        "os_type",
    }
)
# They are of this image alone, and an import has its own.
_OWN = frozenset({attributes.DESCRIPTION, "enterprise_project_id"})
_OF_IMS = {
    each.name: each.values
    for each in attributes.TABLE
    if each.setter is attributes.Setter.USER and each.name not in _OWN
}


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
    if name in _OF_NOVA:
        return True
    return name in _OF_IMS and (not _OF_IMS[name] or value in _OF_IMS[name])


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 8
