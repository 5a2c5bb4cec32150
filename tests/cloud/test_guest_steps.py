# SPDX-License-Identifier: Apache-2.0
"""A layout that is not booted: what the steps make of it in a real machine, on real file systems.

It has what the Debian of :mod:`tests.cloud.test_guest_preparation`, which is booted, has not: EFI, LVM, XFS, a file system
for ``/boot``, netplan and NetworkManager. Its programs are not there, so what needs them (initrds) is left. A machine is dear,
so this is one; what the steps make of other systems (ifcfg files, Alpine, Windows) is shown in ``tests/unit/guests``.
"""

import faulthandler
import importlib
import io
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ims_glance.guests import machine
from ims_glance.guests.inside import inspection, preparation
from ims_glance.model.guest.wishes import Wishes

pytestmark = pytest.mark.pocket

_MIB_SECTORS = 2048
# XFS has 300 MiB at least, and LVM's volume a little less than its partition.
_ESP, _BOOT, _LVM, _END = (mib * _MIB_SECTORS for mib in (1, 33, 133, 479))
_ESP_TYPE = "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"
_DISK, _ROOT = "/dev/sda", "/dev/vg/root"
_FOLDERS = ("bin", "boot", "dev", "etc", "lib", "proc", "root", "sbin", "sys", "usr/bin", "var/lib")
_NETPLAN = "network:\n  version: 2\n  ethernets:\n    ens160:\n      addresses: [192.0.2.5/24]\n"
_KEYFILE = (
    "[connection]\nid=ens192\ntype=ethernet\ninterface-name=ens192\n\n[ipv4]\nmethod=manual\n"
    "address1=192.0.2.5/24,192.0.2.1\n"
)
_CONNECTIONS = "/etc/NetworkManager/system-connections"
_TITLE = "Rocky Linux 9.4 (Blue Onyx)"
FILES = {
    "etc/os-release": f'ID=rocky\nVERSION_ID="9.4"\nPRETTY_NAME="{_TITLE}"\n',
    "etc/redhat-release": "Rocky Linux release 9.4 (Blue Onyx)\n",
    "etc/hostname": "x\n",
    "var/lib/rpm/rpmdb.sqlite": "",
    f"{_CONNECTIONS[1:]}/ens192.nmconnection": _KEYFILE,
    "etc/netplan/00-installer-config.yaml": _NETPLAN,
    "etc/fstab": "/dev/mapper/vg-root / xfs defaults 0 0\n/dev/sda2 /boot ext4 defaults 0 2\n"
    "/dev/sda1 /boot/efi vfat umask=0077 0 2\n/dev/sdb1 /data ext4 defaults 0 2\n",
    "boot/grub2/grub.cfg": "menuentry 'x' {\n    linux /vmlinuz root=/dev/mapper/vg-root ro quiet\n}\n",
    "boot/efi/EFI/rocky/shimx64.efi": "x",
}
CHANGED = {
    f"{_CONNECTIONS}/ims-dhcp.nmconnection": "method=auto",
    "/etc/netplan/50-cloud-init.yaml": "dhcp4: true",
    # LVM's names are the same on whatever bus; those of another disk are not waited for.
    "/etc/fstab": "/dev/mapper/vg-root / xfs defaults 0 0\nUUID={boot} /boot ext4",
    "/boot/grub2/grub.cfg": "root=/dev/mapper/vg-root",
    "/boot/efi/EFI/rocky/shimx64.efi": "x",
}
KEPT = {
    f"{_CONNECTIONS}/.ens192.nmconnection.before-ims": "192.0.2.5",
    "/etc/netplan/.00-installer-config.yaml.before-ims": "ens160",
    "/etc/.fstab.before-ims": "/dev/sda2 /boot",
}


@pytest.fixture
def g(tmp_path: Path) -> Iterator[Any]:
    """A machine with an empty disk."""
    faulthandler.cancel_dump_traceback_later()
    disk = tmp_path / "disk"
    with disk.open("wb") as file:
        file.truncate((_END + _MIB_SECTORS) * 512)
    machine.check_there()
    handle = importlib.import_module("guestfs").GuestFS(python_return_dict=True)
    handle.set_backend("direct")
    handle.set_backend_setting("force_tcg", "1")
    handle.set_network(False)
    handle.add_drive_opts(str(disk), format="raw", cachemode="unsafe", discard="besteffort")
    handle.launch()
    yield handle
    handle.shutdown()
    handle.close()


def _install(g: Any, packed: Path) -> str:
    """The guest on the disk; the UUID of its ``/boot``."""
    g.part_init(_DISK, "gpt")
    for begin, end in ((_ESP, _BOOT), (_BOOT, _LVM), (_LVM, _END)):
        g.part_add(_DISK, "p", begin, end - 1)
    g.part_set_gpt_type(_DISK, 1, _ESP_TYPE)
    g.mkfs("vfat", "/dev/sda1")
    g.mkfs("ext4", "/dev/sda2")
    g.pvcreate("/dev/sda3")
    g.vgcreate("vg", ["/dev/sda3"])
    g.lvcreate_free("root", "vg", 100)
    g.mkfs("xfs", _ROOT)
    for path, device in (("/", _ROOT), ("/boot", "/dev/sda2"), ("/boot/efi", "/dev/sda1")):
        if path != "/":
            g.mkdir_p(path)
        g.mount(device, path)
    with tarfile.open(packed, "w") as tar:
        for path in _FOLDERS:
            member = tarfile.TarInfo(path)
            member.type, member.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(member)
        for path, text in FILES.items():
            member = tarfile.TarInfo(path)
            member.size, member.mode = len(text), 0o644
            tar.addfile(member, io.BytesIO(text.encode()))
    g.tar_in(str(packed), "/")
    g.umount_all()
    return str(g.vfs_uuid("/dev/sda2"))


def test_it_is_made_ready(g, tmp_path):
    boot = _install(g, tmp_path / "files.tar")
    guest = inspection.inspect(g)
    assert (guest.kind, guest.distro, guest.product_name) == ("linux", "rocky", _TITLE)
    assert (guest.firmware, guest.boot_loader, guest.package_format) == ("uefi", "grub2", "rpm")
    assert {"/", "/boot", "/boot/efi"} <= {*dict(guest.mountpoints)}
    steps = preparation.prepare(g, guest, Wishes(is_config=True), lambda *_: None)
    states = {step.name: str(step.state) for step in steps}
    told = [f"{step.name} {step.state}: {step.what}" for step in steps]
    assert [states[name] for name in ("network", "uuid", "check")] == ["done"] * 3, told
    assert "failed" not in states.values(), told
    # Nobody has what it takes, and says so.
    assert states["virtio"] == states["cloud-init"] == "left", told
    for path, device in guest.mountpoints:
        if path.startswith("/boot") or path == "/":
            g.mount_ro(device, path)
    for path, wanted in CHANGED.items():
        text = g.cat(path)
        assert wanted.format(boot=boot) in text, (path, text)
        assert "192.0.2." not in text, path
    for path, wanted in KEPT.items():
        assert wanted in g.cat(path), path
    assert "/dev/sdb1 /data ext4 defaults,nofail" in g.cat("/etc/fstab")
    g.umount_all()
