# SPDX-License-Identifier: Apache-2.0
"""What is sold is compared again when there is news of its packages."""

import logging
import threading
from pathlib import Path
from typing import Any

import pytest

from ims_glance.db.lease import Leases
from ims_glance.jobs.market import scans as module
from ims_glance.jobs.market.comparison import PackageComparison
from ims_glance.jobs.market.feed import Feed
from ims_glance.jobs.market.scans import ScanWork
from ims_glance.model.market.scan.report import ScanReport
from tests.unit.db.market.rows import SELLER, MarketTables
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


def worker(tables: Any, name: str) -> ScanWork:
    return ScanWork(tables.conf, tables.database, name, threading.Event())


@pytest.fixture
def work(tables: Any) -> ScanWork:
    return worker(tables, "one")


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

    def counted(self: PackageComparison, found: Any, *args: Any) -> Any:
        pages.append(len(found))
        return compare_all(self, found, *args)

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
    ScanWork(tables.conf, tables.database, "one", stopping).look()
    assert states(market, ids) == ["clean"]


# --- several workers, and what happens meanwhile --------------------------------------------------


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What was compared at once, by whichever worker."""
    found: list[list[str]] = []
    compare_all = PackageComparison.compare_all

    def counted(self: PackageComparison, owners: Any, *args: Any) -> Any:
        found.append(sorted(owners))
        return compare_all(self, owners, *args)

    monkeypatch.setattr(PackageComparison, "compare_all", counted)
    return found


def test_of_several_workers_one_compares(
    market: MarketTables, tables: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    pages: list[list[str]],
) -> None:  # fmt: skip
    """The others see meanwhile that one does, and leave it to that one."""
    monkeypatch.setattr(module, "_PAGE", 1)
    ids = sold(market, 3)
    write(tmp_path / "feed", record("DSA-1"))
    others = [worker(tables, name) for name in ("two", "three")]
    kept = market.scans.compared

    def compared(self: Any, *args: Any) -> bool:
        for other in others:
            other.look()
        return kept(*args)

    monkeypatch.setattr(type(market.scans), "compared", compared)
    worker(tables, "one").look()
    assert pages == [[each] for each in sorted(ids)]
    assert states(market, ids) == ["refused"] * 3


def test_a_worker_with_nothing_to_compare_keeps_nobody_from_it(
    market: MarketTables, tables: Any, tmp_path: Path, pages: list[list[str]]
) -> None:
    sold(market)
    write(tmp_path / "feed", record("DSA-1"))
    worker(tables, "one").look()
    leases = Leases(tables.database)
    for name in ("two", "three"):
        worker(tables, name).look()
        assert leases.take("scans", "another", 60.0)
        leases.give_back("scans", "another")
    assert len(pages) == 1


def test_a_worker_that_died_is_followed(
    market: MarketTables, tables: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    pages: list[list[str]],
) -> None:  # fmt: skip
    """By one that does what is left, as soon as the time has run out that it had taken."""
    monkeypatch.setattr(module, "_PAGE", 1)
    ids = sorted(sold(market, 3))
    write(tmp_path / "feed", record("DSA-1"))
    kept = market.scans.get(ids[0])
    assert kept is not None
    found = PackageComparison(str(tmp_path / "feed")).compare(kept.scanned, nothing)
    assert market.scans.compared(kept, found.report, found.feed)
    pages.clear()
    leases = Leases(tables.database)
    assert leases.take("scans", "died", 60.0)
    worker(tables, "two").look()
    assert pages == []
    assert leases.take("scans", "died", -1.0)
    worker(tables, "two").look()
    assert pages == [[ids[1]], [ids[2]]]
    assert states(market, ids) == ["refused"] * 3


def test_a_worker_that_stood_still_leaves_it_to_the_next_one(
    market: MarketTables, tables: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PAGE", 1)
    ids = sorted(sold(market, 3))
    write(tmp_path / "feed", record("DSA-1"))
    slow = worker(tables, "slow")
    kept, leases = market.scans.compared, Leases(tables.database)

    def compared(self: Any, *args: Any) -> bool:
        assert leases.take("scans", "slow", -1.0)
        assert leases.take("scans", "next", 60.0)
        slow._renew_at = 0.0
        return kept(*args)

    monkeypatch.setattr(type(market.scans), "compared", compared)
    slow.look()
    assert states(market, ids) == ["refused", "clean", "clean"]
    # Nor does it give back what is another's now.
    assert not leases.take("scans", "third", 60.0)


@pytest.mark.parametrize("how", ["withdraw", "restrict"])
def test_what_is_taken_from_the_market_meanwhile(
    market: MarketTables, work: ScanWork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture, how: str,
) -> None:  # fmt: skip
    """What is withdrawn is not told of as sold; those who have what is restricted keep it, so that is."""
    (version_id,) = sold(market)
    product = market.of(market.versions.get_any(version_id))
    write(tmp_path / "feed", record("DSA-1"))
    kept = market.scans.compared

    def compared(self: Any, *args: Any) -> bool:
        if how == "withdraw":
            market.entitlements.withdraw(product.id, "sellers", SELLER, None)
        else:
            market.entitlements.restrict(product.id, "sellers", SELLER, None)
        return kept(*args)

    monkeypatch.setattr(type(market.scans), "compared", compared)
    work.look()
    is_told = "would be refused now" in caplog.text
    assert (is_told, states(market, [version_id])) == (
        (False, ["clean"]) if how == "withdraw" else (True, ["refused"])
    )
    assert market.again(product).state in ("withdrawn", "restricted")


def test_a_feed_that_changes_again_meanwhile(
    market: MarketTables, work: ScanWork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is said to be compared with what it was not; the next look has the last word."""
    ids = sold(market)
    write(tmp_path / "feed", record("DSA-1"))
    records = Feed.records
    news = iter([record("DSA-1", modified="2026-11-05T00:00:00Z", fixed="1.0", summary="no fault")])

    def changed(self: Feed, check: Any) -> Any:
        found = list(records(self, check))
        for each in news:
            write(tmp_path / "feed", each)
        return iter(found)

    monkeypatch.setattr(Feed, "records", changed)
    work.look()
    assert states(market, ids) == ["clean"]
    kept = market.scans.get(ids[0])
    assert kept is not None
    assert kept.feed == ""
    work.look()
    kept = market.scans.get(ids[0])
    assert kept is not None
    assert kept.feed.startswith("2026-11-05")
    assert kept.report.state == "clean"


@pytest.mark.parametrize("number", range(4))
def test_what_comes_with_older_news_is_compared_too(
    market: MarketTables, work: ScanWork, tmp_path: Path, number: int
) -> None:
    """Such as the advisories of another distribution, none of which is the newest of all; whatever their digest."""
    ids = sold(market)
    write(tmp_path / "feed", record("NEW", package="other"))
    work.look()
    assert states(market, ids) == ["clean"]
    write(tmp_path / "feed", record(f"OLD-{number}", modified="2026-01-01T00:00:00Z"))
    work.look()
    assert states(market, ids) == ["refused"]


@pytest.mark.parametrize("content", ["", '{"id": "DSA-1", "affec', "[]"])
@pytest.mark.parametrize("is_news", [False, True])
def test_a_broken_file_takes_no_verdict_back(
    market: MarketTables, work: ScanWork, tmp_path: Path, content: str, is_news: bool
) -> None:
    ids = sold(market)
    write(tmp_path / "feed", record("DSA-0", package="other"), record("DSA-1"))
    work.look()
    path = tmp_path / "feed" / "Debian" / "DSA-1.json"
    path.write_text(content)
    if is_news:
        write(
            tmp_path / "feed",
            record("DSA-2", package="other", modified="2026-11-05T00:00:00Z"),
        )
    for _ in range(2):
        work.look()
        assert states(market, ids) == ["refused"]
    # As soon as it can be read again, it has the last word.
    write(tmp_path / "feed", record("DSA-1", modified="2026-11-06T00:00:00Z", fixed="1.0"))
    work.look()
    assert states(market, ids) == ["clean"]


def test_advisories_of_a_system_that_are_all_gone_take_no_verdict_back(
    market: MarketTables, work: ScanWork, tmp_path: Path
) -> None:
    """A mirror that has no Debian any more, and news of another distribution."""
    ids = sold(market)
    write(tmp_path / "feed", record("DSA-1"))
    work.look()
    (tmp_path / "feed" / "Debian" / "DSA-1.json").unlink()
    package = {"ecosystem": "Alpine:v3.20", "name": "openssl"}
    write(
        tmp_path / "feed",
        record("ALPINE-1", modified="2026-11-05T00:00:00Z", affected=[{"package": package}]),
    )
    work.look()
    (kept,) = filter(None, map(market.scans.get, ids))
    assert (kept.report.state, kept.feed[:10]) == ("refused", "2026-11-05")
    assert "1 vulnerabilities are those of an earlier comparison" in " ".join(kept.report.notes)
