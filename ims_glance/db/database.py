# SPDX-License-Identifier: Apache-2.0
"""The connection to the database: transactions, and its failures as our errors.

Failures that pass are told from those that somebody has to mend, by the classes of oslo.db. It leaves
what servers say of logins, rights and columns as it is; that is told by their numbers and words.
"""

import re
import threading
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from oslo_config import cfg
from oslo_db import api as db_api
from oslo_db import exception as db_exceptions
from oslo_db.sqlalchemy import enginefacade
from sqlalchemy import exc as sa_exceptions
from sqlalchemy.engine import Connection, Engine

from ims_glance import exceptions
from ims_glance.conf import ims_database

T = TypeVar("T")

FAILURES = (
    db_exceptions.DBError,
    # That one alone is no DBError.
    db_exceptions.DBInvalidUnicodeParameter,
    sa_exceptions.SQLAlchemyError,
)
"""What a database that is away, or not as expected, makes SQLAlchemy and oslo.db raise."""


class DatabaseUnavailable(exceptions.Unavailable):
    """The database gave no usable answer."""

    template = "The database of the Image Management Service is unavailable ({reason})."


class DatabaseBroken(DatabaseUnavailable):
    """The database gives none until somebody mends that."""

    template = (
        "The database of the Image Management Service cannot be used ({reason}): its operator has to "
        "{advice}."
    )


class DatabaseRefused(exceptions.ImsError):
    """The database does not take, or gives, some values, and never will; others it does."""

    template = (
        "The database of the Image Management Service does not take these values ({reason}). To try the same "
        "again is of no use."
    )


class AlreadyThere(Exception):
    """What was to be recorded was recorded before, under its id."""


class NotConfigured(exceptions.Unavailable):
    """There is no database, hence there are no jobs."""

    code = "IMG.0105"
    template = (
        "This Image service has no jobs: its operator has to set 'connection' in [ims_database], "
        "run 'ims-manage db sync' and start 'ims-worker'."
    )


@enginefacade.transaction_context_provider
class _Transaction:
    """What oslo.db hangs a transaction on; a new one each time, so none is nested."""


class Database:
    """The database that ``[ims_database]`` names. It connects when it is first used."""

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self._conf = conf
        self._mutex = threading.Lock()
        self._started: Any = None

    @property
    def is_configured(self) -> bool:
        """Whether there is one."""
        return bool(self._conf.ims_database.connection)

    @property
    def engine(self) -> Engine:
        """The SQLAlchemy engine, for TaskFlow.

        :raises DatabaseUnavailable: if the first connection fails
        """
        try:
            engine: Engine = self._manager().writer.get_engine()
        except FAILURES as error:
            raise unavailable(error) from error
        return engine

    def write(self, work: Callable[[Connection], T]) -> T:
        """The result of *work* in a transaction; it is done again if the database says so.

        :raises DatabaseUnavailable: if the database is away
        :raises DatabaseRefused: if it is there, and these values are not for it
        :raises NotConfigured: if there is none
        """
        return self._in_transaction("writer", work)

    def read(self, work: Callable[[Connection], T]) -> T:
        """The same for work that only reads."""
        return self._in_transaction("reader", work)

    def _in_transaction(self, mode: str, work: Callable[[Connection], T]) -> T:
        def attempt() -> T:
            transaction = getattr(self._manager(), mode).connection.using(_Transaction())
            with transaction as connection:
                if mode == "writer":
                    _begin_writing(connection)
                return work(connection)

        try:
            result: T = _RETRY(attempt)()
        except FAILURES as error:
            reason = _refusal(error)
            raise (
                unavailable(error) if reason is None else DatabaseRefused(reason=reason)
            ) from error
        return result

    def _manager(self) -> Any:
        with self._mutex:
            if self._started is None:
                self._started = self._start()
            return self._started

    def _start(self) -> Any:
        if not self.is_configured:
            raise NotConfigured
        group = self._conf.ims_database
        manager = enginefacade.transaction_context()
        manager.configure(sqlite_fk=True, **{name: group[name] for name in _ENGINE_OPTIONS})
        return manager


def _begin_writing(connection: Connection) -> None:
    """Have SQLite wait for other writers now.

    None of its transactions that began with reading may write once another one has written; it is refused at once,
    however long it could wait.
    """
    if connection.dialect.name == "sqlite":
        # In place of the one that oslo.db began.
        connection.exec_driver_sql("ROLLBACK")
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _is_lost_race(error: Exception) -> bool:
    return isinstance(error, db_exceptions.DBDuplicateEntry)


_RETRY = db_api.wrap_db_retry(
    max_retries=10, retry_interval=0.05, retry_on_deadlock=True, exception_checker=_is_lost_race
)

# Those of oslo.db's options that an engine is made from.
_ENGINE_OPTIONS = (
    "connection",
    "connection_debug",
    "connection_parameters",
    "connection_recycle_time",
    "connection_trace",
    "max_overflow",
    "max_pool_size",
    "max_retries",
    "mysql_sql_mode",
    "mysql_wsrep_sync_wait",
    "pool_timeout",
    "retry_interval",
    "sqlite_synchronous",
)
assert set(_ENGINE_OPTIONS) <= {option.dest for option in ims_database.OPTS}

_PASSING = (
    db_exceptions.DBConnectionError,
    db_exceptions.DBDeadlock,  # and a lock that was waited for in vain
    db_exceptions.DBDuplicateEntry,
)

# What is wrong with the values of a statement, and stays so.
_REFUSED = (
    db_exceptions.DBDataError,
    db_exceptions.DBConstraintError,
    db_exceptions.DBInvalidUnicodeParameter,
    db_exceptions.DBReferenceError,
    sa_exceptions.DataError,
    sa_exceptions.IntegrityError,
)
# The same by the numbers of MySQL and MariaDB: a NULL, a row or a packet that is too large, a number or a
# text that does not fit, a text that is no JSON.
_REFUSED_NUMBERS = frozenset({1048, 1118, 1153, 1264, 1366, 1406, 3140})
# What a library raises that is to make a parameter, or a result, of a value.
_REFUSED_VALUES = (TypeError, ValueError, OverflowError)

_SCHEMA = "run 'ims-manage db sync' of the version that is installed"
_LOGIN = (
    "see to it that the user of 'connection' in [ims_database] may log in and has all rights there"
)
_DATABASE = (
    "make the database that 'connection' in [ims_database] names, and run 'ims-manage db sync'"
)

# What oslo.db found out.
_LASTING: tuple[tuple[type[Exception], str], ...] = (
    (db_exceptions.DBNonExistentDatabase, _DATABASE),
    (db_exceptions.DBNonExistentTable, _SCHEMA),
    (db_exceptions.DBNonExistentConstraint, _SCHEMA),
    (db_exceptions.DBNotSupportedError, _SCHEMA),
    # MySQL's 1146 (no such table), which oslo.db passes on as it is.
    (sa_exceptions.ProgrammingError, _SCHEMA),
)
# What it passes on as OperationalError, by the numbers of MySQL and MariaDB.
_NUMBERS = {
    **dict.fromkeys((1044, 1045, 1142, 1143, 1227, 1370, 1698), _LOGIN),
    **dict.fromkeys((1054, 1136, 1364), _SCHEMA),
    1049: _DATABASE,
}
# What has no such number: PostgreSQL's logins and rights, SQLite's columns.
_TEXTS = (
    ("password authentication failed|no pg_hba.conf entry|role .* does not exist", _LOGIN),
    ("permission denied", _LOGIN),
    ("no such column", _SCHEMA),
)


def unavailable(error: Exception) -> DatabaseUnavailable:
    """Our error for one that a database, SQLAlchemy, oslo.db or TaskFlow raised.

    :param error: its text is not told, which has the statement with all values
    """
    if isinstance(error, DatabaseUnavailable):
        return error
    for each in _causes(error):
        if isinstance(each, DatabaseUnavailable):
            return each
        if isinstance(each, _PASSING):
            break
        advice = _advice(each)
        if advice is not None:
            return DatabaseBroken(reason=_kind(each), advice=advice)
    return DatabaseUnavailable(reason=type(error).__name__)


def _refusal(error: Exception) -> str | None:
    """What is wrong with the values of a statement; ``None`` if it is something else."""
    if isinstance(error, _PASSING):
        return None
    original = getattr(error, "inner_exception", None)
    for each in (error, original, getattr(original, "orig", None)):
        if isinstance(each, (*_REFUSED, *_REFUSED_VALUES)):
            return type(each).__name__
        if isinstance(each, sa_exceptions.DBAPIError) and _number(each) in _REFUSED_NUMBERS:
            return _kind(each)
    return None


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        # What oslo.db has no class of its own for, it wraps.
        inner = getattr(error, "inner_exception", None)
        wrapped = inner if isinstance(inner, BaseException) else None
        error = wrapped or error.__cause__ or error.__context__


def _advice(error: BaseException) -> str | None:
    """What an operator has to do; ``None`` for what passes, or is no error of a database."""
    if isinstance(error, sa_exceptions.DBAPIError):
        for pattern, advice in _TEXTS:
            if re.search(pattern, str(error.orig)):
                return advice
    for kind, advice in _LASTING:
        if isinstance(error, kind):
            return advice
    is_operational = isinstance(error, sa_exceptions.OperationalError)
    return _NUMBERS.get(_number(error)) if is_operational else None


def _number(error: BaseException) -> int:
    number = next(iter(getattr(getattr(error, "orig", None), "args", ())), None)
    return number if isinstance(number, int) else 0


def _kind(error: BaseException) -> str:
    number = _number(error)
    return f"{type(error).__name__} {number}" if number else type(error).__name__
