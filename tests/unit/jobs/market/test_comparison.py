# SPDX-License-Identifier: Apache-2.0
"""What is known of the packages in what is sold."""

import importlib
from pathlib import Path
from typing import Any

import pytest

from ims_glance.jobs.market import comparison
from ims_glance.jobs.market.feed import FeedUnusable
from tests.unit.flows.small_guests import CLEAN
from tests.unit.jobs.market.records import record, write


def nothing() -> None:
    """No reason to stop."""


def test_without_a_feed_it_is_said_that_there_is_none(tables: Any) -> None:
    found = comparison.of_process(tables.conf).compare(CLEAN, nothing)
    assert (found.report.state, found.report.packages, found.feed) == ("clean", 1, "")
    assert "no vulnerability feed" in found.report.notes[0]


def test_a_vulnerable_package_is_refused(tables: Any, tmp_path: Path) -> None:
    folder = write(tmp_path / "feed", record("DSA-1"))
    tables.conf.set_override("vulnerability_feed", str(folder), "ims_market")
    known = comparison.of_process(tables.conf)
    assert comparison.of_process(tables.conf) is known
    found = known.compare(CLEAN, nothing)
    assert found.report.state == "refused"
    assert found.report.refusal.startswith("openssl 3.0.11-1~deb12u1: DSA-1, CVSS 9.8")
    assert found.report.feed is not None
    assert found.report.feed["advisories"] == 1
    assert found.feed.startswith(found.report.feed["modified"])


def test_what_the_feed_cannot_say_is_said(tables: Any, tmp_path: Path) -> None:
    folder = write(tmp_path / "feed", record("DSA-1", package="other"))
    (folder / "broken.json").write_text('{"id": "DSA-2", "affected": [null]}')
    tables.conf.set_override("vulnerability_feed", str(folder), "ims_market")
    found = comparison.of_process(tables.conf).compare(CLEAN, nothing)
    assert found.report.notes[-1].startswith("1 files of the vulnerability feed have no record")


def test_without_its_libraries_nothing_passes(
    tables: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write(tmp_path / "feed", record("DSA-1"))
    tables.conf.set_override("vulnerability_feed", str(folder), "ims_market")

    def missing(name: str) -> Any:
        raise ModuleNotFoundError("No module named 'univers'", name="univers")

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(FeedUnusable, match=r"ims_glance\[market\]"):
        comparison.of_process(tables.conf).compare(CLEAN, nothing)
