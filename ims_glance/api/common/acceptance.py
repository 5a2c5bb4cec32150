# SPDX-License-Identifier: Apache-2.0
"""Accepting jobs: the limit, the caller's delegation, the record, and a word to the workers."""

import contextlib
import dataclasses
import datetime
import logging
import secrets
import threading
from collections.abc import Iterator, Mapping
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
from ims_glance.db.database import Database
from ims_glance.db.delegation import Caller, Delegations, Made
from ims_glance.db.job import JobNotFound, Jobs
from ims_glance.model import job as model
from ims_glance.model.job import VOLUME_CREATE_IMAGE, Job, JobStatus, Kind

LOG = logging.getLogger(__name__)

# A delegation is shared until so much of its life is over.
_SHARED = 0.5
_ATTEMPTS = 3
# The ends of delegations are spread over so many seconds.
_SPREAD = 40_000


class NotAccepted(exceptions.Unavailable):
    """The job could not be recorded (IMS: "job not submitted")."""

    code = "IMG.0018"
    template = "The job could not be submitted because others ended at the same time. Try again."


class Acceptance:
    """Jobs as the API sees them. Nothing is connected before the first use, after all forks."""

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        ims_conf.register_opts(conf)
        self._conf = conf
        self._database = Database(conf)
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
    ) -> str:
        """Take on a job; its id.

        :param context: of the caller (a ``glance.context.RequestContext``), whose rights the job
            gets; ``ec2_access`` on it is the access key, if the request was signed with one, and
            ``login`` how the caller logged in (:func:`ims_glance.api.common.tokens.login`)
        :param arguments: what its flow works with, as JSON; no token and no secret
        :param entities: what clients are told from the beginning (``image_name``)
        :param creates_image: whether it makes one image of the project; an id for it is chosen and
            recorded now, which counts in the quota
        :raises TooManyTasks: if the project has too many unfinished jobs of that kind
        :raises DelegationRefused: if the caller's token delegates nothing
        :raises Unavailable: if the database or Keystone is away
        """
        model.check_names(arguments)
        model.check_names(entities or {}, "entities")
        job = Job(
            id=uuidutils.generate_uuid(dashed=False),
            type=job_type,
            project_id=context.project_id,
            user_id=context.user_id,
            arguments=arguments,
            entities=entities or {},
            image_id=uuidutils.generate_uuid() if creates_image else None,
            creates_image=creates_image,
        )
        self._record(context, job)
        LOG.info("Accepted job %s (%s) of project %s", job.id, job.type, job.project_id)
        self._wakeups.send(job.id)
        return job.id

    def get(self, job_id: str, project_id: str) -> Job:
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
    ) -> list[Job]:
        """Jobs of the project, the newest first, after the one with id *marker*.

        :raises JobNotFound: if the project has no job *marker*
        """
        return self._jobs.find(project_id, status, limit, marker)

    def cancel(self, job_id: str, project_id: str) -> Job:
        """Ask for a job to be undone; it ends as ``FAIL``. A finished one stays as it is.

        :raises JobNotFound: if the project has no such job
        """
        job = self._jobs.request_cancel(job_id, project_id)
        if not job.is_finished:
            self._wakeups.send(job_id)
        return job

    def unfinished(self, project_id: str) -> list[Job]:
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

    def _record(self, context: Any, job: Job) -> None:
        # Not the roles alone: a token that cannot delegate gets nothing that another one delegated.
        rights = rights_digest(_rights(context), context.login)
        caller = Caller(job.user_id, job.project_id, rights)
        for _attempt in range(_ATTEMPTS):
            shared = self._shared(caller) or self._record_as_first(context, job, caller)
            if shared is None:
                return
            with contextlib.suppress(delegations.Ended):
                self._create(job, shared)
                return
        raise NotAccepted

    def _record_as_first(self, context: Any, job: Job, caller: Caller) -> str | None:
        """Record a job with a new delegation; or the delegation that another request just made."""
        with self._callers.one_at_a_time(caller):
            shared = self._shared(caller)
            if shared is None:
                self._record_with_new_grant(context, job, caller)
            return shared

    def _shared(self, caller: Caller) -> str | None:
        return self._delegations.find(caller, self._lifetime(_SHARED))

    def _record_with_new_grant(self, context: Any, job: Job, caller: Caller) -> None:
        self._jobs.check_limit(job, self._limit(job))
        access_key = _access_key(context)
        if access_key is None:
            made = self._new_trust(context, caller)
        else:
            delegation_id = self._delegations.begin(caller, self._lifetime(1.0))
            made = Made(delegation_id, ec2_grant(access_key))
        self._create(job, made.delegation_id, made)

    @tenacity.retry(
        retry=tenacity.retry_if_exception_type(MomentTaken),
        stop=tenacity.stop_after_attempt(_ATTEMPTS),
        reraise=True,
    )
    def _new_trust(self, context: Any, caller: Caller) -> Made:
        expires_at = self._lifetime(1.0)
        delegation_id = self._delegations.begin(caller, expires_at)
        roles = _rights(context)
        try:
            grant = self._identity.create_trust(
                context.auth_token, caller.user_id, caller.project_id, roles, expires_at
            )
        except (DelegationRefused, MomentTaken):
            self._delegations.delete(delegation_id)
            raise
        return Made(delegation_id, grant)

    def _create(self, job: Job, delegation_id: str, made: Made | None = None) -> None:
        delegated = dataclasses.replace(job, delegation_id=delegation_id)
        self._jobs.create(delegated, self._limit(job), made)

    def _limit(self, job: Job) -> int:
        kind = model.kind(job.type, job.creates_image)
        options = self._conf.ims_jobs
        return int(options.copying if kind is Kind.COPYING else options.creating)

    def _lifetime(self, share: float) -> str:
        """A moment when *share* of a delegation's life, from now, will be over."""
        days = self._conf.ims_jobs.delegation_days * share
        moment = timeutils.utcnow() + datetime.timedelta(days=days)
        # By this moment a trust is told from all others. Keystone does so to the second only when
        # it looks for duplicates, deleted trusts included.
        moment -= datetime.timedelta(seconds=secrets.randbelow(_SPREAD))
        moment = moment.replace(microsecond=secrets.randbelow(1_000_000))
        return f"{moment:%Y-%m-%dT%H:%M:%S.%fZ}"


def _access_key(context: Any) -> str | None:
    """The access key that the request was signed with, if it was."""
    return getattr(context, "ec2_access", None)


def _rights(context: Any) -> list[str]:
    """What the caller can delegate: the roles of their token; with a signature, their credential."""
    access_key = _access_key(context)
    if access_key is not None:
        return [ec2_grant(access_key)]
    return [role for role in context.roles if role != SERVICE_ROLE]


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
