# SPDX-License-Identifier: Apache-2.0
"""``imsImportImageJob`` and ``imsImportDataImageJob``: an image of a file in a bucket.

The file is read where it lies, in ranges, and what is on its disk goes into the image with one upload;
nothing of it is on the worker's disk. A worker that goes on with the job begins with the upload anew.
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
from ims_glance.flows.copy.data import CopyBroken, CopyDiffers, DataCopy, JobImage
from ims_glance.flows.files.file import JobFile
from ims_glance.formats import FormatFound
from ims_glance.jobs.context import JobContext
from ims_glance.jobs.task import Task
from ims_glance.model.copy import Digest
from ims_glance.model.image import from_file
from ims_glance.model.image.from_file import Purpose

_GLANCE_SIZE = "image_size_total"  # MiB


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

    Its arguments are ``file`` (:meth:`ims_glance.clouds.objects.base.FoundFile.to_arguments`), ``purpose``
    (:class:`Purpose`), ``name``, ``min_disk`` (GiB), and if given ``access_key`` (to S3), ``os_type``,
    ``os_version``, ``description``, ``tags`` (as they are stored), ``cmk_id`` (id of a key that the caller was
    asked for, and that was opened to the service), ``min_ram``, ``max_ram`` (MiB), ``hw_firmware_type``,
    ``architecture``, ``is_config_init`` and ``enterprise_project_id``.
    """
    return linear_flow.Flow("image from file").add(
        ReadFile(job), CreateImageOfFile(job), FillImage(job), FinishImageOfFile(job)
    )


class _FileTask(Task):
    @property
    def body(self) -> dict[str, Any]:
        """Of ``POST /v2/images``."""
        return from_file.body(self.job.arguments, JobFile(self.job).name)


class ReadFile(Task):
    """Looks at the file: what refuses it does so before anything is made."""

    default_provides = "content"

    def execute(self) -> dict[str, Any]:
        """What is in it."""
        file, min_disk = JobFile(self.job), int(self.job.arguments["min_disk"])
        file.check_unchanged()
        purpose = Purpose(self.job.arguments["purpose"])
        found = file.recognise(from_file.largest(self.job.conf.ims_files, purpose) * units.Gi)
        from_file.check_content(file.name, purpose, found.format == from_file.ISO)
        size = int(found.virtual_size or 0)
        from_file.check_fits(file.name, size, min_disk)
        self._check_room(file, size)
        self.job.tell(file_format=found.format)
        return {"found": found.to_arguments(), "size": size}

    def _check_room(self, file: JobFile, size: int) -> None:
        """Check that Glance will take so many bytes: it counts them when much is done."""
        usage = self.job.image.usage().get(_GLANCE_SIZE)
        if usage is None or int(usage["limit"]) < 0:
            return
        left = (int(usage["limit"]) - int(usage["usage"])) * units.Mi
        if size > left:
            raise NoBytesForFile(file=file.name, size=size, left=max(0, left), name=_GLANCE_SIZE)


class CreateImageOfFile(_FileTask):
    """Makes the image, without data."""

    def execute(self) -> None:
        """Make it."""
        job_image.make_image(self.job, self.body)

    def revert(self, **_: Any) -> None:
        """Delete it."""
        job_image.delete_image(self.job)


class FillImage(_FileTask):
    """Moves the data."""

    def execute(self, content: Mapping[str, Any]) -> None:
        """Read and upload until the image has it all."""
        file = JobFile(self.job)
        disk = _DiskInFile(self.job, file, FormatFound.of_arguments(content["found"]))
        copy = DataCopy(self.job, disk, JobImage(self.job, lambda: self.body))
        try:
            copy.run(Digest(content["size"]))
        except CopyBroken as broken:
            raise ImportBroken(file=file.name, **_said(broken, "attempts", "reason")) from None
        except CopyDiffers as differs:
            raise ImportDiffers(file=file.name, **_said(differs, "found", "wanted")) from None
        self.job.tell(read_bytes=file.source.received)


def _said(error: exceptions.ImsError, *names: str) -> dict[str, Any]:
    return {name: error.details[name] for name in names}


class FinishImageOfFile(Task):
    """Writes what was not known before."""

    def execute(self, content: Mapping[str, Any]) -> None:
        """Write it."""
        self.job.image.update(str(self.job.image_id), {"__image_size": str(content["size"])})


class _DiskInFile:
    """The disk in a file, as what an image is filled from (:class:`ims_glance.flows.copy.data.CopySource`)."""

    def __init__(self, job: JobContext, file: JobFile, content: FormatFound) -> None:
        self.id = str(file.name)
        self._job = job
        self._file = file
        self._content = content
        self._size = int(content.virtual_size or 0)

    @contextlib.contextmanager
    def open(self) -> Iterator[Download]:
        """From its first byte on."""
        yield Download(self._size, self._file.chunks(self._content))

    def tell(self, done: int) -> None:
        """So many bytes are where they are to be."""
        self._job.progress(done, self._size)
