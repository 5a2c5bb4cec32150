# SPDX-License-Identifier: Apache-2.0
"""``imsCopyImageInRegionJob``: a new private image with the data of another one.

The data goes through the worker, from a download to an upload, and is never on its disk. Both are
the Image API's, so an encrypted source is opened, and an encrypted copy is sealed, by the store
``ims-kms`` in Glance: with another key, with none, or with one for the first time.
"""

import contextlib
import dataclasses
import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from taskflow.flow import Flow
from taskflow.patterns import linear_flow

from ims_glance import exceptions
from ims_glance.clouds import rest
from ims_glance.clouds.image_api import Download
from ims_glance.flows import tasks
from ims_glance.flows.context import JobContext
from ims_glance.flows.task import Task
from ims_glance.model import copies, rules
from ims_glance.model.copies import Digest

# Uploads of one job that broke after their beginning.
_ATTEMPTS = 5
# Glance's answers to an upload to an image that somebody deleted or filled meanwhile.
_SPOILT = (404, 409, 410)


class EncryptedByCinder(exceptions.Conflict):
    """The image is that of an encrypted volume."""

    code = "IMG.0105"
    template = (
        "Image {image_id} was made of an encrypted volume, and Cinder's key belongs to it alone. "
        "Make a volume of it, and another image of that volume."
    )


class SourceChanged(exceptions.Conflict):
    """Another image is there under the source's id than at the beginning of the job."""

    template = "The data of image {image_id} changed while it was copied."


class CopyDiffers(exceptions.ImsError):
    """What Glance has stored is not what it had sent."""

    code = "IMG.0057"
    template = (
        "The copy of image {image_id} differs from it: {found}, and not {wanted}. It was deleted."
    )


class CopyBroken(exceptions.ImsError):
    """Data could not be moved, several times."""

    code = "IMG.0014"
    template = "Copying image {image_id} broke off {attempts} times. Last time: {reason}"


def flow(job: JobContext) -> Flow:
    """The flow of a job.

    Its arguments are ``image_id`` of the source, ``name``, and if given ``description``,
    ``cmk_id`` (id of a key that the caller was asked for, and that was opened to the service; without
    it the copy is plain) and ``enterprise_project_id``.
    """
    return linear_flow.Flow("copy image").add(
        ReadSource(job), CreateImage(job), CopyData(job), FinishImage(job)
    )


class ReadSource(Task):
    """Looks at the image that is to be copied."""

    default_provides = "source"

    def execute(self) -> dict[str, Any]:
        """Its digest."""
        view = _source(self.job)
        rules.check(rules.Action.COPY, rules.Facts.of(view), self.job.project_id)
        if copies.CINDER_KEY in view:
            raise EncryptedByCinder(image_id=view["id"])
        return dataclasses.asdict(Digest.of(view))


class CreateImage(Task):
    """Makes the image, without data."""

    def execute(self) -> None:
        """Make it."""
        tasks.make_image(self.job, _body(self.job))

    def revert(self, **_: Any) -> None:
        """Delete it."""
        tasks.delete_image(self.job)


class CopyData(Task):
    """Moves the data."""

    def __init__(self, job: JobContext) -> None:
        super().__init__(job)
        self._begun: set[str | None] = set()

    def execute(self, source: Mapping[str, Any]) -> None:
        """Download and upload until the image has the data."""
        wanted = Digest(**source)
        for attempt in range(1, _ATTEMPTS + 1):
            image_id = self._image_without_data(wanted)
            if image_id is None:
                return
            moved = _Moved()
            try:
                self._move(image_id, wanted, moved)
                return
            except (exceptions.Unavailable, rest.Refused) as error:
                if not _may_try_again(error, moved):
                    raise
                reason = str(error)
            self.job.pause(attempt)
        source_id = self.job.arguments["image_id"]
        raise CopyBroken(image_id=source_id, attempts=_ATTEMPTS, reason=reason)

    def _image_without_data(self, wanted: Digest) -> str | None:
        """The id of an image that takes the data; ``None`` if the job's image has it."""
        image_id = self.job.image_id
        view = self.job.image.find(image_id) if image_id else None
        if view is not None and view["status"] == "active" and wanted.agrees(Digest.of(view)):
            return None
        # Of an image that another worker made, nobody knows whether an upload was begun.
        is_fresh = image_id not in self._begun and self.job.job.generation == 1
        if view is None or view["status"] != "queued" or not is_fresh:
            view = tasks.replace_image(self.job, _body(self.job))
        return str(view["id"])

    def _move(self, image_id: str, wanted: Digest, moved: "_Moved") -> None:
        with _download(self.job) as download:
            if download.size != wanted.size:
                raise SourceChanged(image_id=self.job.arguments["image_id"])
            self._begun.add(image_id)
            chunks = self._watched(download, moved, None if wanted.is_known else moved.hash)
            self.job.image.upload(image_id, chunks, download.size)
        self._check_copy(image_id, wanted, moved)

    def _watched(self, download: Download, moved: "_Moved", known: Any) -> Iterator[bytes]:
        """The data on its way; says how far it is, and stops with the job."""
        for chunk in download.chunks:
            yield chunk
            moved.bytes += len(chunk)
            if known is not None:
                known.update(chunk)
            self.job.progress(moved.bytes, download.size)

    def _check_copy(self, image_id: str, wanted: Digest, moved: "_Moved") -> None:
        if not wanted.is_known:
            # Glance was never told a digest of this data (its locations were set by hand).
            wanted = Digest(wanted.size, checksum=moved.hash.hexdigest())
        found = Digest.of(self.job.image.get(image_id))
        if not wanted.agrees(found):
            source_id = self.job.arguments["image_id"]
            raise CopyDiffers(image_id=source_id, found=found, wanted=wanted)


class FinishImage(Task):
    """Writes what was not known before."""

    def execute(self, source: Mapping[str, Any]) -> None:
        """Write it."""
        self.job.image.update(str(self.job.image_id), {"__image_size": str(source["size"])})


class _Moved:
    """How much of an attempt's data was sent, and its MD5 if somebody asks for it."""

    def __init__(self) -> None:
        self.bytes = 0
        self.hash = hashlib.md5(usedforsecurity=False)


def _may_try_again(error: exceptions.ImsError, moved: _Moved) -> bool:
    """Whether another upload may succeed.

    A neighbour that is away from the beginning is waited for by the task itself.
    """
    if isinstance(error, rest.Refused):
        return error.status in _SPOILT
    return moved.bytes > 0


def _source(job: JobContext) -> dict[str, Any]:
    image_id = job.arguments["image_id"]
    view = job.image.find(image_id)
    if view is None:
        raise exceptions.ImageNotFound(image_id=image_id)
    return view


def _body(job: JobContext) -> dict[str, Any]:
    return copies.body(_source(job), job.region_name or "", job.arguments)


@contextlib.contextmanager
def _download(job: JobContext) -> Iterator[Download]:
    image_id = job.arguments["image_id"]
    with contextlib.ExitStack() as stack:
        try:
            opened = stack.enter_context(job.image.download(image_id))
        except rest.Missing:
            raise exceptions.ImageNotFound(image_id=image_id) from None
        yield opened
