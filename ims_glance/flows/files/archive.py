# SPDX-License-Identifier: Apache-2.0
"""``imsImportImageJob`` of a machine with several disks (OVA, or a manifest): one whole-machine image.

Each disk goes into a hidden image of its own; when all are there they are tied. How many there are, only a
look into the file tells, which the job's first task takes: the tasks here have nothing to do for any other
file.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from taskflow.flow import Flow

from ims_glance import exceptions
from ims_glance.clouds import rest
from ims_glance.clouds.volume import VolumeApi
from ims_glance.flows import job_image
from ims_glance.flows.copy import whole_image as copied
from ims_glance.flows.copy.data import DiskImage
from ims_glance.flows.files import data, guest, image
from ims_glance.flows.files.file import JobFile
from ims_glance.flows.files.image import DiskInFile
from ims_glance.flows.files.machine.file import job_file, key_of_disk
from ims_glance.formats import FormatFound
from ims_glance.jobs.context import JobContext
from ims_glance.jobs.task import Task
from ims_glance.model import archive
from ims_glance.model import job as jobs
from ims_glance.model.archive import FileDisk
from ims_glance.model.image.whole_image import Component
from ims_glance.model.server import Disk

_GLANCE_COUNT = "image_count_total"


class NoPlacesForDisks(exceptions.Conflict):
    """The project would have more images than Keystone's limit lets Glance take."""

    code = "IMG.0015"
    template = (
        "The machine in file {file} needs {count} images ({name}, where the hidden ones of its disks count, "
        "too), and the project has room for {left} more. Delete some, or ask the operator for more."
    )


def flow(job: JobContext) -> Flow:
    """The flow of a job.

    Its arguments are those of :func:`ims_glance.flows.files.image.flow`, and those of
    :func:`ims_glance.flows.files.data.beside` if there are files of data disks.
    """
    of_system = image.flow(job)
    if job.arguments.get("data_files"):
        return data.beside(of_system, job)
    return of_system.add(FillDisks(job), TieFilledDisks(job), DescribeSystem(job))


class _MachineTask(Task):
    def disks(self, content: Mapping[str, Any]) -> list[FileDisk]:
        """The disks of the machine."""
        return image.disks_of(FormatFound.of_arguments(content["found"]))

    def size_of(self, disk: FileDisk) -> Disk:
        """A disk as it will be."""
        return disk.disk(int(self.job.arguments["min_disk"]))

    def told(self, content: Mapping[str, Any]) -> dict[str, Any]:
        """What was asked for, with what the archive tells besides."""
        return archive.told(self.job.arguments, content["found"]["facts"])

    def target(self, content: Mapping[str, Any], disk: Disk) -> DiskImage:
        """The hidden image of a disk."""
        name = job_file(self.job).name
        own_key = key_of_disk(self.job.arguments, disk.number)

        def body() -> dict[str, Any]:
            told = self.told(content)
            return archive.component_body(
                {**told, "cmk_id": own_key or told.get("cmk_id")}, name, disk
            )

        return DiskImage(self.job, disk.number, body)


class FillDisks(_MachineTask):
    """Moves the data of all disks."""

    default_provides = "disk_images"

    def execute(self, content: Mapping[str, Any]) -> list[str]:
        """Read and upload until all images have it; their ids, in the order of the disks."""
        if not image.is_machine(content):
            return []
        file, disks = job_file(self.job), self.disks(content)
        self._check_places(file, 1 + len(disks))
        self.job.tell(disks=len(disks))
        return list(self._filled(file, content, disks))

    def _filled(
        self, file: JobFile, content: Mapping[str, Any], disks: Sequence[FileDisk]
    ) -> Iterator[str]:
        found = FormatFound.of_arguments(content["found"])
        before, total = 0, content["size"]
        for each in disks:
            target = self.target(content, self.size_of(each))
            if each.number or not self.job.arguments.get("is_config"):
                disk = DiskInFile(self.job, file, found, each.size, total, before, each.number)
                yield image.fill_disk(self.job, disk, target)
            else:
                # The system is on the first one, which is the first to be moved.
                yield image.fill_prepared(self.job, file, found, each.size, target, total)
            before += each.size

    def _check_places(self, file: JobFile, count: int) -> None:
        """Check that Glance will take so many images: it counts them when much is done."""
        usage = self.job.image.usage().get(_GLANCE_COUNT)
        if usage is None or int(usage["limit"]) < 0:
            return
        # What a worker has made that died is among them.
        made = len(self.job.entities.get(jobs.IN_MAKING, {}))
        left = int(usage["limit"]) - int(usage["usage"]) + made
        if count > left:
            raise NoPlacesForDisks(
                file=file.name, count=count, left=max(0, left), name=_GLANCE_COUNT
            )

    def revert(self, content: Mapping[str, Any], result: Any = None, **_: Any) -> None:
        """Delete the images, whatever they are called by now."""
        if not image.is_machine(content):
            return
        for each in self.disks(content):
            self.target(content, self.size_of(each)).delete()
        for image_id in result if isinstance(result, list) else ():
            job_image.delete_protected(self.job, image_id)


class TieFilledDisks(_MachineTask):
    """Makes the image that the others are the disks of."""

    def execute(self, content: Mapping[str, Any], disk_images: list[str]) -> None:
        """Give the disks their names, and make the image."""
        if not disk_images:
            return
        disks = [self.size_of(each) for each in self._known(self.disks(content))]
        parts = list(map(Component, disks, disk_images))
        name = job_file(self.job).name
        body = archive.body(self.told(content), name, parts, content["size"])
        copied.tie(self.job, parts, body)

    def _known(self, disks: Sequence[FileDisk]) -> Iterator[FileDisk]:
        """The disks, with the types alone that Cinder has here: Nova makes no server with another one."""
        named = {each.volume_type for each in disks} - {None}
        there = self._types() if named else set()
        for each in disks:
            yield each if each.volume_type in there else each.without_type()

    def _types(self) -> set[str]:
        try:
            return VolumeApi(self.job.region).types()
        except rest.Refused:
            # No Cinder, or none that the caller may ask.
            return set()

    def revert(self, content: Mapping[str, Any], **_: Any) -> None:
        """Delete it."""
        if image.is_machine(content):
            job_image.delete_image(self.job)


class DescribeSystem(_MachineTask):
    """Writes what was found on the system disk, which wins over what was said, and keeps the report.

    :class:`ims_glance.flows.files.image.KeepReportOfImage` forgets it.
    """

    def execute(self, content: Mapping[str, Any]) -> None:
        """Do so, if anybody looked."""
        report = self.job.entities.get(jobs.REPORT)
        if report is None or not image.is_machine(content):
            return
        image_id = str(self.job.image_id)
        self.job.keep_report(image_id, report)
        if found := guest.properties(report, self.told(content)):
            self.job.image.update(image_id, found)
