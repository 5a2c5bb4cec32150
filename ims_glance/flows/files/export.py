# SPDX-License-Identifier: Apache-2.0
"""``imsNativeExportImageJob``: the disk of an image as a file in a bucket.

It is written as it is read: zeros are left out where the format knows them, and nothing is on the worker's
disk. A worker that goes on with the job begins with the file anew, for of what it sent nobody has the beginning of
the format.
"""

import hashlib
import math
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from oslo_utils import units
from taskflow.flow import Flow
from taskflow.patterns import linear_flow

from ims_glance import exceptions
from ims_glance.clouds.image_api import Download
from ims_glance.clouds.objects.large import MAX_PARTS, LargeFile
from ims_glance.flows import job_image
from ims_glance.formats import extents
from ims_glance.jobs.context import JobContext
from ims_glance.jobs.task import Task
from ims_glance.model.bucket import BucketFile
from ims_glance.model.copy import Digest
from ims_glance.model.image import rules
from ims_glance.writers import factory, parts

PART = 16 * units.Mi
"""Bytes of a part at least."""
# A format adds its tables, and a part ends where a block does.
_SPARE = 0.9


class ImageChanged(exceptions.Conflict):
    """What was read is not what Glance says that the image is."""

    code = "IMG.0057"
    template = (
        "The data of image {image_id} is not what it was when it was stored. Nothing was exported."
    )


def flow(job: JobContext) -> Flow:
    """The flow of a job.

    Its arguments are ``image_id``, ``bucket``, ``object`` and ``format``.
    """
    return linear_flow.Flow("export image").add(ReadExported(job), WriteFile(job))


class ReadExported(Task):
    """Looks at the image."""

    default_provides = "exported"

    def execute(self) -> dict[str, Any]:
        """Its size and its digest."""
        view = job_image.source(self.job)
        rules.check(rules.Action.EXPORT, rules.Facts.of(view), self.job.project_id)
        digest = Digest.of(view)
        _file(self.job).check_new()
        return {"size": digest.size, "checksum": digest.checksum}


class WriteFile(Task):
    """Reads the image, and writes the file."""

    def execute(self, exported: Mapping[str, Any]) -> None:
        """Do so, unless it was done already."""
        file = _file(self.job)
        written = file.size
        if written is None:
            written = self._write(file, exported)
        self.job.tell(file_bytes=written)

    def _write(self, file: LargeFile, exported: Mapping[str, Any]) -> int:
        size = int(exported["size"])
        file.begin()
        writer = factory.writer(
            self.job.arguments["format"], size, uuid.UUID(self.job.arguments["image_id"])
        )
        hasher = hashlib.md5(usedforsecurity=False)
        least = max(PART, math.ceil(size / (MAX_PARTS * _SPARE)))
        with self.job.image.download(self.job.arguments["image_id"]) as download:
            chunks = self._watched(download, hasher)
            for part in parts.parts(writer, chunks, least):
                file.put(part.offset, part.pieces, part.size)
        if exported["checksum"] and hasher.hexdigest() != exported["checksum"]:
            raise ImageChanged(image_id=self.job.arguments["image_id"])
        return file.finish()

    def revert(self, **_: Any) -> None:
        """Delete what was written."""
        _file(self.job).delete()

    def _watched(self, download: Download, hasher: Any) -> Iterator[bytes | int]:
        """The data on its way, zeros as their number; says how far it is, and stops with the job."""
        done = 0
        for chunk in download.chunks:
            hasher.update(chunk)
            done += len(chunk)
            yield len(chunk) if extents.is_zero(chunk) else chunk
            self.job.progress(done, download.size)


def _file(job: JobContext) -> LargeFile:
    file = BucketFile(job.arguments["bucket"], job.arguments["object"])
    return LargeFile(job.region, file, job.id, job.pause)
