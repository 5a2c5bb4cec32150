# SPDX-License-Identifier: Apache-2.0
"""The other ends of replications, in the database."""

import dataclasses

import pytest

from ims_glance.db.standing.receptions import (
    ReceptionNotFound,
    Receptions,
    ReceptionTaken,
    TooManyReceptions,
)
from ims_glance.model.standing_copy import Reception
from tests.unit.db.standing.rows import users
from tests.unit.job_database import EXPIRES


@pytest.fixture
def receptions(tables):
    return Receptions(tables.database)


def test_it_is_its_owners_and_holds_its_delegations(tables, receptions):
    delegation_id, trust = tables.delegation()
    made = Reception("a" * 32, "p", "u", "RegionTwo", "q", "k", delegation_id, delegation_id)
    receptions.create(made, 1, [trust])
    assert receptions.get(made.id, "p", "u") == made
    assert users(tables, delegation_id) == 2
    for project_id, user_id in (("x", "u"), ("p", "x")):
        with pytest.raises(ReceptionNotFound) as refused:
            receptions.get(made.id, project_id, user_id)
        assert refused.value.code == "IMG.0179"
    with pytest.raises(ReceptionTaken):
        receptions.create(made, 9)
    assert receptions.expired(EXPIRES) == []
    assert receptions.expired("2040") == [made]
    receptions.delete(made)
    receptions.delete(made)
    assert users(tables, delegation_id) == 0
    with pytest.raises(ReceptionNotFound):
        receptions.get(made.id, "p", "u")


def test_a_project_receives_those_of_so_many(receptions):
    made = Reception("a" * 32, "p", "u", "RegionTwo", "q")
    receptions.create(made, 1)
    for refuse in (
        lambda: receptions.create(dataclasses.replace(made, id="b" * 32), 1),
        lambda: receptions.check_limit("p", 1),
    ):
        with pytest.raises(TooManyReceptions) as refused:
            refuse()
        assert refused.value.code == "IMG.0060"
    receptions.check_limit("other", 1)
    receptions.delete(made)
    receptions.delete(made)
    receptions.check_limit("p", 1)
    receptions.create(dataclasses.replace(made, id="b" * 32), 1)
