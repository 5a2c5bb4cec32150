# SPDX-License-Identifier: Apache-2.0
"""``imsCopyImageInRegionJob`` of a whole-machine image: each disk is copied, then they are tied.

IMS copies no such images; so this is also the way to encrypt one, or to change its key.
"""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from taskflow.flow import Flow
from taskflow.patterns import linear_flow

from ims_glance.flows import job_image
from ims_glance.flows.copy.data import DataCopy, DiskImage, ImageSource
from ims_glance.jobs.context import JobContext
from ims_glance.jobs.task import Task
from ims_glance.model import copy as copies
from ims_glance.model.copy import Digest
from ims_glance.model.image import attributes, rules, whole_image
from ims_glance.model.image.whole_image import Component


def flow(job: JobContext) -> Flow:
    """The flow of a job.

    Its arguments are those of :func:`ims_glance.flows.copy.in_region.flow`, and ``disks``, how many
    the image has.
    """
    numbers = range(int(job.arguments["disks"]))
    return linear_flow.Flow("copy whole-machine image").add(
        ReadDisks(job), *(CopyDisk(job, number) for number in numbers), TieDisks(job, numbers)
    )


class ReadDisks(Task):
    """Looks at the image that is to be copied, and at its disks."""

    default_provides = "digests"

    def execute(self) -> list[dict[str, Any]]:
        """The digest of each disk."""
        view = job_image.source(self.job)
        rules.check(rules.Action.COPY, rules.Facts.of(view), self.job.project_id)
        views = [_disk_of(self.job, view, each) for each in whole_image.components(view)]
        return [dataclasses.asdict(Digest.of(each)) for each in views]


class CopyDisk(Task):
    """Copies one disk; its result is the id of the copy."""

    def __init__(self, job: JobContext, number: int) -> None:
        super().__init__(job, f"copy disk {number}", provides=_copy_of(number))
        self._number = number
        self._target = DiskImage(job, number, self._body)

    def execute(self, digests: list[Mapping[str, Any]]) -> str:
        """Download and upload until the image has the data."""
        sizes = [int(each["size"]) for each in digests]
        before = sum(sizes[: self._number])
        source = ImageSource(self.job, self._component().image_id, sum(sizes), before)
        return DataCopy(self.job, source, self._target).run(Digest(**digests[self._number]))

    def revert(self, result: Any = None, **_: Any) -> None:
        """Delete it, whatever it is called by now."""
        self._target.delete()
        if isinstance(result, str):
            job_image.delete_protected(self.job, result)

    def _component(self) -> Component:
        return whole_image.components(job_image.source(self.job))[self._number]

    def _body(self) -> dict[str, Any]:
        view = job_image.source(self.job)
        disk = _disk_of(self.job, view, self._component())
        wishes = {"name": "", "cmk_id": self.job.arguments.get("cmk_id")}
        return copies.body(disk, self.job.region.name or "", wishes)


class TieDisks(Task):
    """Makes the image that the others are the disks of."""

    def __init__(self, job: JobContext, numbers: Iterable[int]) -> None:
        self._results = [_copy_of(number) for number in numbers]
        super().__init__(job, requires=self._results)

    def execute(self, **results: str) -> None:
        """Give the disks their names, and make the image."""
        copied = [results[name] for name in self._results]
        source = job_image.source(self.job)
        parts = list(map(whole_image.moved, whole_image.components(source), copied))
        body = copies.body(source, self.job.region.name or "", self.job.arguments)
        size = str(source.get("__image_size") or "0")
        tie(self.job, parts, {**body, "__image_size": size})
        self.job.copy_report(str(source["id"]), str(self.job.image_id))

    def revert(self, **_: Any) -> None:
        """Delete it, and the report of its system."""
        job_image.delete_image(self.job)
        if self.job.image_id:
            self.job.forget_report(self.job.image_id)


def tie(job: JobContext, parts: Sequence[Component], body: Mapping[str, Any]) -> None:
    """Give the disks that were copied their names, and make the job's image of them.

    :param body: of ``POST /v2/images``, but for what names the disks
    """
    for part in parts:
        name = f"{job.arguments['name']} disk {part.disk.number}"
        size = str(job.image.get(part.image_id)["size"])
        said = {"name": name, "protected": True, "__image_size": size}
        job.image.update(part.image_id, said)

    def tie_to(whole_id: str) -> None:
        for part in parts:
            job.image.update(part.image_id, {attributes.COMPONENT_OF: whole_id})

    job_image.make_empty_image(job, {**body, **whole_image.properties(parts)}, tie_to)


def _copy_of(number: int) -> str:
    return f"copy_of_disk_{number}"


def _disk_of(job: JobContext, view: Mapping[str, Any], component: Component) -> dict[str, Any]:
    found = job.image.find(component.image_id)
    if found is None:
        raise whole_image.DiskMissing(
            number=component.disk.number, image_id=view["id"], disk_id=component.image_id
        )
    return found
