# SPDX-License-Identifier: Apache-2.0
"""The packages of a system."""

import dataclasses
from typing import Any

import pytest

from ims_glance.guests.inside.scan import packages
from ims_glance.guests.inside.scan.places import Places
from ims_glance.model.market.scan.report import GuestPackage
from tests.unit.guests.inside.guests import DEBIAN
from tests.unit.guests.inside.memory_guest import MemoryGuest

DPKG = """\
Package: openssl
Status: install ok installed
Version: 3.0.11-1~deb12u1
Description: Package: not one

Package: linux-image-6.1.0-13-amd64
Status: install ok installed
Source: linux-signed-amd64 (6.1.55+1)
Version: 6.1.55-1

Package: libgone
Status: deinstall ok config-files
Version: 1

Package: libssl3
Status: hold ok installed
Source: openssl
Version: 3.0.11-1~deb12u1
"""
APK = "C:Q1\nP:libcrypto3\nV:3.1.4-r5\nA:x86_64\no:openssl\n\nP:musl\nV:1.2.4-r2\no:musl\n"


def listed(g: MemoryGuest, package_format: str | None) -> tuple[list[GuestPackage], list[str]]:
    guest = dataclasses.replace(DEBIAN, package_format=package_format, root="/dev/sda1")
    places = Places(g, guest, [])
    return packages.installed(places, guest), places.lacks


def test_of_dpkg() -> None:
    found, lacks = listed(MemoryGuest({"/var/lib/dpkg/status": DPKG}), "deb")
    assert found == [
        GuestPackage("openssl", "3.0.11-1~deb12u1"),
        GuestPackage("linux-image-6.1.0-13-amd64", "6.1.55-1", "linux-signed-amd64", "6.1.55+1"),
        GuestPackage("libssl3", "3.0.11-1~deb12u1", "openssl", "3.0.11-1~deb12u1"),
    ]
    assert lacks == []


def test_of_apk() -> None:
    found, _ = listed(MemoryGuest({"/lib/apk/db/installed": APK}), "apk")
    assert found == [
        GuestPackage("libcrypto3", "3.1.4-r5", "openssl", "3.1.4-r5"),
        GuestPackage("musl", "1.2.4-r2"),
    ]


def test_of_rpm() -> None:
    def applications(root: str) -> list[dict[str, Any]]:
        assert root == "/dev/sda1"
        one = {"app2_name": "openssl-libs", "app2_epoch": 1, "app2_version": "1.1.1k"}
        two = {"app2_name": "bash", "app2_epoch": 0, "app2_version": "5.1.8"}
        built_of = "openssl-1.1.1k-12.el8.src.rpm"
        return [
            {**one, "app2_release": "12.el8", "app2_source_package": built_of},
            {**two, "app2_release": "6.el9", "app2_source_package": ""},
        ]

    found, _ = listed(MemoryGuest({}, inspect_list_applications2=applications), "rpm")
    assert found == [
        GuestPackage("openssl-libs", "1:1.1.1k-12.el8", "openssl", "1:1.1.1k-12.el8"),
        GuestPackage("bash", "5.1.8-6.el9"),
    ]


@pytest.mark.parametrize(
    ("package_format", "said"),
    [
        ("deb", "The table of packages could not be read."),
        ("pacman", "The packages of this system could not be listed."),
        (None, "The packages of this system could not be listed."),
    ],
)
def test_what_cannot_be_listed_is_said(package_format: str | None, said: str) -> None:
    assert listed(MemoryGuest({}), package_format) == ([], [said])


@pytest.mark.parametrize("bound", ["_MOST_SAID", "MOST_PACKAGES"])
def test_it_ends(monkeypatch: pytest.MonkeyPatch, bound: str) -> None:
    monkeypatch.setattr(packages, bound, 1 if bound == "MOST_PACKAGES" else 60)
    found, lacks = listed(MemoryGuest({"/var/lib/dpkg/status": DPKG}), "deb")
    assert len(found) == 1
    assert lacks == ["Only 1 packages were listed."]
