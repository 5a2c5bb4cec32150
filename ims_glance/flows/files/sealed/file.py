# SPDX-License-Identifier: Apache-2.0
"""A sealed image in a bucket, as a job opens it: with a key that its caller may read.

The key is read with what the caller delegated, each time that a worker takes the job; so whoever loses the right to it
meanwhile gets nothing. It is kept nowhere.
"""

import functools
from collections.abc import Iterator, Mapping
from typing import Any

from ims_glance import formats
from ims_glance.crypto import sealed_file
from ims_glance.crypto.sealed_file import OpenHead, SealedData, SealedFileRefused
from ims_glance.flows import job_keys
from ims_glance.formats import Bounds, FormatFound, Source
from ims_glance.jobs.context import JobContext

_AS_THEY_ARE = ("raw", "iso")


class SealedFile:
    """A sealed image.

    Every property raises ``SealedFileRefused`` or ``SealedOtherwise`` for what cannot be opened, and ``KeyNotFound``,
    ``KeyDenied``, ``KeyUnusable`` and ``KeyManagerUnavailable`` for why the key cannot be read.

    :param file: what it is read with
    :param key_id: of the key that opens it, in the key manager of this region
    """

    def __init__(self, job: JobContext, file: Source, key_id: str) -> None:
        self._job = job
        self._file = file
        self._key_id = key_id

    @functools.cached_property
    def _head(self) -> OpenHead:
        head = sealed_file.read(self._file)
        return head.open(self._key_id, job_keys.caller_key(self._job, self._key_id))

    @functools.cached_property
    def data(self) -> SealedData:
        """What was sealed."""
        return self._head.data(self._file)

    def recognise(self, bounds: Bounds) -> FormatFound:
        """What the data is: a raw disk may hold anything, and what is authentic says that it is one.

        :raises FileRefused: if no image is made of it
        """
        disk_format = self._head.facts.disk_format
        if disk_format in _AS_THEY_ARE:
            return FormatFound(disk_format, bounds.check(self.data.size))
        return formats.recognise(self.data, bounds=bounds)

    def compared(self, content: FormatFound, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """The same pieces, compared with the digest that Glance knew, if they are all of the data.

        :param pieces: of the disk, from its first byte to its last
        :raises SealedFileRefused: if it differs
        """
        is_all = content.format in _AS_THEY_ARE and not (content.outer or content.disks)
        hasher = self._head.facts.hasher() if is_all else None
        for piece in pieces:
            if hasher is not None:
                hasher.update(piece)
            yield piece
        if hasher is not None and hasher.hexdigest() != self._head.facts.digest:
            raise SealedFileRefused("its data has another digest than the image had")


def key_of(told: Mapping[str, Any]) -> str | None:
    """The key that opens a file that a job was told of; ``None`` if it is not sealed."""
    return told.get("unseal_key")
