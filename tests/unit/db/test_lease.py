# SPDX-License-Identifier: Apache-2.0
"""What one worker of all does at a time."""

import pytest
import sqlalchemy as sa

from ims_glance.db.lease import Leases
from ims_glance.db.schema import LEASES


@pytest.fixture
def leases(tables):
    return Leases(tables.database)


def test_one_has_it_until_it_gives_it_back(leases):
    assert leases.take("audit", "a", 60)
    assert leases.take("audit", "a", 60)
    assert not leases.take("audit", "b", 60)
    assert leases.take("other", "b", 60)
    leases.give_back("audit", "b")
    assert not leases.take("audit", "b", 60)
    leases.give_back("audit", "a")
    assert leases.take("audit", "b", 60)


def test_a_dead_one_has_it_until_its_time_is_over(tables, leases):
    assert leases.take("audit", "dead", 60)
    change = sa.update(LEASES).values(lease_until=1.0)
    tables.database.write(lambda connection: connection.execute(change))
    assert leases.take("audit", "b", 60)
    assert not leases.take("audit", "dead", 60)
