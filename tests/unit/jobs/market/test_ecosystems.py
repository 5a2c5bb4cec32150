# SPDX-License-Identifier: Apache-2.0
"""Which advisories are about a system, and whether a version is affected."""

from typing import Any

import pytest

from ims_glance.jobs.market import ecosystems
from ims_glance.jobs.market.ecosystems import NotComparable, fixed_in, is_affected, of_inventory
from ims_glance.model.market.scan.report import GuestPackage, Inventory

DEBIAN = of_inventory(Inventory("debian", 12))
ALPINE = of_inventory(Inventory("alpinelinux", 3, 19))
ROCKY = of_inventory(Inventory("rocky", 9, 3))


@pytest.mark.parametrize(
    ("system", "named", "others"),
    [
        (Inventory("debian", 12, 5), ["Debian:12", "Debian"], ["Debian:11", "Debian:1", "Ubuntu:12"]),
        (Inventory("ubuntu", 22, 4), ["Ubuntu:22.04", "Ubuntu:22.04:LTS"], ["Ubuntu:Pro:22.04:LTS", "Ubuntu:22.4"]),
        (Inventory("alpinelinux", 3, 19), ["Alpine:v3.19"], ["Alpine:v3.1", "Alpine:edge"]),
        (Inventory("alpine", 3, 19), ["Alpine:v3.19"], []),
        (Inventory("rocky", 9, 3), ["Rocky Linux:9"], ["Rocky Linux:8"]),
        (Inventory("almalinux", 9, 3), ["AlmaLinux:9"], ["AlmaLinux:8"]),
        (Inventory("rhel", 9), ["Red Hat:enterprise_linux:9::baseos"], ["Red Hat:enterprise_linux:8::baseos"]),
        (Inventory("opensuse", 15, 5), ["openSUSE:Leap 15.5"], ["openSUSE:Leap 15.6"]),
        (Inventory("sles", 15, 5), ["SUSE:Linux Enterprise Server 15 SP5"], ["SUSE:Linux Enterprise Server 15"]),
        (Inventory("openeuler", 22, 3, "openEuler 22.03 (LTS-SP1)"), ["openEuler:22.03-LTS-SP1"], ["openEuler:22.03-LTS"]),
        (Inventory("openeuler", 22, 3), ["openEuler:22.03"], []),
    ],
    ids=str,
)  # fmt: skip
def test_systems(system: Inventory, named: list[str], others: list[str]) -> None:
    found = of_inventory(system)
    assert found is not None
    assert [each for each in (*named, *others) if found.has(each)] == named


@pytest.mark.parametrize("system", [Inventory("gentoo", 2), Inventory("debian"), Inventory()])
def test_what_nobody_writes_advisories_for(system: Inventory) -> None:
    assert of_inventory(system) is None


def of(*events: dict[str, str], **rest: Any) -> dict[str, Any]:
    return {"ranges": [{"type": "ECOSYSTEM", "events": list(events)}], **rest}


FIXED = of({"introduced": "0"}, {"fixed": "3.0.11-1~deb12u2"})


@pytest.mark.parametrize(
    ("ecosystem", "affected", "version", "expected"),
    [
        (DEBIAN, FIXED, "3.0.11-1~deb12u1", True),
        (DEBIAN, FIXED, "3.0.11-1~deb12u2", False),
        (DEBIAN, FIXED, "3.0.9-1", True),
        (DEBIAN, FIXED, "1:0.1-1", False),
        (DEBIAN, of({"introduced": "2"}, {"fixed": "3"}), "1", False),
        (DEBIAN, of({"fixed": "3"}, {"introduced": "2"}), "2", True),
        (DEBIAN, of({"introduced": "0"}, {"last_affected": "3"}), "3", True),
        (DEBIAN, of({"introduced": "0"}, {"last_affected": "3"}), "3+b1", False),
        (DEBIAN, of({"introduced": "0"}, {"fixed": "2"}, {"introduced": "3"}), "4", True),
        (DEBIAN, of({"introduced": "0"}), "4", True),
        (DEBIAN, {"versions": ["4"]}, "4", True),
        (DEBIAN, {"versions": ["4"]}, "5", False),
        (DEBIAN, {"ranges": [{"type": "GIT", "events": [{"introduced": "0"}]}]}, "5", False),
        (DEBIAN, {}, "5", False),
        (ALPINE, of({"introduced": "0"}, {"fixed": "3.1.4-r6"}), "3.1.4-r5", True),
        (ALPINE, of({"introduced": "0"}, {"fixed": "3.1.4-r5"}), "3.1.4-r5", False),
        (ALPINE, of({"introduced": "0"}, {"fixed": "1.2.4_git20230717-r5"}), "1.2.4_git20230717-r4", True),
        (ALPINE, of({"introduced": "0"}, {"fixed": "1.2.4-r5"}), "1.2.4_git20230717-r4", False),
        # Their text has another order than they have.
        (ALPINE, of({"introduced": "0"}, {"fixed": "8.14.1-r0"}), "8.9.1-r1", True),
        (ALPINE, of({"introduced": "0"}, {"fixed": "8.9.1-r1"}), "8.14.1-r0", False),
        (ALPINE, of({"introduced": "0"}, {"fixed": "3.1.4-r10"}), "3.1.4-r9", True),
        (ALPINE, of({"introduced": "0"}, {"fixed": "3.1.4-r9"}), "3.1.4-r10", False),
        (ALPINE, of({"introduced": "1.10"}, {"fixed": "1.11"}), "1.9", False),
        (ALPINE, of({"introduced": "1.9"}, {"fixed": "1.11"}), "1.10", True),
        (ALPINE, of({"introduced": "0"}, {"last_affected": "3.1.4-r9"}), "3.1.4-r10", False),
        (DEBIAN, of({"introduced": "0"}, {"fixed": "1.10-1"}), "1.9-1", True),
        (DEBIAN, of({"introduced": "0"}, {"fixed": "1.9-1"}), "1.10-1", False),
        (ROCKY, of({"introduced": "0"}, {"fixed": "1.10-1"}), "1.9-1", True),
        (ROCKY, of({"introduced": "0"}, {"fixed": "1.9-1"}), "1.10-1", False),
        (ROCKY, of({"introduced": "0"}, {"fixed": "1:3.0.7-25.el9_3"}), "1:3.0.7-24.el9", True),
        (ROCKY, of({"introduced": "0"}, {"fixed": "0:2.34-83.el9_3.7"}), "2.34-83.el9_3.12", False),
        (ROCKY, of({"introduced": "0"}, {"fixed": "0:2.34-83.el9"}), "2.34-60.el9", True),
    ],
)  # fmt: skip
def test_versions(ecosystem: Any, affected: dict[str, Any], version: str, expected: bool) -> None:
    assert is_affected(ecosystem, affected, version) == expected


def test_what_is_no_version_is_not_passed_over() -> None:
    assert DEBIAN is not None
    with pytest.raises(NotComparable):
        is_affected(DEBIAN, FIXED, "what is this")


def test_debian_writes_of_sources_and_red_hat_of_both() -> None:
    package = GuestPackage("libssl3", "3-1+b1", "openssl", "3-1")
    assert DEBIAN is not None
    assert ROCKY is not None
    assert DEBIAN.keys(package) == [("openssl", "3-1")]
    assert DEBIAN.keys(GuestPackage("bash", "5")) == [("bash", "5")]
    assert ROCKY.keys(package) == [("libssl3", "3-1+b1"), ("openssl", "3-1")]
    assert ROCKY.keys(GuestPackage("bash", "5")) == [("bash", "5")]


def test_where_it_is_fixed() -> None:
    assert fixed_in(FIXED) == "3.0.11-1~deb12u2"
    assert fixed_in(of({"introduced": "0"})) is None


def test_all_that_comes_after_a_release_is_compared() -> None:
    assert ecosystems._AFTER_RELEASE.sub("_p", "1_git-r0") == "1_p-r0"
    assert ecosystems._AFTER_RELEASE.sub("_p", "1_github-r0") == "1_github-r0"
