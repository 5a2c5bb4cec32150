# SPDX-License-Identifier: Apache-2.0
"""Replications as workers have them, in the database."""

import dataclasses

import pytest

from ims_glance.db.standing.claims import StandingClaims, StandingCopyLost
from ims_glance.db.standing.copies import StandingCopies
from ims_glance.model.standing_copy import CopyState, StandingStatus
from tests.unit.db.standing.rows import IMAGE, STANDING, let_be_due, numbered, users


@pytest.fixture
def copies(tables):
    return StandingCopies(tables.database)


@pytest.fixture
def claims(tables):
    return StandingClaims(tables.database)


def active(copies, number=1, **values):
    standing = numbered(number, **values)
    copies.create(standing, 10, 600.0)
    copies.activate(standing.id, {})
    return standing.id


@pytest.fixture
def claimed(copies, claims):
    return claims.claim(active(copies), "worker", 60)


def test_one_worker_has_it(copies, claims):
    standing_id = active(copies)
    assert claims.due(10) == [standing_id]
    claimed = claims.claim(standing_id, "a", 60)
    assert (claimed.id, claimed.generation, claimed.status) == (standing_id, 1, "active")
    assert claims.claim(standing_id, "b", 60) is None
    assert claims.due(10) == []
    claims.release(claimed, 600.0)
    assert claims.due(10) == []
    claims.release(claimed, 0.0)
    assert claims.claim(standing_id, "b", 60).generation == 2


def test_what_its_owner_changed_meanwhile_is_looked_at_at_once(copies, claims, claimed):
    copies.change(claimed.id, claimed.project_id, {"status": "paused"})
    claims.release(claimed, 600.0)
    assert claims.due(10) == [claimed.id]
    again = claims.claim(claimed.id, "worker", 60)
    claims.release(again, 600.0)
    assert claims.due(10) == []


def test_one_that_is_lost_is_written_by_nobody_else(copies, claims, tables, claimed):
    let_be_due(tables, lease_until=1.0)
    newer = claims.claim(claimed.id, "b", 60)
    for write in (
        lambda: claims.add(claimed, [IMAGE]),
        lambda: claims.record(claimed, IMAGE),
        lambda: claims.begin(claimed, IMAGE),
        lambda: claims.forget(claimed, [IMAGE.image_id]),
        lambda: claims.tell(claimed, "IMG.0014", "away"),
        lambda: claims.end(claimed, "IMG.0087", "ended"),
        lambda: claims.remove(claimed),
    ):
        with pytest.raises(StandingCopyLost):
            write()
    claims.release(claimed, 0.0)
    assert claims.claim(claimed.id, "c", 60) is None
    claims.add(newer, [IMAGE])
    assert copies.images(claimed.id) == [IMAGE]


def test_an_image_is_recorded_once(copies, claims, claimed):
    claims.add(claimed, [IMAGE])
    done = dataclasses.replace(IMAGE, state=CopyState.DONE, copy_id="2" * 36)
    claims.record(claimed, done)
    other = dataclasses.replace(IMAGE, image_id="3" * 36, name="n" * 300)
    claims.add(claimed, [IMAGE, other])
    known = {each.image_id: each for each in copies.images(claimed.id)}
    assert known[IMAGE.image_id] == done
    assert known[other.image_id].name == "n" * 255
    claims.forget(claimed, [other.image_id])
    assert copies.images(claimed.id) == [done]


def test_nothing_begins_of_one_that_was_stopped(copies, claims, claimed):
    claims.add(claimed, [IMAGE])
    begun = dataclasses.replace(IMAGE, state=CopyState.STARTING)
    copies.change(claimed.id, "project", {"status": "paused"})
    with pytest.raises(StandingCopyLost):
        claims.begin(claimed, begun)
    copies.change(claimed.id, "project", {"status": "active"})
    claims.begin(claimed, begun)
    assert copies.images(claimed.id) == [begun]


def test_projects_take_turns(copies, claims, tables):
    many = [active(copies, number) for number in (1, 2, 3)]
    other = active(copies, 9, project_id="other")
    let_be_due(tables)
    assert set(claims.due(2)) == {many[0], other}
    assert claims.due(10)[2:] == many[1:]


def test_one_that_was_left_behind_is_deleted(copies, claims, tables):
    copies.create(STANDING, 10, 600.0)
    assert claims.due(10) == []
    let_be_due(tables)
    claimed = claims.claim(STANDING.id, "worker", 60)
    assert claimed.status is StandingStatus.DELETING
    assert not copies.activate(STANDING.id, {})


def test_what_is_told(copies, claims, claimed):
    claims.tell(claimed, "IMG.0014", "x" * 5000)
    told = copies.get(claimed.id, "project")
    assert (told.code, len(told.reason)) == ("IMG.0014", 2000)
    claims.tell(claimed, None, None)
    assert copies.get(claimed.id, "project").reason is None


@pytest.mark.parametrize("how", ["end", "remove"])
def test_at_its_end_it_leaves_its_delegations(copies, claims, tables, how):
    delegation_id, trust = tables.delegation()
    standing = dataclasses.replace(
        STANDING, delegation_id=delegation_id, source_delegation_id=delegation_id
    )
    copies.create(standing, 1, 600.0, [trust], [IMAGE])
    copies.activate(standing.id, {})
    claimed = claims.claim(standing.id, "worker", 60)
    if how == "remove":
        claims.remove(claimed)
        assert (copies.find(), copies.images(standing.id)) == ([], [])
        copies.check_limit("project", 1)
    else:
        claims.end(claimed, "IMG.0087", "It ended.")
        ended = copies.get(standing.id, "project")
        assert (ended.status, ended.delegation_ids) == (StandingStatus.ENDED, [])
        # Its owner resumes it no more, and deletes it.
        assert copies.change(standing.id, "project", {"status": "active"}).status == "ended"
        copies.delete(standing.id, "project")
        claims.release(claimed, 0.0)
        claims.remove(claims.claim(standing.id, "worker", 60))
    assert users(tables, delegation_id) == 0


def test_one_that_is_deleted_does_not_end(copies, claims, claimed):
    copies.delete(claimed.id, "project")
    with pytest.raises(StandingCopyLost):
        claims.end(claimed, "IMG.0087", "It ended.")


def test_the_clock_is_that_of_the_database(claims):
    assert claims.now() > 1_700_000_000
