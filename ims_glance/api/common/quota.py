# SPDX-License-Identifier: Apache-2.0
"""How many private images a project has, and how many it may have.

Both doors ask here, under one lock a project, so that two requests never take the last place both.

Every image of a project counts, hidden ones, too, and whatever it is called, with four exceptions:

* public images. Only who may publish makes them, and withdrawing one must not fail for want of a place;
* disks of a whole-machine image that is there, or being made: only the service says that they are
  (``__component_of``), and they go with it. A disk that was left behind counts;
* the service's own copies of what is sold, which are in the project that ``[ims_market]`` names;
* what is being made for a job. The job has its places since it was accepted, and its record says
  which images these are.

Glance has limits of its own, which hold whatever this says, as every image and every byte goes
through it, at both doors and in every job: ``user_storage_quota``, or with ``use_keystone_limits`` the
limits that an operator has set in Keystone for all projects or for one (``image_count_total``,
``image_size_total``, ...; ``glance/quota/keystone.py``). Those count all images, disks and public ones
too. They do not replace ``[ims_api] private_images`` but stand beside it: the smaller one holds, so an
operator who wants Keystone's alone sets the other one high. The Image API leaves them to Glance,
with Glance's own refusal (413). The IMS API asks before it accepts a job, which would fail otherwise
when much is done, and shows what there is room for.
"""

import contextlib
import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from oslo_config import cfg
from oslo_utils import units

from ims_glance import exceptions
from ims_glance.api.common.image import Images
from ims_glance.clouds import coordination
from ims_glance.clouds.image import ImageRecords
from ims_glance.model.image import kinds, whole_image
from ims_glance.model.job import StoredJob, of_disk_name

_PAGE = 500
_GLANCE_COUNT = "image_count_total"
_GLANCE_SIZE = "image_size_total"  # MiB
_STORAGE_QUOTA = "user_storage_quota"


class Unfinished(Protocol):
    """The unfinished jobs of a project."""

    def __call__(self, project_id: str) -> Sequence[StoredJob]: ...


class IsMadeFor(Protocol):
    """Whether an image is made for an unfinished job, by whom the job has sent."""

    def __call__(
        self, project_id: str, job_id: str, number: int | None, grant: str | None
    ) -> bool: ...


def _never(project_id: str, job_id: str, number: int | None, grant: str | None) -> bool:
    """Without jobs."""
    return False


class NoPlaceForImage(exceptions.Conflict):
    """The project has as many private images as it may have."""

    code = "IMG.0015"
    template = (
        "Project {project_id} has {used} of {limit} private images. Delete one, or ask the "
        "operator for more."
    )


class NoRoomInGlance(exceptions.Conflict):
    """The project has as many images as Keystone's limit lets Glance take."""

    code = "IMG.0015"
    template = (
        "Project {project_id} has {used} of {limit} images ({name}, where hidden ones and disks of "
        "whole machines count, too), and needs {count} more. Delete some, or ask the operator for "
        "more."
    )


class NoBytesLeft(exceptions.Conflict):
    """The images of the project would be larger than Glance lets them be."""

    code = "IMG.0015"
    template = (
        "Project {project_id} has room for {left} more bytes of images ({name}), and the image has "
        "{size}. Delete some, or ask the operator for more."
    )


@dataclasses.dataclass(frozen=True)
class JobDisk:
    """What an image is made of for a job.

    :ivar number: of the disk, of several; ``None`` for a volume that is the only one
    """

    job_id: str
    number: int | None


@dataclasses.dataclass(frozen=True)
class Room:
    """What a project has and may have.

    :ivar limit: ``-1``: as many as it likes
    """

    used: int
    limit: int

    def has(self, count: int) -> bool:
        """Whether so many more may come."""
        return self.limit < 0 or self.used + count <= self.limit


class ImageQuota:
    """The private images of projects.

    :param images: the Image API without the guard
    :param unfinished: jobs: the places of what they make are taken, whether it is there already or
        not
    """

    def __init__(
        self,
        conf: cfg.ConfigOpts,
        images: Images,
        unfinished: Unfinished,
        is_made_for: IsMadeFor = _never,
        records: ImageRecords | None = None,
    ) -> None:
        self._conf = conf
        self._images = images
        self._unfinished = unfinished
        self._is_made_for = is_made_for
        self._records = records or ImageRecords()

    def room(self, context: Any, project_id: str) -> Room:
        """Private images that the caller's project has, and may have: the smaller limit."""
        there = self._there(context, project_id)
        taken = counted(there, self._unfinished(project_id))
        limit = int(self._conf.ims_api.private_images)
        of_glance = self._of_glance(context)
        if of_glance is not None and of_glance.limit >= 0:
            made = taken.intersection(view["id"] for view in there)
            limit = min(limit, len(made) + max(0, of_glance.limit - of_glance.used))
        return Room(len(taken), limit)

    @contextlib.contextmanager
    def place(self, context: Any, project_id: str) -> Iterator[None]:
        """Keep others from taking a place while the block takes it; Glance's limits are Glance's.

        :raises NoPlaceForImage: if there is none left
        :raises CoordinationUnavailable: if there is no lock
        """
        with coordination.lock(self._conf, "project", project_id):
            self._check(context, project_id, 1)
            yield

    @contextlib.contextmanager
    def places(
        self, context: Any, project_id: str, count: int = 1, disks: int = 0
    ) -> Iterator[None]:
        """Keep others from taking *count* places while the block takes them for a job.

        :param project_id: the caller's
        :param disks: images that the job makes besides, which only Glance counts
        :raises NoPlaceForImage, NoRoomInGlance: if there are not as many left
        :raises CoordinationUnavailable: if there is no lock
        """
        with coordination.lock(self._conf, "project", project_id):
            self._check(context, project_id, count)
            self._check_glance(context, project_id, count + disks)
            yield

    def check_bytes(self, context: Any, project_id: str, size: int) -> None:
        """Check that the caller's project has room for so many bytes more, as Glance counts them.

        :raises NoBytesLeft: if not
        """
        if self._asks_keystone:
            name, usage = _GLANCE_SIZE, self._usage(context)[_GLANCE_SIZE]
            limit = int(usage["limit"])
            left = None if limit < 0 else (limit - int(usage["usage"])) * units.Mi
        elif _STORAGE_QUOTA in self._conf:
            name, left = _STORAGE_QUOTA, self._records.bytes_left(context)
        else:
            return
        if left is not None and size > left:
            raise NoBytesLeft(project_id=project_id, left=max(0, left), name=name, size=size)

    def of_job(self, project_id: str, name: str, grant: str | None) -> JobDisk | None:
        """For which job Nova or Cinder makes an image; it has its place already.

        The name says so, and anybody may choose that; the token proves it.

        :param name: of the image
        :param grant: what the request's token was made with (:func:`ims_glance.api.common.tokens.grant`)
        """
        named = of_disk_name(name)
        if named is None or not self._is_made_for(project_id, *named, grant):
            return None
        return JobDisk(*named)

    def _check(self, context: Any, project_id: str, count: int) -> None:
        limit = int(self._conf.ims_api.private_images)
        jobs = self._unfinished(project_id)
        # So many there are at most, which the database tells at once: most projects are far from
        # their limit, and no list of images has to be made.
        if self._records.count(project_id) + len(_places(jobs)) + count <= limit:
            return
        used = len(counted(self._there(context, project_id), jobs))
        if used + count > limit:
            raise NoPlaceForImage(project_id=project_id, used=used, limit=limit)

    def _check_glance(self, context: Any, project_id: str, count: int) -> None:
        room = self._of_glance(context)
        if room is None:
            return
        there = {view["id"] for view in self._there(context, project_id)}
        begun = dataclasses.replace(
            room, used=room.used + len(_places(self._unfinished(project_id)) - there)
        )
        if not begun.has(count):
            raise NoRoomInGlance(
                project_id=project_id,
                used=begun.used,
                limit=begun.limit,
                name=_GLANCE_COUNT,
                count=count,
            )

    def _of_glance(self, context: Any) -> Room | None:
        """Keystone's limit for the caller's project, where Glance asks Keystone."""
        if not self._asks_keystone:
            return None
        usage = self._usage(context)[_GLANCE_COUNT]
        return Room(int(usage["usage"]), int(usage["limit"]))

    @property
    def _asks_keystone(self) -> bool:
        return bool("use_keystone_limits" in self._conf and self._conf.use_keystone_limits)

    def _usage(self, context: Any) -> Any:
        return self._images.call(context, "GET", "/v2/info/usage")["usage"]

    def _there(self, context: Any, project_id: str) -> list[dict[str, Any]]:
        """All images of a project, whoever asks: Glance does not list all to everybody."""
        service = context.elevated()
        return [
            view
            for hidden in ("false", "true")
            for view in self._listed(service, project_id, hidden)
        ]

    def _listed(self, context: Any, project_id: str, hidden: str) -> Iterator[dict[str, Any]]:
        query = {"owner": project_id, "visibility": "all", "os_hidden": hidden}
        query |= {"limit": str(_PAGE), "sort_key": "id", "sort_dir": "asc"}
        while True:
            answer = self._images.call(context, "GET", "/v2/images", query=query)
            page = answer["images"]
            yield from page
            # Not by the page's length: api_limit_max of Glance may have shortened it.
            if "next" not in answer:
                return
            query["marker"] = page[-1]["id"]


def counted(images: Iterable[Mapping[str, Any]], jobs: Iterable[StoredJob]) -> set[str]:
    """What takes a place: the ids of images, and what stands for those that are yet to be made.

    :param images: all of a project, as the Image API shows them to the service
    :param jobs: its unfinished ones
    """
    jobs, views = list(jobs), {str(view["id"]): view for view in images}
    places = _places(jobs)
    wholes = views.keys() | places
    of_jobs = {image_id for job in jobs for image_id in job.in_making}
    own = {
        image_id
        for image_id, view in views.items()
        if view["visibility"] != "public"
        and image_id not in of_jobs
        and whole_image.parent_id(view) not in wholes
        and not kinds.is_of_market(view)
    }
    return own | places


def _places(jobs: Iterable[StoredJob]) -> set[str]:
    return {place for job in jobs if job.creates_image for place in job.places}
