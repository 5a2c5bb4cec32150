# SPDX-License-Identifier: Apache-2.0
"""``ims-manage orphans``: what a crash left behind, and nobody else finds.

Objects in an encrypting store that no image has; what jobs received from other regions, and did not
delete there; and hidden images of disks: of a whole-machine image
whose deletion was interrupted between itself and them, or of a job that could not be undone. What an
unfinished job may work with is left alone, and so is what has changed lately.

What a look found, and did not delete, is recorded for the IMS API and the console: to look again would take them long.
"""

import contextlib
import datetime
import functools
import sys
from collections.abc import Callable, Iterator, Sequence

import glance_store
from glance_store import exceptions as store_exceptions
from oslo_config import cfg

from ims_glance import exceptions
from ims_glance.clouds.image import HiddenImage, ImageInUse, ImageRecords
from ims_glance.cmd.job import open_database
from ims_glance.conf import ims_service
from ims_glance.db.job import JobNotFound, Jobs
from ims_glance.db.orphan import MOST, Orphan, OrphanLook, OrphanLooks
from ims_glance.model import job as model
from ims_glance.model.job import JobStatus, StoredJob
from ims_glance.store import driver, sealed
from ims_glance.store.inner.base import InnerStore
from ims_glance.store.objects import EncryptedObjects, OrphanChanged

# Jobs that make no image.
_HARMLESS = frozenset({model.ADD_MEMBERS, model.UPDATE_MEMBERS, model.DELETE_MEMBERS})
# Failed jobs of a project, whose records are kept for [ims_jobs] keep_days.
_MANY = 100_000
_NO_JOBS = (
    "[ims_database] is not set on this host, so nobody knows which jobs go on; run this where ims-worker "
    "runs"
)
# What becomes of what is not left alone.
_DELETED = "deleted"
# Where hidden images are, in place of the store.
_IMAGE = "image"
# So much may the clocks of Glance and of the workers differ.
_SKEW = datetime.timedelta(minutes=10)


class Findings:
    """What a look is to find, what becomes of that, and what is there at its end.

    :param min_age: hours; what is younger is passed over
    :param deletes: whether it deletes what it finds
    :ivar oldest_kept: what was written or changed after that is passed over
    :ivar count: how many were found
    """

    def __init__(self, min_age: float, deletes: bool) -> None:
        self._began = datetime.datetime.now(datetime.UTC)
        self._min_age = min_age
        self._deletes = deletes
        self._left: list[Orphan] = []
        self._left_count = 0
        self.oldest_kept = self._began - datetime.timedelta(hours=min_age)
        self.count = 0

    def settle(
        self,
        place: str,
        names: Sequence[str],
        written: datetime.datetime,
        why: str,
        delete: Callable[[], str],
        project_id: str | None = None,
    ) -> str:
        """Delete one, if that is asked for.

        :param place: the store, or ``image``
        :param written: with its time zone
        :param why: it belongs to nothing
        :param delete: deletes it, and says what became of it
        :param project_id: whose it is, if anybody's
        :returns: what became of it, or *why*
        """
        self.count += 1
        action = delete() if self._deletes else why
        if action != _DELETED:
            self._left_count += 1
            if len(self._left) < MOST:
                owner = "" if project_id is None else f" (project {project_id})"
                reason = why + owner + (f"; {action}" if self._deletes else "")
                self._left.append(Orphan(place, tuple(names), written.timestamp(), reason))
        return action

    def look(self) -> OrphanLook:
        """What is to be recorded of it."""
        began = self._began.timestamp()
        return OrphanLook(began, self._min_age, self._left_count, tuple(self._left))


def record(conf: cfg.ConfigOpts, findings: Findings) -> None:
    """Keep what was found in place of what the look of the region before it did, where there is a database.

    That it cannot be kept is told, and no more: what was asked for was done.
    """
    database = open_database(conf)
    if not database.is_configured:
        return
    region = ims_service.region_name(conf)
    try:
        OrphanLooks(database).record(region, findings.look())
    except exceptions.ImsError as error:
        told = "the IMS API and the console go on to show the look before"
        print(f"ims-manage: this could not be recorded; {told}: {error}", file=sys.stderr)


def objects(store_id: str, store: EncryptedObjects, findings: Findings) -> None:
    """Print, or delete, the objects of a store that no image has."""
    # The store is listed before the database: an object that an image got meanwhile is found there.
    candidates = list(store.candidates())
    # By the object alone: the store may have had another name, or share its place with another.
    owned = {url.rpartition("/")[2] for _store, url in ImageRecords().all_locations(driver.SCHEME)}
    for candidate in candidates:
        if candidate.object_id in owned or candidate.modified > findings.oldest_kept:
            continue
        delete = functools.partial(_delete_stored, functools.partial(store.remove, candidate))
        names, modified = candidate.names, candidate.modified
        action = findings.settle(store_id, names, modified, "belongs to no image", delete)
        written = modified.isoformat(timespec="seconds")
        print(f"{store_id}: {', '.join(names)}: {action} (written {written})")


def spools(conf: cfg.ConfigOpts, store_id: str, inner: InnerStore, findings: Findings) -> None:
    """Print, or delete, what jobs that have ended received into a store.

    :raises DatabaseUnavailable: if nobody knows which jobs go on
    """
    database = open_database(conf)
    jobs = Jobs(database) if database.is_configured else None
    # The store is listed before the database: whatever job wrote something is on record by then.
    by_job: dict[str, list[sealed.Left]] = {}
    for each in sealed.left(inner):
        by_job.setdefault(each.job_id, []).append(each)
    for job_id, left in sorted(by_job.items()):
        why = _why_left(jobs, job_id)
        # Of a job that this database does not know some host may write as we look.
        if why is None or max(each.modified for each in left) > findings.oldest_kept:
            continue
        for each in sorted(left, key=lambda each: each.name):
            delete = functools.partial(_delete_spooled, jobs, inner, each)
            words = f"left behind: {why}"
            action = findings.settle(store_id, (each.name,), each.modified, words, delete)
            written = each.modified.isoformat(timespec="seconds")
            print(f"{store_id}: {each.name}: {action} (written {written})")


def _why_left(jobs: Jobs | None, job_id: str) -> str | None:
    """Why nobody needs what a job received; ``None`` if the job still does."""
    if jobs is None:
        return f"of job {job_id}, if that has ended"
    try:
        return f"job {job_id} has ended" if jobs.get(job_id).is_finished else None
    except JobNotFound:
        return f"there is no job {job_id}"


def _delete_spooled(jobs: Jobs | None, inner: InnerStore, left: sealed.Left) -> str:
    """Delete an object of a job that has ended; what became of it."""
    if jobs is None:
        return f"left alone: {_NO_JOBS}"
    return _delete_stored(functools.partial(inner.delete, left.name))


def _delete_stored(delete: Callable[[], None]) -> str:
    """Delete what lies in a store; what became of it.

    Ceph keeps what a process writes that died less than half a minute ago, or had lost its network.
    """
    try:
        with contextlib.suppress(store_exceptions.NotFound):
            delete()
    except store_exceptions.InUseByStore:
        return "left alone: its store says that somebody still works with it"
    except OrphanChanged:
        return "left alone: somebody has written to it since the store was listed"
    return _DELETED


def disks(conf: cfg.ConfigOpts, findings: Findings) -> None:
    """Print, or delete, the hidden images of disks that belong to nothing.

    :raises DatabaseUnavailable: if nobody knows which jobs go on
    """
    images, database = ImageRecords(), open_database(conf)
    jobs = Jobs(database) if database.is_configured else None
    search = DiskSearch(images, jobs, findings.oldest_kept)
    for image, reason in list(search.run()):
        changed = image.updated_at.replace(tzinfo=datetime.UTC)
        action = findings.settle(
            _IMAGE,
            (image.id,),
            changed,
            f"belongs to nothing: {reason}",
            functools.partial(_delete, conf, images, search, image),
            image.owner,
        )
        when = changed.isoformat(timespec="seconds")
        print(f"image {image.id}: {action} (project {image.owner}, changed {when})")


def _delete(
    conf: cfg.ConfigOpts, images: ImageRecords, search: "DiskSearch", image: HiddenImage
) -> str:
    """Delete an image if it is still to be deleted; what became of it."""
    if (kept := search.kept(image)) is not None:
        return f"left alone: {kept}"
    now = next(images.hidden(image.id), None)
    # Somebody may have taken it into use, or tied it to an image, since it was listed.
    if now != image or search.reason(now) is None:
        return "left alone: it has changed since it was listed"
    _open_stores(conf)
    try:
        images.delete(image.id)
    except ImageInUse as error:
        return f"left alone: {error}"
    return _DELETED


class DiskSearch:
    """Finds images of disks that belong to nothing.

    :param jobs: ``None`` if this host does not know where jobs are recorded
    :param oldest_kept: what has changed after that is left out
    """

    def __init__(
        self, images: ImageRecords, jobs: Jobs | None, oldest_kept: datetime.datetime
    ) -> None:
        self._images = images
        self._jobs = jobs
        # Glance's times have no zone.
        self._oldest_kept = oldest_kept.replace(tzinfo=None)

    def run(self) -> Iterator[tuple[HiddenImage, str]]:
        """Each such image, and why it belongs to nothing."""
        # All images before any job: whatever made one of them is on record by then.
        for image in list(self._images.hidden()):
            reason = self.reason(image)
            if reason is not None:
                yield image, reason

    def reason(self, image: HiddenImage) -> str | None:
        """Why an image belongs to nothing; ``None`` if it may belong to something."""
        if image.updated_at > self._oldest_kept:
            return None
        if image.component_of is not None and self._images.exists(image.component_of):
            return None
        if self._worked_with(image) is not None:
            return None
        if image.component_of is not None:
            # The service alone writes that.
            return f"a disk of whole-machine image {image.component_of}, which is gone"
        job = next((job for job in self._failed(image.owner) if _made(job, image)), None)
        return (
            None if job is None else f"made for job {job.id}, which failed and could not delete it"
        )

    def kept(self, image: HiddenImage) -> str | None:
        """Why an image is not deleted, although it belongs to nothing."""
        if self._jobs is None:
            return _NO_JOBS
        job = self._worked_with(image)
        return None if job is None else f"job {job.id} of its project goes on"

    def _worked_with(self, image: HiddenImage) -> StoredJob | None:
        """An unfinished job that might know the image: any of its project that makes images."""
        if self._jobs is None:
            return None
        going_on = self._jobs.unfinished(image.owner)
        return next((job for job in going_on if job.type not in _HARMLESS), None)

    def _failed(self, project_id: str) -> list[StoredJob]:
        return [] if self._jobs is None else self._jobs.find(project_id, JobStatus.FAIL, _MANY)


def _made(job: StoredJob, image: HiddenImage) -> bool:
    """Whether a job that has ended made an image: it recorded that, or gave it its own name.

    Anybody who knows the job may call an image like that, so it has to be older than the job's end. And
    whoever has changed the image since then keeps it: an owner hides images as well.
    """
    if job.end_time is None or image.updated_at > job.end_time + _SKEW:
        return False
    if image.id in job.in_making:
        return True
    named = model.of_disk_name(image.name)
    is_named = named is not None and named[0] == job.id
    return is_named and image.created_at <= job.end_time


def _open_stores(conf: cfg.ConfigOpts) -> None:
    """Have ``glance_store`` know all stores, as Glance does when it starts."""
    from glance.common import wsgi_app  # noqa: PLC0415

    glance_store.create_multi_stores(conf, reserved_stores=wsgi_app.RESERVED_STORES)
    glance_store.verify_store()
