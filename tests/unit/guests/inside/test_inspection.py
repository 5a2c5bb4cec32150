# SPDX-License-Identifier: Apache-2.0
from typing import Any

import pytest

from ims_glance.guests.inside.inspection import inspect
from ims_glance.model.guest.found import Guest
from tests.unit.guests.inside.memory_guest import MemoryGuest

_ESP = "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"
_BIOS_BOOT = "21686148-6449-6E6F-744E-656564454649"
_CODE = b"\xeb\x63\x90" + bytes(507) + b"\x55\xaa"
DEBIAN: dict[str, Any] = {
    "inspect_os": ["/dev/sda1"],
    "inspect_get_type": "linux",
    "inspect_get_distro": "debian",
    "inspect_get_product_name": "Debian GNU/Linux 12 (bookworm)",
    "inspect_get_osinfo": "debian12",
    "inspect_get_major_version": 12,
    "inspect_get_minor_version": 15,
    "inspect_get_arch": "x86_64",
    "inspect_get_package_format": "deb",
    "inspect_get_hostname": "web1",
    "inspect_get_mountpoints": {"/boot": "/dev/sda2", "/": "/dev/sda1"},
    "list_filesystems": {"/dev/sda1": "ext4"},
}


def test_a_debian() -> None:
    g = MemoryGuest(
        {
            "/boot/grub/grub.cfg": "",
            "/usr/bin/cloud-init": "",
            "/lib/modules/6.1/modules.dep": "",
            "/lib/modules/6.1/kernel/drivers/block/virtio_blk.ko": "",
            "/etc/initramfs-tools/initramfs.conf": "MODULES=most",
        },
        **DEBIAN,
        list_partitions=["/dev/sda1"],
        part_to_dev="/dev/sda",
        part_to_partnum=1,
        part_get_parttype="msdos",
        part_get_mbr_id=0x83,
        pread_device=_CODE,
    )
    assert inspect(g) == Guest(
        "linux", "debian", "Debian GNU/Linux 12 (bookworm)", "debian12", 12, 15, "x86_64", "bios",
        "grub2", "deb", "web1", "/dev/sda1", (("/", "/dev/sda1"), ("/boot", "/dev/sda2")),
        ("6.1",), True, True,
    )  # fmt: skip
    assert g.mounted == []


def test_a_windows() -> None:
    g = MemoryGuest(
        {
            "/Windows/System32/drivers/viostor.sys": "",
            "/Program Files/Cloudbase Solutions/Cloudbase-Init/conf/x": "",
        },
        inspect_os=["/dev/sda2"],
        inspect_get_type="windows",
        inspect_get_product_name="Windows Server 2019 Standard",
        inspect_get_osinfo="win2k19",
        inspect_get_major_version=10,
        inspect_get_mountpoints={"/": "/dev/sda2"},
        inspect_get_windows_systemroot="/Windows",
        inspect_get_windows_current_control_set="ControlSet001",
    )
    found = inspect(g)
    assert (found.kind, found.distro, found.boot_loader) == ("windows", "windows", "bootmgr")
    assert (found.systemroot, found.control_set) == ("/Windows", "ControlSet001")
    assert (found.has_cloud_init, found.has_virtio) == (True, True)
    g.files.clear()
    assert (inspect(g).has_cloud_init, inspect(g).has_virtio) == (False, False)


@pytest.mark.parametrize(
    ("partitions", "code", "firmware"),
    [
        ({}, b"", None),
        ({"/dev/sda1": ("gpt", _ESP.lower())}, _CODE, "uefi"),
        ({"/dev/sda1": ("gpt", _ESP), "/dev/sda2": ("gpt", _BIOS_BOOT)}, _CODE, "bios"),
        ({"/dev/sda1": ("msdos", 0x83)}, _CODE, "bios"),
        ({"/dev/sda1": ("msdos", 0x83)}, bytes(510) + b"\x55\xaa", None),
        ({"/dev/sda1": ("msdos", 0xEF)}, bytes(512), "uefi"),
    ],
)
def test_what_a_disk_boots_with(
    partitions: dict[str, tuple[str, Any]], code: bytes, firmware: str | None
) -> None:
    names = list(partitions)
    g = MemoryGuest(
        inspect_os=[],
        list_partitions=names,
        part_to_dev=lambda name: name.rstrip("0123456789"),
        part_to_partnum=lambda name: int(name[-1]),
        part_get_parttype=lambda device: partitions[names[0]][0],
        part_get_gpt_type=lambda device, number: partitions[names[number - 1]][1],
        part_get_mbr_id=lambda device, number: partitions[names[number - 1]][1],
        pread_device=code,
    )
    assert inspect(g).firmware == firmware


def test_a_disk_without_a_system_is_no_failure() -> None:
    found = inspect(MemoryGuest(inspect_os=[], list_filesystems={"/dev/sda1": "crypto_LUKS"}))
    assert found.kind is None
    assert "encrypted" in found.notes[0]
    assert found.notes[1] == "No system was found that is known."
    assert inspect(MemoryGuest()).kind is None


def test_a_system_that_libguestfs_does_not_know_says_its_name() -> None:
    os_release = 'ID="openEuler"\nVERSION_ID="22.03"\nPRETTY_NAME="openEuler 22.03 (LTS-SP1)"\n'
    g = MemoryGuest(
        {"/etc/os-release": os_release},
        **{**DEBIAN, "inspect_get_distro": "unknown", "inspect_get_product_name": "x"},
    )
    found = inspect(g)
    assert (found.distro, found.major, found.minor) == ("openeuler", 22, 3)
    assert found.product_name == "openEuler 22.03 (LTS-SP1)"
    g.files["/etc/os-release"] = b"ID=\x00\xff;rm\nVERSION_ID=\n"
    assert inspect(g).distro is None


def test_the_first_of_several_systems_is_reported_and_so_are_the_others() -> None:
    found = inspect(MemoryGuest(**{**DEBIAN, "inspect_os": ["/dev/sda1", "/dev/sda3"]}))
    assert found.root == "/dev/sda1"
    assert found.notes[0].startswith("2 systems are on the disk")


def test_a_file_system_that_is_broken_is_noted_and_the_rest_is_read() -> None:
    found = inspect(MemoryGuest(**DEBIAN, broken=["/dev/sda2"]))
    assert found.distro == "debian"
    assert found.notes == (
        "The file system of /boot could not be read. Check it in the guest (fsck).",
    )


def test_a_guest_of_huge_files_is_still_recognised(monkeypatch: pytest.MonkeyPatch) -> None:
    g = MemoryGuest({"/lib/modules/6.1/modules.builtin": "", "/etc/os-release": ""}, **DEBIAN)
    monkeypatch.setattr(g, "filesize", lambda path: 10 << 30)
    monkeypatch.setattr(g, "statns", lambda path: {"st_size": 10 << 30})
    found = inspect(g)
    assert (found.distro, found.kernels, found.has_virtio) == ("debian", (), None)
