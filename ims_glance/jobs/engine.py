# SPDX-License-Identifier: Apache-2.0
"""Running the flow of a job: begin, go on where a dead worker stopped, undo.

TaskFlow records each finished task in the tables of its own in our database, under our fence: a
worker that was taken for dead records nothing any more.

The end of a job is a task, the last of every flow: while it is at work a wish to cancel the job can
still be fulfilled, for what a task refuses undoes all before it. Once it is done there is nothing more
to be recorded.
"""

import contextlib
import functools
import logging
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from taskflow import engines, states
from taskflow import exceptions as taskflow_exceptions
from taskflow.flow import Flow
from taskflow.patterns import linear_flow
from taskflow.persistence import models
from taskflow.persistence.backends.impl_sqlalchemy import SQLAlchemyBackend
from taskflow.persistence.backends.sqlalchemy import tables as taskflow_tables

from ims_glance import exceptions
from ims_glance.db import schema
from ims_glance.db.database import FAILURES, Database, DatabaseUnavailable, unavailable
from ims_glance.db.job import Fenced, Jobs, check_fence
from ims_glance.jobs.context import Abandoned, JobContext
from ims_glance.jobs.task import NotUndone, Task, TaskBroken
from ims_glance.model import job as model
from ims_glance.model.job import JobStatus

LOG = logging.getLogger(__name__)

FlowFactory = Callable[[JobContext], Flow]
"""What makes the flow of a job. The flow must be the same for the same job each time it is made,
whatever happened meanwhile: it is made again when a worker goes on."""

# What a connection of TaskFlow's describes the tables with; that of the first one.
_DESCRIPTION = {"_metadata", "_tables", "_converter"}
_DESCRIBED: dict[str, Mapping[str, Any]] = {}

_PERSISTENCE = (*FAILURES, taskflow_exceptions.StorageFailure, DatabaseUnavailable)


class _Succeeded(BaseException):
    """The job has ended, and TaskFlow has nothing more to do; see :class:`Abandoned`."""


class _End(Task):
    """Ends the job: all was done."""

    def __init__(self, job: JobContext) -> None:
        super().__init__(job, "end")

    def execute(self) -> None:
        """End it, unless it is to be undone."""
        self.job.succeed()
        raise _Succeeded


class Runner:
    """Runs jobs that were claimed.

    :param job_types: job type -> what makes the flow of such a job
    """

    def __init__(
        self, database: Database, jobs: Jobs, job_types: Mapping[str, FlowFactory]
    ) -> None:
        self._database = database
        self._jobs = jobs
        self._job_types = job_types

    def run(self, context: JobContext) -> JobStatus:
        """Bring a job to its end.

        :raises Abandoned: if this worker cannot or may not
        """
        try:
            self._fail(context, self._undone(context))
        except _Succeeded:
            LOG.info("Job %s (%s) ended: %s", context.id, context.job.type, JobStatus.SUCCESS)
            return JobStatus.SUCCESS
        except Fenced:
            context.lease.end()
            raise Abandoned("another worker has the job") from None
        except _PERSISTENCE as failure:
            error = unavailable(failure)
            raise Abandoned(str(error)) from error
        return JobStatus.FAIL

    def forget(self, job_id: str) -> None:
        """Remove what TaskFlow recorded about a job.

        :raises DatabaseUnavailable: if the database is away
        """
        backend = SQLAlchemyBackend({"connection": ""}, engine=self._database.engine)
        connection = backend.get_connection()
        try:
            connection.destroy_logbook(_book_id(job_id))
        except taskflow_exceptions.NotFound:
            return
        except _PERSISTENCE as error:
            raise unavailable(error) from error

    def check(self) -> None:
        """Look whether the tables are there, and have the columns that jobs need.

        :raises DatabaseUnavailable: if not
        """
        self._database.read(_look_at_tables)

    def _undone(self, context: JobContext) -> exceptions.ImsError | None:
        """Run the flow until it is undone; why, unless that is recorded.

        :raises _Succeeded: if it did all, and the job has ended
        """
        try:
            engine = self._load(context)
        except (Fenced, *_PERSISTENCE):
            raise
        except exceptions.ImsError as error:
            return error
        except Exception as error:  # boundary: or it would break off for ever
            return _without_flow(context, error)
        if _is_undone(engine):
            return None
        try:
            engine.run()
        except _PERSISTENCE:
            raise
        except Exception as error:  # boundary: the failure of a task, or of TaskFlow itself
            return self._after_failure(context, engine, error)
        return _broken(context, "no outcome")

    def _after_failure(
        self, context: JobContext, engine: Any, error: Exception
    ) -> exceptions.ImsError:
        """Why a job fails.

        :raises Abandoned: if another worker is to try
        """
        if _is_undone(engine):
            return _failure(context, error)
        LOG.exception("Job %s: its flow broke off", context.id)
        if context.job.attempts <= context.conf.ims_jobs.attempts:
            raise Abandoned(f"its flow broke off ({type(error).__name__})")
        return _broken(context, type(error).__name__)

    def _load(self, context: JobContext) -> Any:
        flow = linear_flow.Flow(context.job.type)
        flow.add(self._job_types[context.job.type](context), _End(context))
        backend = _FencedBackend(self._database.engine, context)
        book, detail = _book(backend, context)
        return engines.load(flow, flow_detail=detail, book=book, backend=backend, engine="serial")

    def _fail(self, context: JobContext, error: exceptions.ImsError | None) -> None:
        reason = None if error is None else model.without_tokens(str(error))
        self._jobs.finish(context.job, JobStatus.FAIL, error.code if error else None, reason)
        LOG.info("Job %s (%s) ended: %s", context.id, context.job.type, JobStatus.FAIL)


def _look_at_tables(connection: Connection) -> None:
    for table in (*schema.METADATA.sorted_tables, *taskflow_tables.fetch(sa.MetaData())):
        connection.execute(sa.select(table).limit(0))


def _is_undone(engine: Any) -> bool:
    return bool(engine.storage.get_flow_state() == states.REVERTED)


def _failure(context: JobContext, error: Exception) -> exceptions.ImsError:
    if isinstance(error, exceptions.ImsError):
        return error
    return _broken(context, type(error).__name__)


def _broken(context: JobContext, error: str) -> exceptions.ImsError:
    return TaskBroken(task=context.job.type, error=error)


def _without_flow(context: JobContext, error: Exception) -> exceptions.ImsError:
    """Why a job fails whose flow cannot be made, by this worker at least.

    :raises Exception: the error, as long as another worker may do better: this one waits for the lease to run out like
        all others, for it would take the job again at once
    """
    if context.job.attempts <= context.conf.ims_jobs.attempts:
        raise error
    return NotUndone(
        task=context.job.type, error=type(error).__name__, name=model.disk_name(context.id)
    )


def _book_id(job_id: str) -> str:
    return str(uuid.UUID(hex=job_id))


def _book(backend: SQLAlchemyBackend, context: JobContext) -> tuple[Any, Any]:
    """TaskFlow's records of the job, made if there are none."""
    book_id = _book_id(context.id)
    connection = backend.get_connection()
    try:
        book = connection.get_logbook(book_id)
    except taskflow_exceptions.NotFound:
        book = models.LogBook(context.job.type, uuid=book_id)
        book.add(models.FlowDetail(context.job.type, uuid=book_id))
        book = connection.save_logbook(book)
    return book, book.find(book_id)


class _FencedBackend(SQLAlchemyBackend):  # type: ignore[misc]
    """TaskFlow's records in our database, written only while the job is this worker's."""

    def __init__(self, engine: Engine, context: JobContext) -> None:
        super().__init__({"connection": ""}, engine=_FencedEngine(engine, context))
        # Ours is known to work, and TaskFlow's check would pass over the fence.
        self._validated = True

    @functools.cached_property
    def _only_connection(self) -> Any:
        connection = super().get_connection()
        # What another TaskFlow calls otherwise is not shared, and works all the same.
        own = {name: value for name, value in vars(connection).items() if name in _DESCRIPTION}
        vars(connection).update(_DESCRIBED.setdefault("tables", own))
        return connection

    def get_connection(self) -> Any:
        """One for all that is recorded about a job: it holds nothing that could be closed.

        TaskFlow asks for one for each record. Each new one describes the tables anew, for which
        SQLAlchemy then compiles each statement anew: half of a worker's time. So what describes them is
        the same for all jobs, too.
        """
        return self._only_connection


class _FencedEngine:
    """As much of an engine as TaskFlow's backend uses; its transactions begin with the fence."""

    def __init__(self, engine: Engine, context: JobContext) -> None:
        self._engine = engine
        self._context = context
        self.dialect = engine.dialect

    def connect(self) -> Connection:
        return self._engine.connect()

    @contextlib.contextmanager
    def begin(self) -> Iterator[Connection]:
        with self._engine.begin() as connection:
            try:
                check_fence(connection, self._context.job)
            except Fenced:
                self._context.lease.end()
                raise Abandoned("another worker has the job") from None
            yield connection
