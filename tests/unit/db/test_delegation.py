# SPDX-License-Identifier: Apache-2.0
import dataclasses

import pytest

from ims_glance.db import delegation
from tests.unit.job_database import CALLER, EXPIRES


def record(tables, made):
    tables.database.write(lambda connection: delegation.record(connection, made))


def test_the_same_caller_finds_it_again(tables):
    delegation_id, made = tables.delegation()
    find = tables.delegations.find
    assert find(CALLER, "2029") is None  # it is not made yet
    record(tables, made)
    assert find(CALLER, "2029") == delegation_id
    assert find(CALLER, EXPIRES) is None  # it ends too soon
    for name in ("user_id", "project_id", "roles"):
        assert find(dataclasses.replace(CALLER, **{name: "other"}), "2029") is None


def test_what_is_made_too_late_is_not_used(tables):
    delegation_id, made = tables.delegation()
    tables.delegations.end(delegation_id)
    with pytest.raises(delegation.Ended):
        record(tables, made)


def test_left_behind(tables):
    making, _made = tables.delegation()
    unused, made = tables.delegation()
    record(tables, made)
    assert tables.delegations.left_behind(60) == [unused]
    tables.elapse(61)
    assert set(tables.delegations.left_behind(60)) == {making, unused}
    found = tables.delegations.end(making)
    assert (found.grant, found.expires_at, found.user_id) == (None, EXPIRES, "user")
    for delegation_id in (making, unused):
        tables.delegations.delete(delegation_id)
    assert tables.delegations.left_behind(0) == []
    assert tables.delegations.get(making) is None
    assert tables.delegations.end(making) is None


def test_one_in_use_is_not_deleted(tables):
    delegation_id, made = tables.delegation()
    record(tables, made)
    tables.database.write(lambda connection: delegation.take(connection, delegation_id))
    tables.delegations.delete(delegation_id)
    assert tables.delegations.get(delegation_id).grant == "trust"
    assert tables.delegations.left_behind(0) == []
    tables.database.write(lambda connection: delegation.leave(connection, delegation_id))
    assert tables.delegations.left_behind(60) == [delegation_id]


def test_one_that_is_idle_waits_for_the_next_job(tables):
    delegation_id, made = tables.delegation()
    record(tables, made)
    tables.database.write(lambda connection: delegation.take(connection, delegation_id))
    tables.elapse(61)
    tables.database.write(lambda connection: delegation.leave(connection, delegation_id))
    assert tables.delegations.left_behind(600, 60) == []  # counted from the end of the job
    assert tables.delegations.end(delegation_id, 60) is None
    assert tables.delegations.find(CALLER, "2029") == delegation_id
    tables.elapse(61)
    assert tables.delegations.left_behind(600, 60) == [delegation_id]
    assert tables.delegations.end(delegation_id, 60).grant == "trust"
    assert tables.delegations.find(CALLER, "2029") is None
