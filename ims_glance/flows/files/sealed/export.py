# SPDX-License-Identifier: Apache-2.0
"""A sealed image as an export reads it: it is neither opened nor encrypted on its way.

Which bytes it has, its ETag says, so a worker that goes on with an export reads nothing twice.
"""

from collections.abc import Iterator

from ims_glance import exceptions
from ims_glance.clouds.rest import ServiceUnavailable
from ims_glance.clouds.sealed_image import SealedDownload, SealedImages
from ims_glance.flows.files.disk import ExportedDisk, ReadOtherwise
from ims_glance.jobs.context import JobContext

FORMAT = "sealed"
"""What an export's ``format`` is then."""


class HeadReplaced(exceptions.Unavailable):
    """The image was given another key meanwhile, so that its file begins otherwise."""

    template = (
        "The key of image {image_id} was changed while it was exported. It is exported once more."
    )


class SealedDisk(ExportedDisk):
    """The file that a sealed image is.

    :param data_size: of the image in bytes, if it is one of several: what sealing adds does not count then
    :param total: bytes of all images of the job, then
    :param before: bytes of those that were written before
    """

    def __init__(
        self, job: JobContext, image_id: str, data_size: int = 0, total: int = 0, before: int = 0
    ) -> None:
        self._images = SealedImages(job.region, job.project_id)
        with self._images.open(image_id) as opened:
            self._etag = opened.etag
            self._counted = data_size or opened.size
            super().__init__(job, image_id, opened.size, "", total, before)

    @property
    def digest(self) -> str:
        """That of all of it."""
        return self._etag

    def mark(self, position: int) -> None:
        """See :meth:`ExportedDisk.mark`."""
        self._tell(position)

    def check(self) -> None:
        """Each segment was authenticated before it came."""

    def chunks(self, position: int) -> Iterator[bytes | int]:
        """See :meth:`ExportedDisk.chunks`; what is sealed has no zeros.

        :raises HeadReplaced: if it is another file by now
        :raises Refused: if it is damaged
        """
        if self._known not in ("", self._etag):
            raise ReadOtherwise
        with self._images.open(self._image_id, position) as opened:
            self._check_same(opened)
            at = position
            try:
                for chunk in opened.chunks:
                    yield chunk
                    at += len(chunk)
                    self._tell(at)
            except ServiceUnavailable:
                # A stream that breaks off does not say why. An answer that begins there does, if it is damaged.
                with self._images.open(self._image_id, at):
                    raise

    def _tell(self, done: int) -> None:
        super()._tell(min(done, self._counted))

    def _check_same(self, opened: SealedDownload) -> None:
        if (opened.size, opened.etag) != (self.size, self._etag):
            raise HeadReplaced(image_id=self._image_id)
