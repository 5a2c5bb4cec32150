# SPDX-License-Identifier: Apache-2.0
"""``imsImportImageJob`` and ``imsImportDataImageJob``: an image of a file in a bucket.

The file is read where it lies, in ranges, and what is on its disk goes into the image with one upload;
nothing of it is on the worker's disk. A worker that goes on with the job begins with the upload anew.

Where the system is prepared, what that changes lies sealed in the worker's scratch folder, and goes with the
worker: one that goes on with the job begins with the preparation anew.
"""

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from oslo_utils import units
from taskflow.flow import Flow
from taskflow.patterns import linear_flow

from ims_glance import exceptions
from ims_glance.clouds.image_api import Download
from ims_glance.flows import job_image
from ims_glance.flows.copy import beside
from ims_glance.flows.copy.data import (
    CopyBroken,
    CopyDiffers,
    DataCopy,
    JobImage,
    Target,
)
from ims_glance.flows.files import guest
from ims_glance.flows.files.file import JobFile
from ims_glance.flows.files.guest import PreparedDisk
from ims_glance.flows.files.machine.file import job_file
from ims_glance.formats import FormatFound
from ims_glance.jobs.context import JobContext
from ims_glance.jobs.task import Task
from ims_glance.model import archive
from ims_glance.model.archive import FileDisk
from ims_glance.model.copy import Digest
from ims_glance.model.image import from_file
from ims_glance.model.image.from_file import Purpose
from ims_glance.model.job import ALL_BYTES, REPORT
from ims_glance.model.machine import carried

GLANCE_SIZE = "image_size_total"
"""Keystone's limit, in MiB."""
_SIZE = "__image_size"
_IS_WHOLE = "is_whole"


class ImportBroken(exceptions.ImsError):
    """Data could not be moved, several times."""

    code = "IMG.0014"
    template = "The upload of file {file} broke off {attempts} times. Last time: {reason}"


class ImportDiffers(exceptions.ImsError):
    """What Glance has stored is not what it had sent."""

    code = "IMG.0057"
    template = "The image differs from file {file}: {found}, and not {wanted}. It was deleted."


class NoBytesForFile(exceptions.Conflict):
    """The images of the project would be larger than Glance lets them be."""

    code = "IMG.0015"
    template = (
        "The disk in file {file} has {size} bytes, and the project has room for {left} more bytes of images "
        "({name}). Delete some, or ask the operator for more."
    )


def flow(job: JobContext) -> Flow:
    """The flow of a job.

    Its arguments are ``file`` (:meth:`ims_glance.clouds.objects.base.FoundFile.to_arguments`), or in its place
    ``machine`` (:data:`ims_glance.flows.files.machine.file.MACHINE`), ``purpose``
    (:class:`Purpose`), ``name``, ``min_disk`` (GiB), and if given ``access_key`` (to S3), ``os_type``,
    ``os_version``, ``description``, ``tags`` (as they are stored), ``cmk_id`` (id of a key that the caller was
    asked for, and that was opened to the service), ``min_ram``, ``max_ram`` (MiB), ``hw_firmware_type``,
    ``architecture``, ``is_config``, ``is_config_init`` and ``enterprise_project_id``.
    """
    made = linear_flow.Flow("image from file").add(ReadFile(job))
    if job.arguments.get("is_config"):
        made.add(CreateImageOfFile(job), PrepareAndFillImage(job))
    else:
        made.add(RecogniseSystem(job), CreateImageOfFile(job), FillImage(job))
    if Purpose(job.arguments["purpose"]) in from_file.SYSTEMS:
        made.add(KeepReportOfImage(job))
    return made.add(FinishImageOfFile(job))


class _FileTask(Task):
    @property
    def body(self) -> dict[str, Any]:
        """Of ``POST /v2/images``."""
        return from_file.body(self.job.arguments, job_file(self.job).name)


class ReadFile(Task):
    """Looks at the file: what refuses it does so before anything is made."""

    default_provides = "content"

    def execute(self) -> dict[str, Any]:
        """What is in it."""
        file, min_disk = job_file(self.job), int(self.job.arguments["min_disk"])
        is_config = bool(self.job.arguments.get("is_config"))
        if is_config:
            guest.check_there(self.job)
        file.check_unchanged()
        purpose, options = Purpose(self.job.arguments["purpose"]), self.job.conf.ims_files
        most, further = (
            from_file.largest(options, each) * units.Gi for each in (purpose, Purpose.DATA)
        )
        found = file.recognise(most, further, options.most_disks)
        size = int(found.virtual_size or 0)
        # Of one disk a whole machine is made where it was one; what is prepared is a disk, and what
        # stands beside other files.
        is_disk = is_config or bool(self.job.arguments.get("data_files"))
        was_whole = found.facts.get(carried.WHOLE) is True and not is_disk
        is_whole = len(found.disks) > 1 or (was_whole and purpose is Purpose.SERVER)
        if is_whole:
            archive.check(file.name, self.job.arguments, disks_of(found), options)
        else:
            from_file.check_content(file.name, purpose, found.format == from_file.ISO)
            from_file.check_fits(file.name, size, min_disk)
        check_room(self.job, file, size)
        self.job.tell(file_format=found.format)
        return {"found": found.to_arguments(), "size": size, _IS_WHOLE: is_whole}


def check_room(job: JobContext, file: JobFile, size: int) -> None:
    """Check that Glance will take so many bytes: it counts them when much is done.

    :raises NoBytesForFile: if not
    """
    left = bytes_left(job)
    if left is not None and size > left:
        raise NoBytesForFile(file=file.name, size=size, left=left, name=GLANCE_SIZE)


def bytes_left(job: JobContext) -> int | None:
    """How many bytes more Glance takes for the project; ``None``: as many as it likes."""
    usage = job.image.usage().get(GLANCE_SIZE)
    if usage is None or int(usage["limit"]) < 0:
        return None
    return max(0, (int(usage["limit"]) - int(usage["usage"])) * units.Mi)


class RecogniseSystem(Task):
    """Looks which system is on the disk; that nobody can tell is no failure."""

    default_provides = "looked"

    def execute(self, content: Mapping[str, Any]) -> dict[str, Any]:
        """The report; ``None`` of what holds no system, and if nobody wants to know."""
        if Purpose(self.job.arguments["purpose"]) not in from_file.SYSTEMS:
            return {REPORT: None}
        disk = job_file(self.job).disk(FormatFound.of_arguments(content["found"]))
        report = guest.seen(self.job, *disk)
        return {REPORT: None if report is None else report.to_arguments()}


class CreateImageOfFile(_FileTask):
    """Makes the image, without data."""

    def execute(self, content: Mapping[str, Any]) -> None:
        """Make it; that of a whole machine is made when its disks are there."""
        if not is_machine(content):
            job_image.make_image(self.job, self.body)

    def revert(self, content: Mapping[str, Any], **_: Any) -> None:
        """Delete it."""
        if not is_machine(content):
            job_image.delete_image(self.job)


class FillImage(_FileTask):
    """Moves the data."""

    def execute(self, content: Mapping[str, Any]) -> None:
        """Read and upload until the image has it all."""
        if is_machine(content):
            return
        file, size = job_file(self.job), content["size"]
        total = self.job.entities.get(ALL_BYTES, size)
        disk = DiskInFile(self.job, file, FormatFound.of_arguments(content["found"]), size, total)
        fill(self.job, disk, JobImage(self.job, lambda: self.body))
        self.job.tell(read_bytes=file.received)


class PrepareAndFillImage(_FileTask):
    """Prepares the system, and moves the data as it is then."""

    default_provides = "looked"

    def execute(self, content: Mapping[str, Any]) -> dict[str, Any]:
        """The report; that of a whole machine is told when its disks are moved."""
        if is_machine(content):
            return {REPORT: None}
        target, size = JobImage(self.job, lambda: self.body), int(content["size"])
        file = job_file(self.job)
        fill_prepared(self.job, file, FormatFound.of_arguments(content["found"]), size, target)
        return {REPORT: self.job.entities[REPORT]}


def fill_prepared(
    job: JobContext,
    file: JobFile,
    found: FormatFound,
    size: int,
    target: Target,
    total: int = 0,
) -> str:
    """Prepare the system of a file, of several disks the first, and have an image of it as it is then.

    Its report is told, and how much of the file was read. A worker that died may have done it.

    :param size: of the disk, in bytes
    :param total: bytes of all disks of the job, if it has several
    :return: the id of the image
    :raises ImportBroken, ImportDiffers: if it cannot be
    """
    done = _filled(target, size)
    if done is not None:
        return done
    # What is read here and there is compared with no digest.
    file.check_digest(found)
    with guest.prepared(job, *file.disk(found)) as (disk, _report):
        prepared = PreparedDisk(job, disk, str(file.name), total, size=size)
        image_id = fill(job, prepared, target)
    job.tell(read_bytes=file.received)
    return _marked(job, image_id, size)


def fill(job: JobContext, disk: "DiskInFile | PreparedDisk", target: Target) -> str:
    """Read a disk and upload it until an image has it all; the id of the image.

    :raises ImportBroken, ImportDiffers: if it cannot be
    """
    try:
        return DataCopy(job, disk, target).run(Digest(disk.size))
    except CopyBroken as broken:
        raise ImportBroken(file=disk.id, **_said(broken, "attempts", "reason")) from None
    except CopyDiffers as differs:
        raise ImportDiffers(file=disk.id, **_said(differs, "found", "wanted")) from None


def fill_disk(job: JobContext, disk: "DiskInFile", target: Target) -> str:
    """The same of one of several disks, unless a worker that died has done it.

    :raises ImportBroken, ImportDiffers: if it cannot be
    """
    done = _filled(target, disk.size)
    if done is not None:
        return done
    return _marked(job, fill(job, disk, target), disk.size)


def _marked(job: JobContext, image_id: str, size: int) -> str:
    """Have an image say by ``__image_size`` that Glance was found to have it as it was sent; its id."""
    job.image.update(image_id, {_SIZE: str(size)})
    return image_id


def _filled(target: Target, size: int) -> str | None:
    """The id of an image that says so already."""
    view = target.find()
    if view and (view["status"], view.get(_SIZE)) == ("active", str(size)):
        return str(view["id"])
    return None


def is_machine(content: Mapping[str, Any]) -> bool:
    """Whether a whole machine is in a file, with several disks or with one.

    :param content: as :class:`ReadFile` tells it; one of an older release does not say it of one with one disk
    """
    return bool(content.get(_IS_WHOLE, len(content["found"]["disks"]) > 1))


def disks_of(found: FormatFound) -> list[FileDisk]:
    """The disks of an archive."""
    return [
        FileDisk(
            number,
            int(each.data_size or each.found.virtual_size or 0),
            each.capacity,
            each.volume_type,
            each.goes_with_server,
        )
        for number, each in enumerate(found.disks)
    ]


def _said(error: exceptions.ImsError, *names: str) -> dict[str, Any]:
    return {name: error.details[name] for name in names}


class KeepReportOfImage(Task):
    """Keeps what was found in the system with the image, and what was done to it."""

    def execute(self, content: Mapping[str, Any], looked: Mapping[str, Any]) -> None:
        """Keep it, if anybody looked; that of a whole machine is kept when that is there."""
        if looked[REPORT] is not None and not is_machine(content):
            self.job.keep_report(str(self.job.image_id), looked[REPORT])

    def revert(self, **_: Any) -> None:
        """Forget it."""
        if self.job.image_id:
            self.job.forget_report(self.job.image_id)


class FinishImageOfFile(Task):
    """Writes what was not known before."""

    def execute(self, content: Mapping[str, Any], looked: Mapping[str, Any]) -> None:
        """Write it; what was found wins over what was said."""
        if not is_machine(content):
            found = guest.properties(looked[REPORT], self.job.arguments)
            said = {**found, "__image_size": str(content["size"])}
            self.job.image.update(str(self.job.image_id), said)


class DiskInFile:
    """The disk in a file, as what an image is filled from (:class:`ims_glance.flows.copy.data.CopySource`).

    :param size: of the disk, in bytes
    :param total: bytes of all disks of the job
    :param before: bytes of those that come before
    :param number: which one of an archive, counted from 0
    """

    def __init__(
        self,
        job: JobContext,
        file: JobFile,
        content: FormatFound,
        size: int,
        total: int,
        before: int = 0,
        number: int = 0,
    ) -> None:
        self.id = str(file.name)
        self.size = size
        self._job = job
        self._file = file
        self._content = content
        self._total = total
        self._before = before
        self._number = number

    @contextlib.contextmanager
    def open(self) -> Iterator[Download]:
        """From its first byte on; it is read while what came before is sent."""
        with contextlib.closing(self._file.chunks(self._content, self._number)) as chunks:
            if self.size < beside.WORTH_AHEAD:
                yield Download(self.size, chunks)
                return
            with beside.ahead(chunks, self._job.log_here) as read:
                yield Download(self.size, read)

    def tell(self, done: int) -> None:
        """So many bytes are where they are to be."""
        self._job.progress(self._before + done, self._total)
