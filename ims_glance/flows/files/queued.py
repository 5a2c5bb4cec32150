# SPDX-License-Identifier: Apache-2.0
"""``imsNativeImportImageJob``: an image that has metadata alone gets its data from a file in a bucket.

There is no way back from an image that has data, or had an upload that broke for good, to one that has none:
if the job is undone then, the image is deleted. Until then it stays what it was; what somebody else has sent meanwhile
is never deleted.
"""

from collections.abc import Mapping
from typing import Any

from oslo_utils import units
from taskflow.flow import Flow
from taskflow.patterns import linear_flow

from ims_glance import exceptions
from ims_glance.flows import job_image
from ims_glance.flows.files.file import JobFile
from ims_glance.flows.files.image import DiskInFile, check_room, fill
from ims_glance.formats import FormatFound
from ims_glance.jobs.context import JobContext
from ims_glance.jobs.task import Task
from ims_glance.jobs.waiting import POLL, Wait
from ims_glance.model import queued
from ims_glance.model.image import from_file
from ims_glance.model.job import FILLING

_QUEUED, _SAVING, _ACTIVE = "queued", "saving", "active"


def flow(job: JobContext) -> Flow:
    """The flow of a job.

    Its arguments are ``file`` (:meth:`ims_glance.clouds.objects.base.FoundFile.to_arguments`), ``image_id``, and
    if given ``access_key`` (to S3).
    """
    return linear_flow.Flow("image gets its data").add(ReadFileOfQueued(job), FillQueuedImage(job))


class ReadFileOfQueued(Task):
    """Looks at the image and the file: what refuses them does so before anything is changed."""

    default_provides = "content"

    def execute(self) -> dict[str, Any]:
        """What is in the file, and what the image said of itself."""
        view = job_image.source(self.job)
        queued.check(view)
        file, purpose = JobFile(self.job), queued.purpose(view)
        file.check_unchanged()
        most = from_file.largest(self.job.conf.ims_files, purpose)
        found = file.recognise(most * units.Gi)
        from_file.check_content(file.name, purpose, found.format == from_file.ISO)
        size = int(found.virtual_size or 0)
        if view.get("min_disk"):
            from_file.check_fits(file.name, size, int(view["min_disk"]))
        check_room(self.job, file, size)
        self.job.tell(file_format=found.format)
        changes = queued.changes(view, file.name, size)
        return {
            "found": found.to_arguments(),
            "size": size,
            "attributes": changes,
            "before": {"attributes": {name: view.get(name) for name in changes}},
        }


class FillQueuedImage(Task):
    """Moves the data."""

    def execute(self, content: Mapping[str, Any]) -> None:
        """Read and upload until the image has it all."""
        target, size = _QueuedImage(self.job), int(content["size"])
        view = target.settled()
        if queued.has_data(view, content["attributes"], size):
            # By a worker that died.
            return
        queued.check(view)
        self.job.tell(**{FILLING: True})
        self.job.image.update(target.id, content["attributes"])
        file = JobFile(self.job)
        disk = DiskInFile(self.job, file, FormatFound.of_arguments(content["found"]), size, size)
        fill(self.job, disk, target)

    def revert(self, content: Mapping[str, Any], **_: Any) -> None:
        """Give the image back what it said of itself, or delete it."""
        target = _QueuedImage(self.job)
        view = self.job.image.find(target.id)
        if view is None or view["status"] == _QUEUED:
            _restore(self.job, view or {}, content["before"]["attributes"])
        elif not self.job.entities.get(FILLING):
            # What is there, or on its way, is somebody else's.
            return
        elif view["status"] == _SAVING or queued.has_data(
            view, content["attributes"], int(content["size"])
        ):
            job_image.delete_protected(self.job, target.id)


def _restore(job: JobContext, view: Mapping[str, Any], before: Mapping[str, Any]) -> None:
    changed = {
        name: value
        for name, value in before.items()
        if value is not None and view.get(name, value) != value
    }
    added = tuple(name for name, value in before.items() if value is None and name in view)
    if changed or added:
        job.image.update(str(view["id"]), changed, added)


class _QueuedImage:
    """The image, as what is filled (:class:`ims_glance.flows.copy.data.Target`): there is but this one."""

    def __init__(self, job: JobContext) -> None:
        self.id = str(job.arguments["image_id"])
        self._job = job

    def find(self) -> dict[str, Any] | None:
        """The image, if it is there."""
        return self._job.image.find(self.id)

    def replace(self) -> dict[str, Any]:
        """The image again, once Glance has given up an upload that broke.

        :raises ImageNotFound, NotQueued: if it cannot be filled any more
        """
        view = self.settled()
        queued.check(view)
        return view

    def settled(self) -> dict[str, Any]:
        """The image, once no upload is under way that lost whoever sent it.

        :raises ImageNotFound: if somebody deleted it
        """
        wait = Wait(
            self._job, f"image {self.id}", float(self._job.conf.ims_jobs.patience_seconds), POLL / 2
        )
        while True:
            view = self.find()
            if view is None:
                raise exceptions.ImageNotFound(image_id=self.id)
            if view["status"] != _SAVING or wait.is_over:
                return view
            wait.pause()
