# SPDX-License-Identifier: Apache-2.0
"""A small Debian as it comes from VMware: a fixed address, rules of network names, an initrd without virtio, devices by
name, cloud-init turned off, no serial console.

It is made of Debian's packages, once; it boots from the BIOS of a machine with IDE disks.
"""

import shutil
import struct
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from pocket_cloud.cloud import Cloud
from pocket_cloud.service import digest

SECTOR, START = 512, 2048
_MIB = 1 << 20
_SIZE = 1024 * _MIB
PACKAGES = (
    "cloud-init", "grub-pc-bin", "ifupdown", "initramfs-tools", "iproute2", "isc-dhcp-client",
    "linux-image-cloud-amd64", "systemd-sysv", "udev",
)  # fmt: skip
"""What it consists of, beside what Debian has at least."""
_LEFT_OUT = ("/usr/share/doc/*", "/usr/share/locale/*", "/usr/share/man/*")
_ADDRESS = """\
auto lo eth0
iface lo inet loopback
iface eth0 inet static
    address 192.0.2.5/24
    gateway 192.0.2.1
"""
_RULE = 'SUBSYSTEM=="net", ACTION=="add", ATTR{address}=="00:0c:29:11:22:33", NAME="eth7"\n'
_GRUB = """\
set default=0
set timeout=0
insmod part_msdos
insmod ext2
set root='hd0,msdos1'
menuentry 'Debian GNU/Linux' {{
    linux /boot/vmlinuz-{kernel} root=/dev/sda1 ro quiet no_timer_check
    initrd /boot/initrd.img-{kernel}
}}
"""
FILES = {
    "etc/network/interfaces": _ADDRESS,
    "etc/udev/rules.d/70-persistent-net.rules": _RULE,
    "etc/fstab": "/dev/sda1 / ext4 errors=remount-ro 0 1\n",
    "etc/hostname": "oldname\n",
    "etc/hosts": "127.0.0.1 localhost\n",
    "etc/initramfs-tools/modules": "ata_piix\nsd_mod\next4\n",
    "etc/initramfs-tools/conf.d/ide": "MODULES=list\n",
    "etc/cloud/cloud-init.disabled": "",
}
"""What makes it a stranger here; paths below its root."""


def vmdk(cloud: Cloud) -> Path:
    """Its disk as a streamOptimized VMDK; made when it is not there, or when this file has changed."""
    made = cloud.path("images", "small-debian.vmdk")
    stamp = made.with_suffix(".stamp")
    mark = digest(Path(__file__).read_text())
    if made.exists() and stamp.exists() and stamp.read_text() == mark:
        return made
    made.parent.mkdir(parents=True, exist_ok=True)
    root, raw = made.with_suffix(".root"), made.with_suffix(".raw")
    shutil.rmtree(root, ignore_errors=True)
    try:
        install(root)
        disk(root, raw)
        options = ("-f", "raw", "-O", "vmdk", "-o", "subformat=streamOptimized")
        _run("qemu-img", "convert", *options, str(raw), str(made))
    finally:
        raw.unlink(missing_ok=True)
        shutil.rmtree(root, ignore_errors=True)
    stamp.write_text(mark)
    return made


def install(root: Path, packages: Sequence[str] = PACKAGES) -> None:
    """A folder with a Debian."""
    left_out = [f"--dpkgopt=path-exclude={path}" for path in _LEFT_OUT]
    included = f"--include={','.join(packages)}"
    _run(
        "mmdebstrap", "--variant=minbase", "--mode=root", included, *left_out, "bookworm", str(root)
    )


def disk(root: Path, raw: Path, files: Mapping[str, str] = FILES) -> None:
    """A disk with one partition, of a folder with a Debian.

    :param files: that it has beside its packages' own
    """
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    _run("chroot", str(root), "update-initramfs", "-u", "-k", "all")
    kernel = next((root / "boot").glob("vmlinuz-*")).name.removeprefix("vmlinuz-")
    modules = root / "boot/grub/i386-pc"
    shutil.copytree(root / "usr/lib/grub/i386-pc", modules, dirs_exist_ok=True)
    (root / "boot/grub/grub.cfg").write_text(_GRUB.format(kernel=kernel))
    core = root / "tmp/core.img"
    where = ("-O", "i386-pc", "-p", "(hd0,msdos1)/boot/grub", "-o", "/tmp/core.img")
    _run("chroot", str(root), "grub-mkimage", *where, "biosdisk", "part_msdos", "ext2")
    loader = (modules / "boot.img").read_bytes(), core.read_bytes()
    core.unlink()
    with raw.open("wb") as file:
        file.truncate(_SIZE)
    offset = f"offset={START * SECTOR}"
    kibibytes = f"{(_SIZE - START * SECTOR) >> 10}k"
    _run("mke2fs", "-q", "-t", "ext4", "-d", str(root), "-E", offset, str(raw), kibibytes)
    _boots(raw, *loader)


def _boots(raw: Path, boot: bytes, core: bytes) -> None:
    """Give a disk its partition table, and GRUB between that and the partition."""
    sectors = -(-len(core) // SECTOR)
    assert sectors < START
    table = struct.pack(
        "<B3sB3sII", 0x80, b"\xfe\xff\xff", 0x83, b"\xfe\xff\xff", START, _SIZE // SECTOR - START
    )
    rest = bytearray(core.ljust(sectors * SECTOR, b"\0"))
    # Where the first sector of GRUB finds the others, and where in memory they go.
    struct.pack_into("<QHH", rest, SECTOR - 12, 2, sectors - 1, 0x820)
    with raw.open("r+b") as file:
        file.write(boot[:440].ljust(446, b"\0") + table.ljust(64, b"\0") + b"\x55\xaa" + rest)


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command[0]}: {done.stderr[-2000:]}"
