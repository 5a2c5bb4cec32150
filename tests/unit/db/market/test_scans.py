# SPDX-License-Identifier: Apache-2.0
"""Reports of scans."""

import pytest

from ims_glance.db.market.scans import VersionNotInspected, VersionNotScanned, VersionRefused
from ims_glance.model.market.product import ProductVersion
from ims_glance.model.market.scan import rules
from ims_glance.model.market.scan.report import Finding, Scanned, ScanReport
from tests.unit.db.market.rows import PUBLICATION, REVIEWER, SELLER, MarketTables

KEY = next(rule for rule in rules.TABLE if rule.name == "private key")
FOUND = Finding.of(KEY, "/root/.ssh/id_rsa")
SCANNED = Scanned(("Debian",), (FOUND,), is_whole=True)
REPORT = ScanReport.of(SCANNED)


def test_a_report_is_kept_with_its_version(market: MarketTables) -> None:
    version = market.submitted()
    assert market.scans.get(version.id) is None
    market.scans.keep(version, SCANNED, REPORT, "1")
    market.scans.keep(version, SCANNED, REPORT, "2")
    kept = market.scans.get(version.id)
    assert kept is not None
    assert (kept.report, kept.scanned, kept.feed) == (REPORT, SCANNED, "2")
    (view,) = market.scans.views(version.product_id).values()
    assert view["findings"][0]["where"] == "/root/.ssh/id_rsa"
    assert view["scanned_at"].endswith("Z")
    assert "seen" not in view


def test_it_goes_with_its_product(market: MarketTables) -> None:
    version = market.submitted()
    market.scans.keep(version, SCANNED, REPORT, "")
    market.versions.take_back(version, SELLER)
    market.products.delete(version.product_id, version.project_id)
    assert market.scans.get(version.id) is None
    # Whoever is late keeps nothing of what is gone.
    market.scans.keep(version, SCANNED, REPORT, "")
    assert market.scans.get(version.id) is None


def test_what_nobody_looked_into_is_not_approved(market: MarketTables) -> None:
    version = market.submitted(regions=["RegionOne"])
    assert market.copies.begun(version.id, "RegionOne", "i")
    assert market.copies.ready(version, "RegionOne", "i", "digest", SELLER)
    with pytest.raises(VersionNotScanned, match="submit it again"):
        market.versions.approve(version, REVIEWER, PUBLICATION, None)
    assert market.versions.get_any(version.id).state == "in review"
    market.scan(version)
    market.versions.approve(version, REVIEWER, PUBLICATION, None)
    assert market.versions.get_any(version.id).state == "listed"


def test_what_is_found_meanwhile_is_not_approved(market: MarketTables) -> None:
    version = market.in_review()
    market.scan(version, FOUND)
    with pytest.raises(VersionRefused, match=r"/root/\.ssh/id_rsa") as refused:
        market.versions.approve(version, REVIEWER, PUBLICATION, None)
    assert refused.value.code == "IMG.0024"
    assert market.versions.get_any(version.id).state == "in review"
    assert market.products.reviews(version.product_id) == []
    market.versions.reject(version, REVIEWER, "a key")
    assert market.versions.get_any(version.id).state == "rejected"


def unseen(market: MarketTables, *findings: Finding) -> ProductVersion:
    """A version in review that nobody could look into."""
    version = market.in_review()
    scanned = Scanned((), findings, notes=("/dev/sda1 is encrypted, and nobody can look into it.",))
    market.scans.keep(version, scanned, ScanReport.of(scanned), "")
    return version


def test_what_could_not_be_looked_into_is_not_approved_unless_somebody_says_so(
    market: MarketTables,
) -> None:
    version = unseen(market)
    view = market.scans.views(version.product_id)[version.id]
    (found,) = view["findings"]
    assert (view["state"], found["severity"]) == ("not inspected", "not inspected")
    assert "/dev/sda1 is encrypted" in found["what"]
    with pytest.raises(VersionNotInspected, match=r"/dev/sda1 is encrypted.*--uninspected"):
        market.versions.approve(version, REVIEWER, PUBLICATION, "fine")
    assert market.versions.get_any(version.id).state == "in review"
    assert market.products.reviews(version.product_id) == []
    market.versions.approve(version, REVIEWER, PUBLICATION, "I booted it", is_acknowledged=True)
    assert market.versions.get_any(version.id).state == "listed"
    (review,) = market.products.reviews(version.product_id)
    assert (review.user_id, review.reasons) == (
        "reviewer",
        "Approved as not inspected: I booted it",
    )
    change = market.products.history(version.product_id)[-1]
    assert (change.action, change.user_id, change.why) == ("approve", "reviewer", review.reasons)


def test_what_blocks_is_not_approved_whatever_somebody_says(market: MarketTables) -> None:
    version = unseen(market, FOUND)
    severities = [
        each["severity"] for each in market.scans.views(version.product_id)[version.id]["findings"]
    ]
    assert severities == ["blocks", "not inspected"]
    with pytest.raises(VersionRefused):
        market.versions.approve(version, REVIEWER, PUBLICATION, "fine", is_acknowledged=True)


def test_what_is_sold_is_compared_again(market: MarketTables) -> None:
    listed = market.listed()
    waiting = market.in_review()
    copying = market.submitted()
    market.scans.keep(copying, SCANNED, REPORT, "")
    ids = market.scans.sold(10)
    assert copying.id not in ids
    assert waiting.id in ids
    assert len(ids) == 2
    assert ids == sorted(ids)
    assert market.scans.sold(10, after=ids[0]) == ids[1:]
    assert market.scans.sold(10, "") == []
    assert len(market.scans.sold(10, "2026")) == 2
    assert market.scans.sold(1) == ids[:1]
    first = market.scans.get(ids[0])
    assert first is not None
    assert market.scans.compared(first, REPORT, "2026")
    # Another worker was first.
    assert not market.scans.compared(first, REPORT, "2026")
    assert market.scans.sold(10, "2026") == ids[1:]
    kept = market.scans.get(ids[0])
    assert kept is not None
    assert (kept.report.state, kept.feed) == ("refused", "2026")
    # Nobody is taken from the market for it: the operator decides.
    assert market.again(listed).state == "listed"
