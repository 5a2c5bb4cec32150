# SPDX-License-Identifier: Apache-2.0
import re

import pytest
import sqlalchemy as sa
from oslo_db import exception as db_exceptions
from sqlalchemy import exc as sa_exceptions
from taskflow import exceptions as taskflow_exceptions

from ims_glance import exceptions
from ims_glance.db.database import (
    Database,
    DatabaseBroken,
    DatabaseUnavailable,
    NotConfigured,
    unavailable,
)
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
    with pytest.raises(DatabaseBroken, match="DBNonExistentTable"):
        database.write(lambda connection: connection.execute(ROW))


def _operational(*arguments):
    return sa_exceptions.OperationalError("SELECT 1", {}, Exception(*arguments))


def _from_taskflow(error):
    try:
        try:
            raise error
        except Exception:
            taskflow_exceptions.raise_with_cause(taskflow_exceptions.StorageFailure, "x")
    except taskflow_exceptions.StorageFailure as failure:
        return failure


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (db_exceptions.DBNonExistentTable("jobs"), "(DBNonExistentTable).*ims-manage db sync"),
        (db_exceptions.DBNonExistentDatabase("x"), "make the database"),
        (_operational(1045, "Access denied"), "(OperationalError 1045).*may log in"),
        (_operational(1142, "INSERT denied"), "has all rights"),
        (_operational(1049, "Unknown database"), "make the database"),
        (_operational(1054, "Unknown column"), "ims-manage db sync"),
        (_operational("no such column: x"), "ims-manage db sync"),
        (sa_exceptions.ProgrammingError("x", {}, Exception(1146, "x")), "1146.*ims-manage db sync"),
        (
            db_exceptions.DBError(
                sa_exceptions.ProgrammingError("x", {}, Exception('relation "x" does not exist'))
            ),
            "ims-manage db sync",
        ),
        (
            db_exceptions.DBError(
                sa_exceptions.ProgrammingError("x", {}, Exception("permission denied for table x"))
            ),
            "has all rights",
        ),
        (_from_taskflow(db_exceptions.DBNonExistentTable("logbooks")), "ims-manage db sync"),
        (_from_taskflow(_operational(1142, "denied")), "has all rights"),
    ],
)
def test_what_somebody_has_to_mend_is_told_from_what_passes(error, said):
    found = unavailable(error)
    assert isinstance(found, DatabaseBroken)
    assert re.search(said.replace("(", r"\(").replace(")", r"\)"), str(found))
    assert unavailable(found) is found


@pytest.mark.parametrize(
    "error",
    [
        db_exceptions.DBConnectionError(),
        db_exceptions.DBDeadlock(),
        db_exceptions.DBDuplicateEntry(),
        _operational(1040, "Too many connections"),
        _operational("database is locked"),
        sa_exceptions.TimeoutError(),
        _from_taskflow(_operational(1205, "Lock wait timeout exceeded")),
    ],
)
def test_what_passes(error):
    found = unavailable(error)
    assert isinstance(found, DatabaseUnavailable)
    assert not isinstance(found, DatabaseBroken)


def test_without_a_database():
    database = Database(job_database.configuration(None))
    assert not database.is_configured
    with pytest.raises(NotConfigured) as refused:
        database.read(lambda connection: None)
    assert refused.value.code == "IMG.0105"
