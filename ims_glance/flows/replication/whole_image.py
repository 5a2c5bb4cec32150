# SPDX-License-Identifier: Apache-2.0
"""``imsReceiveImageJob`` of a whole-machine image: several disks at once, and tied when all are there."""

import concurrent.futures
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from taskflow.flow import Flow
from taskflow.patterns import linear_flow

from ims_glance.flows import job_image
from ims_glance.flows.copy import whole_image as copied
from ims_glance.flows.copy.data import DiskImage
from ims_glance.flows.replication.part import DeleteSpools, PartCopy, delete_spools
from ims_glance.flows.replication.receive import Meter, Stopped
from ims_glance.flows.replication.source import PlanReceipt, ReceivedPart, ReceivePlan
from ims_glance.jobs.context import JobContext
from ims_glance.jobs.task import Task


def flow(job: JobContext) -> Flow:
    """The flow of a job; its arguments are those of :func:`ims_glance.flows.replication.image.flow`."""
    return linear_flow.Flow("receive whole-machine image").add(
        PlanReceipt(job), ReceiveDisks(job), TieReceivedDisks(job), DeleteSpools(job)
    )


class ReceiveDisks(Task):
    """Moves the data of all disks."""

    default_provides = "images"

    def execute(self, plan: Mapping[str, Any]) -> list[str]:
        """Receive and upload until all images have it; their ids, in the order of the disks."""
        made = ReceivePlan.of(plan)
        meter = Meter(self.job, made.size)
        copies = [
            PartCopy(self.job, part, made.key_id, _target(self.job, part), meter)
            for part in made.parts
        ]
        most = self.job.conf.ims_jobs.replication_disks
        found = side_by_side(most, [self._logged(each.run) for each in copies], meter.broken)
        meter.write()
        return found

    def _logged(self, work: Callable[[], str]) -> Callable[[], str]:
        """The same, in whatever thread, with the job in what it logs."""

        def logged() -> str:
            self.job.log_here()
            return work()

        return logged

    def revert(self, plan: Mapping[str, Any], result: Any = None, **_: Any) -> None:
        """Delete them, whatever they are called by now, and what has come on the way."""
        made = ReceivePlan.of(plan)
        for part in made.parts:
            _target(self.job, part).delete()
        for image_id in result if isinstance(result, list) else ():
            job_image.delete_protected(self.job, image_id)
        delete_spools(self.job, plan)


class TieReceivedDisks(Task):
    """Makes the image that the others are the disks of."""

    def execute(self, plan: Mapping[str, Any], images: list[str]) -> None:
        """Give the disks their names, and make the image."""
        made = ReceivePlan.of(plan)
        parts = [part.component(image) for part, image in zip(made.parts, images, strict=True)]
        copied.tie(self.job, parts, made.body)

    def revert(self, **_: Any) -> None:
        """Delete it."""
        job_image.delete_image(self.job)


def _target(job: JobContext, part: ReceivedPart) -> DiskImage:
    return DiskImage(job, part.number, lambda: part.body)


def side_by_side(
    most: int, works: Sequence[Callable[[], str]], broken: threading.Event
) -> list[str]:
    """What each of *works* returns, so many of them at once at most.

    :param broken: is set when one raises something; what the first one raised is raised when all have
        ended
    """
    if min(most, len(works)) == 1:
        return [work() for work in works]
    with concurrent.futures.ThreadPoolExecutor(most, "ims-disk") as pool:
        running = [pool.submit(_unless, broken, work) for work in works]
    errors = [error for each in running if (error := each.exception()) is not None]
    if errors:
        raise next((each for each in errors if not isinstance(each, Stopped)), errors[0])
    return [each.result() for each in running]


def _unless(broken: threading.Event, work: Callable[[], str]) -> str:
    if broken.is_set():
        raise Stopped
    try:
        return work()
    except BaseException:
        broken.set()
        raise
