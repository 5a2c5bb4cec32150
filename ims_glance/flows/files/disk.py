# SPDX-License-Identifier: Apache-2.0
"""The disk of an image as an export reads it: compared with the image's digest, whoever reads it, and how often.

Glance knows one digest of the whole. The state of a digest cannot be kept (``hashlib`` gives none; OpenSSL's own
would be bound to its version), so a worker that goes on with an export reads the image anew from its beginning. That is
what little there is to do again: MD5 makes 0.7 GB/s, where writing vmdk or zvhd makes 18 MB/s, and sending depends on
the object storage. The digest of what was read until then is kept and compared: so the parts of the first worker are of
the same bytes as the image's digest.
"""

import hashlib
from collections.abc import Iterator
from typing import Any

from ims_glance import exceptions
from ims_glance.formats import extents
from ims_glance.jobs.context import JobContext
from ims_glance.writers import parts


class ImageChanged(exceptions.Conflict):
    """What was read is not what Glance says that the image is."""

    code = "IMG.0057"
    template = (
        "The data of image {image_id} is not what it was when it was stored. Nothing was exported."
    )


class ReadOtherwise(Exception):
    """Another worker read other bytes: what it wrote is of no use."""


class ExportedDisk:
    """The data of an image.

    :param checksum: MD5 that Glance knows, in hexadecimal; empty for none
    :param total: bytes of all disks of the job, if this is one of several
    :param before: bytes of those that were written before
    """

    def __init__(
        self,
        job: JobContext,
        image_id: str,
        size: int,
        checksum: str,
        total: int = 0,
        before: int = 0,
    ) -> None:
        self._job = job
        self._image_id = image_id
        self.size = size
        self._checksum = checksum
        self._total = total or size
        self._before = before
        self._hasher = _md5()
        self._mark: tuple[int, Any] = (0, _md5())
        self._known = ""

    def expect(self, digest: str) -> None:
        """Before anything is read: another worker read so much of it that this is its digest."""
        self._known = digest

    def mark(self, position: int) -> None:
        """What was read until now is written; *position* is its end, where a part may end.

        :raises Exception: see :meth:`JobContext.check`: who has lost the job notes nothing
        """
        self._tell(position)
        self._mark = (position, self._hasher.copy())

    @property
    def digest(self) -> str:
        """MD5 of what was read until the last mark, in hexadecimal."""
        return str(self._mark[1].hexdigest())

    def check(self) -> None:
        """Compare what was read with what Glance says.

        :raises ImageChanged: if it is something else
        """
        if self._checksum and self._hasher.hexdigest() != self._checksum:
            raise ImageChanged(image_id=self._image_id)

    def chunks(self, position: int) -> Iterator[bytes | int]:
        """The disk from a byte on, in pieces; a number stands for so many zeros.

        :param position: that of the mark, or that where another worker came to
        :raises ReadOtherwise: if that one read something else
        """
        begin, marked = self._mark
        self._hasher = marked.copy()
        is_same = begin == position
        for at, chunk in self._read(begin):
            if at > position and not is_same:
                raise ReadOtherwise
            if at > position:
                yield len(chunk) if extents.is_zero(chunk) else chunk
            elif at == position:
                is_same = self._hasher.hexdigest() == self._known
            self._tell(at)

    def _tell(self, done: int) -> None:
        self._job.progress(self._before + done, self._total)

    def _read(self, begin: int) -> Iterator[tuple[int, bytes]]:
        """The pieces from a byte on, each with its end; they are in the digest."""
        with self._job.image.download(self._image_id, begin) as download:
            at = download.offset
            for chunk in parts.cut(download.chunks, at, parts.UNIT):
                assert isinstance(chunk, bytes)
                at += len(chunk)
                # Where the store reads from the beginning only, all of it comes.
                if at > begin:
                    self._hasher.update(chunk)
                    yield at, chunk


def _md5() -> Any:
    return hashlib.md5(usedforsecurity=False)
