# SPDX-License-Identifier: Apache-2.0
"""Files of data disks beside the one of a system disk (``data_images``): an image of each, all or none."""

from collections.abc import Iterator, Mapping
from typing import Any

from oslo_utils import units
from taskflow.flow import Flow
from taskflow.patterns import linear_flow

from ims_glance import exceptions
from ims_glance.flows import job_image
from ims_glance.flows.copy.data import DiskImage
from ims_glance.flows.files import image
from ims_glance.flows.files.file import JobFile
from ims_glance.flows.files.image import DiskInFile
from ims_glance.formats import FormatFound
from ims_glance.jobs.context import JobContext
from ims_glance.jobs.task import Task
from ims_glance.model import job as jobs
from ims_glance.model.bucket import BucketFile
from ims_glance.model.image import from_file
from ims_glance.model.image.from_file import Purpose

Files = list[dict[str, Any]]

_SIZE = "__image_size"


class MachineAndData(exceptions.Conflict):
    """An archive has several disks, and further files are named."""

    code = "IMG.0072"
    template = (
        "File {file} is an archive of a machine with several disks, of which one image is made. Leave out "
        "'data_images', and make images of those files by themselves."
    )


def beside(of_system: Flow, job: JobContext) -> Flow:
    """The flow of a job that makes images of data disks too.

    Its arguments are ``data_files``, in the order of their ``number`` from 1 on: for each ``file``
    (:meth:`ims_glance.clouds.objects.base.FoundFile.to_arguments`), ``name``, ``min_disk`` (GiB), ``description``
    and ``tags`` (as they are stored); and ``wishes``, what all disks are called.

    :param of_system: the flow of a job that makes the image of the system disk alone
    """
    look, *others = [task for task, _links in of_system.iter_nodes()]
    made = linear_flow.Flow("images from files").add(look, ReadDataFiles(job), *others)
    return made.add(FillDataImages(job), ShowDataImages(job))


class _DataTask(Task):
    @property
    def files(self) -> Files:
        """What the job was told of each file."""
        return list(self.job.arguments["data_files"])

    def target(self, told: Mapping[str, Any]) -> DiskImage:
        """The image of one file, hidden while it is being made."""
        return DiskImage(self.job, int(told["number"]), lambda: self._body(told))

    def _body(self, told: Mapping[str, Any]) -> dict[str, Any]:
        common = ("cmk_id", "os_type", "os_version", "enterprise_project_id")
        asked = {name: self.job.arguments.get(name) for name in common}
        if "cmk_id" in told["file"]:
            asked["cmk_id"] = told["file"]["cmk_id"]
        own = {name: told.get(name) for name in ("name", "description", "tags", "min_disk")}
        file = BucketFile(told["file"]["bucket"], told["file"]["object"])
        return from_file.body({**asked, **own, "purpose": str(Purpose.DATA)}, file)


class ReadDataFiles(_DataTask):
    """Looks at the files: what refuses one does so before anything is made."""

    default_provides = "data_contents"

    def execute(self, content: Mapping[str, Any]) -> list[dict[str, Any]]:
        """What is in each."""
        system = JobFile(self.job)
        if image.is_machine(content):
            raise MachineAndData(file=system.name)
        found = [self._looked(told) for told in self.files]
        total = content["size"] + sum(each["size"] for each in found)
        image.check_room(self.job, system, total)
        self.job.tell(**{jobs.ALL_BYTES: total})
        return found

    def _looked(self, told: Mapping[str, Any]) -> dict[str, Any]:
        file = JobFile(self.job, told["file"])
        file.check_unchanged()
        most = from_file.largest(self.job.conf.ims_files, Purpose.DATA)
        found = file.recognise(most * units.Gi)
        from_file.check_content(file.name, Purpose.DATA, found.format == from_file.ISO)
        size = int(found.virtual_size or 0)
        from_file.check_fits(file.name, size, int(told["min_disk"]))
        return {"found": found.to_arguments(), "size": size}


class FillDataImages(_DataTask):
    """Moves the data."""

    default_provides = "data_images"

    def execute(
        self, content: Mapping[str, Any], data_contents: list[Mapping[str, Any]]
    ) -> list[str]:
        """Read and upload until all images have it; their ids."""
        return list(self._filled(content["size"], data_contents))

    def _filled(self, before: int, contents: list[Mapping[str, Any]]) -> Iterator[str]:
        total = before + sum(each["size"] for each in contents)
        for told, each in zip(self.files, contents, strict=True):
            size, file = each["size"], JobFile(self.job, told["file"])
            found = FormatFound.of_arguments(each["found"])
            disk = DiskInFile(self.job, file, found, size, total, before)
            yield image.fill_disk(self.job, disk, self.target(told))
            before += size

    def revert(self, result: Any = None, **_: Any) -> None:
        """Delete the images, whatever they are called by now."""
        for told in self.files:
            self.target(told).delete()
        for image_id in result if isinstance(result, list) else ():
            job_image.delete_protected(self.job, image_id)


class ShowDataImages(_DataTask):
    """Gives the images their names, and shows them."""

    def execute(self, data_images: list[str]) -> None:
        """Do so."""
        made = {"0": str(self.job.image_id)}
        for told, image_id in zip(self.files, data_images, strict=True):
            self.job.image.update(image_id, {"name": told["name"], "os_hidden": False})
            made[str(told["number"])] = image_id
        self.job.tell(**{jobs.DISK_IMAGES: made})
