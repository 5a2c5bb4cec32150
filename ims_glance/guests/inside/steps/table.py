# SPDX-License-Identifier: Apache-2.0
"""The steps, in their order: for which guests, what each looks for, what it does, and how an owner undoes it."""

from collections.abc import Callable

from ims_glance.guests.inside.steps import by_uuid, cloud_init, owners_data, serial, tools, virtio
from ims_glance.guests.inside.steps.network import addresses
from ims_glance.guests.inside.steps.step import Step
from ims_glance.guests.inside.steps.windows import drivers, settings
from ims_glance.model.guest.found import LINUX, WINDOWS, Guest

_HIVE = "Rename `System32\\config\\.SYSTEM.before-ims` (and `.SOFTWARE.before-ims`) back, offline."
_ASIDE = "Rename the files that the report names: `.NAME.before-ims` is the old `NAME`."


def _linux(guest: Guest) -> bool:
    return guest.kind == LINUX


def _windows(guest: Guest) -> bool:
    return guest.kind == WINDOWS


def _packaged(*formats: str) -> Callable[[Guest], bool]:
    return lambda guest: _linux(guest) and guest.package_format in formats


TABLE: tuple[Step, ...] = (
    Step(
        "network",
        "Linux with ifupdown, ifcfg files (Red Hat and SUSE families), netplan, NetworkManager; Alpine",
        "Cards with a fixed address, a hardware address, or a name that another card will not have",
        "Puts their files aside; another file asks for an address by DHCP on whatever card there is. With ifupdown and "
        "ifcfg files the kernel gets `net.ifnames=0 biosdevname=0`. Bridges, bonds and VLANs are left",
        _ASIDE,
        "No address is fixed.",
        _linux,
        addresses.dhcp,
    ),
    Step(
        "network rules",
        "Linux with udev",
        "`/etc/udev/rules.d/*.rules` and `/etc/systemd/network/*.link` that give a hardware address a name",
        "Puts them aside",
        _ASIDE,
        "No name is bound to a card.",
        _linux,
        addresses.rules,
    ),
    Step(
        "cloud-init",
        "Linux",
        "cloud-init; what turns it off (`cloud-init.disabled`, the installer's `99-installer.cfg`, "
        "`cloud-init=disabled`, masked units); `datasource_list`",
        "Installs it of the operator's packages, if there are any for this release; turns it on; names Nova's sources "
        "if the guest names others only",
        f"{_ASIDE} Packages that were installed are removed as any others.",
        "cloud-init is there, and turned on.",
        _linux,
        cloud_init.run,
    ),
    Step(
        "virtio",
        "Linux with initramfs-tools, dracut or mkinitfs",
        "virtio_pci and virtio_blk in the kernel, in what its initrd is made of, or in the initrd",
        "Has the guest's own tool make the initrds of the two newest kernels anew",
        f"{_ASIDE} The old initrd is kept so, too.",
        "It starts from virtio disks.",
        _linux,
        virtio.run,
    ),
    Step(
        "uuid",
        "Linux",
        "`/dev/sda1` and the like in fstab, crypttab, GRUB, extlinux and boot loader entries",
        "Writes the UUID instead; devices of disks that are not in the image get `nofail`",
        _ASIDE,
        "File systems are named by UUID, label or volume.",
        _linux,
        by_uuid.run,
    ),
    Step(
        "serial console",
        "Linux with GRUB, extlinux or boot loader entries; Alpine's inittab",
        "`console=ttyS0` (ARM: `ttyAMA0`) among the kernel's arguments",
        "Adds it, after `console=tty0`",
        _ASIDE,
        "The kernel writes to the serial line.",
        _linux,
        serial.run,
    ),
    Step(
        "tools",
        "Linux with deb, rpm or apk packages",
        "open-vm-tools, VMware's, Xen's, VirtualBox's and Parallels' packages",
        "Removes them. Installed by hand, they are named",
        "Install them again.",
        "No tools of another hypervisor are installed.",
        _packaged("deb", "rpm", "apk"),
        tools.run,
    ),
    Step(
        "owner's data",
        "Linux, if it is wished",
        "Host keys of SSH, the machine's id, DHCP leases, histories, logs",
        "Deletes them, or empties the files",
        "It cannot be undone.",
        "There is none.",
        _linux,
        owners_data.run,
        deletes=True,
    ),
    Step(
        "network",
        "Windows",
        "Cards with a fixed address, in the registry",
        "Has them ask for one by DHCP",
        _HIVE,
        "No address is fixed.",
        _windows,
        settings.dhcp,
    ),
    Step(
        "remote desktop",
        "Windows",
        "`fDenyTSConnections`, and the firewall's rules of Remote Desktop",
        "Turns Remote Desktop and its rules on",
        _HIVE,
        "Remote Desktop is on.",
        _windows,
        settings.remote_desktop,
    ),
    Step(
        "cloud-init",
        "Windows",
        "Cloudbase-init: its folder or its service",
        "Reports if it is missing",
        "Nothing is changed.",
        "Cloudbase-init is there.",
        _windows,
        settings.cloudbase,
    ),
    Step(
        "virtio",
        "Windows",
        "`viostor.sys` among the drivers",
        "Copies the operator's virtio drivers for this release, and has the disk's start with the kernel",
        _HIVE,
        "It has virtio drivers.",
        _windows,
        drivers.run,
    ),
)
