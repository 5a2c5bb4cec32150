# SPDX-License-Identifier: Apache-2.0
import pytest
import sqlalchemy as sa

from ims_glance.db.schema import WORKERS
from ims_glance.db.supervision import Supervision
from ims_glance.db.worker import Workers


@pytest.fixture
def workers(tables):
    return Workers(tables.database)


def names(tables):
    return [worker.name for worker in Supervision(tables.database).workers()]


def test_workers_come_and_go(tables, workers):
    for name in ("b", "a", "b"):
        workers.hear(name, 4)
    assert names(tables) == ["a", "b"]
    workers.leave("a")
    workers.leave("a")
    assert names(tables) == ["b"]


def test_who_was_not_heard_of_for_long_is_forgotten(tables, workers):
    for name in ("dead", "quiet"):
        workers.hear(name, 4)
    change = sa.update(WORKERS).where(WORKERS.c.name == "dead").values(heard=1.0)
    tables.database.write(lambda connection: connection.execute(change))
    workers.forget(3600)
    assert names(tables) == ["quiet"]
    workers.hear("dead", 4)
    assert names(tables) == ["dead", "quiet"]
