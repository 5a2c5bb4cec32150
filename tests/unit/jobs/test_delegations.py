# SPDX-License-Identifier: Apache-2.0
"""What callers delegated: taken for a job, and given back when nobody needs it."""

import pytest

from ims_glance.clouds.identity import IdentityUnavailable
from ims_glance.clouds.rest import DelegationEnded
from ims_glance.db.database import DatabaseUnavailable
from ims_glance.jobs.context import Abandoned
from ims_glance.jobs.delegations import GivenDelegations


class Keystone:
    """Notes what is given back."""

    def __init__(self):
        self.given_back = []
        self.refusal = None

    def find_trust(self, user_id, expires_at):
        return f"{user_id} {expires_at}"

    def give_back(self, grant):
        if self.refusal:
            raise self.refusal
        self.given_back.append(grant)


@pytest.fixture
def keystone():
    return Keystone()


@pytest.fixture
def given(tables, keystone):
    tables.conf.set_override("delegation_idle_seconds", 0.0, "ims_jobs")
    return GivenDelegations(tables.conf, tables.delegations, keystone)


def test_a_grant(given, tables, monkeypatch):
    assert given.grant(None) is None
    assert given.grant("unknown") is None
    assert given.grant(tables.delegated("trust")) == "trust"

    def fail(_delegation_id):
        raise DatabaseUnavailable(reason="away")

    monkeypatch.setattr(tables.delegations, "get", fail)
    with pytest.raises(Abandoned):
        given.grant("any")


def test_those_of_a_job_that_ended(given, tables, keystone):
    delegation_id = tables.delegated("trust")
    job = tables.create(delegation_id=delegation_id)
    given.leave(job)
    assert keystone.given_back == []
    claimed = tables.jobs.claim(job.id, "worker", 60)
    tables.jobs.finish(claimed, "SUCCESS")
    keystone.refusal = IdentityUnavailable(reason="away")
    given.leave(job)
    keystone.refusal = None
    given.leave(job)
    assert keystone.given_back == ["trust"]
    assert tables.delegations.get(delegation_id) is None


def test_those_that_nobody_needs(given, tables, keystone):
    tables.delegated("trust")
    given.give_back()
    assert keystone.given_back == ["trust"]


def test_one_that_keystone_keeps_runs_out(given, tables, keystone, caplog):
    delegation_id = tables.delegated("trust")
    keystone.refusal = DelegationEnded(service="Identity", reason="user is disabled")
    given.give_back()
    assert tables.delegations.get(delegation_id) is None
    assert "stays until" in caplog.text


def test_while_keystone_is_away_they_are_left(given, tables, keystone):
    delegation_id = tables.delegated("trust")
    keystone.refusal = IdentityUnavailable(reason="away")
    with pytest.raises(IdentityUnavailable):
        given.give_back()
    assert tables.delegations.get(delegation_id) is not None
