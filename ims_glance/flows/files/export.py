# SPDX-License-Identifier: Apache-2.0
"""``imsNativeExportImageJob``: the disk of an image as a file in a bucket.

It is written as it is read: zeros are left out where the format knows them, and nothing is on the worker's
disk. A worker that goes on with the job does so behind the last part that was noted
(:mod:`ims_glance.flows.files.written`). With format ``sealed`` it is an encrypted image as it lies in its store
(:mod:`ims_glance.flows.files.sealed.export`).
"""

import uuid
from collections.abc import Mapping
from typing import Any

from taskflow.flow import Flow
from taskflow.patterns import linear_flow

from ims_glance.clouds.objects.large import LargeFile
from ims_glance.flows import job_image
from ims_glance.flows.files import written
from ims_glance.flows.files.disk import ExportedDisk
from ims_glance.flows.files.machine import export as machine_export
from ims_glance.flows.files.sealed import export as sealed
from ims_glance.flows.files.sealed.export import SealedDisk
from ims_glance.flows.files.written import WrittenDisk
from ims_glance.jobs.context import JobContext
from ims_glance.jobs.task import Task
from ims_glance.model.copy import Digest
from ims_glance.model.image import rules
from ims_glance.model.machine.exported import DISKS, OVA
from ims_glance.writers import factory
from ims_glance.writers.raw import RawWriter


def flow(job: JobContext) -> Flow:
    """The flow of a job.

    Its arguments are ``image_id``, ``bucket``, ``object``, ``format``, with format ``disks`` also ``disk_format``, and
    if given ``access_key`` (to S3).
    """
    if job.arguments["format"] in (DISKS, OVA):
        return machine_export.flow(job)
    return linear_flow.Flow("export image").add(ReadExported(job), WriteFile(job))


class ReadExported(Task):
    """Looks at the image."""

    default_provides = "exported"

    def execute(self) -> dict[str, Any]:
        """Its size and its digest."""
        view = job_image.source(self.job)
        rules.check(rules.Action.EXPORT, rules.Facts.of(view), self.job.project_id)
        digest = Digest.of(view)
        written.target(self.job).check_new()
        return {"size": digest.size, "checksum": digest.checksum}


class WriteFile(Task):
    """Reads the image, and writes the file."""

    def execute(self, exported: Mapping[str, Any]) -> None:
        """Do so, unless it was done already."""
        file = written.target(self.job)
        size = file.size
        if size is None:
            size = self._written(file, exported).write()
        file.forget()
        self.job.tell(file_bytes=size)

    def _written(self, file: LargeFile, exported: Mapping[str, Any]) -> WrittenDisk:
        size, image_id = int(exported["size"]), str(self.job.arguments["image_id"])
        if self.job.arguments["format"] == sealed.FORMAT:
            file_of_it = SealedDisk(self.job, image_id)
            return WrittenDisk(file, file_of_it, RawWriter(file_of_it.size))
        writer = factory.writer(
            self.job.arguments["format"], size, uuid.UUID(image_id), file.least_part
        )
        disk = ExportedDisk(self.job, image_id, size, exported["checksum"] or "")
        return WrittenDisk(file, disk, writer)

    def revert(self, **_: Any) -> None:
        """Delete what was written."""
        written.target(self.job).delete()
