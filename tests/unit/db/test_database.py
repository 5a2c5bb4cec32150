# SPDX-License-Identifier: Apache-2.0
import pytest
import sqlalchemy as sa
from oslo_db import exception as db_exceptions

from ims_glance import exceptions
from ims_glance.db.database import Database, DatabaseUnavailable, NotConfigured
from ims_glance.db.schema import TALLIES
from tests.unit import job_database

ROW = sa.insert(TALLIES).values(project_id="p", kind="k", unfinished=1)


def count(tables):
    query = sa.select(sa.func.count()).select_from(TALLIES)
    return tables.database.read(lambda connection: connection.scalar(query))


def test_what_fails_is_not_written(tables):
    def work(connection):
        connection.execute(ROW)
        raise KeyError

    with pytest.raises(KeyError):
        tables.database.write(work)
    assert count(tables) == 0
    tables.database.write(lambda connection: connection.execute(ROW))
    assert count(tables) == 1


@pytest.mark.parametrize("lost", [db_exceptions.DBDeadlock, db_exceptions.DBDuplicateEntry])
def test_a_lost_race_is_run_again(tables, lost):
    runs = []

    def work(connection):
        connection.execute(ROW)
        runs.append(1)
        if len(runs) < 3:
            raise lost
        return "done"

    assert tables.database.write(work) == "done"
    assert (len(runs), count(tables)) == (3, 1)


def test_a_database_that_is_away_is_said_without_the_statement():
    database = Database(job_database.configuration("mysql+pymysql://u:very-secret@127.0.0.1:1/x"))
    for use in (
        lambda: database.write(lambda connection: connection.execute(ROW)),
        lambda: database.read(lambda connection: connection.execute(ROW)),
    ):
        with pytest.raises(DatabaseUnavailable) as refused:
            use()
        assert isinstance(refused.value, exceptions.Unavailable)
        assert str(refused.value).endswith("unavailable (DBConnectionError).")


def test_tables_that_are_missing(tmp_path):
    database = Database(job_database.configuration(job_database.sqlite(tmp_path)))
    with pytest.raises(DatabaseUnavailable, match="DBNonExistentTable"):
        database.write(lambda connection: connection.execute(ROW))


def test_without_a_database():
    database = Database(job_database.configuration(None))
    assert not database.is_configured
    with pytest.raises(NotConfigured) as refused:
        database.read(lambda connection: None)
    assert refused.value.code == "IMG.0105"
