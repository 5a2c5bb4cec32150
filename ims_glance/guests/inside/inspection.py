# SPDX-License-Identifier: Apache-2.0
"""What system is on a disk: asked of libguestfs, and of a few files of the guest.

Nothing of the guest is run and nothing is written. What cannot be read is left out: no guest is refused
for being strange.
"""

import posixpath
import re
from collections.abc import Callable, Mapping
from typing import Any

from ims_glance.guests.inside import initrd
from ims_glance.guests.inside.handle import GuestFS
from ims_glance.guests.inside.tree import GuestFileTooLarge, Tree
from ims_glance.model.guest.found import BIOS, LINUX, MOST_ENTRIES, UEFI, WINDOWS, Guest

_ESP = "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"
_BIOS_BOOT = "21686148-6449-6E6F-744E-656564454649"
_MBR_ESP = 0xEF
_SIGNATURE = b"\x55\xaa"
_SECTOR = 512
_ENCRYPTED = ("crypto_luks", "bitlocker")
# The first that is there.
_LOADERS = (
    ("grub2", ("/boot/grub2/grub.cfg", "/boot/grub/grub.cfg")),
    ("grub1", ("/boot/grub/menu.lst", "/boot/grub/grub.conf")),
    ("extlinux", ("/boot/extlinux.conf", "/boot/extlinux/extlinux.conf", "/extlinux.conf")),
    ("systemd-boot", ("/boot/loader/loader.conf", "/boot/efi/loader/loader.conf")),
)
_CLOUD_INIT = ("/usr/bin/cloud-init", "/usr/local/bin/cloud-init")
_CLOUDBASE = ("/Program Files/Cloudbase Solutions/Cloudbase-Init", "/Cloudbase-Init")
_UNKNOWN = (None, "", "unknown")
MOST_SYSTEMS = 4
"""Of a disk, that are looked at."""


def inspect(g: GuestFS) -> Guest:
    """The first system on the disks of an appliance.

    :param g: launched
    :returns: of kind ``None`` if there is none, or none that libguestfs knows
    """
    roots = _asked(g.inspect_os) or []
    notes = _notes(g, len(roots))
    if not roots:
        return Guest.of_arguments({"firmware": _firmware(g), "notes": notes})
    return _inspected(g, roots[0], notes)


def others(g: GuestFS) -> list[Guest]:
    """The systems beside the first one, of those that :func:`inspect` found, but a few."""
    roots = _asked(g.inspect_get_roots) or []
    return [_inspected(g, root, []) for root in roots[1:MOST_SYSTEMS]]


def _inspected(g: GuestFS, root: str, notes: list[str]) -> Guest:
    said = _said(g, root)
    try:
        for mountpoint, device in said["mountpoints"]:
            notes += _mounted(g, device, mountpoint)
        tree = Tree(g, is_dry=True)
        looked = {LINUX: _linux, WINDOWS: _windows}.get(said["kind"], _nothing)
        said = {**said, **looked(tree, said)}
    finally:
        g.umount_all()
    return Guest.of_arguments({**said, "firmware": _firmware(g), "root": root, "notes": notes})


def _asked(ask: Callable[..., Any], *arguments: Any) -> Any:
    """What libguestfs answers; ``None`` where it knows nothing, and says so by an error."""
    try:
        answer = ask(*arguments)
    except RuntimeError:
        return None
    return None if answer in _UNKNOWN else answer


def _said(g: GuestFS, root: str) -> dict[str, Any]:
    """What libguestfs says of a system."""
    mountpoints = dict(_asked(g.inspect_get_mountpoints, root) or {"/": root})
    ordered = sorted(mountpoints.items(), key=lambda pair: (len(pair[0]), pair[0]))
    return {
        "kind": _asked(g.inspect_get_type, root),
        "distro": _asked(g.inspect_get_distro, root),
        "product_name": _asked(g.inspect_get_product_name, root),
        "osinfo": _asked(g.inspect_get_osinfo, root),
        "major": _asked(g.inspect_get_major_version, root),
        "minor": _asked(g.inspect_get_minor_version, root),
        "arch": _asked(g.inspect_get_arch, root),
        "package_format": _asked(g.inspect_get_package_format, root),
        "hostname": _asked(g.inspect_get_hostname, root),
        "mountpoints": ordered[:MOST_ENTRIES],
    }


def _notes(g: GuestFS, systems: int) -> list[str]:
    notes = []
    if systems > 1:
        notes.append(f"{systems} systems are on the disk. This report is of the first one.")
    types = dict(_asked(g.list_filesystems) or {})
    if any(str(kind).lower() in _ENCRYPTED for kind in types.values()):
        notes.append(
            "A partition is encrypted, and nobody can look into it. Decrypt it before you export the disk."
        )
    if not systems:
        notes.append("No system was found that is known.")
    return notes


def _mounted(g: GuestFS, device: str, mountpoint: str) -> list[str]:
    """Mount a file system; what to note if it cannot be."""
    try:
        g.mount_ro(device, mountpoint)
    except RuntimeError:
        return [f"The file system of {mountpoint} could not be read. Check it in the guest (fsck)."]
    return []


def _firmware(g: GuestFS) -> str | None:
    """What the disk boots with; ``bios`` if it can do both, for servers have it unless told otherwise."""
    has_esp = has_code = False
    for partition in (_asked(g.list_partitions) or [])[:MOST_ENTRIES]:
        kind = _asked(_kind_of, g, partition)
        has_esp = has_esp or kind in (_ESP, _MBR_ESP)
        has_code = has_code or kind == _BIOS_BOOT
        has_code = has_code or (isinstance(kind, int) and bool(_asked(_boots, g, partition)))
    return BIOS if has_code else UEFI if has_esp else None


def _kind_of(g: GuestFS, partition: str) -> str | int:
    device, number = g.part_to_dev(partition), g.part_to_partnum(partition)
    if g.part_get_parttype(device) == "gpt":
        return g.part_get_gpt_type(device, number).upper()
    return g.part_get_mbr_id(device, number)


def _boots(g: GuestFS, partition: str) -> bool:
    """Whether a disk with an MBR has a program in it."""
    sector = g.pread_device(g.part_to_dev(partition), _SECTOR, 0)
    return sector[-2:] == _SIGNATURE and sector[:3] != bytes(3)


def _linux(tree: Tree, said: Mapping[str, Any]) -> dict[str, Any]:
    kernels = _read(initrd.kernels, tree) or []
    named = _os_release(tree)
    if said["distro"]:
        # What libguestfs knows better, all but the name for people.
        named = {"product_name": named["product_name"] or said["product_name"]}
    return {
        **named,
        "boot_loader": next(
            (name for name, paths in _LOADERS if any(tree.is_there(path) for path in paths)), None
        ),
        "kernels": kernels,
        "has_cloud_init": any(tree.is_there(path) for path in _CLOUD_INIT),
        "has_virtio": _read(initrd.has_virtio, tree, kernels),
    }


def _read(look: Callable[..., Any], *arguments: Any) -> Any:
    """What is found; ``None`` if it is larger than it ever is, or cannot be read."""
    try:
        return look(*arguments)
    except (GuestFileTooLarge, RuntimeError):
        return None


_ASSIGNED = re.compile(r"^(ID|VERSION_ID|PRETTY_NAME)=[\"']?([^\"'\n]{1,120})", re.MULTILINE)


def _os_release(tree: Tree) -> dict[str, Any]:
    """What a system says of itself that libguestfs does not know (os-release(5))."""
    text = _read(tree.text, "/etc/os-release") or _read(tree.text, "/usr/lib/os-release") or ""
    found = dict(_ASSIGNED.findall(text))
    numbers = [int(each) for each in re.findall(r"\d{1,5}", found.get("VERSION_ID", ""))[:2]]
    major, minor = [*numbers, 0, 0][:2]
    return {
        "distro": found.get("ID", "").lower() or None,
        "product_name": found.get("PRETTY_NAME"),
        "major": major,
        "minor": minor,
    }


def _windows(tree: Tree, said: Mapping[str, Any]) -> dict[str, Any]:
    g, root = tree.g, dict(said["mountpoints"]).get("/", "")
    systemroot = _asked(g.inspect_get_windows_systemroot, root)
    driver = posixpath.join(str(systemroot), "System32/drivers/viostor.sys")
    return {
        "distro": "windows",
        "boot_loader": "bootmgr",
        "systemroot": systemroot,
        "control_set": _asked(g.inspect_get_windows_current_control_set, root),
        "has_cloud_init": any(_asked(g.case_sensitive_path, path) for path in _CLOUDBASE),
        "has_virtio": _asked(g.case_sensitive_path, driver) is not None,
    }


def _nothing(tree: Tree, said: Mapping[str, Any]) -> dict[str, Any]:
    return {}
