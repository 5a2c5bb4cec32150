# SPDX-License-Identifier: Apache-2.0
"""The connection to the database: transactions, and its failures as our errors."""

import threading
from collections.abc import Callable
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

FAILURES = (db_exceptions.DBError, sa_exceptions.SQLAlchemyError)
"""What a database that is away, or not as expected, makes SQLAlchemy and oslo.db raise."""


class DatabaseUnavailable(exceptions.Unavailable):
    """The database gave no usable answer."""

    template = "The database of the Image Management Service is unavailable ({reason})."


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
            raise _away(error) from error
        return engine

    def write(self, work: Callable[[Connection], T]) -> T:
        """The result of *work* in a transaction; it is done again if the database says so.

        :raises DatabaseUnavailable: if the database is away
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
                return work(connection)

        try:
            result: T = _RETRY(attempt)()
        except FAILURES as error:
            raise _away(error) from error
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


def _away(error: Exception) -> DatabaseUnavailable:
    # Not its text, which has the statement with all values.
    return DatabaseUnavailable(reason=type(error).__name__)
