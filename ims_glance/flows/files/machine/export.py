# SPDX-License-Identifier: Apache-2.0
"""``imsNativeExportImageJob`` of a machine with all its disks: one OVA in a bucket, or one object a disk."""

from collections.abc import Mapping
from typing import Any

from taskflow.flow import Flow
from taskflow.patterns import linear_flow

from ims_glance.flows import job_image
from ims_glance.flows.files import written
from ims_glance.flows.files.machine import disks
from ims_glance.flows.files.machine.archive import WrittenArchive
from ims_glance.flows.files.machine.disks import WriteDisks, WriteManifest
from ims_glance.jobs.context import JobContext
from ims_glance.jobs.task import Task
from ims_glance.model.image import rules, whole_image
from ims_glance.model.machine import exported
from ims_glance.model.machine.exported import DISKS, ExportedMachine


def flow(job: JobContext) -> Flow:
    """The flow of a job; its arguments are those of :func:`ims_glance.flows.files.export.flow`."""
    made = linear_flow.Flow("export machine").add(ReadMachine(job))
    if job.arguments["format"] == DISKS:
        return made.add(WriteDisks(job), WriteManifest(job))
    return made.add(WriteArchive(job))


class ReadMachine(Task):
    """Looks at the image, and at its disks."""

    default_provides = "machine"

    def execute(self) -> dict[str, Any]:
        """What is to be known of it."""
        view = job_image.source(self.job)
        rules.check(rules.Action.EXPORT, rules.Facts.of(view), self.job.project_id)
        found = self._disks(view)
        exported.check_disks(view, found, self.job.project_id)
        written.target(self.job).check_new()
        if self.job.arguments["format"] == DISKS:
            disks.check_new(self.job, len(found))
        self.job.tell(disks=len(found))
        return ExportedMachine.of(view, found).to_arguments()

    def _disks(self, view: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The images of its disks."""
        found = []
        for each in whole_image.components(view):
            disk = self.job.image.find(each.image_id)
            if disk is None:
                raise whole_image.DiskMissing(
                    number=each.disk.number, image_id=view["id"], disk_id=each.image_id
                )
            found.append(disk)
        return found or [dict(view)]


class WriteArchive(Task):
    """Reads the disks, and writes the archive."""

    def execute(self, machine: Mapping[str, Any]) -> None:
        """Do so, unless it was done already."""
        file = written.target(self.job)
        size = file.size
        if size is None:
            told = ExportedMachine.of_arguments(machine)
            size = WrittenArchive(self.job, file, told).write()
        file.forget()
        self.job.tell(file_bytes=size)

    def revert(self, **_: Any) -> None:
        """Delete what was written."""
        written.target(self.job).delete()
