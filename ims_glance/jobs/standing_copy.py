# SPDX-License-Identifier: Apache-2.0
"""What a worker does for standing copies: it looks for images, and has them copied one by one.

A copy is begun by asking the region's own IMS API, as the owner, for the job that
``copy_image_cross_region`` makes. All is written down before it is asked for, under an id that says what
it is for; so whoever goes on after a worker that died asks for the same again, and one job is made.
"""

import dataclasses
import logging
import threading
from collections.abc import Mapping

from keystoneauth1.session import Session
from oslo_config import cfg

from ims_glance import exceptions
from ims_glance.clouds import rest
from ims_glance.clouds.identity import Identity
from ims_glance.clouds.image_api import ImageApi
from ims_glance.clouds.ims_api import ImsApi, NoImsThere
from ims_glance.clouds.region import Region
from ims_glance.conf import ims_service
from ims_glance.db.database import Database, DatabaseUnavailable
from ims_glance.db.delegation import Delegations
from ims_glance.db.standing.claims import StandingClaims, StandingCopyLost
from ims_glance.db.standing.copies import StandingCopies
from ims_glance.jobs.lease import clock
from ims_glance.jobs.receptions import ReceptionSweep, unexpired_grant
from ims_glance.model import job as jobs
from ims_glance.model import standing_copy as model
from ims_glance.model.image import attributes
from ims_glance.model.job import JobStatus, StoredJob
from ims_glance.model.standing_copy import CopyState, StandingCopy, StandingImage, StandingStatus

LOG = logging.getLogger(__name__)

_AT_ONCE = 20
_MOST_SESSIONS = 500
# How soon it is looked again at one that has a copy under way; seconds.
_SOON = 5.0
_UNUSABLE = "IMG.0087"
# What the other region says when it has no such replication any more, or no rights for it.
_NOT_RECEIVED = "IMG.0179"
# Refusals of what is to be waited for, and is no failure of the image: too many jobs at once.
_WAITS = ("IMG.0060",)


class TrustEnded(exceptions.Forbidden):
    """What the owner delegated is there no more."""

    code = _UNUSABLE
    template = (
        "What was delegated to the service for it ended, or was taken back. Create it anew if it is "
        "still wanted."
    )


class StandingWork:
    """What one worker does for it.

    :param worker: its name
    :param stopping: set when the worker stops
    """

    def __init__(
        self,
        conf: cfg.ConfigOpts,
        database: Database,
        identity: Identity,
        worker: str,
        stopping: threading.Event,
    ) -> None:
        self._conf = conf
        self._options = conf.ims_jobs
        self._copies = StandingCopies(database)
        self._claims = StandingClaims(database)
        self._receptions = ReceptionSweep(conf, database, identity, stopping)
        self._delegations = Delegations(database)
        self._identity = identity
        self._worker = worker
        self._stopping = stopping
        # Until when a region is left alone that did not answer: who waits for it helps no other project.
        self._away: dict[str, float] = {}
        # By what was delegated: each has a token that is good for more than one look.
        self._sessions: dict[str, Session] = {}

    def look(self) -> None:
        """Look at those whose turn it is.

        :raises DatabaseUnavailable: if the database is away
        """
        for standing_id in self._claims.due(_AT_ONCE):
            if self._stopping.is_set():
                return
            standing = self._claims.claim(standing_id, self._worker, self._options.lease_seconds)
            if standing is not None:
                self._serve(standing)

    def sweep(self) -> None:
        """Forget the other ends of those that are over; see :class:`ReceptionSweep`."""
        self._receptions.sweep()

    def _serve(self, standing: StandingCopy) -> None:
        seconds = float(self._options.replication_seconds)
        try:
            if standing.status is StandingStatus.DELETING:
                self._remove(standing)
            elif self._go_on(standing):
                seconds = min(seconds, _SOON)
        except StandingCopyLost:
            return
        except DatabaseUnavailable:
            raise
        except exceptions.ImsError as error:
            LOG.warning("Replication %s is left for later: %s", standing.id, error)
        self._claims.release(standing, seconds)

    # --- one of them ---------------------------------------------------------------------------

    def _go_on(self, standing: StandingCopy) -> bool:
        """Do what there is to do; whether something is under way then."""
        try:
            there = _OnBehalf(self._session(standing.delegation_id), self._conf, standing)
            self._settle(standing, there)
            if standing.status is StandingStatus.ACTIVE:
                here = _OnBehalf(self._session(standing.source_delegation_id), self._conf, standing)
                self._find(standing, here)
                if clock() >= self._away.get(standing.region, 0.0):
                    self._prune(standing, there)
                    self._start(standing, here, there)
            self._tell(standing, None)
        except (rest.DelegationEnded, TrustEnded) as error:
            self._sessions.clear()
            if isinstance(error, TrustEnded) or self._has_ended(standing):
                self._end(standing)
                return False
            # Perhaps for a while: their role was taken, and is given back.
            self._tell(standing, error)
        except DatabaseUnavailable:
            raise
        except (exceptions.Unavailable, rest.Refused, NoImsThere) as error:
            self._leave_alone(standing.region, error)
            self._tell(standing, error)
        return any(each.state in model.UNDER_WAY for each in self._images(standing))

    def _leave_alone(self, region: str, error: exceptions.ImsError) -> None:
        if isinstance(error, exceptions.Unavailable):
            self._away[region] = clock() + float(self._options.replication_seconds)

    def _tell(self, standing: StandingCopy, error: exceptions.ImsError | None) -> None:
        code, reason = (error.code, jobs.without_tokens(str(error))) if error else (None, None)
        if (code, reason) != (standing.code, standing.reason):
            self._claims.tell(standing, code, reason)

    def _settle(self, standing: StandingCopy, there: "_OnBehalf") -> None:
        """Write down what became of the images that are under way."""
        images = [each for each in self._images(standing) if each.state in model.UNDER_WAY]
        known = self._copies.jobs_of(images)
        for image in images:
            job = known.get(image.job_id or "")
            if job is not None:
                settled = self._settled(image, job)
            elif image.state is CopyState.RUNNING:
                # Its record was deleted, or lost with the database.
                settled = self._left(standing, there, image, None)
            else:
                continue
            if settled != image:
                self._claims.record(standing, settled)

    def _settled(self, image: StandingImage, job: StoredJob) -> StandingImage:
        if not job.is_finished:
            reason = job.entities.get("waiting_for")
            return dataclasses.replace(image, state=CopyState.RUNNING, code=None, reason=reason)
        if job.status is JobStatus.SUCCESS:
            return _done(image, job.entities.get("image_id"))
        return self._failed(image, str(job.error_code), job.fail_reason or "")

    def _find(self, standing: StandingCopy, here: "_OnBehalf") -> None:
        """Record the images that it is about, and forget those that it is about no more."""
        name = self._conf[ims_service.GROUP].region_name
        found = [
            model.image_of(view)
            for view in here.images.active(standing.project_id, standing.tag)
            if model.matches(standing, view) and not model.is_from_elsewhere(view, name)
        ]
        known = {each.image_id: each for each in self._images(standing)}
        new = [each for each in found if each.image_id not in known]
        if new:
            self._claims.add(standing, new)
        still = {each.image_id for each in found}
        gone = [
            each.image_id
            for each in known.values()
            if each.state in model.TO_DO and each.image_id not in still
        ]
        over = model.perhaps_gone(known.values(), still, standing.generation)
        gone += [each.image_id for each in over if here.images.find(each.image_id) is None]
        if gone:
            self._claims.forget(standing, gone)
        late = model.passed_over(self._images(standing), standing.keep)
        self._claims.record(standing, *(_in_state(each, CopyState.PASSED_OVER) for each in late))

    def _prune(self, standing: StandingCopy, there: "_OnBehalf") -> None:
        """Delete the copies that are kept no longer."""
        images = self._images(standing)
        if not model.too_many(images, standing.keep):
            return
        # What their owner deleted there is no reason to delete another one.
        kept = [image for image in images if image.state is CopyState.DONE]
        gone = [image for image in kept if there.copy_of(image) is None]
        if gone:
            self._claims.record(standing, *(_in_state(each, CopyState.REMOVED) for each in gone))
        for image in model.too_many(self._images(standing), standing.keep):
            if there.delete_copy(image):
                self._claims.record(standing, _in_state(image, CopyState.REMOVED))

    def _start(self, standing: StandingCopy, here: "_OnBehalf", there: "_OnBehalf") -> None:
        """Have the next image copied, if it is time for that."""
        images = self._images(standing)
        image = model.next_of(images, self._claims.now())
        if image is None:
            return
        if image.state is not CopyState.STARTING:
            attempt = image.attempts + 1
            job_id = model.job_id(standing.id, image.image_id, attempt)
            image = dataclasses.replace(
                image, state=CopyState.STARTING, attempts=attempt, job_id=job_id, try_at=None
            )
            self._claims.begin(standing, image)
        try:
            here.api.copy_replicated(
                standing.project_id,
                standing.id,
                {
                    "image_id": image.image_id,
                    "attempt": image.attempts,
                    "base_image_ids": model.bases_of(images, image),
                },
            )
        except exceptions.Unavailable as error:
            # Perhaps it was begun all the same: the same is asked for again.
            self._leave_alone(standing.region, error)
            self._claims.record(standing, self._waiting(image, error))
        except rest.Refused as error:
            self._claims.record(standing, self._left(standing, there, image, error))
            if error.code == _NOT_RECEIVED or (
                error.code == _UNUSABLE and self._has_ended(standing)
            ):
                raise TrustEnded from error
        else:
            running = dataclasses.replace(image, state=CopyState.RUNNING, code=None, reason=None)
            self._claims.record(standing, running)

    def _left(
        self,
        standing: StandingCopy,
        there: "_OnBehalf",
        image: StandingImage,
        error: rest.Refused | None,
    ) -> StandingImage:
        """An image whose copy was not begun here, or is not known here any more.

        It may be under way there nevertheless, if an answer was lost; then it is undone, unless it is
        done.
        """
        try:
            seen: Mapping[str, object] = there.cancelled(str(image.job_id))
        except rest.Missing:
            seen = {}
        copy_id = (seen.get("entities") or {}).get("image_id")  # type: ignore[attr-defined]
        if seen.get("status") == JobStatus.SUCCESS and copy_id:
            return _done(image, str(copy_id))
        if error is None:
            return self._failed(image, "IMG.0023", "The record of its job is gone.")
        if error.code in _WAITS:
            return dataclasses.replace(self._waiting(image, error), state=CopyState.WAITING)
        return self._failed(image, error.code, str(error))

    def _waiting(self, image: StandingImage, error: exceptions.ImsError) -> StandingImage:
        return dataclasses.replace(
            image,
            code=error.code,
            reason=jobs.without_tokens(str(error)),
            try_at=self._claims.now() + min(60.0, float(self._options.replication_seconds)),
        )

    def _failed(self, image: StandingImage, code: str, reason: str) -> StandingImage:
        return dataclasses.replace(
            image,
            state=CopyState.FAILED,
            code=code,
            reason=jobs.without_tokens(reason),
            try_at=self._claims.now() + model.pause_after(image.attempts),
        )

    def _images(self, standing: StandingCopy) -> list[StandingImage]:
        return self._copies.images(standing.id)

    # --- the end -------------------------------------------------------------------------------

    def _session(self, delegation_id: str | None) -> Session:
        grant = self._grant(delegation_id)
        if grant is None:
            raise TrustEnded
        if grant not in self._sessions:
            if len(self._sessions) >= _MOST_SESSIONS:
                self._sessions.clear()
            self._sessions[grant] = self._identity.session_of(grant)
        return self._sessions[grant]

    def _grant(self, delegation_id: str | None) -> str | None:
        return unexpired_grant(self._delegations, delegation_id)

    def _has_ended(self, standing: StandingCopy) -> bool:
        """Whether Keystone has its trusts no more.

        :raises Unavailable: if Keystone is away, or does not let the service itself in
        """
        grants = {self._grant(each) for each in standing.delegation_ids}
        return None in grants or not grants <= self._identity.trusts()

    def _end(self, standing: StandingCopy) -> None:
        """It has no rights any more: nothing is begun, and its owner is told so."""
        LOG.warning("Replication %s of project %s has ended", standing.id, standing.project_id)
        self._stop_there(standing)
        self._claims.end(standing, TrustEnded.code, str(TrustEnded()))

    def _remove(self, standing: StandingCopy) -> None:
        # While that region is away it stays: it would keep what was delegated there.
        self._stop_there(standing)
        self._claims.remove(standing)
        LOG.info("Replication %s of project %s is deleted", standing.id, standing.project_id)

    def _stop_there(self, standing: StandingCopy) -> None:
        """Have the other region give back what was delegated there; not if it does not let us in."""
        try:
            there = _OnBehalf(self._session(standing.delegation_id), self._conf, standing)
            there.end_reception()
        except (rest.DelegationEnded, rest.Refused, TrustEnded, exceptions.Conflict) as error:
            LOG.info("Replication %s is unknown in %s: %s", standing.id, standing.region, error)


class _OnBehalf:
    """What a worker may do for one, with one of the sessions that its owner delegated."""

    def __init__(self, session: Session, conf: cfg.ConfigOpts, standing: StandingCopy) -> None:
        self._standing = standing
        self._here = Region.of(conf, session)
        self._there = self._here.elsewhere(standing.region)

    @property
    def region_name(self) -> str:
        """Of this region."""
        return str(self._here.name)

    @property
    def images(self) -> ImageApi:
        """This region's Image API."""
        return ImageApi(self._here)

    @property
    def api(self) -> ImsApi:
        """This region's IMS API."""
        return ImsApi(self._here)

    def cancelled(self, job_id: str) -> Mapping[str, object]:
        """The job there that was asked for by one of here, asked to be undone; as it is then."""
        project_id = self._standing.target_project_id
        there = jobs.id_of_copy(project_id, self.region_name, job_id)
        return ImsApi(self._there).cancel_job(project_id, there)

    def end_reception(self) -> None:
        """Have the other region receive nothing more."""
        ImsApi(self._there).end_reception(self._standing.target_project_id, self._standing.id)

    def copy_of(self, image: StandingImage) -> Mapping[str, object] | None:
        """The copy of an image there, if it is still there."""
        view = ImageApi(self._there).find(str(image.copy_id)) if image.copy_id else None
        origin = f"image,{self.region_name},{image.image_id}"
        return view if view and view.get(attributes.DATA_ORIGIN) == origin else None

    def delete_copy(self, image: StandingImage) -> bool:
        """Delete the copy of an image; whether it is gone. One that is protected, or in use, stays."""
        view = self.copy_of(image)
        if view is None:
            return True
        if view.get("protected") or view.get("owner") != self._standing.target_project_id:
            return False
        try:
            ImageApi(self._there).delete(str(image.copy_id))
        except rest.Refused as error:
            LOG.info("Copy %s in %s stays: %s", image.copy_id, self._standing.region, error)
            return False
        return True


def _done(image: StandingImage, copy_id: object) -> StandingImage:
    done = _in_state(image, CopyState.DONE)
    return dataclasses.replace(done, copy_id=None if copy_id is None else str(copy_id))


def _in_state(image: StandingImage, state: CopyState) -> StandingImage:
    return dataclasses.replace(image, state=state, code=None, reason=None, try_at=None)
