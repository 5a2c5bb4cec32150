# SPDX-License-Identifier: Apache-2.0
"""Tools of VMware, Xen, VirtualBox and Parallels, which have nothing to do on KVM."""

from ims_glance.guests.inside.steps import programs
from ims_glance.guests.inside.steps.step import Work
from ims_glance.guests.inside.tree import GuestProgramFailed

NAMES = (
    "open-vm-tools-desktop", "open-vm-tools", "vmware-tools-esx", "vmware-tools-core", "xe-guest-utilities",
    "xe-guest-utilities-latest", "xen-tools", "virtualbox-guest-utils", "virtualbox-guest-dkms",
    "parallels-guest-tools",
)  # fmt: skip
_BY_HAND = {
    "/usr/bin/vmware-uninstall-tools.pl": "VMware Tools",
    "/opt/VBoxGuestAdditions/uninstall.sh": "VirtualBox Guest Additions",
}
_ADVICE = "Remove them in the guest. They do no harm: they see that they are not at home."


def run(work: Work) -> None:
    """Take away what is installed as packages; name what is not."""
    try:
        found = programs.installed(work.tree, NAMES) if work.runs else []
        if work.guest.package_format == "apk":
            found = [name for name in found if work.tree.is_there("/usr/bin/vmtoolsd")][:2]
        if found and not work.is_dry:
            programs.remove(work, found)
        if found:
            work.deeds.done.append(f"{', '.join(found)}: removed.")
    except GuestProgramFailed as error:
        work.deeds.leave(f"{', '.join(found)} could not be removed: {error}", _ADVICE)
    for path, name in _BY_HAND.items():
        if work.tree.is_there(path):
            work.deeds.leave(
                f"{name} were installed by hand.", f"Run {path} in the guest. {_ADVICE}"
            )
