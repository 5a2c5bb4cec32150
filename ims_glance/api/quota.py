# SPDX-License-Identifier: Apache-2.0
"""How many private images a project has, and how many it may have (S86).

Both doors ask here, under one lock a project, so that two requests never take the last place both.
"""

import contextlib
from collections.abc import Iterator
from typing import Any, Protocol

from oslo_config import cfg

from ims_glance import exceptions
from ims_glance.api.images import Images
from ims_glance.clouds import coordination
from ims_glance.model.job import of_disk_name

_PAGE = 500


class InMaking(Protocol):
    """The ids of the images that unfinished jobs of a project make."""

    def __call__(self, project_id: str, without_job: str | None = None) -> set[str]: ...


class MakesDisk(Protocol):
    """Whether an unfinished job of a project makes an image of the disk of that number."""

    def __call__(self, project_id: str, job_id: str, number: int) -> bool: ...


def _never(project_id: str, job_id: str, number: int) -> bool:
    """Without jobs."""
    return False


class NoPlaceForImage(exceptions.Conflict):
    """The project has as many private images as it may have."""

    code = "IMG.0015"
    template = (
        "Project {project_id} has {used} of {limit} private images. Delete one, or ask the "
        "operator for more."
    )


class Quota:
    """The private images of projects.

    :param in_making: ids of images that unfinished jobs make: their places are taken, whether the
        images are there already or not
    """

    def __init__(
        self,
        conf: cfg.ConfigOpts,
        images: Images,
        in_making: InMaking,
        makes_disk: MakesDisk = _never,
    ) -> None:
        self._conf = conf
        self._images = images
        self._in_making = in_making
        self._makes_disk = makes_disk

    @property
    def limit(self) -> int:
        """Private images that a project may have."""
        return int(self._conf.ims_api.private_images)

    def used(self, context: Any, project_id: str, without_job: str | None = None) -> int:
        """Private images that a project has, those in the making included.

        Components of whole-machine images are hidden, and not counted.

        :param without_job: id of a job whose image is not counted
        """
        making = self._in_making(project_id, without_job)
        return len(making.union(self._listed(context, project_id)))

    @contextlib.contextmanager
    def places(
        self, context: Any, project_id: str, count: int = 1, name: str = ""
    ) -> Iterator[None]:
        """Keep others from taking *count* places while the block takes them.

        :param name: of the image; that of a job's image takes the place that the job has
        :raises NoPlaceForImage: if there are not as many left
        :raises CoordinationUnavailable: if there is no lock
        """
        with coordination.lock(self._conf, "project", project_id):
            of_job = of_disk_name(name)
            used = self.used(context, project_id, of_job[0] if of_job else None)
            if used + count > self.limit:
                raise NoPlaceForImage(project_id=project_id, used=used, limit=self.limit)
            yield

    def is_of_job(self, project_id: str, name: str) -> bool:
        """Whether Nova or Cinder makes an image of that name for one disk of several.

        Its place is the job's.

        :param name: of the image
        """
        of_job = of_disk_name(name)
        if of_job is None or of_job[1] is None:
            return False
        return self._makes_disk(project_id, of_job[0], of_job[1])

    def _listed(self, context: Any, project_id: str) -> Iterator[str]:
        query = {"owner": project_id, "limit": str(_PAGE), "sort_key": "id", "sort_dir": "asc"}
        while True:
            answer = self._images.call(context, "GET", "/v2/images", query=query)
            page = answer["images"]
            yield from (image["id"] for image in page if image["visibility"] != "public")
            # Not by the page's length: api_limit_max of Glance may have shortened it.
            if "next" not in answer:
                return
            query["marker"] = page[-1]["id"]
