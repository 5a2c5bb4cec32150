# SPDX-License-Identifier: Apache-2.0
"""Systems that are looked through."""

import dataclasses
import json
from typing import Any

import pytest

from ims_glance.guests.inside.scan import scanning
from ims_glance.model.guest.found import Guest
from ims_glance.model.market.scan.report import GuestPackage, Scanned, ScanReport
from tests.unit.guests.inside.memory_guest import MemoryGuest

SECRET = "c2VjcmV0"
FILES = {
    "/etc/passwd": "root:x:0:0::/root:/bin/sh\npg:x:99:99::/var/lib/pg:/bin/sh\n",
    "/etc/shadow": f"root:$6${SECRET}$x:1::::::\n",
    "/root/.ssh/authorized_keys": f"ssh-ed25519 {SECRET}\n",
    "/etc/ssh/ssh_host_rsa_key": f"-----BEGIN RSA PRIVATE KEY-----\n{SECRET}\n",
    "/root/.ssh/id_rsa": f"-----BEGIN RSA PRIVATE KEY-----\n{SECRET}\n",
    "/var/lib/pg/.pgpass": f"h:1:d:u:{SECRET}\n",
    "/home/ann/.aws/credentials": f"aws_secret_access_key={SECRET}\n",
    "/root/.bash_history": f"login {SECRET}\n",
    "/var/lib/dpkg/status": "Package: bash\nStatus: install ok installed\nVersion: 5\n",
}
STATUS = {"/var/lib/dpkg/status": FILES["/var/lib/dpkg/status"]}
DEBIAN = Guest(
    "linux", "debian", "Debian 12", major=12, arch="x86_64", package_format="deb", root="/dev/sda1",
    mountpoints=(("/", "/dev/sda1"),), has_cloud_init=True,
)  # fmt: skip


def nothing(*_: Any) -> None:
    """Tell nobody."""


def scanned(
    files: dict[str, str], *systems: Guest, tell: Any = nothing, **asked: Any
) -> tuple[Scanned, MemoryGuest]:
    asked = {"list_filesystems": {"/dev/sda1": "ext4", "/dev/sda2": "swap"}, **asked}
    g = MemoryGuest(files, **asked)
    said = scanning.scan(g, list(systems), tell)
    assert SECRET not in str(said)
    assert g.mounted == []
    return Scanned.of_arguments(said), g


def test_what_is_found_is_said_with_its_place_and_without_the_secret() -> None:
    told: list[str] = []
    found, _ = scanned(FILES, DEBIAN, tell=lambda name, *_: told.append(name))
    assert sorted((each.rule, str(each.severity), each.where) for each in found.findings) == [
        ("authorized key", "blocks", "/root/.ssh/authorized_keys"),
        ("cloud credentials", "blocks", "/home/ann/.aws/credentials"),
        ("credentials", "blocks", "/var/lib/pg/.pgpass"),
        ("host key", "review", "/etc/ssh/ssh_host_rsa_key"),
        ("preset password", "blocks", "/etc/shadow"),
        ("private key", "blocks", "/root/.ssh/id_rsa"),
        ("shell history", "review", "/root/.bash_history"),
    ]
    assert (found.systems, found.notes, found.is_whole) == (("Debian 12 (x86_64)",), (), True)
    assert found.inventories[0].packages == (GuestPackage("bash", "5"),)
    assert found.inventories[0].distro == "debian"
    assert told[-1] == "packages"
    assert SECRET not in str(ScanReport.of(found).to_arguments())


def test_a_host_key_without_cloud_init_blocks_and_is_found_once() -> None:
    found, _ = scanned(FILES, dataclasses.replace(DEBIAN, has_cloud_init=False))
    at = [each for each in found.findings if "ssh_host" in each.where]
    assert [(each.rule, str(each.severity)) for each in at] == [("host key", "blocks")]


def test_a_clean_system() -> None:
    files = {
        "/etc/passwd": "root:x:0:0::/root:/bin/sh\n",
        "/etc/shadow": "root:*:1::::::\n",
        "/root/.ssh/authorized_keys": "# none\n",
        "/var/lib/dpkg/status": FILES["/var/lib/dpkg/status"],
    }
    found, _ = scanned(files, DEBIAN)
    assert (found.findings, ScanReport.of(found).state) == ((), "clean")


def test_a_disk_without_a_system() -> None:
    found, _ = scanned({}, Guest())
    assert (found.is_whole, found.findings) == (False, ())
    assert found.notes[-1] == "There is no system that could be looked into."


HOMES = {"/ann/.ssh/authorized_keys": f"ssh-ed25519 {SECRET}\n", "/.pgpass": f"h:1:d:u:{SECRET}\n"}


def test_a_disk_of_homes_is_looked_into_without_a_system() -> None:
    found, _ = scanned(HOMES, Guest(), list_filesystems={"/dev/sda1": "ext4", "/dev/sda2": "swap"})
    assert sorted(each.where for each in found.findings) == [
        "/dev/sda1:/.pgpass",
        "/dev/sda1:/ann/.ssh/authorized_keys",
    ]
    # By itself it is nothing that can be sold; beside a system it lacks nothing.
    assert (found.is_whole, found.is_data, found.inventories) == (False, True, ())


@pytest.mark.parametrize(
    "there",
    [
        {},
        {"/dev/sda1": "swap"},
        {"/dev/sda": "unknown"},
        {"/dev/sda1": "ext4", "/dev/sda2": "unknown"},
        {"/dev/sda1": "ext4", "/dev/sda2": "crypto_LUKS"},
        {f"/dev/sda{number}": "ext4" for number in range(9)},
    ],
)
def test_a_disk_that_nobody_knows_all_of_is_not_whole(there: dict[str, str]) -> None:
    found, _ = scanned({}, Guest(), list_filesystems=there)
    assert (found.is_whole, found.is_data) == (False, False)


@pytest.mark.parametrize("kind", ["crypto_LUKS", "BitLocker"])
def test_what_is_encrypted_inside_is_said(kind: str) -> None:
    there = {"/dev/sda1": "ext4", "/dev/sda3": kind}
    found, _ = scanned({}, DEBIAN, list_filesystems=there)
    assert not found.is_whole
    assert "/dev/sda3 is encrypted, and nobody can look into it." in found.notes


def test_a_file_system_of_no_system_is_looked_into_too() -> None:
    there = {"/dev/sda1": "ext4", "/dev/sda5": "vfat"}
    found, _ = scanned(
        {"/root/.ssh/id_rsa": FILES["/root/.ssh/id_rsa"]}, DEBIAN, list_filesystems=there
    )
    assert "The file system on /dev/sda5 belongs to no system." in found.notes
    # The small guest has the same files on each.
    assert [each.where for each in found.findings] == [
        "/root/.ssh/id_rsa",
        "/dev/sda5:/root/.ssh/id_rsa",
    ]
    assert len(found.inventories) == 1


def test_what_cannot_be_mounted_is_said() -> None:
    found, _ = scanned({}, DEBIAN, broken=("/dev/sda1",))
    assert "The file system of / could not be read." in found.notes
    assert not found.is_whole


def test_several_systems() -> None:
    other = dataclasses.replace(
        DEBIAN, product_name="Debian 11", root="/dev/sdb1", mountpoints=(("/", "/dev/sdb1"),)
    )
    found, _ = scanned(FILES, DEBIAN, other)
    assert found.systems == ("Debian 12 (x86_64)", "Debian 11 (x86_64)")
    assert len(found.inventories) == 2
    found, _ = scanned(FILES, *[DEBIAN] * 4)
    assert "Only 4 systems of the disk were looked into." in found.notes


def test_windows() -> None:
    guest = Guest("windows", "windows", root="/dev/sda2", mountpoints=(("/", "/dev/sda1"),))
    files = {
        "/Windows/Panther/unattend.xml": f"<Password><Value>{SECRET}</Value></Password>",
        "/Users/Ann/.ssh/id_rsa": f"-----BEGIN PRIVATE KEY-----\n{SECRET}",
    }
    found, _ = scanned(files, guest)
    assert [each.rule for each in found.findings] == ["password in an answer file", "private key"]
    # There are no advisories of a system without packages.
    assert found.inventories == ()


def test_there_is_an_end_to_findings() -> None:
    lines = "".join(f"u{number}:$6$a$b:1::::::\n" for number in range(500))
    found, _ = scanned({**STATUS, "/etc/shadow": lines}, DEBIAN)
    assert len(found.findings) == 101
    assert (found.notes, found.is_whole) == (("There is more that blocks than is listed.",), False)


def test_names_without_end_do_not_erase_what_was_found() -> None:
    lines = f"{'A' * 300_000}::\n{'B' * 300_000}::\n"
    g = MemoryGuest({**STATUS, "/etc/shadow": lines}, list_filesystems={})
    said = scanning.scan(g, [DEBIAN], nothing)
    assert len(json.dumps(said)) < 4096
    assert [len(name) for _, _, name in said["findings"]] == [80, 80]


def test_packages_have_the_room_that_findings_leave(monkeypatch: pytest.MonkeyPatch) -> None:
    packages = "".join(
        f"Package: p{number}\nStatus: install ok installed\nVersion: 1\n\n" for number in range(200)
    )
    monkeypatch.setattr(scanning, "_MOST_SAID", 2500)
    g = MemoryGuest({**FILES, "/var/lib/dpkg/status": packages}, list_filesystems={})
    said = scanning.scan(g, [DEBIAN, DEBIAN], nothing)
    assert len(json.dumps(said)) < 3000
    assert len(said["findings"]) == 7
    assert 0 < len(said["inventories"][0]["packages"]) < 200
    assert said["inventories"][1]["packages"] == []
    assert not said["is_whole"]
    assert "Not all packages were listed: there are too many." in said["notes"]


def test_what_the_reviewer_decides_takes_no_room_of_what_blocks() -> None:
    lines = "".join(f"u{number}:!$6$a$b:1::::::\n" for number in range(500))
    files = {
        **STATUS,
        "/etc/shadow": lines,
        "/root/.ssh/authorized_keys": f"ssh-ed25519 {SECRET}\n",
    }
    found, _ = scanned(files, DEBIAN)
    assert found.findings[0].rule == "authorized key"
    assert len(found.findings) == 102
    assert not found.is_whole
    assert ScanReport.of(found).state == "refused"
