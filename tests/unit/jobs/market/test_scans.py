# SPDX-License-Identifier: Apache-2.0
"""What is sold is compared again when there is news of its packages."""

import logging
import threading
from pathlib import Path
from typing import Any

import pytest

from ims_glance.jobs.market import scans as module
from ims_glance.jobs.market.comparison import PackageComparison
from ims_glance.jobs.market.scans import ScanWork
from ims_glance.model.market.scan.report import ScanReport
from tests.unit.db.market.rows import MarketTables
from tests.unit.flows.small_guests import CLEAN
from tests.unit.jobs.market.records import record, write


def nothing() -> None:
    """No reason to stop."""


@pytest.fixture
def market(tables: Any, tmp_path: Path) -> MarketTables:
    tables.conf.set_override("enabled", True, "ims_market")
    tables.conf.set_override("vulnerability_feed", str(tmp_path / "feed"), "ims_market")
    (tmp_path / "feed").mkdir()
    return MarketTables(tables.database)


@pytest.fixture
def work(tables: Any) -> ScanWork:
    return ScanWork(tables.conf, tables.database, threading.Event())


def sold(market: MarketTables, number: int = 1) -> list[str]:
    """Ids of versions that are listed, whose packages are known."""
    ids = []
    for _ in range(number):
        version = market.in_review()
        market.scans.keep(version, CLEAN, ScanReport.of(CLEAN), "")
        market.approve(version)
        ids.append(version.id)
    return ids


def states(market: MarketTables, ids: list[str]) -> list[str]:
    return [each.report.state for name in ids if (each := market.scans.get(name)) is not None]


def test_news_of_a_package_is_found_and_told_once(
    market: MarketTables, work: ScanWork, tmp_path: Path, caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(module, "_PAGE", 2)
    ids = sold(market, 5)
    write(tmp_path / "feed", record("DSA-0", package="other"))
    work.look()
    assert states(market, ids) == ["clean"] * 5
    write(tmp_path / "feed", record("DSA-1", modified="2026-11-02T00:00:00Z"))
    with caplog.at_level(logging.WARNING):
        work.look()
    assert states(market, ids) == ["refused"] * 5
    assert len([each for each in caplog.records if "would be refused now" in each.message]) == 5
    assert "openssl 3.0.11-1~deb12u1: DSA-1" in caplog.text
    caplog.clear()
    work.look()
    assert caplog.records == []
    # Nothing is taken from those who have it.
    assert {str(market.versions.get_any(each).state) for each in ids} == {"listed"}


def test_a_worker_whose_feed_is_older_leaves_it_alone(
    market: MarketTables, work: ScanWork, tmp_path: Path
) -> None:
    ids = sold(market)
    write(tmp_path / "feed", record("DSA-1"))
    work.look()
    # Of another host, whose folder comes later.
    (tmp_path / "feed" / "Debian" / "DSA-1.json").unlink()
    write(tmp_path / "feed", record("DSA-0", modified="2026-10-01T00:00:00Z", package="other"))
    work.look()
    assert states(market, ids) == ["refused"]


def test_what_is_in_memory_at_once_is_bounded_by_packages(
    market: MarketTables, tables: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = sold(market, 5)
    write(tmp_path / "feed", record("DSA-1"))
    pages: list[int] = []
    compare_all = PackageComparison.compare_all

    def counted(self: PackageComparison, found: Any, check: Any) -> Any:
        pages.append(len(found))
        return compare_all(self, found, check)

    monkeypatch.setattr(PackageComparison, "compare_all", counted)
    # Each has one.
    for most, expected in ((2, [2, 2, 1]), (0, [1] * 5), (9, [5])):
        monkeypatch.setattr(module, "_MOST_PACKAGES", most)
        pages.clear()
        found = module.compared(tables.conf, market.scans, nothing, is_forced=True)
        assert sorted(each.version_id for each, _ in found) == sorted(ids)
        assert pages == expected


def test_an_operator_has_it_done_whatever_there_is(
    market: MarketTables, tables: Any, tmp_path: Path
) -> None:
    ids = sold(market)
    write(tmp_path / "feed", record("DSA-1"))
    for is_forced, count in ((False, 1), (False, 0), (True, 1)):
        found = module.compared(tables.conf, market.scans, nothing, is_forced=is_forced)
        assert len(list(found)) == count
    assert states(market, ids) == ["refused"]


@pytest.mark.parametrize(("option", "value"), [("enabled", False), ("vulnerability_feed", None)])
def test_without_a_market_or_a_feed_nothing_is_done(
    market: MarketTables, work: ScanWork, tables: Any, tmp_path: Path, option: str, value: Any
) -> None:
    ids = sold(market)
    write(tmp_path / "feed", record("DSA-1"))
    tables.conf.set_override(option, value, "ims_market")
    work.look()
    assert states(market, ids) == ["clean"]


@pytest.mark.parametrize("is_there", [False, True])
def test_a_feed_that_is_away_is_said(
    market: MarketTables, work: ScanWork, tmp_path: Path, caplog: pytest.LogCaptureFixture,
    is_there: bool,
) -> None:  # fmt: skip
    """It is, too, if there is nothing but its mount point."""
    ids = sold(market)
    if not is_there:
        (tmp_path / "feed").rmdir()
    work.look()
    assert "not compared with the feed for now" in caplog.text
    assert states(market, ids) == ["clean"]


def test_a_worker_that_stops_does_not_finish_it(
    market: MarketTables, tables: Any, tmp_path: Path
) -> None:
    ids = sold(market)
    write(tmp_path / "feed", record("DSA-1"))
    stopping = threading.Event()
    stopping.set()
    ScanWork(tables.conf, tables.database, stopping).look()
    assert states(market, ids) == ["clean"]
