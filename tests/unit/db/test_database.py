# SPDX-License-Identifier: Apache-2.0
import re
import threading
import types
from concurrent import futures

import pytest
import sqlalchemy as sa
from oslo_db import api as db_api
from oslo_db import exception as db_exceptions
from sqlalchemy import exc as sa_exceptions
from taskflow import exceptions as taskflow_exceptions

from ims_glance import exceptions
from ims_glance.db.database import (
    Database,
    DatabaseBroken,
    DatabaseRefused,
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


def test_who_reads_before_it_writes_waits_for_others(tables):
    """SQLite would let neither of two write that both had read."""
    together = threading.Barrier(4, timeout=60)

    def work(connection):
        query = sa.select(sa.func.max(TALLIES.c.unfinished))
        most = connection.scalar(query) or 0
        connection.execute(
            sa.insert(TALLIES).values(project_id=f"p{most}", kind="k", unfinished=most + 1)
        )

    def write(_number):
        together.wait()
        tables.database.write(work)

    with futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    assert count(tables) == 4


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


def _data(*arguments):
    return sa_exceptions.DataError("INSERT", {}, Exception(*arguments))


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (db_exceptions.DBDataError(_data(1406, "Data too long")), "DBDataError"),
        (db_exceptions.DBInvalidUnicodeParameter(), "DBInvalidUnicodeParameter"),
        (_data(1264, "Out of range"), "DataError"),
        (sa_exceptions.IntegrityError("x", {}, Exception(1048, "x")), "IntegrityError"),
        (
            _operational(1153, "Got a packet bigger than 'max_allowed_packet'"),
            "OperationalError 1153",
        ),
        (db_exceptions.DBError(sa_exceptions.InternalError("x", {}, Exception(1118, "x"))), "1118"),
        (db_exceptions.DBError(TypeError("secret")), "TypeError"),
        (db_exceptions.DBError(OverflowError("secret")), "OverflowError"),
    ],
)
def test_values_that_no_database_takes(tables, error, said):
    """To wait for that, or to ask somebody to mend the database, would be of no use."""

    def work(_connection):
        raise error

    for use in (tables.database.write, tables.database.read):
        with pytest.raises(DatabaseRefused, match=said) as refused:
            use(work)
        assert not isinstance(refused.value, exceptions.Unavailable)
        assert "secret" not in str(refused.value)


@pytest.mark.parametrize("value", [2**70, "\ud800"])
def test_a_value_that_is_none_for_its_column(tables, value):
    row = sa.insert(TALLIES).values(project_id="p", kind="k")
    with pytest.raises(DatabaseRefused):
        tables.database.write(lambda connection: connection.execute(row, [{"unfinished": value}]))
    assert count(tables) == 0


@pytest.mark.parametrize(
    "error",
    [
        db_exceptions.DBConnectionError(_operational(2006, "gone")),
        db_exceptions.DBDeadlock(_data(1, "x")),
        _operational("database is locked"),
    ],
)
def test_what_passes_is_no_refusal(tables, error, monkeypatch):
    def work(_connection):
        raise error

    waits: list[float] = []
    monkeypatch.setattr(db_api, "time", types.SimpleNamespace(sleep=waits.append))
    with pytest.raises(DatabaseUnavailable):
        tables.database.read(work)
    # A race that is lost again and again is waited for, longer and longer; how long, oslo.db leaves to chance.
    assert sum(waits) > 1 or not isinstance(error, db_exceptions.DBDeadlock)


def test_without_a_database():
    database = Database(job_database.configuration(None))
    assert not database.is_configured
    with pytest.raises(NotConfigured) as refused:
        database.read(lambda connection: None)
    assert refused.value.code == "IMG.0105"
