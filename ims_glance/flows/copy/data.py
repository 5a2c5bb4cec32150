# SPDX-License-Identifier: Apache-2.0
"""Moving the data of an image into another one.

The data goes through the worker, from a download to an upload, and is never on its disk. Both are
the Image API's, so an encrypted source is opened, and an encrypted copy is sealed, by the store
``ims-kms`` in Glance: with another key, with none, or with one for the first time.
"""

import concurrent.futures
import contextlib
import dataclasses
import hashlib
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from typing import Any, Protocol

from oslo_utils import uuidutils

from ims_glance import exceptions
from ims_glance.clouds import rest
from ims_glance.clouds.image_api import Download, ImageApi
from ims_glance.crypto.passage import Passage
from ims_glance.flows import job_image
from ims_glance.jobs.context import JobContext
from ims_glance.model.copy import Digest
from ims_glance.model.image import attributes
from ims_glance.model.job import IN_MAKING

# Glance's answers to an upload to an image that somebody deleted or filled meanwhile.
_SPOILT = (404, 409, 410)
_CONFLICT = 409
# Those that give a digest of one length; another region may name any.
_ALGORITHMS = hashlib.algorithms_available - {"shake_128", "shake_256"}


class SourceChanged(exceptions.Conflict):
    """Another image is there under the source's id than at the beginning of the job."""

    template = "The data of image {image_id} changed while it was copied."


class CopyDiffers(exceptions.ImsError):
    """What Glance has stored is not what it had sent."""

    code = "IMG.0057"
    template = (
        "The copy of image {image_id} differs from it: {found}, and not {wanted}. It was deleted."
    )


class NothingTold(exceptions.Conflict):
    """Nobody knows whether what Glance has stored is what it had sent."""

    code = "IMG.0105"
    template = (
        "The Image service did not say what it received of image {image_id}. Its ims_glance is older than the worker's: "
        "install the same version, and start Glance again; or a proxy before it sends uploads on in chunks: have it keep "
        "their Content-Length. The image was deleted."
    )


class CopyBroken(exceptions.ImsError):
    """Data could not be moved, several times."""

    code = "IMG.0014"
    template = "Copying image {image_id} broke off {attempts} times. Last time: {reason}"


class Target(Protocol):
    """The image that gets the data; another one after each upload that broke."""

    def find(self) -> dict[str, Any] | None:
        """The image, if there is one."""

    def replace(self) -> dict[str, Any]:
        """Delete it, if there is one, and make it anew under another id."""


class CopySource(Protocol):
    """What the data comes from, as often as an upload breaks.

    :ivar id: of the image that it is of, for messages
    """

    id: str

    def open(self) -> contextlib.AbstractContextManager[Download]:
        """The data, from its first byte on."""

    def tell(self, done: int) -> None:
        """So many bytes are where they are to be; called again and again."""


class ImageSource:
    """An image of the region.

    :param total: bytes of all copies of the job, if this is one of several
    :param before: bytes of those that were made before
    """

    def __init__(self, job: JobContext, image_id: str, total: int = 0, before: int = 0) -> None:
        self.id = image_id
        self._job = job
        self._total = total
        self._before = before

    @contextlib.contextmanager
    def open(self) -> Iterator[Download]:
        """A download.

        :raises ImageNotFound: if there is no such image
        """
        with contextlib.ExitStack() as stack:
            try:
                opened = stack.enter_context(self._job.image.download(self.id))
            except rest.Missing:
                raise exceptions.ImageNotFound(image_id=self.id) from None
            self._total = self._total or opened.size
            yield opened

    def tell(self, done: int) -> None:
        """See :class:`CopySource`."""
        self._job.progress(self._before + done, self._total)


class JobImage:
    """The image that the job makes.

    :param body: of ``POST /v2/images``
    """

    def __init__(self, job: JobContext, body: Callable[[], Mapping[str, Any]]) -> None:
        self._job = job
        self._body = body

    def find(self) -> dict[str, Any] | None:
        """The image, if there is one."""
        image_id = self._job.image_id
        return self._job.image.find(image_id) if image_id else None

    def replace(self) -> dict[str, Any]:
        """Delete it, if there is one, and make it anew under another id."""
        return job_image.replace_image(self._job, self._body())


class DiskImage:
    """The hidden image of one of several disks, known by a name that only this job uses.

    :param number: of the disk
    :param body: of ``POST /v2/images``; its name comes later
    """

    def __init__(self, job: JobContext, number: int, body: Callable[[], Mapping[str, Any]]) -> None:
        self._job = job
        self._number = number
        self._name = job_image.name(job, number)
        self._body = body

    def find(self) -> dict[str, Any] | None:
        """The image, if there is one."""
        image_id = job_image.find_named(self._job, self._name)
        return self._job.image.find(image_id) if image_id else None

    def replace(self) -> dict[str, Any]:
        """Delete it, if there is one, and make it anew under another id."""
        self.delete()
        # First under the id of a request whose answer was lost: Glance may be about to make that image.
        asked = self._job.entities.get(IN_MAKING, {}).get(str(self._number))
        wanted = {**self._body(), "name": self._name, "os_hidden": True}
        if asked is not None:
            try:
                return self._job.image.create({**wanted, "id": asked})
            except rest.Refused as error:
                if error.status != _CONFLICT:
                    raise
                found = self._job.image.find(asked)
                if found is not None:
                    return found
        image_id = uuidutils.generate_uuid()
        self._job.record_disk_image(self._number, image_id)
        return self._job.image.create({**wanted, "id": image_id})

    def delete(self) -> None:
        """Delete it, if there is one."""
        there = self.find()
        if there is not None:
            job_image.delete_protected(self._job, str(there["id"]))


class DataCopy:
    """One copy.

    :param into: the Image API that takes the data; the caller's unless given
    :param holds_back: whether the last bytes wait until all are known to be right: as Glance lets an image be used
        with these, nobody ever uses one that differs
    """

    def __init__(
        self,
        job: JobContext,
        source: CopySource,
        target: Target,
        into: Callable[[], ImageApi] | None = None,
        *,
        holds_back: bool = False,
    ) -> None:
        self._job = job
        self._holds_back = holds_back
        self._into = into or (lambda: job.image)
        self._source = source
        self._target = target
        self._begun: set[str] = set()

    def found(self, wanted: Digest) -> str | None:
        """The id of the image, if it has the data already."""
        view = self._target.find()
        return str(view["id"]) if view and _has(view, wanted) else None

    def run(self, wanted: Digest) -> str:
        """Download and upload until the image has the data; the id of the image.

        :raises SourceChanged, CopyDiffers, CopyBroken: if it cannot
        """
        for attempt in range(1, job_image.UPLOADS + 1):
            view, is_done = self._image(wanted)
            if is_done:
                return str(view["id"])
            moved = _Moved()
            try:
                self._move(view, wanted, moved)
                return str(view["id"])
            except (exceptions.Unavailable, rest.Refused) as error:
                if not _may_try_again(error, moved):
                    raise
                reason = str(error)
            self._job.pause(attempt)
        raise CopyBroken(image_id=self._source.id, attempts=job_image.UPLOADS, reason=reason)

    def _image(self, wanted: Digest) -> tuple[dict[str, Any], bool]:
        """An image that takes the data, and whether it has it already."""
        view = self._target.find()
        if view is not None and _has(view, wanted):
            return view, True
        # Of an image that another worker made, nobody knows whether an upload was begun.
        is_fresh = self._job.job.generation == 1 and view and view["id"] not in self._begun
        if view is None or view["status"] != "queued" or not is_fresh:
            view = self._target.replace()
        return view, False

    def _move(self, view: Mapping[str, Any], wanted: Digest, moved: "_Moved") -> None:
        image_id = str(view["id"])
        with self._source.open() as download:
            if download.size != wanted.size:
                raise SourceChanged(image_id=self._source.id)
            self._begun.add(image_id)
            with contextlib.closing(self._sent(download, view, wanted, moved)) as chunks:
                received = self._uploaded(image_id, chunks, wanted)
        found = Digest.of(self._into().get(image_id))
        if wanted.is_known:
            self._check_copy(found, wanted)
        else:
            self._check_received(found, wanted, received, moved)

    def _uploaded(self, image_id: str, chunks: Iterator[bytes], wanted: Digest) -> str:
        """Send it; what Glance says that it received."""
        expected = wanted if wanted.is_known else None
        try:
            return self._into().upload(image_id, chunks, wanted.size, expected)
        except rest.Refused as refused:
            if refused.code != CopyDiffers.code:
                raise
            raise CopyDiffers(image_id=self._source.id, found=refused, wanted=wanted) from None

    def _sent(
        self, download: Download, view: Mapping[str, Any], wanted: Digest, moved: "_Moved"
    ) -> Generator[bytes, None, None]:
        """The data on its way; says how far it is, and stops with the job."""
        chunks = download.chunks
        # A store that encrypts looks before it stores.
        if self._holds_back and attributes.CMK_ID not in view:
            chunks = verified(chunks, self._source.id, wanted)
        for chunk in chunks:
            if not wanted.is_known:
                moved.passage.update(chunk)
            yield chunk
            moved.bytes += len(chunk)
            self._source.tell(moved.bytes)

    def _check_copy(self, found: Digest, wanted: Digest) -> None:
        if not wanted.agrees(found):
            raise CopyDiffers(image_id=self._source.id, found=found, wanted=wanted)

    def _check_received(
        self, found: Digest, wanted: Digest, received: str, moved: "_Moved"
    ) -> None:
        """Compare, where Glance was never told a digest: of a file, say, or of locations set by hand.

        With what it received, and not with its own digests: MD5 takes thirty times as long.
        """
        if wanted.size and not received:
            raise NothingTold(image_id=self._source.id)
        sent = moved.passage.checksum()
        if found.size != wanted.size or (wanted.size and received != sent):
            raise CopyDiffers(
                image_id=self._source.id,
                found=f"{found.size} bytes, checksum {received}",
                wanted=f"{wanted.size} bytes, checksum {sent}",
            )


class _Moved:
    """How much of an attempt's data was sent, and its checksum if nobody knows a digest."""

    def __init__(self) -> None:
        self.bytes = 0
        self.passage = Passage()


def verified(
    chunks: Iterable[bytes], image_id: str, wanted: Digest
) -> Generator[bytes, None, None]:
    """The bytes of an image, of which the last ones come only if all are right.

    Glance takes an upload for complete, and lets the image be used, with its last byte. So nobody ever
    uses one that differs, also if the worker dies before it has looked what Glance has got.

    :raises CopyDiffers: if they are not
    """
    algorithm, value = wanted.algorithm, wanted.multihash
    if not value or algorithm not in _ALGORITHMS:
        algorithm, value = "md5", wanted.checksum
    if not value:
        yield from chunks
        return
    hasher = hashlib.new(str(algorithm), usedforsecurity=False)
    last = b""
    # Beside the upload: a digest takes longer than all else here.
    with concurrent.futures.ThreadPoolExecutor(1, "ims-digest") as pool:
        for chunk in chunks:
            hashing = pool.submit(hasher.update, chunk)
            if last:
                yield last
            hashing.result()
            last = chunk
    if hasher.hexdigest() != value:
        found = dataclasses.replace(wanted, checksum=None, multihash=hasher.hexdigest())
        raise CopyDiffers(image_id=image_id, found=found, wanted=wanted)
    if last:
        yield last


def _has(view: Mapping[str, Any], wanted: Digest) -> bool:
    return view["status"] == "active" and wanted.agrees(Digest.of(view))


def _may_try_again(error: exceptions.ImsError, moved: _Moved) -> bool:
    """Whether another upload may succeed.

    A neighbour that is away from the beginning is waited for by the task itself.
    """
    if isinstance(error, rest.Refused):
        return error.status in _SPOILT
    return moved.bytes > 0
