# SPDX-License-Identifier: Apache-2.0
"""``imsReceiveImageJob``: a new private image with the data of one in another region.

The data is received into a spool, verified frame by frame, and the image is filled meanwhile; where the link
is slower than that, afterwards (:mod:`ims_glance.flows.replication.handover`). Whatever breaks, what has come
is not sent again.
"""

from collections.abc import Mapping
from typing import Any

from taskflow.flow import Flow
from taskflow.patterns import linear_flow

from ims_glance.flows import job_image
from ims_glance.flows.copy.data import JobImage
from ims_glance.flows.replication import whole_image
from ims_glance.flows.replication.part import DeleteSpools, PartCopy, delete_spools
from ims_glance.flows.replication.receive import Meter
from ims_glance.flows.replication.source import PlanReceipt, ReceivePlan
from ims_glance.jobs.context import JobContext
from ims_glance.jobs.task import Task


def flow(job: JobContext) -> Flow:
    """The flow of a job.

    Its arguments are ``source_region``, ``source_project_id``, ``image_id`` (there), ``name``, and if
    given ``description``, ``cmk_id`` (id of a key that the caller was asked for, and that was opened to
    the service; without it the copy is plain), ``base_image_id`` and ``base_image_ids`` (of images here
    that equal data is taken from), ``enterprise_project_id``, ``disks`` of a whole-machine image,
    ``size``, the most bytes that there was room for, and ``source_job_id`` of the job there that follows
    this one.
    """
    if job.arguments.get("disks"):
        return whole_image.flow(job)
    return linear_flow.Flow("receive image").add(
        PlanReceipt(job), CreateReceivedImage(job), ReceiveImage(job), DeleteSpools(job)
    )


class CreateReceivedImage(Task):
    """Makes the image, without data: what refuses it does so before anything is sent."""

    def execute(self, plan: Mapping[str, Any]) -> None:
        """Make it."""
        job_image.make_image(self.job, ReceivePlan.of(plan).parts[0].body)

    def revert(self, **_: Any) -> None:
        """Delete it."""
        job_image.delete_image(self.job)


class ReceiveImage(Task):
    """Moves the data."""

    def execute(self, plan: Mapping[str, Any]) -> None:
        """Receive and upload until the image has it."""
        made = ReceivePlan.of(plan)
        [part] = made.parts
        meter = Meter(self.job, made.size)
        target = JobImage(self.job, lambda: part.body)
        PartCopy(self.job, part, made.key_id, target, meter).run()
        meter.write()

    def revert(self, plan: Mapping[str, Any], **_: Any) -> None:
        """Delete what has come on the way."""
        delete_spools(self.job, plan)
