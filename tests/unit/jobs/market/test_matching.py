# SPDX-License-Identifier: Apache-2.0
"""Packages against a feed."""

from pathlib import Path
from typing import Any

import pytest
from univers import versions

from ims_glance.jobs.market import matching
from ims_glance.jobs.market.feed import Feed
from ims_glance.jobs.market.matching import Vulnerable
from ims_glance.model.market.scan.report import GuestPackage, Inventory
from tests.unit.jobs.market.records import HIGH, LOW, record, write

OLD, NEW = "3.0.11-1~deb12u1", "3.0.11-1~deb12u2"


def system(*packages: GuestPackage, distro: str = "debian") -> Inventory:
    return Inventory(distro, 12, 5, "Debian GNU/Linux 12 (bookworm)", packages)


def nothing() -> None:
    """No reason to stop."""


def found(folder: Path, *records: dict[str, Any], **owners: Inventory) -> dict[str, Vulnerable]:
    feed = Feed(str(write(folder, *records)))
    return matching.match(feed, {each: [owners[each]] for each in owners}, nothing)


def one(folder: Path, *records: dict[str, Any], version: str = OLD) -> Vulnerable:
    return found(folder, *records, a=system(GuestPackage("openssl", version)))["a"]


def test_what_is_affected_is_named_with_where_it_is_fixed(tmp_path: Path) -> None:
    (finding,) = one(tmp_path, record("DSA-1", aliases=["CVE-1"])).findings
    assert str(finding.severity) == "blocks"
    assert finding.where == f"openssl {OLD}"
    assert finding.what == f"DSA-1, CVE-1, CVSS 9.8, fixed in {NEW}: A summary of DSA-1."
    assert one(tmp_path, version=NEW).findings == []


def test_a_source_is_looked_for_by_its_packages(tmp_path: Path) -> None:
    packages = (
        GuestPackage("libssl3", f"{OLD}+b1", "openssl", OLD),
        GuestPackage("openssl", OLD),
        GuestPackage("zlib1g", "1"),
    )
    vulnerable = found(tmp_path, record("DSA-1"), a=system(*packages))["a"]
    # Each advisory about a source is said once.
    assert [each.where for each in vulnerable.findings] == [f"libssl3 {OLD}+b1"]


def test_other_releases_and_packages_are_not_affected(tmp_path: Path) -> None:
    other = record("DSA-1")
    other["affected"][0]["package"]["ecosystem"] = "Debian:11"
    assert one(tmp_path, other, record("DSA-2", package="zlib")).findings == []


@pytest.mark.parametrize(
    ("severity", "state"),
    [(LOW, "minor"), ([], "unknown"), (HIGH, "blocks"), ([{"type": "CVSS_V3", "score": "7.0"}], "blocks")],
)  # fmt: skip
def test_scores(tmp_path: Path, severity: list[Any], state: str) -> None:
    vulnerable = one(tmp_path, record("DSA-1", severity=severity))
    assert vulnerable.minor == (state == "minor")
    expected = {"minor": [], "unknown": ["review"], "blocks": ["blocks"]}[state]
    assert [str(each.severity) for each in vulnerable.findings] == expected
    if state == "unknown":
        assert "of no known CVSS score" in vulnerable.findings[0].what
    assert bool(vulnerable.notes()) == (state == "minor")


def test_a_score_is_that_of_another_name_if_the_feed_has_it(tmp_path: Path) -> None:
    advisory = record("DSA-1", severity=[], upstream=["CVE-1"])
    (finding,) = one(tmp_path, advisory, record("CVE-1", package="upstream")).findings
    assert "CVSS 9.8" in finding.what


def test_what_is_not_fixed_is_said(tmp_path: Path) -> None:
    open_one = record("DSA-1")
    open_one["affected"][0]["ranges"][0]["events"].pop()
    assert "not fixed yet" in one(tmp_path, open_one).findings[0].what


def test_many_owners_are_compared_at_once(tmp_path: Path) -> None:
    both = found(
        tmp_path,
        record("DSA-1"),
        a=system(GuestPackage("openssl", OLD)),
        b=system(GuestPackage("openssl", NEW)),
        c=system(GuestPackage("openssl", OLD), distro="gentoo"),
        d=system(GuestPackage("openssl", "what is this")),
    )
    assert [len(both[each].findings) for each in "abcd"] == [1, 0, 0, 0]
    assert both["c"].notes() == [
        "The vulnerability feed says nothing about Debian GNU/Linux 12 (bookworm)."
    ]
    assert both["d"].notes() == ["The versions of 1 packages cannot be compared: openssl."]


def test_a_system_of_which_the_feed_has_nothing_is_named(tmp_path: Path) -> None:
    write(tmp_path, record("DSA-1"))
    rocky = Inventory("rocky", 9, 3, "Rocky Linux 9.3", (GuestPackage("bash", "5"),))
    both = found(tmp_path, a=rocky, b=system())
    assert both["a"].notes() == ["The vulnerability feed says nothing about Rocky Linux 9.3."]
    assert both["b"].notes() == []


def test_each_other_name_is_looked_for_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    find = Feed.find

    def counted(self: Feed, name: str, check: Any) -> Any:
        asked.append(name)
        return find(self, name, check)

    monkeypatch.setattr(Feed, "find", counted)
    advisories = [
        record(f"DSA-{each}", severity=[], aliases=["CVE-1", "CVE-*"]) for each in range(5)
    ]
    vulnerable = one(tmp_path, *advisories, record("CVE-1", package="upstream"))
    assert len(vulnerable.findings) == 5
    assert sorted(asked) == ["CVE-*", "CVE-1"]


@pytest.mark.parametrize("error", [LookupError, TypeError, ZeroDivisionError])
def test_versions_of_no_order_are_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def strange(*_: Any) -> Any:
        raise error

    monkeypatch.setattr(versions.DebianVersion, "__lt__", strange)
    assert one(tmp_path, record("DSA-1")).strange == {"openssl"}


def test_there_is_an_end_to_it_for_each_severity(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matching, "MOST_FINDINGS", 2)
    unknown = [record(f"DSA-{each}", severity=[]) for each in range(5)]
    vulnerable = one(tmp_path, *unknown, record("DSA-9"))
    assert [str(each.severity) for each in vulnerable.findings] == ["review", "review", "blocks"]
    assert vulnerable.lacks() == ["3 further vulnerabilities are not listed."]
    assert one(tmp_path, version=NEW).lacks() == []
