# SPDX-License-Identifier: Apache-2.0
"""The other ends of standing copies go with these, also if nobody tells their region."""

import pytest

from tests.unit.jobs.standing_bench import SmallRegions


@pytest.fixture
def world(tmp_path, monkeypatch):
    return SmallRegions(tmp_path, monkeypatch)


def test_the_other_end_of_one_whose_rights_ended_is_forgotten(world):
    """Also if nobody can tell that region of it."""
    world.create()
    worker = world.worker(region=world.two)
    worker.sweep()
    assert world.rows("receptions") == 1
    with world.two.tables.database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE delegations SET expires_at = '2020-01-01T00:00:00Z'")
    worker.sweep()
    assert world.rows("receptions") == 0
    assert world.two.tables.database.read(world.users) == 0


@pytest.fixture
def grown(world):
    """A region that receives, some time after it began to; what its worker sweeps."""
    world.create()
    world.two.conf.set_override("orphan_seconds", 0.0, "ims_jobs")
    worker = world.worker(region=world.two)
    worker.sweep()
    assert world.rows("receptions") == 1
    return worker


def test_the_other_end_of_one_whose_owner_is_gone_is_forgotten(world, grown):
    """Keystone deletes the trusts of a user with the user."""
    world.away.add("RegionOne")
    world.trusts.clear()
    grown.sweep()
    assert world.rows("receptions") == 0
    assert world.two.tables.database.read(world.users) == 0


def test_the_other_end_of_one_that_is_gone_is_forgotten(world, grown):
    """That region's database was lost, or it heard too late that there was one to end."""
    world.away.add("RegionOne")
    with world.one.tables.database.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM standing_copies")
    grown.sweep()
    assert world.rows("receptions") == 1
    world.away.clear()
    grown.sweep()
    assert world.rows("receptions") == 0
    assert world.two.tables.database.read(world.users) == 0


def test_the_other_end_of_one_that_is_being_made_stays(world):
    world.one.standing.activate = None
    with pytest.raises(TypeError):
        world.create()
    world.worker(region=world.two).sweep()
    assert world.rows("receptions") == 1
