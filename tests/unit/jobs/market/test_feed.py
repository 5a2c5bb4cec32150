# SPDX-License-Identifier: Apache-2.0
"""The folder of records."""

import os
import shutil
from pathlib import Path

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
    found = feed.find("CVE-1")
    assert found is not None
    assert found["id"] == "CVE-1"
    assert [feed.find(each) for each in ("CVE-2", "", "../CVE-1", "..")] == [None] * 4


@pytest.mark.parametrize("content", ["{", "[]", '{"affected": 7}', "[" * 100_000, "\xff"])
def test_what_is_no_record_is_left_out(tmp_path: Path, content: str) -> None:
    write(tmp_path, record("DSA-1"))
    (tmp_path / "broken.json").write_bytes(content.encode("latin-1"))
    assert [each["id"] for each in Feed(str(tmp_path)).records(nothing)] == ["DSA-1"]


def test_what_is_too_large_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_FILE", 10)
    assert list(Feed(str(write(tmp_path, record("DSA-1")))).records(nothing)) == []


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
