# SPDX-License-Identifier: Apache-2.0
"""Jobs as an operator sees them: those of all projects, who has them, and giving one back."""

import dataclasses
import datetime
from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from oslo_utils import timeutils
from sqlalchemy.engine import Connection, RowMapping

from ims_glance import exceptions
from ims_glance.db import clock
from ims_glance.db.database import Database
from ims_glance.db.job import from_row, is_free
from ims_glance.db.schema import AUDIT_EVENTS, DELEGATIONS, JOBS, WORKERS
from ims_glance.model.job import BEFORE_RESET, UNFINISHED, JobStatus, StoredJob

_UNFINISHED = [str(status) for status in UNFINISHED]
# A worker that was heard of for so long counts as one that runs; seconds.
_LATELY = 60.0


class UnknownJob(exceptions.NotFound):
    """No project has such a job, or its record was deleted."""

    code = "IMG.0023"
    template = (
        "There is no job {job_id} (records of jobs that ended are kept for [ims_jobs] keep_days)."
    )


class JobEnded(exceptions.Conflict):
    """A job that has ended begins no more."""

    template = (
        "Job {job_id} has ended ({status}), and no worker begins it again: its owner asks for it "
        "anew if it is still wanted."
    )


@dataclasses.dataclass(frozen=True)
class ShownDelegation:
    """What a job acts with, without what would let anybody else do so.

    :ivar state: ``making``, ``active`` or ``ending``
    :ivar expires_at: when the trust ends by itself, in Keystone's words
    """

    state: str
    expires_at: str


@dataclasses.dataclass(frozen=True)
class SupervisedJob:
    """A job, and who has it.

    :ivar lease: seconds until its worker's lease runs out, negative if it has run out; ``None`` if
        no worker has one
    :ivar delegation: ``None`` if there is none, or it was not asked for
    :ivar source_delegation: the same of what it reads with in another project
    """

    job: StoredJob
    lease: float | None = None
    delegation: ShownDelegation | None = None
    source_delegation: ShownDelegation | None = None

    @property
    def is_held(self) -> bool:
        """Whether a worker has it that was heard of in time."""
        return self.job.worker is not None and self.lease is not None and self.lease > 0


@dataclasses.dataclass(frozen=True)
class SupervisedWorker:
    """A worker that runs, has run a while ago, or has jobs.

    :ivar name: host, process and a random part, with colons between
    :ivar jobs: how many jobs it holds
    :ivar lost: how many others it held when their leases ran out
    :ivar lease: seconds until its last lease runs out, negative if it has run out; ``None`` if it
        has no job
    :ivar threads: how many jobs it can run at once; ``None`` if it never said that
    :ivar heard: how many seconds ago it said that it runs; ``None`` if it never did, or has said that it stops
    :ivar begun: how many seconds ago it said that for the first time
    """

    name: str
    jobs: int = 0
    lost: int = 0
    lease: float | None = None
    threads: int | None = None
    heard: float | None = None
    begun: float | None = None

    @property
    def place(self) -> tuple[str, str]:
        """Its host and its process."""
        host, process, *_random = [*self.name.rsplit(":", 2), ""]
        return host, process

    @property
    def state(self) -> str:
        """``busy``, ``idle``; ``stopping``: it takes no job more; ``silent``: it died, or is cut off."""
        if self.heard is None:
            return "stopping" if self.jobs else "silent"
        if self.heard > _LATELY:
            return "silent"
        return "busy" if self.jobs else "idle"

    def heard_of(self, lease_seconds: float) -> float:
        """How many seconds ago it was heard of.

        :param lease_seconds: for which it renews its leases
        """
        # One that stops, or is of an earlier version, is heard of only when it renews its leases.
        renewed = None if self.lease is None else max(0.0, lease_seconds - self.lease)
        return max(0.0, min(each for each in (self.heard, renewed) if each is not None))


@dataclasses.dataclass(frozen=True)
class Backlog:
    """Jobs of a type and a project that no worker has.

    :ivar oldest: how long ago the first of them was accepted; seconds
    """

    type: str
    project_id: str
    count: int
    oldest: float


@dataclasses.dataclass(frozen=True)
class Figures:
    """How the tables are now.

    :ivar unfinished: type and state -> how many jobs
    :ivar waiting: how many of them no worker has
    :ivar oldest_wait: how long ago the first of those was accepted; seconds, 0 if there is none
    :ivar workers: how many were heard of in the last minute
    :ivar unsent: audit events that wait to be sent
    :ivar oldest_unsent: how long ago the first of those was recorded; seconds, 0 if there is none
    """

    unfinished: dict[tuple[str, str], int]
    waiting: int
    oldest_wait: float
    workers: int
    unsent: int
    oldest_unsent: float


class Supervision:
    """The tables of jobs and workers, for an operator."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(
        self,
        statuses: Collection[JobStatus] = (),
        project_id: str | None = None,
        job_type: str | None = None,
        limit: int = 100,
    ) -> list[SupervisedJob]:
        """Jobs of all projects, the newest first.

        :param statuses: those wanted; none stands for all
        """
        query = _with_leases()
        if statuses:
            query = query.where(JOBS.c.status.in_([str(status) for status in statuses]))
        if project_id is not None:
            query = query.where(JOBS.c.project_id == project_id)
        if job_type is not None:
            query = query.where(JOBS.c.type == job_type)
        query = query.order_by(JOBS.c.begin_time.desc(), JOBS.c.id.desc()).limit(limit)
        rows = self._database.read(lambda connection: connection.execute(query).mappings().all())
        return [_supervised(row) for row in rows]

    def get(self, job_id: str) -> SupervisedJob:
        """A job of any project, with its delegations.

        :raises UnknownJob: if there is none
        """

        def read(connection: Connection) -> SupervisedJob:
            query = _with_leases().where(JOBS.c.id == job_id)
            row = connection.execute(query).mappings().first()
            if row is None:
                raise UnknownJob(job_id=job_id)
            found = _supervised(row)
            return dataclasses.replace(
                found,
                delegation=_delegation(connection, found.job.delegation_id),
                source_delegation=_delegation(connection, found.job.source_delegation_id),
            )

        return self._database.read(read)

    def workers(self) -> list[SupervisedWorker]:
        """The workers that run, or that died, and what they have of jobs; by name."""
        lease = JOBS.c.lease_until - clock.now()
        held = sa.case((lease > 0, 1), else_=0)
        query = (
            sa.select(
                JOBS.c.worker.label("name"),
                sa.func.sum(held).label("jobs"),
                sa.func.sum(1 - held).label("lost"),
                sa.func.max(lease).label("lease"),
            )
            .where(
                JOBS.c.status.in_(_UNFINISHED),
                JOBS.c.worker.is_not(None),
                JOBS.c.lease_until.is_not(None),
            )
            .group_by(JOBS.c.worker)
        )
        running = sa.select(
            WORKERS.c.name,
            WORKERS.c.threads,
            (clock.now() - WORKERS.c.heard).label("heard"),
            (clock.now() - WORKERS.c.begun).label("begun"),
        )

        def read(connection: Connection) -> list[SupervisedWorker]:
            found = {
                row.name: SupervisedWorker(
                    row.name,
                    threads=row.threads,
                    heard=float(row.heard),
                    begun=float(row.begun),
                )
                for row in connection.execute(running)
            }
            for row in connection.execute(query):
                known = found.get(row.name, SupervisedWorker(row.name))
                found[row.name] = dataclasses.replace(
                    known, jobs=int(row.jobs), lost=int(row.lost), lease=float(row.lease)
                )
            return [found[name] for name in sorted(found)]

        return self._database.read(read)

    def waiting(self, limit: int) -> list[Backlog]:
        """What no worker has, by type and project; what has waited for the longest time first.

        :param limit: at most so many types and projects
        """
        oldest = sa.func.min(JOBS.c.begin_time)
        query = (
            sa.select(JOBS.c.type, JOBS.c.project_id, sa.func.count(), oldest)
            .where(JOBS.c.status.in_(_UNFINISHED), is_free())
            .group_by(JOBS.c.type, JOBS.c.project_id)
            .order_by(oldest, JOBS.c.type, JOBS.c.project_id)
            .limit(limit)
        )
        rows = self._database.read(lambda connection: connection.execute(query).all())
        return [Backlog(row[0], row[1], int(row[2]), _ago(row[3])) for row in rows]

    def held(self, limit: int) -> list[SupervisedJob]:
        """Jobs of all projects that workers have, the oldest first."""
        query = (
            _with_leases()
            .where(JOBS.c.status.in_(_UNFINISHED), sa.not_(is_free()))
            .order_by(JOBS.c.begin_time, JOBS.c.id)
            .limit(limit)
        )
        rows = self._database.read(lambda connection: connection.execute(query).mappings().all())
        return [_supervised(row) for row in rows]

    def figures(self) -> Figures:
        """How many jobs, workers and audit events there are.

        :raises DatabaseUnavailable: if the database is away
        """
        return self._database.read(_figures)

    def reset(self, job_id: str) -> SupervisedJob:
        """Take a job from its worker, for any to begin it as if none had tried before.

        The worker that has it now writes nothing any more. If it does not reach the database it does
        not know of that, and goes on until its lease runs out: nobody takes the job before.

        :raises UnknownJob: if there is none
        :raises JobEnded: if it has ended
        """
        self._database.write(lambda connection: _reset(connection, job_id))
        return self.get(job_id)


def _reset(connection: Connection, job_id: str) -> None:
    # The fence first: what a worker has recorded until then is read, and nothing comes after it.
    taken = (
        sa.update(JOBS)
        .where(JOBS.c.id == job_id, JOBS.c.status.in_(_UNFINISHED))
        .values(generation=JOBS.c.generation + 1, worker=None)
    )
    is_taken = connection.execute(taken).rowcount == 1
    row = connection.execute(sa.select(JOBS).where(JOBS.c.id == job_id)).mappings().first()
    if row is None:
        raise UnknownJob(job_id=job_id)
    if not is_taken:
        raise JobEnded(job_id=job_id, status=row["status"])
    entities = {**row["entities"], BEFORE_RESET: row["generation"]}
    connection.execute(sa.update(JOBS).where(JOBS.c.id == job_id).values(entities=entities))


def _figures(connection: Connection) -> Figures:
    count = sa.func.count()
    is_unfinished = JOBS.c.status.in_(_UNFINISHED)
    by_type = sa.select(JOBS.c.type, JOBS.c.status, count).where(is_unfinished)
    free = sa.select(count, sa.func.min(JOBS.c.begin_time)).where(is_unfinished, is_free())
    waiting, begin = connection.execute(free).one()
    heard = sa.select(count).where(WORKERS.c.heard > clock.now() - _LATELY)
    age = clock.now() - sa.func.min(AUDIT_EVENTS.c.recorded)
    unsent, oldest = connection.execute(
        sa.select(count, age).where(AUDIT_EVENTS.c.sent.is_(None))
    ).one()
    return Figures(
        {
            (row[0], row[1]): int(row[2])
            for row in connection.execute(by_type.group_by(JOBS.c.type, JOBS.c.status))
        },
        int(waiting),
        _ago(begin) if begin else 0.0,
        int(connection.scalar(heard) or 0),
        int(unsent),
        max(0.0, float(oldest or 0.0)),
    )


def _ago(moment: datetime.datetime) -> float:
    return max(0.0, (timeutils.utcnow() - moment).total_seconds())


def _with_leases() -> sa.Select[Any]:
    return sa.select(JOBS, (JOBS.c.lease_until - clock.now()).label("lease"))


def _supervised(row: RowMapping) -> SupervisedJob:
    values = dict(row)
    lease = values.pop("lease")
    return SupervisedJob(from_row(values), None if lease is None else float(lease))


def _delegation(connection: Connection, delegation_id: str | None) -> ShownDelegation | None:
    columns = sa.select(DELEGATIONS.c.state, DELEGATIONS.c.expires_at)
    row = connection.execute(columns.where(DELEGATIONS.c.id == delegation_id)).first()
    return None if row is None else ShownDelegation(row.state, row.expires_at)
