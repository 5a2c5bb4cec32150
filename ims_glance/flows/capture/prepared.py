# SPDX-License-Identifier: Apache-2.0
"""The system of a volume or of a server is prepared (``is_config``).

Nova and Cinder write the image themselves, so nothing can be changed on the way: when theirs is there, it is read
where it lies, prepared on top of that in the worker's sealed scratch, and what the disk is then goes into a second image,
which is hidden. Then theirs is deleted, and the second one has its place, and all that it said of itself.
"""

from collections.abc import Mapping
from typing import Any

from ims_glance import exceptions
from ims_glance.clouds.image_content import ImageContent
from ims_glance.flows import job_image
from ims_glance.flows.copy.data import DataCopy, DiskImage
from ims_glance.flows.files import guest
from ims_glance.flows.files.guest import PreparedDisk
from ims_glance.flows.files.image import GLANCE_SIZE, bytes_left
from ims_glance.formats import Bounds
from ims_glance.jobs.context import JobContext
from ims_glance.model import copy
from ims_glance.model import job as model
from ims_glance.model.copy import Digest

# What the second image is called by, beside those of disks, of which no server has as many.
_NUMBER = 900
_SIZE = "__image_size"


class NoBytesToPrepare(exceptions.Conflict):
    """The images of the project would be larger than Glance lets them be."""

    code = "IMG.0015"
    template = (
        "To prepare the system a second image is needed for a while, of {size} bytes, and the project has room for "
        "{left} more bytes of images ({name}). Delete some, ask the operator for more, or leave out 'is_config'."
    )


class SystemOfCaptured:
    """The system of an image that Nova or Cinder has made for a job, and the image that takes its place.

    :param before: bytes that the job has moved by then
    :param total: bytes that it moves in all
    """

    def __init__(self, job: JobContext, before: int = 0, total: int = 0) -> None:
        self._job = job
        self._before = before
        self._total = total

    def prepare(self, captured_id: str) -> str:
        """Prepare it, and delete the image of Nova or Cinder; the id of the one that takes its place.

        A worker that goes on with the job begins anew, unless the second image was finished.

        :raises ImageNotFound: if somebody deleted that image
        :raises NoBytesToPrepare: if there is no room for the other one
        :raises Exception: see :func:`ims_glance.flows.files.guest.prepared`
        """
        image_id = self._made() or self._make(captured_id)
        self._job.keep_report(image_id, self._job.entities[model.REPORT])
        self._job.image.delete(captured_id)
        self._job.progress(self._total, self._total)
        return image_id

    def undo(self, result: Any) -> None:
        """Delete the image, whatever it is called by now, and its report.

        :param result: its id, if it was made
        """
        there = self._target({}).find()
        ids = [str(there["id"])] if there else []
        for image_id in dict.fromkeys([*ids, result] if isinstance(result, str) else ids):
            job_image.delete_protected(self._job, image_id)
            self._job.forget_report(image_id)

    def _made(self) -> str | None:
        """The id of the image, if a worker that died has made it; it had told the report before."""
        view = self._target({}).find()
        is_made = view and view["status"] == "active" and view.get(_SIZE) == str(view["size"])
        return str(view["id"]) if view and is_made else None

    def _make(self, captured_id: str) -> str:
        job = self._job
        view = job.image.find(captured_id)
        if view is None:
            raise exceptions.ImageNotFound(image_id=captured_id)
        content = ImageContent(job.image, captured_id, int(view["size"]), job.pause, job.check)
        disk = guest.disk_of_image(content, str(view["disk_format"]), Bounds().virtual_size)
        self._check_room(int(disk[1].virtual_size or 0))
        with guest.prepared(job, *disk) as (prepared, _report):
            source = PreparedDisk(job, prepared, captured_id, self._total, self._before)
            image_id = DataCopy(job, source, self._target(view)).run(Digest(prepared.size))
        job.tell(read_bytes=content.received)
        # Glance was found to have it as it was sent.
        job.image.update(image_id, {_SIZE: str(prepared.size)})
        return image_id

    def _target(self, view: Mapping[str, Any]) -> DiskImage:
        return DiskImage(self._job, _NUMBER, lambda: copy.body_with_other_data(view))

    def _check_room(self, size: int) -> None:
        """Glance counts the bytes when much is done; those of an image that a worker left are deleted before."""
        left = bytes_left(self._job)
        there = self._target({}).find()
        if left is not None and size > left + int((there or {}).get("size") or 0):
            raise NoBytesToPrepare(size=size, left=left, name=GLANCE_SIZE)
