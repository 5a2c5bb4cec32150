# SPDX-License-Identifier: Apache-2.0
"""The folder of records."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from ims_glance.jobs.market import feed as module
from ims_glance.jobs.market.feed import Feed, FeedUnusable
from tests.unit.jobs.market.records import record, write


def nothing() -> None:
    """No reason to stop."""


def test_records_are_those_of_all_folders(tmp_path: Path) -> None:
    write(tmp_path, record("DSA-1"), record("DSA-2", withdrawn="2026-11-02T00:00:00Z"))
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "readme.txt").write_text("{}")
    feed = Feed(str(tmp_path))
    assert [each["id"] for each in feed.records(nothing)] == ["DSA-1"]
    assert feed.state(nothing)[1] == 2


def test_its_state_grows_with_what_is_newer_and_is_the_same_everywhere(tmp_path: Path) -> None:
    feed = Feed(str(write(tmp_path / "a", record("DSA-1"))))
    first, _ = feed.state(nothing)
    assert feed.state(nothing)[0] == first
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    os.utime(tmp_path / "b" / "Debian" / "DSA-1.json", (0, 0))
    assert Feed(str(tmp_path / "b")).state(nothing)[0] == first
    write(tmp_path / "a", record("DSA-2", modified="2026-11-03T00:00:00Z"))
    assert feed.state(nothing) > (first, 1)
    write(tmp_path / "a", record("DSA-2", modified="2026-11-03T00:00:00Z", summary="another"))
    assert feed.state(nothing)[0] != first


def test_what_did_not_change_is_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed = Feed(str(write(tmp_path, record("DSA-1"))))
    first = feed.state(nothing)
    monkeypatch.setattr(feed, "_read", None)
    assert feed.state(nothing) == first


def test_a_record_is_found_by_its_id(tmp_path: Path) -> None:
    feed = Feed(str(write(tmp_path, record("CVE-1"))))
    found = feed.find("CVE-1", nothing)
    assert found is not None
    assert found["id"] == "CVE-1"
    # None of them is a pattern.
    others = ("CVE-2", "", "../CVE-1", "..", "CVE-*", "**", "CVE-?")
    assert [feed.find(each, nothing) for each in others] == [None] * len(others)


def test_an_id_is_looked_for_without_a_walk_through_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed = Feed(str(write(tmp_path, record("CVE-1"))))
    feed.state(nothing)
    monkeypatch.setattr(os, "walk", None)
    monkeypatch.setattr(Path, "rglob", None)
    assert feed.find("CVE-1", nothing) is not None
    assert [each["id"] for each in feed.records(nothing)] == ["CVE-1"]


@pytest.mark.parametrize(
    "content",
    ["{", "[]", "{}", '{"id": 7}', "[" * 100_000, "\xff", *(
        json.dumps({"id": "x", **each})
        for each in (
            {"affected": 7},
            {"affected": [None]},
            {"affected": [{"package": "openssl"}]},
            {"affected": [{"versions": "1"}]},
            {"affected": [{"ranges": [None]}]},
            {"affected": [{"ranges": [{"events": ["introduced"]}]}]},
            {"affected": [{"severity": "HIGH"}]},
            {"affected": [{"ecosystem_specific": ["high"]}]},
            {"severity": "HIGH"},
            {"severity": [7]},
            {"database_specific": "x"},
            {"aliases": "CVE-1"},
            {"upstream": [7]},
        )
    )],
)  # fmt: skip
def test_what_is_no_record_is_left_out_and_counted(tmp_path: Path, content: str) -> None:
    write(tmp_path, record("DSA-1"))
    (tmp_path / "broken.json").write_bytes(content.encode("latin-1"))
    feed = Feed(str(tmp_path))
    assert [each["id"] for each in feed.records(nothing)] == ["DSA-1"]
    assert (feed.state(nothing)[1], len(feed.left_out)) == (1, 1)


def test_what_has_less_than_a_record_may_have_is_one(tmp_path: Path) -> None:
    write(
        tmp_path, {"id": "DSA-1"}, {"id": "DSA-2", "affected": [{"package": None}], "aliases": None}
    )
    assert Feed(str(tmp_path)).state(nothing)[1] == 2


def test_what_is_too_large_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_FILE", 1000)
    write(tmp_path, record("DSA-1"), record("DSA-2", details="x" * 1000))
    assert [each["id"] for each in Feed(str(tmp_path)).records(nothing)] == ["DSA-1"]


def test_without_a_record_nothing_passes(tmp_path: Path) -> None:
    with pytest.raises(FeedUnusable, match="there are no records in"):
        Feed(str(tmp_path)).state(nothing)
    (tmp_path / "manifest.json").write_text("{}")
    with pytest.raises(FeedUnusable, match="there are no records in"):
        Feed(str(tmp_path)).state(nothing)


def test_what_is_not_unpacked_lets_nothing_pass(tmp_path: Path) -> None:
    feed = Feed(str(write(tmp_path, record("DSA-1"))))
    (tmp_path / "Debian" / "all.zip").touch()
    # What was unpacked beside it may stay.
    assert feed.state(nothing)[1] == 1
    (tmp_path / "Alpine").mkdir()
    (tmp_path / "Alpine" / "all.zip").touch()
    with pytest.raises(FeedUnusable, match=r"Alpine/all\.zip has to be unpacked there"):
        feed.state(nothing)


def test_links_to_folders_elsewhere_let_nothing_pass(tmp_path: Path) -> None:
    (tmp_path / "mirror").mkdir()
    feed = Feed(str(write(tmp_path / "feed", record("DSA-1"))))
    (tmp_path / "feed" / "latest").symlink_to(tmp_path / "feed" / "Debian")
    assert feed.state(nothing)[1] == 1
    (tmp_path / "feed" / "Alpine").symlink_to(tmp_path / "mirror")
    with pytest.raises(FeedUnusable, match="Alpine is a link to another folder"):
        feed.state(nothing)


def test_a_folder_that_cannot_be_read_lets_nothing_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed = Feed(str(write(tmp_path, record("DSA-1"))))
    scandir = os.scandir

    def closed(path: Any) -> Any:
        if str(path).endswith("Debian"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", closed)
    with pytest.raises(FeedUnusable, match=r"Permission denied: .*Debian"):
        feed.state(nothing)


def test_more_files_than_are_read_let_nothing_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_FILES", 1)
    with pytest.raises(FeedUnusable, match="more than 1 files"):
        Feed(str(write(tmp_path, record("DSA-1"), record("DSA-2")))).state(nothing)


def test_what_is_taken_away_meanwhile_lets_nothing_pass(tmp_path: Path) -> None:
    feed = Feed(str(write(tmp_path, record("DSA-1"))))
    feed.state(nothing)
    shutil.rmtree(tmp_path / "Debian")
    with pytest.raises(FeedUnusable, match=r"DSA-1\.json"):
        list(feed.records(nothing))


@pytest.mark.parametrize(
    ("modified", "text"),
    [
        ("2026-11-01T00:00:00Z", "2026-11-01T00:00:00.000000Z"),
        ("2026-11-01T00:00:00.5Z", "2026-11-01T00:00:00.500000Z"),
        ("2026-11-01T02:00:00+02:00", "2026-11-01T00:00:00.000000Z"),
        ("9999", "0"),
        ("9999-01-01T00:00:00Z", "0"),
        ("9999-12-31T23:59:59-10:00", "0"),
        ("2026-11-01", "0"),
        ("yesterday", "0"),
        (7, "0"),
        (None, "0"),
    ],
)
def test_only_times_that_have_been_say_what_is_newer(
    tmp_path: Path, modified: Any, text: str
) -> None:
    """One that has not would make all that comes later older than itself."""
    feed = Feed(str(write(tmp_path, record("DSA-1", modified=modified))))
    assert feed.state(nothing)[0].partition("|")[0] == text


def test_without_a_folder_nothing_passes(tmp_path: Path) -> None:
    with pytest.raises(FeedUnusable, match="there is no folder"):
        Feed(str(tmp_path / "none")).state(nothing)


def test_a_file_that_cannot_be_read_lets_nothing_pass(tmp_path: Path) -> None:
    feed = Feed(str(write(tmp_path, record("DSA-1"))))
    (tmp_path / "gone.json").symlink_to(tmp_path / "nowhere")
    with pytest.raises(FeedUnusable, match=r"gone\.json"):
        feed.state(nothing)


def test_whoever_has_no_use_for_it_stops(tmp_path: Path) -> None:
    class Stopped(Exception):
        pass

    def stop() -> None:
        raise Stopped

    with pytest.raises(Stopped):
        list(Feed(str(write(tmp_path, record("DSA-1")))).records(stop))
