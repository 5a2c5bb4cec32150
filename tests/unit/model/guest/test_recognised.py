# SPDX-License-Identifier: Apache-2.0
import dataclasses
from typing import Any

import pytest

from ims_glance.model.guest import recognised
from ims_glance.model.guest.found import Guest
from ims_glance.model.image import platforms


def _linux(distro: str, major: int, minor: int = 0, arch: str = "x86_64", name: str = "") -> Guest:
    return Guest("linux", distro, name or None, None, major, minor, arch)


def _windows(name: str, arch: str = "x86_64", osinfo: str | None = None) -> Guest:
    return Guest("windows", "windows", name, osinfo, 10, 0, arch)


@pytest.mark.parametrize(
    ("guest", "os_version"),
    [
        (_linux("debian", 12, 15), "Debian GNU/Linux 12.0.0 64bit"),
        (_linux("debian", 8, 9), "Debian GNU/Linux 8.8.0 64bit"),
        (_linux("debian", 8, 11), "Debian GNU/Linux 8.10.0 64bit"),
        (_linux("debian", 7, 1), "Debian GNU/Linux 7.5.0 64bit"),
        (_linux("debian", 12, 1, "aarch64"), "Debian GNU/Linux 12.0.0 64bit"),
        (_linux("ubuntu", 24, 4), "Ubuntu 24.04 server 64bit"),
        (_linux("ubuntu", 22, 4, name="Ubuntu 22.04.4 LTS"), "Ubuntu 22.04 server 64bit"),
        (_linux("ubuntu", 14, 4, name="Ubuntu 14.04.5 LTS"), "Ubuntu 14.04.5 server 64bit"),
        (_linux("ubuntu", 14, 4, "i386", "Ubuntu 14.04.5 LTS"), "Ubuntu 14.04.4 server 32bit"),
        (_linux("ubuntu", 16, 4, name="Ubuntu 16.04.7 LTS"), "Ubuntu 16.04.3 Server 64bit"),
        (_linux("centos", 7, 9), "CentOS 7.7 64bit"),
        (_linux("centos", 6, 10, "i686"), "CentOS 6.10 32bit"),
        (_linux("centos", 6, 2), "CentOS 6.3 64bit"),
        (_linux("rhel", 7, 4), "Red Hat Linux Enterprise 7.4 64bit"),
        (_linux("rhel", 7, 9), "Red Hat 7.6 64bit"),
        (_linux("rhel", 5, 9), "Redhat Linux Enterprise 5.9 64bit"),
        (_linux("rhel", 8, 6), "Red Hat Linux Enterprise 8.0 64bit"),
        (_linux("sles", 12, 5), "SUSE Linux Enterprise Server 12 SP5 64bit"),
        (_linux("sles", 15, 0), "SUSE Linux Enterprise Server 15 64bit"),
        (_linux("sles", 15, 6), "SUSE Linux Enterprise Server 15 SP1 64bit"),
        (_linux("opensuse", 15, 6), "openSUSE 15.1 64bit"),
        (_linux("opensuse", 42, 2), "openSUSE 42.2 64bit"),
        (_linux("oraclelinux", 7, 9), "Oracle Linux Server release 7.6 64bit"),
        (_linux("fedora", 28), "Fedora 28 64bit"),
        (_linux("coreos", 1068, 10), "CoreOS 1068.10.0"),
        (_linux("euleros", 2, 0, name="EulerOS 2.0 (SP8)"), "EulerOS 2.8 64bit"),
        (_linux("openeuler", 22, 3), "openEuler 22.03 64bit"),
        (_windows("Windows Server 2019 Standard"), "Windows Server 2019 Standard 64bit"),
        (_windows("Windows Server 2016 Datacenter Evaluation"),
         "Windows Server 2016 Datacenter 64bit"),
        (_windows("Microsoft Windows Server 2012 R2 Standard"),
         "Windows Server 2012 R2 Standard 64bit"),
        (_windows("Windows Web Server 2008 R2"), "Windows Server 2008 R2 WEB 64bit"),
        (_windows("Windows 10 Pro"), "Windows 10 64bit"),
        (_windows("Windows 7 Professional", "i386"), "Windows 7 Professional 32bit"),
    ],
)  # fmt: skip
def test_a_system_gets_its_name_in_ims(guest: Guest, os_version: str) -> None:
    found = recognised.find(guest)
    assert found is not None
    assert found.os_version == os_version
    assert found in platforms.TABLE


@pytest.mark.parametrize(
    "guest",
    [
        _linux("fedora", 41),
        _linux("ubuntu", 22, 10),
        _linux("alpinelinux", 3, 23),
        _linux("debian", 13),
        _linux("debian", 9, 1, "aarch64"),
        _linux("centos", 9),
        _linux("rocky", 9, 4),
        _linux("euleros", 2, 0, name="EulerOS 2.0 (SP11)"),
        _windows("Windows 10 Pro", osinfo="win11"),
        _windows("Windows Server 2019 Essentials"),
        _windows("Windows 10 Pro", "i386"),
        _windows(""),
        Guest(),
    ],
)
def test_a_system_that_ims_does_not_know_is_what_was_given_else_other(guest: Guest) -> None:
    assert recognised.find(guest) is None
    given = {"os_version": "CentOS 7.3 64bit"}
    assert recognised.properties(guest, given)["__os_version"] == "CentOS 7.3 64bit"


@pytest.mark.parametrize(
    ("guest", "given", "os_version", "os_type"),
    [
        (_linux("rocky", 9), {}, "Other Linux(64 bit)", "Linux"),
        (_linux("rocky", 9), {"os_type": "Windows"}, "Other Linux(64 bit)", "Linux"),
        (_linux("alpinelinux", 3, 2, "i386"), {}, "Other Linux(32 bit)", "Linux"),
        (_windows("Windows 11"), {"os_type": "Linux"}, "Other Windows(64 bit)", "Windows"),
        (_windows("Windows 3", "i386"), {}, "Other Windows(32 bit)", "Windows"),
        (_windows("Windows 11"), {"os_version": "Mine"}, "Mine", "Windows"),
        (Guest(), {}, "Other Linux(64 bit)", "Linux"),
        (Guest(), {"os_type": "Other"}, "Other(64 bit)", "Other"),
        (Guest(), {"os_type": "Windows"}, "Other Windows(64 bit)", "Windows"),
    ],
)
def test_other_is_of_the_kind_that_was_found(
    guest: Guest, given: dict[str, Any], os_version: str, os_type: str
) -> None:
    said = recognised.properties(guest, given)
    assert (said["__os_version"], said["__os_type"]) == (os_version, os_type)


def test_the_system_found_wins_over_the_one_given() -> None:
    said = recognised.properties(
        Guest("linux", "debian", None, "debian12", 12, 15, "x86_64", "uefi", has_virtio=True),
        {"os_version": "CentOS 7.3 64bit", "os_type": "Windows", "hw_firmware_type": "bios"},
    )
    assert said == {
        "__os_version": "Debian GNU/Linux 12.0.0 64bit",
        "__os_type": "Linux",
        "__os_bit": "64",
        "__platform": "Debian",
        "os_type": "linux",
        "os_distro": "debian",
        "architecture": "x86_64",
        "hw_firmware_type": "uefi",
        "hw_disk_bus": "virtio",
        "hw_vif_model": "virtio",
    }


def test_a_guest_without_virtio_gets_devices_that_it_knows() -> None:
    said = recognised.properties(Guest("windows", "windows", has_virtio=False), {})
    assert (said["hw_disk_bus"], said["hw_vif_model"], said["os_distro"]) == (
        "ide", "e1000", "windows",
    )  # fmt: skip


def test_what_nobody_knows_is_not_said() -> None:
    assert recognised.properties(None, {"os_version": "CentOS 7.3 64bit"}) == {}
    said = recognised.properties(Guest(), {})
    assert set(said) == {"__os_version", "__os_type", "__os_bit", "__platform"}
    assert "hw_disk_bus" not in recognised.properties(_linux("debian", 12), {})


def test_an_arm_guest_boots_with_uefi_and_has_no_ide() -> None:
    guest = Guest("linux", "openeuler", None, None, 22, 3, "aarch64", has_virtio=False)
    said = recognised.properties(guest, {})
    assert (said["hw_firmware_type"], said["__support_arm"]) == ("uefi", "true")
    assert "hw_disk_bus" not in said


def test_each_name_that_a_distribution_has_in_ims_is_read() -> None:
    """A row that no pattern reads would never be found."""
    unread = [
        system.os_version
        for system in platforms.TABLE
        if system.platform not in (platforms.WINDOWS, platforms.OTHER)
        and not any(
            names.pattern.fullmatch(system.os_version) for names in recognised._NAMES.values()
        )
    ]
    assert unread == []


@pytest.mark.parametrize(
    ("has_virtio", "had", "devices"),
    [
        (True, {}, ("virtio", "virtio", "bios")),
        (True, {"hw_disk_bus": "ide", "hw_vif_model": "e1000"}, ("virtio", "virtio", "bios")),
        (True, {"hw_disk_bus": "scsi", "hw_firmware_type": "uefi"}, (None, "virtio", None)),
        (False, {}, ("ide", "e1000", "bios")),
        (False, {"hw_disk_bus": "sata", "hw_vif_model": "rtl8139"}, (None, None, "bios")),
        (None, {"hw_disk_bus": "ide"}, (None, None, "bios")),
    ],
)
def test_what_has_run_keeps_what_it_ran_with(
    has_virtio: bool | None, had: dict[str, str], devices: tuple[str | None, ...]
) -> None:
    """But for emulated devices, where they are not needed any more."""
    guest = dataclasses.replace(_linux("debian", 12), has_virtio=has_virtio, firmware="bios")
    found = recognised.properties_of_captured(guest, {"os_version": "x"}, had)
    names = ("hw_disk_bus", "hw_vif_model", "hw_firmware_type")
    assert tuple(found.get(name) for name in names) == devices
    assert found["__os_version"] == "Debian GNU/Linux 12.0.0 64bit"
