# SPDX-License-Identifier: Apache-2.0
"""Drivers of virtio disks in the initrd, without which a Linux guest does not find its disk.

Whether they are there is seen first: by the settings that made the initrd, else by the names in it, for a new one
takes minutes where there is no virtualization. It is made by the guest's own tool, quickly compressed.
"""

import contextlib
from collections.abc import Iterator

from ims_glance.guests.inside import initrd
from ims_glance.guests.inside.steps.step import Work
from ims_glance.guests.inside.tree import GuestProgramFailed, old_name

_LIST, _MAKE = 180, 800
"""Seconds; less than the operator's ``silent_seconds``, so that the step fails and not the image."""
_MOST = 2
_QUICK = "/etc/initramfs-tools/conf.d/ims-quick"
_MODULES = "/etc/initramfs-tools/modules"
_DRACUT = "/etc/dracut.conf.d/ims-virtio.conf"
_MKINITFS = "/etc/mkinitfs/mkinitfs.conf"
_ADVICE = (
    "Make an initrd with virtio_pci, virtio_blk, virtio_scsi and virtio_net in the guest; until then its servers need "
    "hw_disk_bus=ide."
)


def run(work: Work) -> None:
    """Give the newest kernels an initrd that knows virtio disks."""
    tree = work.tree
    versions = list(work.guest.kernels[:_MOST])
    if not versions:
        work.deeds.leave("No kernel with modules was found.", _ADVICE)
        return
    if initrd.has_virtio(tree, versions):
        return
    if not initrd.has_modules(tree, versions[0]):
        work.deeds.leave(f"Kernel {versions[0]} has no driver for virtio disks.", _ADVICE)
        return
    tool = _tool(work)
    if tool is None or not work.runs:
        work.deeds.leave("This guest's initrd cannot be made here.", _ADVICE)
        return
    for version in versions:
        if initrd.image(tree, version) and not _has_it(work, tool, version):
            _make(work, tool, version)


def _tool(work: Work) -> str | None:
    for tool, paths in (
        ("initramfs-tools", ("/usr/sbin/update-initramfs",)),
        ("dracut", ("/usr/bin/dracut", "/sbin/dracut", "/usr/sbin/dracut")),
        ("mkinitfs", ("/sbin/mkinitfs", "/usr/sbin/mkinitfs")),
    ):
        if any(work.tree.is_there(path) for path in paths):
            return tool
    return None


def _has_it(work: Work, tool: str, version: str) -> bool:
    """Whether the names in an initrd have the driver."""
    lister = {"initramfs-tools": "lsinitramfs", "dracut": "lsinitrd"}.get(tool)
    if work.is_dry or lister is None or initrd.has_virtio(work.tree, [version]) is False:
        return False
    path = initrd.image(work.tree, version) or ""
    found = f'{lister} "$1" | grep -q "/virtio_blk[.]ko"'
    try:
        work.tree.run(["/bin/sh", "-c", found, "sh", path], _LIST)
    except GuestProgramFailed:
        return False
    return True


def _make(work: Work, tool: str, version: str) -> None:
    tree = work.tree
    path = initrd.image(tree, version) or ""
    drivers = initrd.wanted(tree, version)
    setting = _set(work, tool, drivers)
    if not work.is_dry:
        tree.changed.append(path)
        if not tree.g.exists(old_name(path)):
            tree.g.cp_a(path, old_name(path))
        try:
            with _quick(work) if tool == "initramfs-tools" else contextlib.nullcontext():
                tree.run(_command(tool, version, path, drivers), _MAKE)
        except GuestProgramFailed:
            # What is set says what is in the initrd, and would be believed the next time.
            _undo(work, setting)
            tree.g.mv(old_name(path), path)
            tree.g.rm_rf(f"{path}.new")
            raise
    work.deeds.done.append(f"{path} is made anew, with the drivers of virtio disks and cards.")


def _command(tool: str, version: str, path: str, drivers: list[str]) -> list[str]:
    return {
        "initramfs-tools": ["update-initramfs", "-u", "-k", version],
        "dracut": ["dracut", "--force", "--gzip", "--add-drivers", " ".join(drivers), path, version],
        "mkinitfs": ["mkinitfs", "-o", path, version],
    }[tool]  # fmt: skip


def _set(work: Work, tool: str, drivers: list[str]) -> str | None:
    """What makes the next initrd, of the guest's next kernel, puts them in as well.

    :returns: the file that was changed
    """
    tree = work.tree
    path = {"dracut": _DRACUT, "initramfs-tools": _MODULES, "mkinitfs": _MKINITFS}[tool]
    text = tree.text(path) or ""
    if tool == "dracut":
        new = text or f'add_drivers+=" {" ".join(drivers)} "\n'
    elif tool == "initramfs-tools":
        missing = [name for name in drivers if name not in text.split()]
        head = text.rstrip("\n") + "\n" if text else ""
        new = "".join([head, *(f"{name}\n" for name in missing)]) if missing else text
    else:
        new = text if "virtio" in text else text.replace('features="', 'features="virtio ', 1)
    if new == text:
        return None
    tree.write(path, new)
    return path


def _undo(work: Work, setting: str | None) -> None:
    """Take a setting back."""
    g = work.tree.g
    if setting is None:
        return
    if g.exists(old_name(setting)):
        g.mv(old_name(setting), setting)
    else:
        g.rm(setting)


@contextlib.contextmanager
def _quick(work: Work) -> Iterator[None]:
    """For one run: what every kernel unpacks, compressed as little as it goes."""
    work.tree.g.write(_QUICK, b"COMPRESS=gzip\nCOMPRESSLEVEL=1\n")
    try:
        yield
    finally:
        work.tree.g.rm(_QUICK)
