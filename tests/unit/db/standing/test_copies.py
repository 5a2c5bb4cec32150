# SPDX-License-Identifier: Apache-2.0
"""Replications as their owner has them, in the database."""

import dataclasses

import pytest

from ims_glance.db import delegation
from ims_glance.db.standing.copies import (
    StandingCopies,
    StandingCopyNotFound,
    TooManyStandingCopies,
)
from ims_glance.model.standing_copy import CopyState, StandingStatus
from tests.unit.db.standing.rows import IMAGE, STANDING, numbered, users


@pytest.fixture
def copies(tables):
    return StandingCopies(tables.database)


def made(copies, number, **values):
    standing = numbered(number, **values)
    copies.create(standing, 10, 600.0)
    assert copies.activate(standing.id, {})
    return copies.get(standing.id, standing.project_id)


def test_one_that_is_being_made_is_nobodys_yet(copies):
    copies.create(dataclasses.replace(STANDING, keep=3), 10, 600.0, images=[IMAGE])
    assert copies.find("project") == []
    with pytest.raises(StandingCopyNotFound):
        copies.get(STANDING.id, "project")
    assert copies.activate(STANDING.id, {"cmk_id": "k"})
    assert not copies.activate(STANDING.id, {})
    found = copies.get(STANDING.id, "project")
    assert (found.status, found.keep, found.wishes) == (StandingStatus.ACTIVE, 3, {"cmk_id": "k"})
    assert found.created_at
    assert copies.images(STANDING.id) == [IMAGE]


def test_it_takes_its_delegations(copies, tables):
    delegation_id, trust = tables.delegation()
    standing = dataclasses.replace(
        STANDING, delegation_id=delegation_id, source_delegation_id=delegation_id
    )
    copies.create(standing, 10, 600.0, [trust])
    assert users(tables, delegation_id) == 2
    with pytest.raises(delegation.Ended):
        copies.create(numbered(2, delegation_id="gone"), 10, 600.0)
    assert len(copies.find()) == 1


def test_a_project_has_so_many(copies):
    copies.check_limit("project", 1)
    copies.create(numbered(1), 1, 600.0)
    with pytest.raises(TooManyStandingCopies) as refused:
        copies.create(numbered(2), 1, 600.0)
    assert refused.value.code == "IMG.0060"
    with pytest.raises(TooManyStandingCopies):
        copies.check_limit("project", 1)
    copies.create(numbered(3, project_id="other"), 1, 600.0)
    with pytest.raises(TooManyStandingCopies):
        copies.create(numbered(4, project_id="third"), 0, 600.0)


def test_those_of_a_project(copies):
    one, two = made(copies, 1), made(copies, 2)
    other = made(copies, 3, project_id="other")
    assert copies.find("project") == [one, two]
    assert copies.find() == [one, two, other]
    for act in (copies.get, copies.delete, lambda *names: copies.change(*names, {"keep": 1})):
        with pytest.raises(StandingCopyNotFound) as refused:
            act(other.id, "project")
        assert refused.value.code == "IMG.0121"


def test_what_its_owner_changes(copies):
    standing = made(copies, 1)
    changed = copies.change(standing.id, "project", {"status": "paused", "keep": 4, "name": "n"})
    assert (changed.status, changed.keep, changed.name) == (StandingStatus.PAUSED, 4, "n")
    copies.delete(standing.id, "project")
    with pytest.raises(StandingCopyNotFound):
        copies.change(standing.id, "project", {"status": "active"})
    # Whoever made it may give it up before it is anybody's.
    copies.create(numbered(2), 10, 600.0)
    copies.delete(numbered(2).id)
    assert not copies.activate(numbered(2).id, {})


def test_the_jobs_of_its_images(copies, tables):
    job = tables.create()
    running = dataclasses.replace(IMAGE, state=CopyState.RUNNING, job_id=job.id)
    unknown = dataclasses.replace(running, job_id="x")
    done = dataclasses.replace(running, state=CopyState.DONE)
    assert list(copies.jobs_of([running, unknown])) == [job.id]
    assert copies.jobs_of([done]) == {}
