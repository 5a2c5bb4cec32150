# SPDX-License-Identifier: Apache-2.0
"""The table of operating systems, and what follows from it."""

import pytest

from ims_glance.model.image import platforms


@pytest.mark.parametrize(
    ("name", "os_type", "platform", "bits"),
    [
        ("CentOS 7.3 64bit", "Linux", "CentOS", 64),
        ("centos 7.3 64BIT ", "Linux", "CentOS", 64),
        ("CentOS 6.5 32bit", "Linux", "CentOS", 32),
        ("Red Hat 7.6 64bit", "Linux", "RedHat", 64),
        ("SUSE Linux Enterprise Server 11 SP3 32bit", "Linux", "SUSE", 32),
        ("openSUSE 42.1 64bit", "Linux", "OpenSUSE", 64),
        ("Windows 7 Professional 32bit", "Windows", "Windows", 32),
        ("Windows Server 2016 Standard 64bit", "Windows", "Windows", 64),
        ("Other Windows(32 bit)", "Windows", "Other", 32),
        ("Other(64 bit)", "Other", "Other", 64),
        ("CoreOS 1068.10.0", "Linux", "CoreOS", 64),
    ],
)
def test_what_follows_from_a_name(name, os_type, platform, bits):
    found = platforms.find(name)
    assert found is not None
    assert (found.os_type, found.platform, found.os_bit) == (os_type, platform, bits)


def test_unknown_names():
    assert platforms.find("BeOS") is None
    assert platforms.find("") is None


def test_no_name_is_there_twice():
    names = [system.os_version.lower() for system in platforms.TABLE]
    assert len(set(names)) == len(names)


def test_listing_is_the_table_by_platform():
    listed = platforms.listing()
    assert len(listed) >= 12
    flat = [version for platform in listed for version in platform["version_list"]]
    assert len(flat) == len(platforms.TABLE)
    assert all(v["platform"] == p["platform"] for p in listed for v in p["version_list"])


@pytest.mark.parametrize("tag", ["bms", "uefi", "arm", "x86"])
def test_listing_by_tag(tag):
    flat = [v["os_version"] for p in platforms.listing(tag) for v in p["version_list"]]
    assert flat
    assert len(flat) < len(platforms.TABLE) or tag == "x86"
    by_name = {system.os_version: system for system in platforms.TABLE}
    assert all(tag in by_name[name].tags for name in flat)
