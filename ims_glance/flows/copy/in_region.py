# SPDX-License-Identifier: Apache-2.0
"""``imsCopyImageInRegionJob``: a new private image with the data of another one."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from taskflow.flow import Flow
from taskflow.patterns import linear_flow

from ims_glance import exceptions
from ims_glance.flows import job_image
from ims_glance.flows.copy import whole_image
from ims_glance.flows.copy.data import DataCopy, ImageSource, JobImage
from ims_glance.jobs.context import JobContext
from ims_glance.jobs.task import Task
from ims_glance.model import copy
from ims_glance.model.copy import Digest
from ims_glance.model.image import rules


class EncryptedByCinder(exceptions.Conflict):
    """The image is that of an encrypted volume."""

    code = "IMG.0105"
    template = (
        "Image {image_id} was made of an encrypted volume, and Cinder's key belongs to it alone. "
        "Make a volume of it, and another image of that volume."
    )


def flow(job: JobContext) -> Flow:
    """The flow of a job.

    Its arguments are ``image_id`` of the source, ``name``, and if given ``description``,
    ``cmk_id`` (id of a key that the caller was asked for, and that was opened to the service; without
    it the copy is plain), ``enterprise_project_id``, and ``disks`` of a whole-machine image.
    """
    if job.arguments.get("disks"):
        return whole_image.flow(job)
    return linear_flow.Flow("copy image").add(
        ReadSource(job), CreateCopy(job), CopyData(job), FinishImage(job)
    )


class ReadSource(Task):
    """Looks at the image that is to be copied."""

    default_provides = "source"

    def execute(self) -> dict[str, Any]:
        """Its digest."""
        view = job_image.source(self.job)
        rules.check(rules.Action.COPY, rules.Facts.of(view), self.job.project_id)
        if copy.CINDER_KEY in view:
            raise EncryptedByCinder(image_id=view["id"])
        return dataclasses.asdict(Digest.of(view))


class CreateCopy(Task):
    """Makes the image, without data."""

    def execute(self) -> None:
        """Make it."""
        job_image.make_image(self.job, _body(self.job))

    def revert(self, **_: Any) -> None:
        """Delete it."""
        job_image.delete_image(self.job)


class CopyData(Task):
    """Moves the data."""

    def __init__(self, job: JobContext) -> None:
        super().__init__(job)
        source = ImageSource(job, job.arguments["image_id"])
        self._copy = DataCopy(job, source, JobImage(job, lambda: _body(job)))

    def execute(self, source: Mapping[str, Any]) -> None:
        """Download and upload until the image has the data."""
        self._copy.run(Digest(**source))


class FinishImage(Task):
    """Writes what was not known before."""

    def execute(self, source: Mapping[str, Any]) -> None:
        """Write it."""
        image_id = str(self.job.image_id)
        self.job.copy_report(self.job.arguments["image_id"], image_id)
        self.job.image.update(image_id, {"__image_size": str(source["size"])})

    def revert(self, **_: Any) -> None:
        """Forget the report of its system."""
        if self.job.image_id:
            self.job.forget_report(self.job.image_id)


def _body(job: JobContext) -> dict[str, Any]:
    return copy.body(job_image.source(job), job.region.name or "", job.arguments)
