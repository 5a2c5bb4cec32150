# SPDX-License-Identifier: Apache-2.0
"""A database that somebody has to repair."""

import pytest

from ims_glance.db.database import DatabaseBroken
from ims_glance.jobs import outage
from ims_glance.jobs.outage import Outage

BROKEN = DatabaseBroken(reason="x", advice="help")


@pytest.fixture
def hands(monkeypatch):
    """A clock that the test moves."""
    hands = [1000.0]
    monkeypatch.setattr(outage, "clock", lambda: hands[0])
    return hands


def test_pauses_grow_and_it_is_said_once(hands, caplog):
    trouble = Outage(10.0)
    pauses = []
    for _ in range(6):
        trouble.meet(BROKEN)
        trouble.meet(BROKEN)  # By another thread, a moment later.
        pauses.append(trouble.left)
        hands[0] += trouble.left
    assert pauses == [10.0, 20.0, 40.0, 80.0, outage.LONGEST, outage.LONGEST]
    assert caplog.text.count("waits until this is mended") == 1
    trouble.meet(DatabaseBroken(reason="y", advice="do something else"))
    assert "something else" in caplog.text


def test_when_it_is_over_all_begins_anew(hands, caplog):
    trouble = Outage(10.0)
    for by_job in (False, True):
        for _ in range(2):
            trouble.meet(BROKEN, by_job)
            hands[0] += trouble.left
        assert trouble.is_on
        trouble.look_well()
        # What a job met, a look may not see.
        assert trouble.is_on is by_job
        trouble.end()
        assert not trouble.is_on
        trouble.meet(BROKEN)
        assert trouble.left == 10.0
        trouble.end()
    assert "can be used again" in caplog.text
