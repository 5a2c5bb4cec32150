# SPDX-License-Identifier: Apache-2.0
"""Products in other regions: a worker has the service's copy copied there, and looks after that.

It is the same job that copies any image to another region, asked for by the service itself in its own
project: there nobody's rights are needed but its own, so the seller may be gone. The job's name says
what it is for, so whoever goes on after a worker that died finds it. A region that is away is waited
for, and holds up no other one; a copy that fails leaves nothing, and is begun again after a while.
"""

import hashlib
import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from keystoneauth1.session import Session
from oslo_config import cfg

from ims_glance import exceptions
from ims_glance.clouds import rest
from ims_glance.clouds.identity import Identity
from ims_glance.clouds.image_api import ImageApi
from ims_glance.clouds.ims_api import ImsApi
from ims_glance.clouds.region import Region
from ims_glance.db.database import Database, DatabaseUnavailable
from ims_glance.db.job import JobNotFound, Jobs
from ims_glance.db.market.copies import ProductCopies
from ims_glance.db.market.products import Products
from ims_glance.db.market.regions import DueCopy, ProductRegions
from ims_glance.jobs.lease import clock
from ims_glance.jobs.market.door import ImageDoor
from ims_glance.model import job as jobs
from ims_glance.model.image import whole_image
from ims_glance.model.job import JobStatus, StoredJob
from ims_glance.model.market import image
from ims_glance.model.market.entitlement import ProductCopy
from ims_glance.model.standing_copy import pause_after

LOG = logging.getLogger(__name__)

AWAY = 30.0
"""For how long a region is left alone that did not answer; seconds."""
# Nobody else looks after a copy for so long; how soon it is looked again at one that is under way, and at
# one that cannot be begun; seconds.
_CLAIM, _SOON, _LATER = 120.0, 3.0, 30.0
# Of the project's jobs that ended, so many are looked through for one whose id was lost.
_RECENT = 100
# The project has as many such jobs as it may have at once.
_WAITS = ("IMG.0060",)


class CopyGone(exceptions.NotFound):
    """What a job made is not there any more."""

    code = "IMG.0027"
    template = "The copy in region {region} was deleted while it was made. It is made again."


class CopyNotTheSame(exceptions.ImsError):
    """What a job made has other data."""

    code = "IMG.0057"
    template = (
        "The copy in region {region} differs from the one here. It was deleted, and is made again."
    )


class RegionCopies:
    """What one worker does for copies in other regions.

    :param stopping: set when the worker stops
    """

    def __init__(
        self,
        conf: cfg.ConfigOpts,
        database: Database,
        identity: Identity,
        stopping: threading.Event,
    ) -> None:
        self._conf = conf
        self._identity = identity
        self._stopping = stopping
        self._regions = ProductRegions(database)
        self._copies = ProductCopies(database)
        self._products = Products(database)
        self._jobs = Jobs(database)
        self._away: dict[str, float] = {}

    def look(self, session: Session) -> None:
        """Look after those whose turn it is, but those in regions that did not answer a moment ago.

        :param session: of the service in the project of its copies
        :raises DatabaseUnavailable: if the database is away
        """
        here = Region.of(self._conf, session)
        now = clock()
        self._away = {name: until for name, until in self._away.items() if now < until}
        for due in self._regions.due(here.title, but_not=self._away.keys()):
            if self._stopping.is_set():
                return
            if due.copy.region in self._away or not self._regions.claim(due.copy, _CLAIM):
                continue
            copying = _Copying(self, due, here)
            try:
                copying.go_on()
            except DatabaseUnavailable:
                raise
            except exceptions.ImsError as error:
                reason = jobs.without_tokens(str(error))
                LOG.warning("Copy in %s waits: %s", due.copy.region, reason)
                self._regions.told(due.copy, error.code, reason, _LATER)
                if copying.is_away:
                    self._away[due.copy.region] = clock() + AWAY

    def stop(self, copy: ProductCopy, session: Session, images: ImageApi) -> tuple[bool, list[str]]:
        """Have one that nobody wants not be made any more.

        :param images: of its region
        :returns: whether nothing makes it now; and the ids of what was made
        """
        project_id = self._identity.project_id_of(session)
        job = self.job_of(copy, project_id)
        if job is None and self._regions.is_claimed(copy, _CLAIM):
            # Another worker may be asking for it just now.
            return False, []
        if job is not None and not job.is_finished:
            self._jobs.request_cancel(job.id, project_id)
            return False, []
        known = copy.image_id or (job.entities.get("image_id") if job else None)
        # Also by a job that nobody knows any more.
        named = [str(each["id"]) for each in images.named(name(copy), project_id)]
        return True, list(dict.fromkeys([*([known] if known else []), *named]))

    def job_of(self, copy: ProductCopy, project_id: str) -> StoredJob | None:
        """The job that makes one, or made it; ``None`` if there is none, or none is known any more."""
        if copy.job_id is not None:
            try:
                return self._jobs.get(copy.job_id, project_id)
            except JobNotFound:
                return None
        # Its id was not recorded by whoever asked for it.
        ended = self._jobs.find(project_id, JobStatus.SUCCESS, _RECENT)
        found = [*self._jobs.unfinished(project_id), *ended]
        return next((job for job in found if job.entities.get("image_name") == name(copy)), None)


class _Copying:
    """One copy.

    :ivar is_away: whether its region was asked, and gave no answer
    """

    def __init__(self, work: RegionCopies, due: DueCopy, here: Region) -> None:
        self._work = work
        self._due = due
        self._copy = due.copy
        self._here = here
        self._there = here.elsewhere(due.copy.region)
        self._regions = work._regions
        self._project_id = work._identity.project_id_of(here.session)
        self.is_away = False

    def go_on(self) -> None:
        """Do what is to be done next."""
        job = self._work.job_of(self._copy, self._project_id)
        if job is None:
            self._begin()
            return
        if job.id != self._copy.job_id:
            self._regions.started(self._copy, job.id)
        if not job.is_finished:
            reason = job.entities.get("waiting_for")
            self._regions.told(self._copy, None, reason, _SOON)
        elif job.status is JobStatus.SUCCESS:
            self._finish(str(job.entities.get("image_id")))
        else:
            self._fail(str(job.error_code), str(job.fail_reason))

    def _begin(self) -> None:
        """Have it made, unless it was made by a job that nobody knows any more."""
        with self._asking_there():
            made = ImageApi(self._there).named(name(self._copy), self._project_id)
        active = [each for each in made if each["status"] == "active"]
        if active:
            self._finish(str(active[0]["id"]))
            return
        wishes = {
            "name": name(self._copy),
            "region": self._copy.region,
            "project_name": self._project_id,
        }
        try:
            answer = ImsApi(self._here).copy_cross_region(self._due.source_image_id, wishes)
        except rest.Refused as refused:
            if refused.code in _WAITS:
                raise
            self._fail(refused.code, jobs.without_tokens(str(refused)))
            return
        if self._regions.started(self._copy, answer["job_id"]):
            self._regions.told(self._copy, None, None, _SOON)
            return
        LOG.info("Copy in %s is not wanted any more, or is made by another job", self._copy.region)
        self._work._jobs.request_cancel(answer["job_id"], self._project_id)

    def _finish(self, image_id: str) -> None:
        """Mark what was made as the product's, if it is the same as the copy here."""
        if not self._regions.found(self._copy, image_id):
            return
        images = ImageApi(self._there)
        with self._asking_there():
            view = images.find(image_id)
        if view is None:
            gone = CopyGone(region=self._copy.region)
            self._fail(gone.code, str(gone))
            return
        with self._asking_there():
            disks = [images.get(each.image_id) for each in whole_image.components(view)]
        digest = image.digest(view, disks)
        if self._due.digest and digest != self._due.digest:
            with self._asking_there():
                ImageDoor(images).delete(image_id)
            differs = CopyNotTheSame(region=self._copy.region)
            self._fail(differs.code, str(differs))
            return
        self._mark(images, image_id, disks)
        self._regions.ready(self._copy, image_id, digest)

    def _mark(self, images: ImageApi, image_id: str, disks: list[dict[str, Any]]) -> None:
        source = ImageApi(self._here).get(self._due.source_image_id)
        named: Mapping[str, Any] = {"name": source.get("name") or "", "visibility": "shared"}
        with self._asking_there():
            for disk in disks:
                images.update(str(disk["id"]), image.marks(source))
            images.update(image_id, {**image.marks(source), **named})

    @contextmanager
    def _asking_there(self) -> Iterator[None]:
        """Tell the other region's silence from that of this one, which says nothing about the other one."""
        try:
            yield
        except rest.ServiceUnavailable:
            self.is_away = True
            raise

    def _fail(self, code: str, reason: str) -> None:
        LOG.warning("Copy of %s in %s: %s", self._due.source_image_id, self._copy.region, reason)
        self._regions.failed(self._copy, code, reason, pause_after(self._copy.attempts + 1))


def name(copy: ProductCopy) -> str:
    """What the image is called while it is made; no other copy is, nor another attempt."""
    region = hashlib.sha256(copy.region.encode()).hexdigest()[:8]
    return f"ims-market-{copy.version_id}-{region}-{copy.attempts}"
