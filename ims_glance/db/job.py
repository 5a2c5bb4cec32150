# SPDX-License-Identifier: Apache-2.0
"""The table of jobs: who has accepted, claimed, finished what.

Workers write under a *fence*: every write names the generation of their claim, and touches nothing
once another worker has claimed the job.
"""

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from oslo_db import exception as db_exceptions
from oslo_utils import timeutils
from sqlalchemy.engine import Connection

from ims_glance import exceptions
from ims_glance.db import clock, delegation, tally
from ims_glance.db.database import AlreadyThere, Database
from ims_glance.db.schema import JOBS
from ims_glance.model.job import UNFINISHED, JobStatus, StoredJob, kind

# Of a failure reason that some neighbour may have written at length; characters.
_MAX_REASON = 2000
_UNFINISHED = [str(status) for status in UNFINISHED]


class TooManyTasks(exceptions.Conflict):
    """The project has as many unfinished jobs of a kind as it may have."""

    code = "IMG.0060"
    template = (
        "Project {project_id} has {limit} unfinished jobs that are {kind} images, which is as many "
        "as it may have at once. Wait until one ends."
    )


class JobNotFound(exceptions.NotFound):
    """There is no such job, or it is another project's."""

    code = "IMG.0023"
    template = "Job {job_id} does not exist in this project."


class Fenced(Exception):
    """The job is not this worker's any more: another has claimed it, or it is finished."""


class CancelAccepted(Exception):
    """The job may not succeed any more: somebody was told that it is undone."""


class Jobs:
    """The table.

    :ivar database: that it is in
    """

    def __init__(self, database: Database) -> None:
        self.database = self._database = database

    # --- the API -------------------------------------------------------------------------------

    def create(self, job: StoredJob, limit: int, *trusts: delegation.Made) -> None:
        """Record a new job, with its place among the unfinished ones and its delegations.

        :param limit: unfinished jobs of its kind that the project may have
        :param trusts: those of its delegations that are used for the first time
        :raises AlreadyThere, TooManyTasks: if there is one of its id; if the project has as many
        :raises delegations.Ended: if a delegation ended meanwhile
        """
        self._database.write(lambda connection: _create(connection, job, limit, trusts))

    def check_limit(self, job: StoredJob, limit: int) -> None:
        """See whether there is room for a job; :meth:`create` makes sure of it.

        :raises TooManyTasks: if not
        """
        job_kind = kind(job.type, job.creates_image)
        unfinished = self._database.read(
            lambda connection: tally.count(connection, job.project_id, str(job_kind))
        )
        if unfinished >= limit:
            raise TooManyTasks(project_id=job.project_id, limit=limit, kind=str(job_kind))

    def get(self, job_id: str, project_id: str | None = None) -> StoredJob:
        """A job.

        :param project_id: whose it has to be
        :raises JobNotFound: if there is none
        """
        query = sa.select(JOBS).where(JOBS.c.id == job_id)
        if project_id is not None:
            query = query.where(JOBS.c.project_id == project_id)
        row = self._database.read(lambda connection: connection.execute(query).mappings().first())
        if row is None:
            raise JobNotFound(job_id=job_id)
        return from_row(row)

    def find(
        self,
        project_id: str,
        status: JobStatus | None = None,
        limit: int = 100,
        marker: str | None = None,
        job_type: str | None = None,
    ) -> list[StoredJob]:
        """Jobs of a project, the newest first.

        :param marker: id of the last one of the page before
        :param job_type: only those of this type
        :raises JobNotFound: if the marker is no job of the project
        """
        query = sa.select(JOBS).where(JOBS.c.project_id == project_id)
        if status is not None:
            query = query.where(JOBS.c.status == str(status))
        if job_type is not None:
            query = query.where(JOBS.c.type == job_type)
        if marker is not None:
            last = self.get(marker, project_id)
            query = query.where(
                sa.or_(
                    JOBS.c.begin_time < last.begin_time,
                    sa.and_(JOBS.c.begin_time == last.begin_time, JOBS.c.id < last.id),
                )
            )
        query = query.order_by(JOBS.c.begin_time.desc(), JOBS.c.id.desc()).limit(limit)
        rows = self._database.read(lambda connection: connection.execute(query).mappings().all())
        return [from_row(row) for row in rows]

    def unfinished(self, project_id: str) -> list[StoredJob]:
        """The unfinished jobs of a project."""
        query = sa.select(JOBS).where(
            JOBS.c.project_id == project_id, JOBS.c.status.in_(_UNFINISHED)
        )
        found = self._database.read(lambda connection: connection.execute(query).mappings().all())
        return [from_row(row) for row in found]

    def request_cancel(self, job_id: str, project_id: str) -> StoredJob:
        """Ask for a job to be undone; one that is finished stays as it is.

        A job that is unfinished in the answer never ends in ``SUCCESS``: see :meth:`finish`.

        :raises JobNotFound: if the project has no such job
        """
        change = (
            sa.update(JOBS)
            .where(
                JOBS.c.id == job_id,
                JOBS.c.project_id == project_id,
                JOBS.c.status.in_(_UNFINISHED),
            )
            .values(cancel_requested=True)
        )
        self._database.write(lambda connection: connection.execute(change))
        return self.get(job_id, project_id)

    # --- workers -------------------------------------------------------------------------------

    def claimable(
        self, types: Collection[str], limit: int, but_not: Collection[str] = ()
    ) -> list[str]:
        """Ids of unfinished jobs of these types that nobody works on, in the order of their turns.

        Each project has a turn before any has its next one, and a job that is worked on was one: who
        asks for one job does not wait behind somebody's hundred. Within a project the oldest first.

        :param but_not: projects whose jobs are left out
        """
        count = sa.func.count().label("count")
        working = (
            sa.select(JOBS.c.project_id, count)
            .where(JOBS.c.status.in_(_UNFINISHED), sa.not_(is_free()))
            .group_by(JOBS.c.project_id)
            .subquery()
        )
        waiting = sa.func.row_number().over(
            partition_by=JOBS.c.project_id, order_by=(JOBS.c.begin_time, JOBS.c.id)
        )
        query = (
            sa.select(JOBS.c.id)
            .outerjoin(working, working.c.project_id == JOBS.c.project_id)
            .where(
                JOBS.c.status.in_(_UNFINISHED),
                is_free(),
                JOBS.c.type.in_(types),
                JOBS.c.project_id.not_in(but_not),
            )
            .order_by(waiting + sa.func.coalesce(working.c.count, 0), JOBS.c.begin_time)
            .limit(limit)
        )
        return list(self._database.read(lambda connection: connection.scalars(query).all()))

    def claim(
        self,
        job_id: str,
        worker: str,
        seconds: float,
        but_not: Collection[str] = (),
        types: Collection[str] | None = None,
    ) -> StoredJob | None:
        """Take a job that nobody works on; ``None`` if somebody does, or it is finished.

        :param seconds: that the claim holds unless it is renewed
        :param but_not: projects whose jobs are not taken
        :param types: of which it has to be; ``None`` for any
        """
        return self._database.write(
            lambda connection: _claim(connection, job_id, worker, seconds, but_not, types)
        )

    def renew(self, job: StoredJob, seconds: float) -> bool:
        """Hold a claim for longer; whether the job is to be cancelled.

        :raises Fenced: if it is not this worker's any more
        """
        self._update(job, {"lease_until": clock.now() + seconds})
        query = sa.select(JOBS.c.cancel_requested).where(JOBS.c.id == job.id)
        return bool(self._database.read(lambda connection: connection.scalar(query)))

    def release(self, job: StoredJob) -> None:
        """Give a claim back, for another worker to go on at once.

        :raises Fenced: if it is not this worker's any more
        """
        self._update(job, {"lease_until": None, "worker": None})

    def record_image_id(self, job: StoredJob, image_id: str) -> None:
        """Record the id of the image that is made next.

        :raises Fenced: if the job is not this worker's any more
        """
        self._update(job, {"image_id": image_id})

    def progress(
        self,
        job: StoredJob,
        done_bytes: int | None = None,
        total_bytes: int | None = None,
        current_task: str | None = None,
        entities: Mapping[str, Any] | None = None,
    ) -> None:
        """Record how far a job is; what is ``None`` stays.

        :raises Fenced: if the job is not this worker's any more
        """
        values = {
            "done_bytes": done_bytes,
            "total_bytes": total_bytes,
            "current_task": current_task,
            "entities": None if entities is None else dict(entities),
        }
        self._update(job, {name: value for name, value in values.items() if value is not None})

    def record_failure(self, job: StoredJob, code: str, reason: str) -> None:
        """Record why a job fails, before it is undone; the first reason stays.

        :raises Fenced: if the job is not this worker's any more
        """
        change = (
            sa.update(JOBS)
            .where(*_fence(job), JOBS.c.fail_reason.is_(None))
            .values(error_code=code, fail_reason=reason[:_MAX_REASON])
        )
        self._database.write(lambda connection: connection.execute(change))

    def add_to_failure(self, job: StoredJob, text: str) -> None:
        """Add a sentence to the reason why a job fails.

        :raises Fenced: if the job is not this worker's any more
        """
        longer = sa.func.coalesce(JOBS.c.fail_reason, "", type_=sa.Text()) + text[:_MAX_REASON]
        self._update(job, {"fail_reason": longer})

    def finish(
        self,
        job: StoredJob,
        status: JobStatus,
        code: str | None = None,
        reason: str | None = None,
    ) -> None:
        """End a job, and give back its places.

        Of ``SUCCESS`` and :meth:`request_cancel`, the one that comes first keeps the other out.

        :param code: with *reason*, why it failed, if that was not recorded before
        :raises CancelAccepted: if it was to be ``SUCCESS``, and has to be undone
        :raises Fenced: if it is not this worker's any more
        """
        self._database.write(lambda connection: _finish(connection, job, status, code, reason))

    def old(self, days: float, limit: int = 100) -> list[str]:
        """Ids of jobs that were finished so many days ago."""
        moment = timeutils.utcnow() - timedelta(days=days)
        query = sa.select(JOBS.c.id).where(JOBS.c.end_time < moment).limit(limit)
        return list(self._database.read(lambda connection: connection.scalars(query).all()))

    def delete(self, job_id: str) -> None:
        """Forget a finished job."""
        gone = sa.delete(JOBS).where(JOBS.c.id == job_id, JOBS.c.end_time.is_not(None))
        self._database.write(lambda connection: connection.execute(gone))

    def _update(self, job: StoredJob, values: Mapping[str, Any]) -> None:
        change = sa.update(JOBS).where(*_fence(job)).values(**values)
        self._database.write(lambda connection: _hit(connection, change))


def check_fence(connection: Connection, job: StoredJob) -> None:
    """Hold the row of a job until the end of a transaction in which something else is written.

    :raises Fenced: if it is not this worker's any more
    """
    _hit(connection, sa.update(JOBS).where(*_fence(job)).values(generation=job.generation))


def _fence(job: StoredJob) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        JOBS.c.id == job.id,
        JOBS.c.generation == job.generation,
        JOBS.c.status == str(JobStatus.RUNNING),
    )


def _hit(connection: Connection, change: sa.Update) -> None:
    if connection.execute(change).rowcount != 1:
        raise Fenced


def is_free() -> sa.ColumnElement[bool]:
    """Nobody works on it. The clause is never NULL, so its opposite is what is worked on."""
    return sa.func.coalesce(JOBS.c.lease_until, 0) < clock.now()


def _create(
    connection: Connection, job: StoredJob, limit: int, trusts: Collection[delegation.Made]
) -> None:
    job_kind = kind(job.type, job.creates_image)
    if job_kind and not tally.take(connection, job.project_id, str(job_kind), limit):
        # One of those that there are may be this one.
        if connection.scalar(sa.select(JOBS.c.id).where(JOBS.c.id == job.id)) is not None:
            raise AlreadyThere
        raise TooManyTasks(project_id=job.project_id, limit=limit, kind=str(job_kind))
    for trust in trusts:
        delegation.record(connection, trust)
    for delegation_id in job.delegation_ids:
        delegation.take(connection, delegation_id)
    values = {
        "id": job.id,
        "type": job.type,
        "kind": job_kind and str(job_kind),
        "project_id": job.project_id,
        "user_id": job.user_id,
        "delegation_id": job.delegation_id,
        "source_delegation_id": job.source_delegation_id,
        "status": str(JobStatus.INIT),
        "begin_time": timeutils.utcnow(),
        "arguments": dict(job.arguments),
        "entities": dict(job.entities),
        "image_id": job.image_id,
        "creates_image": job.creates_image,
        "done_bytes": 0,
        "total_bytes": 0,
        "cancel_requested": False,
        "generation": 0,
    }
    try:
        connection.execute(sa.insert(JOBS).values(**values))
    except db_exceptions.DBDuplicateEntry:
        raise AlreadyThere from None


def _claim(
    connection: Connection,
    job_id: str,
    worker: str,
    seconds: float,
    but_not: Collection[str],
    types: Collection[str] | None,
) -> StoredJob | None:
    # The change first: a row that was read before it may lack what the last worker recorded in between, or that
    # it is to be cancelled.
    change = (
        sa.update(JOBS)
        .where(
            JOBS.c.id == job_id,
            JOBS.c.status.in_(_UNFINISHED),
            is_free(),
            JOBS.c.project_id.not_in(but_not),
            *(() if types is None else (JOBS.c.type.in_(types),)),
        )
        .values(
            status=str(JobStatus.RUNNING),
            worker=worker,
            generation=JOBS.c.generation + 1,
            lease_until=clock.now() + seconds,
        )
    )
    if connection.execute(change).rowcount != 1:
        return None
    return from_row(connection.execute(sa.select(JOBS).where(JOBS.c.id == job_id)).mappings().one())


def _finish(
    connection: Connection, job: StoredJob, status: JobStatus, code: str | None, reason: str | None
) -> None:
    is_failed = status is JobStatus.FAIL
    failure = {
        "error_code": sa.func.coalesce(JOBS.c.error_code, code) if is_failed else None,
        "fail_reason": (
            sa.func.coalesce(JOBS.c.fail_reason, (reason or "")[:_MAX_REASON])
            if is_failed
            else None
        ),
    }
    wanted = () if is_failed else (sa.not_(JOBS.c.cancel_requested),)
    check_fence(connection, job)
    change = (
        sa.update(JOBS)
        .where(*_fence(job), *wanted)
        .values(
            status=str(status),
            end_time=timeutils.utcnow(),
            worker=None,
            lease_until=None,
            **failure,
        )
    )
    if connection.execute(change).rowcount != 1:
        raise CancelAccepted
    job_kind = kind(job.type, job.creates_image)
    if job_kind is not None:
        tally.give_back(connection, job.project_id, str(job_kind))
    for delegation_id in job.delegation_ids:
        delegation.leave(connection, delegation_id)


def from_row(row: Any) -> StoredJob:
    """The job of a row."""
    values = {
        name: value for name, value in dict(row).items() if name not in ("kind", "lease_until")
    }
    values["status"] = JobStatus(values["status"])
    return StoredJob(**values)
