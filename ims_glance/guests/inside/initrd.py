# SPDX-License-Identifier: Apache-2.0
"""Kernels of a Linux guest, their initrds, and whether these know virtio disks, and the CD of a configuration drive.

Sources: initramfs.conf(5), dracut.conf(5), mkinitfs.conf of Alpine; modules.builtin of the kernel.
"""

import posixpath
import re
from collections.abc import Sequence

from ims_glance.guests.inside.tree import Tree

MODULES = ("virtio_pci", "virtio_blk", "virtio_scsi", "virtio_net")
_NEEDED = ("virtio_pci", "virtio_blk")
_OF_CDS = (
    "drivers/ata/ata_piix", "drivers/ata/ahci", "drivers/scsi/sr_mod", "fs/isofs/isofs",
)  # fmt: skip
"""Drivers of the CD with which Nova gives a server its configuration drive. cloud-init's generator looks for it as soon as
systemd is there (``ds-identify``), when the system has not loaded a driver yet, and then forgets about it."""
_SUFFIXES = ("", ".xz", ".zst", ".gz")
_MOST_KERNELS = 16
# What Debian, the Red Hat and SUSE families, and Alpine call them.
_IMAGES = (
    "/boot/initrd.img-{kernel}",
    "/boot/initramfs-{kernel}.img",
    "/boot/initrd-{kernel}",
    "/boot/initramfs-{flavour}",
)
_SETTING = re.compile(r"^\s*MODULES\s*=\s*[\"']?(\w+)", re.MULTILINE)


def kernels(tree: Tree) -> list[str]:
    """Versions of the kernels that have modules, the newest first."""
    found = [
        posixpath.basename(folder)
        for folder in tree.names("/lib/modules")
        if tree.is_there(f"{folder}/modules.dep") or tree.is_there(f"{folder}/modules.builtin")
    ]
    return sorted(found, key=order, reverse=True)[:_MOST_KERNELS]


def order(version: str) -> list[tuple[int, int, str]]:
    """What versions are sorted by: numbers as numbers, and before words."""
    parts = re.findall(r"\d{1,9}|[a-zA-Z]+", version)
    return [(1, int(part), "") if part.isdigit() else (0, 0, part) for part in parts]


def image(tree: Tree, kernel: str) -> str | None:
    """The initrd of a kernel."""
    flavour = kernel.rpartition("-")[2]
    paths = (path.format(kernel=kernel, flavour=flavour) for path in _IMAGES)
    return next((path for path in paths if tree.is_there(path)), None)


def is_built_in(tree: Tree, kernel: str) -> bool:
    """Whether a kernel itself knows virtio disks."""
    text = tree.text(f"/lib/modules/{kernel}/modules.builtin") or ""
    return all(f"/{name}.ko" in text for name in _NEEDED)


def wanted(tree: Tree, kernel: str) -> list[str]:
    """Drivers that a kernel's initrd is to have: those of virtio, and such of CDs as are no part of the kernel."""
    found = [
        posixpath.basename(path)
        for path in _OF_CDS
        for suffix in _SUFFIXES
        if tree.is_there(f"/lib/modules/{kernel}/kernel/{path}.ko{suffix}")
    ]
    return [*MODULES, *found]


def has_modules(tree: Tree, kernel: str) -> bool:
    """Whether a kernel has a driver for virtio disks at all."""
    text = tree.text(f"/lib/modules/{kernel}/modules.builtin") or ""
    folder = f"/lib/modules/{kernel}/kernel/drivers/block"
    return "/virtio_blk.ko" in text or any(
        posixpath.basename(path).startswith("virtio_blk.ko") for path in tree.names(folder)
    )


def has_virtio(tree: Tree, versions: Sequence[str]) -> bool | None:
    """Whether the newest kernel starts from a virtio disk; ``None`` if only its initrd could tell.

    :param versions: of :func:`kernels`
    """
    if not versions:
        return None
    if is_built_in(tree, versions[0]):
        return True
    if not has_modules(tree, versions[0]):
        return False
    for told in (_initramfs_tools, _mkinitfs, _dracut):
        answer = told(tree)
        if answer is not None:
            return answer
    return None


def _initramfs_tools(tree: Tree) -> bool | None:
    text = tree.text("/etc/initramfs-tools/initramfs.conf")
    if text is None:
        return None
    setting = _last(text, "")
    for path, more in tree.texts("/etc/initramfs-tools/conf.d"):
        setting = _last(more, setting) if path else setting
    listed = (tree.text("/etc/initramfs-tools/modules") or "").split("\n")
    named = {line.split()[0] for line in listed if line.split() and not line.startswith("#")}
    if named.issuperset(_NEEDED):
        return True
    # "dep" has what the machine needs that it was made on.
    return {"most": True, "list": False}.get(setting)


def _last(text: str, before: str) -> str:
    found = _SETTING.findall(text)
    return found[-1] if found else before


def _mkinitfs(tree: Tree) -> bool | None:
    text = tree.text("/etc/mkinitfs/mkinitfs.conf")
    if text is None:
        return None
    return re.search(r"^features=.*\bvirtio\b", text, re.MULTILINE) is not None


def _dracut(tree: Tree) -> bool | None:
    texts = [tree.text("/etc/dracut.conf") or ""]
    for folder in ("/usr/lib/dracut/dracut.conf.d", "/etc/dracut.conf.d"):
        texts += [text for _, text in tree.texts(folder, ".conf")]
    lines = [line for text in texts for line in text.split("\n") if not line.startswith("#")]
    named = {word for line in lines if "drivers+=" in line for word in re.findall(r"[\w-]+", line)}
    if named.issuperset(_NEEDED):
        return True
    hostonly = [line for line in lines if re.match(r"\s*hostonly=", line)]
    return True if hostonly and re.search(r"=[\"']?no\b", hostonly[-1]) else None
