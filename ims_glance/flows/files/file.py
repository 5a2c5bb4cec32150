# SPDX-License-Identifier: Apache-2.0
"""The file that a job makes an image of, and the disk in it."""

import functools
from collections.abc import Generator, Iterator, Mapping
from typing import Any

from ims_glance import formats
from ims_glance.clouds import objects
from ims_glance.clouds.image_api import CHUNK
from ims_glance.clouds.objects.base import FileChanged, FoundFile, ObjectStore
from ims_glance.clouds.objects.source import SMALL_BLOCK, ObjectSource
from ims_glance.flows.copy.beside import gathered
from ims_glance.flows.files.sealed import file as sealed
from ims_glance.flows.files.sealed.file import SealedFile
from ims_glance.formats import Bounds, FormatFound, Source
from ims_glance.formats.packed import ova
from ims_glance.formats.packed.manifest import Digested
from ims_glance.formats.refusals import FormatNotRead
from ims_glance.formats.source import Part
from ims_glance.jobs.context import JobContext

_ZEROS = bytes(CHUNK)


class JobFile:
    """A file, as it was when the job was accepted; another one by its name is never read.

    :param told: which one it is, of several
    :ivar name: bucket and object
    """

    def __init__(self, job: JobContext, told: Mapping[str, Any] | None = None) -> None:
        self._job = job
        told = told or job.arguments["file"]
        self._found = FoundFile.of_arguments(told)
        self._key_id = sealed.key_of(told)
        self.name = self._found.file

    @property
    def source(self) -> Source:
        """What it is read with; what is sealed is opened."""
        return self._object if self._sealed is None else self._sealed.data

    @functools.cached_property
    def _object(self) -> ObjectSource:
        return ObjectSource(self._store, self._found, self._job.pause, self._job.check)

    @functools.cached_property
    def _sealed(self) -> SealedFile | None:
        return SealedFile(self._job, self._object, self._key_id) if self._key_id else None

    @property
    def _scattered(self) -> Source:
        """What it is read with where little of it is read, here and there; what is sealed has large segments."""
        return self._scattered_object if self._sealed is None else self._sealed.data

    @functools.cached_property
    def _scattered_object(self) -> ObjectSource:
        job = self._job
        return ObjectSource(self._store, self._found, job.pause, job.check, SMALL_BLOCK)

    @property
    def received(self) -> int:
        """Bytes that came."""
        return self._object.received + self._scattered_object.received

    @property
    def requests(self) -> int:
        """Requests that they took."""
        return self._object.requests + self._scattered_object.requests

    def check_unchanged(self) -> None:
        """Look whether it is as it was.

        :raises FileChanged: if not
        """
        if not self._store.head(self.name).is_as(self._found):
            raise FileChanged(file=self.name)

    def recognise(
        self, most: int, further: int | None = None, disks: int = Bounds.disks
    ) -> FormatFound:
        """What is in it.

        :param most: size of the largest disk, in bytes
        :param further: the same of the second and further disks of an archive; without it, one with several
            disks is refused
        :param disks: that an archive may have
        :raises FileRefused: if it is nothing that an image is made of
        """
        bounds = Bounds(virtual_size=most, further=further, disks=disks)
        if self._sealed is None:
            found = formats.recognise(self.source, self.name.name, bounds=bounds)
        else:
            found = self._sealed.recognise(bounds)
        if len(found.disks) > 1 and further is None:
            raise FormatNotRead(
                f"it is an archive of a machine with {len(found.disks)} disks, and an image has one",
                "Unpack it, and make an image of each of its disks.",
            )
        return formats.measured(self.source, found, bounds=bounds)

    def disk(self, content: FormatFound) -> tuple[Source, FormatFound]:
        """What the disk in it lies in, to be read here and there, and how; of several, the first."""
        if not content.disks:
            return self._scattered, content
        disk = content.disks[0]
        return Part(self._scattered, disk.offset, disk.size), disk.found

    def check_digest(self, content: FormatFound) -> None:
        """Read all of what the disk lies in, of several the first, if an archive tells its digest.

        :raises FileRefused: if it has another one
        """
        for disk in content.disks[:1]:
            member = ova.opened(self.source, disk)
            if isinstance(member, Digested):
                member.finish()

    def chunks(self, content: FormatFound, disk: int = 0) -> Generator[bytes, None, None]:
        """The bytes of the disk in it, from the first one to the last.

        The last ones come once nothing speaks against the file, checksums and digests among it: an image that has all
        its bytes is active, and right.

        :param disk: which one of an archive, counted from 0
        :raises FileRefused: if it turns out to be damaged
        """
        pieces = self._pieces(content, disk)
        # The last one is given on when there are no more pieces.
        yield from gathered(
            self._sealed.compared(content, pieces) if self._sealed else pieces, CHUNK
        )

    def _pieces(self, content: FormatFound, disk: int) -> Iterator[bytes]:
        for extent in formats.reader(self.source, content, disk):
            yield from (
                zeros(extent.length) if isinstance(extent, formats.ZeroRun) else (extent.data,)
            )

    @functools.cached_property
    def _store(self) -> ObjectStore:
        job = self._job
        reader = objects.FileReader(job.user_id, job.project_id, job.arguments.get("access_key"))
        return objects.load(job.conf, job.region, reader)


def zeros(length: int) -> Iterator[bytes]:
    """So many of them, piece by piece."""
    for _ in range(length // CHUNK):
        yield _ZEROS
    if rest := length % CHUNK:
        yield _ZEROS[:rest]
