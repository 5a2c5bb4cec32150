# SPDX-License-Identifier: Apache-2.0
"""The scan of what is to be sold. What may go wrong at any moment is in test_deaths."""

import dataclasses
from typing import Any

import pytest

from ims_glance.flows.files import guest
from ims_glance.formats.refusals import FileRefused
from ims_glance.guests.refusals import GuestsUnavailable
from ims_glance.model import job as model
from ims_glance.model.market.scan import rules
from ims_glance.model.market.scan.report import Finding, Scanned
from tests.unit.db.market.rows import SELLER, MarketTables
from tests.unit.flows.explorer import Explorer, explorers
from tests.unit.flows.scenarios import SCENARIOS
from tests.unit.flows.small_guests import CLEAN

KEY = next(rule for rule in rules.TABLE if rule.name == "private key")
HISTORY = next(rule for rule in rules.TABLE if rule.name == "shell history")
WITH_KEY = dataclasses.replace(CLEAN, findings=(Finding.of(KEY, "/root/.ssh/id_rsa"),))


@pytest.fixture(scope="module")
def explorer() -> Any:
    yield from explorers()


@pytest.fixture
def guests(explorer: Explorer, monkeypatch: pytest.MonkeyPatch) -> Any:
    """What stands for the appliance, as it was afterwards."""
    assert explorer
    small: Any = vars(guest)["guests"]
    monkeypatch.setattr(small, "scanned", CLEAN)
    monkeypatch.setattr(small, "error", None)
    monkeypatch.setattr(small, "during", lambda: None)
    return small


def run(explorer: Explorer, job_type: str = model.PUBLISH_IMAGE) -> Any:
    """How a job ends."""
    [scenario] = [each for each in SCENARIOS if (each.job_type, each.name) == (job_type, "image")]
    return explorer.run(scenario)


def kept(ending: Any) -> tuple[Any, Any]:
    """The version, and its report."""
    market = MarketTables(ending.cloud.database)
    [version] = market.versions.of_product(f"{1:032x}")
    return version, market.scans.get(version.id)


def test_a_key_in_it_is_refused_with_its_place(explorer: Explorer, guests: Any) -> None:
    guests.scanned = WITH_KEY
    ending = run(explorer)
    ending.check_undone()
    version, scan = kept(ending)
    assert (version.state, version.code) == ("failed", "IMG.0024")
    assert "/root/.ssh/id_rsa: A private key. Delete it" in version.reason
    assert ending.job.fail_reason == version.reason
    # Its seller is shown the report of what was refused.
    assert (scan.report.state, scan.scanned) == ("refused", WITH_KEY)


@pytest.mark.parametrize(
    ("found", "state"),
    [
        (dataclasses.replace(CLEAN, findings=(Finding.of(HISTORY, "/root/.bash_history"),)), "findings"),
        (Scanned(notes=("Nobody could look into the disk: it is strange.",)), "not inspected"),
    ],
    ids=["a history", "unknown"],
)  # fmt: skip
def test_what_the_reviewer_decides(
    explorer: Explorer, guests: Any, found: Scanned, state: str
) -> None:
    guests.scanned = found
    version, scan = kept(run(explorer))
    assert (version.state, scan.report.state) == ("in review", state)


def test_a_file_that_nobody_can_read_is_left_to_the_reviewer(
    explorer: Explorer, guests: Any
) -> None:
    guests.error = FileRefused("it is damaged")
    version, scan = kept(run(explorer))
    assert (version.state, scan.report.state) == ("in review", "not inspected")
    assert "damaged" in scan.report.notes[0]


def test_a_worker_that_cannot_look_gives_it_back(explorer: Explorer, guests: Any) -> None:
    """Nothing is reviewed that nobody scanned because something is not installed."""
    guests.error = GuestsUnavailable("there is no libguestfs")
    ending = run(explorer)
    ending.check_undone()
    version, scan = kept(ending)
    assert (version.state, version.code, scan) == ("failed", "IMG.0105", None)


def test_its_seller_takes_it_back_meanwhile(explorer: Explorer, guests: Any) -> None:
    def take_back() -> None:
        market = MarketTables(explorer.world.tables.database)
        [version] = market.versions.of_product(f"{1:032x}")
        market.versions.take_back(version, SELLER)

    guests.during = take_back
    ending = run(explorer)
    ending.check_undone()
    version, _ = kept(ending)
    assert version.state == "taken back"


def test_a_seller_asks_what_would_be_refused(explorer: Explorer, guests: Any) -> None:
    guests.scanned = WITH_KEY
    ending = run(explorer, model.SCAN_IMAGE)
    assert str(ending.job.status) == "SUCCESS"
    found = ending.job.entities[model.SCAN]
    assert (found["state"], found["findings"][0]["where"]) == ("refused", "/root/.ssh/id_rsa")
    assert ending.before == ending.cloud.state()
