# SPDX-License-Identifier: Apache-2.0
"""Replications: what their owner delegates for them, and how long it is there."""

import types

import pytest

from ims_glance.api.common import standing as common
from ims_glance.api.common.acceptance import DelegationGone, KeyDelegatesNothing, Rights
from ims_glance.api.common.standing import NotRecorded, Standing
from ims_glance.clouds.identity import DelegationRefused, Identity
from ims_glance.db.delegation import Delegations
from ims_glance.db.standing.copies import TooManyStandingCopies
from ims_glance.db.standing.receptions import ReceptionNotFound, ReceptionTaken, TooManyReceptions
from ims_glance.model.standing_copy import Reception
from tests.unit.db.standing.rows import IMAGE, STANDING, users

HERE = Rights("project", ("member",))
THERE = Rights("there", ("member",))
RECEPTION = Reception("a" * 32, "project", "user", "RegionTwo", "there")


def caller(**values):
    defaults = {
        "auth_token": "token",
        "user_id": "user",
        "project_id": "project",
        "login": ("method password",),
    }
    return types.SimpleNamespace(**{**defaults, **values})


@pytest.fixture
def trusts(monkeypatch):
    """The trusts that Keystone was asked for."""
    made = []

    def create_trust(_self, *wish):
        made.append(wish)
        return f"trust {len(made)}"

    monkeypatch.setattr(Identity, "create_trust", create_trust)
    return made


@pytest.fixture
def standing(tables, trusts):
    return Standing(tables.conf)


def begin(standing, here=HERE, there=THERE, **values):
    return standing.begin(caller(**values), STANDING, here, there, [IMAGE])


def test_it_has_trusts_of_its_own_that_last(standing, trusts, tables):
    ids = [begin(standing).delegation_ids for _ in range(2)]
    assert len({each for pair in ids for each in pair}) == len(trusts) == 4
    assert {wish[1:4] for wish in trusts} == {
        ("user", "there", ("member",)),
        ("user", "project", ("member",)),
    }
    assert min(wish[4] for wish in trusts) > "2033"
    assert {users(tables, each) for pair in ids for each in pair} == {1}


def test_an_agency_ends_its_trust_there(standing, trusts):
    begin(standing, there=Rights("there", ("member",), "2031-01-01T00:00:00.000000Z"))
    ends = {wish[2]: wish[4] for wish in trusts}
    assert ends["there"] < "2031" < ends["project"]


def test_one_trust_where_both_are_the_same(standing, trusts, tables):
    made = begin(standing, there=HERE)
    assert len(trusts) == 1
    assert users(tables, made.delegation_id) == 2


def test_it_is_there_when_it_is_activated(standing):
    made = begin(standing)
    assert standing.copies.find("project") == []
    active = standing.activate(made, {"cmk_id": "k"})
    assert (active.status, active.wishes) == ("active", {"cmk_id": "k"})
    assert standing.copies.images(made.id) == [IMAGE]
    with pytest.raises(NotRecorded):
        standing.activate(made, {})


def test_refusals(standing, tables, trusts, monkeypatch):
    with pytest.raises(KeyDelegatesNothing):
        begin(standing, ec2_access="key")
    tables.conf.set_override("replications", 0, "ims_api")
    with pytest.raises(TooManyStandingCopies):
        begin(standing)
    assert trusts == []
    tables.conf.set_override("replications", 1, "ims_api")

    def refuse(*_wish):
        raise DelegationRefused(reason="no")

    monkeypatch.setattr(Identity, "create_trust", refuse)
    with pytest.raises(DelegationRefused):
        begin(standing)
    assert standing.copies.find() == []


def test_a_delegation_that_ended_meanwhile(standing, monkeypatch):
    monkeypatch.setattr(Delegations, "begin", lambda *_: "unknown")
    with pytest.raises(NotRecorded):
        begin(standing)
    with pytest.raises(NotRecorded):
        standing.receive(caller(), RECEPTION, HERE, THERE)


def test_one_that_is_given_up(standing, tables):
    made = begin(standing)
    standing.abandon(made)
    with pytest.raises(NotRecorded):
        standing.activate(made, {})
    # Again, or while nothing can be written: a worker finds it all the same.
    standing.abandon(made)


def test_the_other_region_with_what_was_delegated(standing, tables, monkeypatch):
    made = begin(standing)
    monkeypatch.setattr(Identity, "session_of", lambda _self, grant: grant)
    monkeypatch.setattr(common, "ImsApi", lambda region: region)
    there = standing.there(made)
    assert (there.name, there.session) == ("RegionTwo", "trust 1")
    with tables.database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE delegations SET expires_at = '2020-01-01T00:00:00Z'")
    with pytest.raises(DelegationGone) as gone:
        standing.there(made)
    assert gone.value.code == "IMG.0087"


def test_the_other_end(standing, tables, trusts):
    made = standing.receive(caller(), RECEPTION, HERE, THERE)
    assert standing.reception(caller(), RECEPTION.id) == made
    standing.check_reception(made)
    with pytest.raises(ReceptionTaken):
        standing.receive(caller(), RECEPTION, HERE, THERE)
    count = len(trusts)
    tables.conf.set_override("replications", 1, "ims_api")
    with pytest.raises(TooManyReceptions):
        standing.receive(caller(), RECEPTION, HERE, THERE)
    assert len(trusts) == count
    with pytest.raises(ReceptionNotFound):
        standing.reception(caller(user_id="another"), RECEPTION.id)
    with tables.database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE delegations SET expires_at = '2020-01-01T00:00:00Z'")
    with pytest.raises(ReceptionNotFound):
        standing.check_reception(made)
    standing.stop_receiving(made)
    with pytest.raises(ReceptionNotFound):
        standing.reception(caller(), RECEPTION.id)
    assert users(tables, str(made.delegation_id)) == 0
