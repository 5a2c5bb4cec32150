# SPDX-License-Identifier: Apache-2.0
"""``imsCheckImageJob``: what is in an image, or in a file in a bucket; nothing is made or changed.

It is read where it lies, here and there. The report of an image that the project may change is kept with it.
"""

from collections.abc import Mapping
from typing import Any

from oslo_utils import units
from taskflow.flow import Flow
from taskflow.patterns import linear_flow

from ims_glance import exceptions
from ims_glance.clouds.image_content import ImageContent
from ims_glance.flows import job_image
from ims_glance.flows.files import guest
from ims_glance.flows.files.file import JobFile
from ims_glance.jobs.context import JobContext
from ims_glance.jobs.task import Task
from ims_glance.model.image import from_file, rules, whole_image
from ims_glance.model.image.from_file import Purpose
from ims_glance.model.job import REPORT


class NothingToCheck(exceptions.Conflict):
    """There is no disk to look at."""

    code = "IMG.0057"
    template = "Image {image_id} has no data, so there is nothing to be checked."


def flow(job: JobContext) -> Flow:
    """The flow of a job.

    Its arguments are ``image_id``, or ``file`` (:meth:`ims_glance.clouds.objects.base.FoundFile.to_arguments`)
    and if given ``access_key`` (to S3).
    """
    checked = linear_flow.Flow("check image")
    if job.arguments.get("image_id"):
        return checked.add(ReadCheckedImage(job), LookIntoImage(job), KeepReport(job))
    return checked.add(LookIntoFile(job))


class ReadCheckedImage(Task):
    """Looks at the image."""

    default_provides = "checked"

    def execute(self) -> dict[str, Any]:
        """Which image has the data, of a whole machine the first; its size; and the report that is kept."""
        view = job_image.source(self.job)
        guest.check_there(self.job)
        facts = rules.Facts.of(view)
        rules.check(rules.Action.CHECK, facts, self.job.project_id)
        is_own = facts.owner == self.job.project_id
        kept = self.job.kept_report(facts.id) if is_own else None
        disk = self._disk(view)
        if not disk.get("size"):
            raise NothingToCheck(image_id=facts.id)
        return {
            "image_id": str(disk["id"]),
            "size": int(disk["size"]),
            "disk_format": str(disk["disk_format"]),
            "is_own": is_own,
            REPORT: kept,
        }

    def _disk(self, view: Mapping[str, Any]) -> Mapping[str, Any]:
        for component in whole_image.components(view):
            found = self.job.image.find(component.image_id)
            if found is None:
                raise whole_image.DiskMissing(
                    number=component.disk.number, image_id=view["id"], disk_id=component.image_id
                )
            return found
        return view


class LookIntoImage(Task):
    """Looks into it."""

    default_provides = "looked"

    def execute(self, checked: Mapping[str, Any]) -> dict[str, Any]:
        """The report."""
        job = self.job
        content = ImageContent(
            job.image, checked["image_id"], checked["size"], job.pause, job.check
        )
        disk = guest.disk_of_image(content, checked["disk_format"], _largest(job))
        report = guest.examined(job, *disk)
        job.tell(read_bytes=content.received)
        return {REPORT: report.to_arguments()}


class KeepReport(Task):
    """Keeps the report with the image, if it is the project's own."""

    def execute(self, checked: Mapping[str, Any], looked: Mapping[str, Any]) -> None:
        """Keep it."""
        if checked["is_own"]:
            self.job.keep_report(self.job.arguments["image_id"], looked[REPORT])

    def revert(self, checked: Mapping[str, Any], **_: Any) -> None:
        """Keep the one that was there before."""
        if checked["is_own"] and checked[REPORT] is None:
            self.job.forget_report(self.job.arguments["image_id"])
        elif checked["is_own"]:
            self.job.keep_report(self.job.arguments["image_id"], checked[REPORT])


class LookIntoFile(Task):
    """Looks into the file."""

    default_provides = "looked"

    def execute(self) -> dict[str, Any]:
        """The report."""
        file = JobFile(self.job)
        guest.check_there(self.job)
        file.check_unchanged()
        found = file.recognise(_largest(self.job))
        self.job.tell(file_format=found.format)
        report = guest.examined(self.job, *file.disk(found))
        self.job.tell(read_bytes=file.received, read_requests=file.requests)
        return {REPORT: report.to_arguments()}


def _largest(job: JobContext) -> int:
    """Of the disks that images are made of, in bytes."""
    options = job.conf.ims_files
    return max(from_file.largest(options, each) for each in Purpose) * units.Gi
