# SPDX-License-Identifier: Apache-2.0
"""What the tasks of a job work with: the job, its caller's rights, and the lease on it."""

import contextlib
import functools
import threading
from collections.abc import Iterator, Mapping
from typing import Any

from keystoneauth1.session import Session
from oslo_config import cfg
from oslo_context.context import RequestContext
from oslo_utils import uuidutils

from ims_glance import exceptions
from ims_glance.clouds.identity import Identity, market_project
from ims_glance.clouds.image_api import ImageApi
from ims_glance.clouds.region import Region
from ims_glance.db.database import Database, DatabaseUnavailable
from ims_glance.db.job import CancelAccepted, Fenced, Jobs
from ims_glance.db.report import GuestReports
from ims_glance.jobs.lease import Lease, clock
from ims_glance.model import job as model
from ims_glance.model.job import JobStatus, StoredJob

# How long a pause may take no notice of what happens; seconds.
_NAP = 1.0


class Abandoned(BaseException):
    """This worker stops working on the job as it is; another goes on with it, or this one later.

    No ``Exception``: TaskFlow takes those for the failure of a task, which would undo the job.
    """


class Cancelled(exceptions.ImsError):
    """The owner cancelled the job."""

    code = "IMG.0018"
    template = "The job was cancelled."


class GivenUp(exceptions.ImsError):
    """Workers began the job too often."""

    template = "The job was begun {attempts} times without coming to an end."


class NoDelegation(exceptions.Forbidden):
    """The job has no delegation (any more)."""

    code = "IMG.0087"
    template = "The job's delegation by its caller does not exist any more."


class JobContext:
    """A job on its way, for its tasks.

    :ivar job: as it was when it was claimed
    :ivar conf: Glance's configuration, with our groups
    :ivar grant: what the caller gave the job to act with, see :meth:`Identity.session_of`
    :ivar source_grant: what they gave it to read with in the region that its image comes from
    :ivar last_progress: when bytes moved last, by :func:`clock`
    :ivar furthest: the most bytes that were done since somebody set it to 0
    :ivar last_look: when all neighbours answered last that something was asked of in a wait
    """

    def __init__(
        self,
        conf: cfg.ConfigOpts,
        job: StoredJob,
        jobs: Jobs,
        identity: Identity,
        lease: Lease,
        grant: str | None = None,
        source_grant: str | None = None,
    ) -> None:
        self.conf = conf
        self.job = job
        self.grant = grant
        self.source_grant = source_grant
        self.lease = lease
        self._jobs = jobs
        self._identity = identity
        self._image_id = job.image_id
        self._entities = dict(job.entities)
        self._is_reverting = False
        self._last_recorded = 0.0
        # Of several disks at once, each in a thread of its own.
        self._writing = threading.RLock()
        self._untold: dict[str, Any] = {}
        self._last_told = 0.0
        self._done = 0
        self.last_progress = 0.0
        self.furthest = 0
        self.last_look = 0.0

    @property
    def id(self) -> str:
        """The job's id."""
        return self.job.id

    @property
    def arguments(self) -> Mapping[str, Any]:
        """What the job was accepted with."""
        return self.job.arguments

    @property
    def project_id(self) -> str:
        """The caller's project."""
        return self.job.project_id

    @property
    def user_id(self) -> str:
        """The caller."""
        return self.job.user_id

    # --- neighbours ----------------------------------------------------------------------------

    @functools.cached_property
    def session(self) -> Session:
        """A session as the caller, with our service token beside each of its tokens."""
        if self.grant is None:
            raise NoDelegation
        return self._identity.session_of(self.grant, self.job.request_id)

    @functools.cached_property
    def region(self) -> Region:
        """The region as the caller sees it."""
        return Region.of(self.conf, self.session)

    @functools.cached_property
    def image(self) -> ImageApi:
        """The Image API as the caller."""
        return ImageApi(self.region)

    @functools.cached_property
    def source_region(self) -> Region:
        """The region that the image comes from, as the caller sees it in the project that has it.

        :raises NoDelegation: if the caller delegated nothing there, or not any more
        """
        if self.source_grant is None:
            raise NoDelegation
        session = self._identity.session_of(self.source_grant, self.job.request_id)
        return Region.of(self.conf, session).elsewhere(self.arguments["source_region"])

    @functools.cached_property
    def market_session(self) -> Session:
        """A session as the service itself, in the project of its copies of products.

        :raises NoMarketProject: if the operator named none
        """
        return self._identity.session_in(market_project(self.conf), self.job.request_id)

    @functools.cached_property
    def market_image(self) -> ImageApi:
        """The Image API as the service itself, in that project."""
        return ImageApi(Region.of(self.conf, self.market_session))

    @property
    def market_project_id(self) -> str:
        """The id of that project."""
        return self._identity.project_id_of(self.market_session)

    def log_here(self) -> None:
        """Have all that this thread logs carry the job, as its requests to neighbours do."""
        RequestContext(
            request_id=self.job.request_id, user_id=self.user_id, project_id=self.project_id
        )

    @property
    def database(self) -> Database:
        """For what a job records beside itself."""
        return self._jobs.database

    @property
    def failure(self) -> tuple[str, str]:
        """Code and reason of the failure, of a job that is being undone."""
        found = self._jobs.get(self.id)
        return found.error_code or Cancelled.code, found.fail_reason or str(Cancelled())

    # --- the record ----------------------------------------------------------------------------

    @property
    def image_id(self) -> str | None:
        """Id of the image that the job makes; recorded, whether the image is there or not."""
        return self._image_id

    def record_image_id(self, image_id: str) -> None:
        """Record the id of the image that the job makes, before it is made."""
        self._recorded(self._jobs.record_image_id, image_id)
        self._image_id = image_id

    def new_image_id(self) -> str:
        """Choose and record another id: one whose upload failed can never be used again."""
        image_id = uuidutils.generate_uuid()
        self.record_image_id(image_id)
        return image_id

    def record_disk_image(self, number: int, image_id: str) -> None:
        """Record the id of an image that is being made of a disk.

        Until the job ends it has the place of the job in the project's quota, and none of its own.
        """
        with self._writing:
            known = self.entities.get(model.IN_MAKING, {})
            if known.get(str(number)) != image_id:
                self.tell(**{model.IN_MAKING: {**known, str(number): image_id}})

    @property
    def waits(self) -> Mapping[str, float]:
        """What the job has long been waiting for -> since when, with whichever worker.

        Seconds since 1970.
        """
        waits: Mapping[str, float] = self.entities.get(model.WAITS, {})
        return waits

    def record_wait(self, what: str, since: float) -> None:
        """Record since when the job waits for something."""
        with self._writing:
            self.tell(**{model.WAITS: {**self.waits, what: since}})

    @property
    def entities(self) -> Mapping[str, Any]:
        """What clients are told besides the progress."""
        return {**self._entities, **self._untold}

    def tell(self, **entities: Any) -> None:
        """Change what clients are told (``image_name``, ``results``, ...)."""
        with self._writing:
            self._untold |= entities
            self.write_told()

    def tell_soon(self, **entities: Any) -> None:
        """The same for what changes again and again: it is written now and then.

        A task calls :meth:`write_told` at its end.
        """
        with self._writing:
            self._untold |= entities
            if clock() - self._last_told >= self.conf.ims_jobs.progress_seconds:
                self.write_told()

    def write_told(self) -> None:
        """Write what clients are to be told, if something is not written yet."""
        with self._writing:
            untold, self._untold = self._untold, {}
            if not untold:
                return
            model.check_storable(untold, "entities")
            changed = {**self._entities, **untold}
            self._recorded(self._jobs.progress, entities=changed)
            self._entities = changed
            self._last_told = clock()

    def progress(self, done: int, total: int) -> None:
        """Tell how many bytes are done, and :meth:`check`. It may be called as often as you like.

        :param total: in all; 0 if that is not known yet
        """
        self.check()
        with self._writing:
            now = clock()
            if done > self._done:
                self.last_progress = now
            self._done = done
            self.furthest = max(self.furthest, done)
            if done < total and now - self._last_recorded < self.conf.ims_jobs.progress_seconds:
                return
            self._last_recorded = now
            self._recorded(self._jobs.progress, done_bytes=done, total_bytes=total)

    @property
    def done_bytes(self) -> int:
        """How many bytes are done, as far as it was told."""
        return max(self._done, self.job.done_bytes)

    def begin_task(self, name: str) -> None:
        """Tell which task begins, and :meth:`check`."""
        self.check()
        self._recorded(self._jobs.progress, current_task=name)

    def fail(self, error: exceptions.ImsError) -> None:
        """Record why the job fails; the first reason stays."""
        reason = model.without_tokens(str(error))
        self._recorded(self._jobs.record_failure, error.code, reason)

    def succeed(self) -> None:
        """End the job: all is done.

        :raises Cancelled: if its owner was told before that it is undone
        """
        try:
            self._recorded(self._jobs.finish, JobStatus.SUCCESS)
        except CancelAccepted:
            raise Cancelled from None

    def leave_behind(self, task: str, reason: str) -> None:
        """Add to the reason of the failure that a task could not be undone."""
        text = f" What '{task}' did could not be undone: {model.without_tokens(reason)}"
        self._recorded(self._jobs.add_to_failure, text)

    # --- reports of guests ---------------------------------------------------------------------

    def kept_report(self, image_id: str) -> dict[str, Any] | None:
        """The report that is kept with an image, as JSON."""
        kept = self._recorded(lambda _job: self._reports.get(image_id))
        return None if kept is None else dict(kept.content)

    def keep_report(self, image_id: str, content: Mapping[str, Any]) -> None:
        """Keep a report with an image of the project; one that was there before is replaced."""
        self._recorded(self._reports.keep, image_id, content)

    def copy_report(self, image_id: str, copy_id: str) -> None:
        """Keep the report of an image with its copy, if both are the project's own and there is one."""
        self._recorded(self._reports.copy, image_id, copy_id)

    def forget_report(self, image_id: str) -> None:
        """Delete the report of an image; that there is none is fine."""
        self._recorded(lambda _job: self._reports.forget(image_id))

    @functools.cached_property
    def _reports(self) -> GuestReports:
        return GuestReports(self._jobs.database)

    # --- going on ------------------------------------------------------------------------------

    def check(self) -> None:
        """Look whether to go on. To be called at least every few seconds.

        :raises Abandoned: if this worker has to let the job go
        :raises Cancelled: if it is to be undone, unless that is being done
        :raises GivenUp: if it was begun too often
        """
        if not self.lease.holds:
            raise Abandoned("the lease ended")
        if self._is_reverting:
            return
        if self.lease.is_cancelled:
            raise Cancelled
        if self.job.attempts > self.conf.ims_jobs.attempts:
            raise GivenUp(attempts=self.job.attempts - 1)

    def pause(self, seconds: float) -> None:
        """Wait, with a :meth:`check` now and then; raises what that raises."""
        end = clock() + seconds
        while (left := end - clock()) > 0:
            self.check()
            self.lease.wait(min(left, _NAP))
        self.check()

    @property
    def is_reverting(self) -> bool:
        """Whether the job is being undone."""
        return self._is_reverting

    @contextlib.contextmanager
    def reverting(self) -> Iterator[None]:
        """While the block runs, a wish to cancel does not stop anything: it is being fulfilled."""
        before, self._is_reverting = self._is_reverting, True
        try:
            yield
        finally:
            self._is_reverting = before

    @property
    def patience(self) -> float:
        """How long a neighbour may be away now; seconds."""
        options = self.conf.ims_jobs
        chosen = options.revert_patience_seconds if self._is_reverting else options.patience_seconds
        return float(chosen)

    def _recorded(self, write: Any, *values: Any, **named: Any) -> Any:
        try:
            return write(self.job, *values, **named)
        except Fenced:
            self.lease.end()
            raise Abandoned("another worker has the job") from None
        except DatabaseUnavailable as error:
            raise Abandoned(str(error)) from error
