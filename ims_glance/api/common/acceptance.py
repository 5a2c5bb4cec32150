# SPDX-License-Identifier: Apache-2.0
"""Accepting jobs: the limit, the caller's delegation, the record, and a word to the workers."""

import contextlib
import dataclasses
import datetime
import logging
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import tenacity
from oslo_config import cfg
from oslo_utils import timeutils, uuidutils

from ims_glance import conf as ims_conf
from ims_glance import exceptions
from ims_glance.api.common.roles import SERVICE_ROLE
from ims_glance.clouds.identity import (
    DelegationRefused,
    Identity,
    MomentTaken,
    ec2_grant,
    is_used,
    rights_digest,
)
from ims_glance.clouds.messaging.wakeup import Wakeups
from ims_glance.db import delegation as delegations
from ims_glance.db.database import AlreadyThere, Database
from ims_glance.db.delegation import Caller, Delegations, Made
from ims_glance.db.job import JobNotFound, Jobs
from ims_glance.model import job as model
from ims_glance.model.job import VOLUME_CREATE_IMAGE, JobKind, JobStatus, StoredJob

LOG = logging.getLogger(__name__)

# A delegation is shared until so much of its life is over.
_SHARED = 0.5
_ATTEMPTS = 3
# The ends of delegations are spread over so many seconds.
_SPREAD = 40_000
_MOST_SPREAD = 0.1  # of a short life


class JobNotRecorded(exceptions.Unavailable):
    """The job could not be recorded (IMS: "job not submitted")."""

    code = "IMG.0018"
    template = "The job could not be submitted because others ended at the same time. Try again."


class KeyDelegatesNothing(exceptions.Forbidden):
    """The request was signed with an access key, and its job would act elsewhere as well."""

    code = "IMG.0087"
    template = (
        "A request that is signed with an access key cannot begin a job that works for you in another "
        "project: the Identity service lets a key act in its own project alone. Send the request with "
        "a token that you got with your password."
    )


def new_id() -> str:
    """An id for a job that is yet to be accepted."""
    return uuidutils.generate_uuid(dashed=False)


class DelegationGone(exceptions.Forbidden):
    """What the job was to act with is there no more."""

    code = "IMG.0087"
    template = (
        "What was delegated to the service for this ended, or was taken back. Create the replication "
        "anew."
    )


@dataclasses.dataclass(frozen=True)
class Rights:
    """What a job may do as its caller in a project.

    :ivar roles: names of those that the caller has there, and the job gets
    :ivar until: when they end at the latest, in Keystone's words (UTC)
    """

    project_id: str
    roles: tuple[str, ...]
    until: str | None = None


class Acceptance:
    """Jobs as the API sees them. Nothing is connected before the first use, after all forks.

    :ivar database: that they are in
    """

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        ims_conf.register_opts(conf)
        self._conf = conf
        self.database = self._database = Database(conf)
        self._jobs = Jobs(self._database)
        self._delegations = Delegations(self._database)
        self._identity = Identity(conf)
        self._wakeups = Wakeups(conf)
        self._callers = _Callers()

    def accept(
        self,
        context: Any,
        job_type: str,
        arguments: Mapping[str, Any],
        entities: Mapping[str, Any] | None = None,
        creates_image: bool = False,
        acting: Rights | None = None,
        reading: Rights | None = None,
        job_id: str | None = None,
    ) -> str:
        """Take on a job; its id.

        :param context: of the caller (a ``glance.context.RequestContext``), whose rights the job
            gets; ``ec2_access`` on it is the access key, if the request was signed with one, and
            ``login`` how the caller logged in (:func:`ims_glance.api.common.tokens.login`)
        :param arguments: what its flow works with, as JSON; no token and no secret
        :param entities: what clients are told from the beginning (``image_name``)
        :param creates_image: whether it makes one image of the project; an id for it is chosen and
            recorded now, which counts in the quota
        :param acting: what the job may do; ``None`` for all that the caller's token may in its project
        :param reading: what it may do besides, where its image comes from
            (``JobContext.source_region``)
        :param job_id: that it gets; if there is a job of this id, there is but that one
        :raises KeyDelegatesNothing: if one of these is wanted and the request was signed with a key
        :raises TooManyTasks: if the project has too many unfinished jobs of that kind
        :raises DelegationRefused: if the caller's token delegates nothing
        :raises Unavailable: if the database or Keystone is away
        """
        model.check_names(arguments)
        model.check_names(entities or {}, "entities")
        job = StoredJob(
            id=job_id or new_id(),
            type=job_type,
            project_id=context.project_id,
            user_id=context.user_id,
            arguments=arguments,
            entities=entities or {},
            image_id=uuidutils.generate_uuid() if creates_image else None,
            creates_image=creates_image,
        )
        if (acting or reading) and access_key(context) is not None:
            raise KeyDelegatesNothing
        acting = acting or Rights(context.project_id, tuple(_rights(context)))
        try:
            self._record(context, job, acting, reading)
        except AlreadyThere:
            return job.id
        LOG.info("Accepted job %s (%s) of project %s", job.id, job.type, job.project_id)
        self._wakeups.send(job.id)
        return job.id

    def accept_once(self, job: StoredJob) -> str:
        """Take on a job whose id says what it is for, unless it is there already; its id.

        :param job: with delegations that are there
        :raises DelegationGone: if one of those is there no more
        :raises TooManyTasks: if the project has too many unfinished jobs of that kind
        :raises Unavailable: if the database is away
        """
        model.check_names(job.arguments)
        model.check_names(job.entities, "entities")
        try:
            self._jobs.create(job, self._limit(job))
        except AlreadyThere:
            return job.id
        except delegations.Ended:
            raise DelegationGone from None
        LOG.info("Accepted job %s (%s) of project %s", job.id, job.type, job.project_id)
        self._wakeups.send(job.id)
        return job.id

    def check_limit(self, project_id: str, job_type: str, creates_image: bool = False) -> None:
        """See whether a project may have one more job of a type; :meth:`accept` makes sure of it.

        :raises TooManyTasks: if not
        :raises Unavailable: if the database is away
        """
        job = StoredJob("", job_type, project_id, "", creates_image=creates_image)
        self._jobs.check_limit(job, self._limit(job))

    def is_there(self, job_id: str, project_id: str) -> bool:
        """Whether a project has a job of an id."""
        try:
            self.get(job_id, project_id)
        except JobNotFound:
            return False
        return True

    def get(self, job_id: str, project_id: str) -> StoredJob:
        """A job of the project.

        :raises JobNotFound: if it has none of that id
        """
        return self._jobs.get(job_id, project_id)

    def find(
        self,
        project_id: str,
        status: JobStatus | None = None,
        limit: int = 100,
        marker: str | None = None,
        job_type: str | None = None,
    ) -> list[StoredJob]:
        """Jobs of the project, the newest first, after the one with id *marker*; of one type, if it is given.

        :raises JobNotFound: if the project has no job *marker*
        """
        return self._jobs.find(project_id, status, limit, marker, job_type)

    def cancel(self, job_id: str, project_id: str) -> StoredJob:
        """Ask for a job to be undone; it ends as ``FAIL``. A finished one stays as it is.

        :raises JobNotFound: if the project has no such job
        """
        job = self._jobs.request_cancel(job_id, project_id)
        if not job.is_finished:
            self._wakeups.send(job_id)
        return job

    def unfinished(self, project_id: str) -> list[StoredJob]:
        """The unfinished jobs of a project; none where there are no jobs."""
        if not self._database.is_configured:
            return []
        return self._jobs.unfinished(project_id)

    def backup_ids_in_use(self, project_id: str) -> set[str]:
        """Ids of the server backups that unfinished jobs of a project make, or make images of."""
        found = self.unfinished(project_id)
        return {job.backup_id for job in found if job.backup_id is not None}

    def is_made_for(
        self, project_id: str, job_id: str, number: int | None, grant: str | None
    ) -> bool:
        """Whether Nova or Cinder makes an image for an unfinished job of a project.

        Then they show the token that the worker came to them with, which was made with what the
        job's caller delegated. No user gets such a token: a trust serves its trustee alone.

        :param number: of the disk; ``None`` for the volume of an ``imsVolumeCreateImageJob``
        :param grant: what the token was made with (:func:`ims_glance.api.common.tokens.grant`)
        """
        if grant is None or not self._database.is_configured:
            return False
        try:
            job = self._jobs.get(job_id, project_id)
        except JobNotFound:
            return False
        makes = number in job.disks if number is not None else job.type == VOLUME_CREATE_IMAGE
        if job.is_finished or not makes or job.delegation_id is None:
            return False
        delegation = self._delegations.get(job.delegation_id)
        return delegation is not None and is_used(delegation.grant, grant)

    # --- the record ----------------------------------------------------------------------------

    def _record(self, context: Any, job: StoredJob, acting: Rights, reading: Rights | None) -> None:
        own = _caller(context, acting)
        wanted = {own: acting}
        source = None if reading is None else _caller(context, reading)
        if source is not None and reading is not None:
            wanted[source] = reading
        for _attempt in range(_ATTEMPTS):
            with contextlib.suppress(delegations.Ended), contextlib.ExitStack() as held:
                given = {
                    # In one order, so that no two requests wait for each other.
                    caller: self._delegated(context, job, caller, wanted[caller], held)
                    for caller in sorted(wanted, key=dataclasses.astuple)
                }
                delegated = dataclasses.replace(
                    job,
                    delegation_id=given[own].delegation_id,
                    source_delegation_id=None if source is None else given[source].delegation_id,
                )
                new = (each for each in given.values() if isinstance(each, Made))
                self._jobs.create(delegated, self._limit(job), *new)
                return
        raise JobNotRecorded

    def _delegated(
        self,
        context: Any,
        job: StoredJob,
        caller: Caller,
        rights: Rights,
        held: contextlib.ExitStack,
    ) -> "Made | _Shared":
        """A delegation of the caller: one that is there, or a new one.

        :param held: what nobody else may do until the job is recorded
        """
        shared = self._shared(caller, rights.until)
        if shared is None:
            held.enter_context(self._callers.one_at_a_time(caller))
            # Perhaps another request made one meanwhile.
            shared = self._shared(caller, rights.until)
        return self._made(context, job, caller, rights) if shared is None else _Shared(shared)

    def _shared(self, caller: Caller, until: str | None) -> str | None:
        return self._delegations.find(caller, self._lifetime(_SHARED, until))

    def _made(self, context: Any, job: StoredJob, caller: Caller, rights: Rights) -> Made:
        self._jobs.check_limit(job, self._limit(job))
        key = access_key(context)
        if key is None:
            return self._new_trust(context, caller, rights)
        delegation_id = self._delegations.begin(caller, self._lifetime(1.0))
        return Made(delegation_id, ec2_grant(key))

    def _new_trust(self, context: Any, caller: Caller, rights: Rights) -> Made:
        return make_trust(
            self._identity,
            self._delegations,
            context,
            caller,
            rights,
            lambda: self._lifetime(1.0, rights.until),
        )

    def _limit(self, job: StoredJob) -> int:
        kind = model.kind(job.type, job.creates_image)
        options = self._conf.ims_jobs
        return int(options.copying if kind is JobKind.COPYING else options.creating)

    def _lifetime(self, share: float, until: str | None = None) -> str:
        """A moment when *share* of a delegation's life, from now, will be over.

        :param until: when that life ends at the latest
        """
        return end_of_life(self._conf.ims_jobs.delegation_days, share, until)


def end_of_life(days: float, share: float = 1.0, until: str | None = None) -> str:
    """A moment when *share* of a delegation's life, from now, will be over, in Keystone's words.

    :param days: that it lives
    :param until: when that life ends at the latest
    """
    now, life = timeutils.utcnow(), datetime.timedelta(days=days)
    if until is not None:
        life = min(life, timeutils.normalize_time(timeutils.parse_isotime(until)) - now)
    moment = now + life * share
    # By this moment a trust is told from all others. Keystone does so to the second only when
    # it looks for duplicates, deleted trusts included.
    spread = min(_SPREAD, int(life.total_seconds() * _MOST_SPREAD))
    moment -= datetime.timedelta(seconds=secrets.randbelow(max(1, spread)))
    moment = moment.replace(microsecond=secrets.randbelow(1_000_000))
    return f"{moment:%Y-%m-%dT%H:%M:%S.%fZ}"


@tenacity.retry(
    retry=tenacity.retry_if_exception_type(MomentTaken),
    stop=tenacity.stop_after_attempt(_ATTEMPTS),
    reraise=True,
)
def make_trust(
    identity: Identity,
    known: Delegations,
    context: Any,
    caller: Caller,
    rights: Rights,
    ends: Callable[[], str],
) -> Made:
    """Have a caller give the service a trust; it is recorded with the first thing that uses it.

    :param ends: when it ends; another moment each time
    :raises DelegationRefused: if Keystone does not let them
    :raises Unavailable: if Keystone or the database is away
    """
    expires_at = ends()
    delegation_id = known.begin(caller, expires_at)
    try:
        grant = identity.create_trust(
            context.auth_token, caller.user_id, caller.project_id, rights.roles, expires_at
        )
    except (DelegationRefused, MomentTaken):
        known.delete(delegation_id)
        raise
    return Made(delegation_id, grant)


def access_key(context: Any) -> str | None:
    """The access key that the request was signed with, if it was."""
    return getattr(context, "ec2_access", None)


def _rights(context: Any) -> list[str]:
    """What the caller can delegate: the roles of their token; with a signature, their credential."""
    key = access_key(context)
    if key is not None:
        return [ec2_grant(key)]
    return [role for role in context.roles if role != SERVICE_ROLE]


def _caller(context: Any, rights: Rights) -> Caller:
    """Who delegates."""
    # Not the roles alone: a token that cannot delegate gets nothing that another one delegated.
    end = () if rights.until is None else (f"until {rights.until}",)
    digest = rights_digest(rights.roles, (*context.login, *end))
    return Caller(context.user_id, rights.project_id, digest)


@dataclasses.dataclass(frozen=True)
class _Shared:
    """A delegation that other jobs use."""

    delegation_id: str


class _Callers:
    """Locks by caller: of several requests at once, one asks Keystone for a trust."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._held: dict[Caller, tuple[threading.Lock, int]] = {}

    @contextlib.contextmanager
    def one_at_a_time(self, caller: Caller) -> Iterator[None]:
        with self._mutex:
            lock, users = self._held.get(caller, (threading.Lock(), 0))
            self._held[caller] = lock, users + 1
        try:
            with lock:
                yield
        finally:
            with self._mutex:
                lock, users = self._held[caller]
                if users == 1:
                    del self._held[caller]
                else:
                    self._held[caller] = lock, users - 1
