# SPDX-License-Identifier: Apache-2.0
"""The objects of a machine's disks, which a manifest names, as the file that a job makes an image of.

What a job does with an archive, it does with them: :class:`MachineFile` is read as a :class:`JobFile` of one is. That a disk
is what the manifest says, by its format, its size and its digest, is known before its last byte is given on.
"""

import hashlib
from collections.abc import Generator, Iterator, Mapping
from typing import Any

from ims_glance.clouds.image_api import CHUNK
from ims_glance.flows.copy.beside import gathered
from ims_glance.flows.files.file import JobFile
from ims_glance.formats import ArchivedDisk, Bounds, FormatFound, Source
from ims_glance.formats.extents import is_zero
from ims_glance.formats.refusals import FileRefused, FormatNotRead
from ims_glance.jobs.context import JobContext
from ims_glance.model.image.from_file import GIB, RAW
from ims_glance.model.machine import manifest
from ims_glance.model.machine.manifest import (
    SEALED,
    MachineManifest,
    ManifestDisk,
    ManifestRefused,
)

MACHINE = "machine"
"""Of the arguments of a job, which has no ``file`` then: an older worker fails, and makes no image of a manifest. Its
fields are ``file`` (the manifest, as :meth:`FoundFile.to_arguments` tells it), ``manifest`` (its text, which fits
:data:`manifest.SCHEMA`) and ``files``, of each disk what a job is told of a file."""


class MachineFile(JobFile):
    """A machine, as it was when the job was accepted.

    :ivar name: bucket and object of the manifest
    """

    def __init__(self, job: JobContext) -> None:
        told = job.arguments[MACHINE]
        super().__init__(job, told["file"])
        value = manifest.decoded(told["manifest"].encode(), self.name)
        self._machine = MachineManifest.of(value, self.name)
        self._disks = [JobFile(job, each) for each in told["files"]]

    @property
    def received(self) -> int:
        """Bytes that came."""
        return sum(each.received for each in self._disks)

    @property
    def requests(self) -> int:
        """Requests that they took."""
        return sum(each.requests for each in self._disks)

    def check_unchanged(self) -> None:
        """Look whether the manifest and all disks are as they were.

        :raises FileChanged: if not
        """
        super().check_unchanged()
        for each in self._disks:
            each.check_unchanged()

    def recognise(
        self, most: int, further: int | None = None, disks: int = Bounds.disks
    ) -> FormatFound:
        """What is in it; see :meth:`JobFile.recognise`.

        :raises ManifestRefused: if a disk is not what the manifest says
        """
        count = len(self._disks)
        if count > 1 and further is None:
            raise FormatNotRead(
                f"it is the manifest of a machine with {count} disks, and an image has one",
                "Name the file of one of its disks.",
            )
        if count > disks:
            raise FileRefused(f"its machine has {count} disks, and 1 to {disks} may be")
        bounds = Bounds(most, further=further)
        found = tuple(
            self._recognised(number, disk, bounds.of_disk(number))
            for number, disk in enumerate(self._machine.disks)
        )
        total = sum(disk.size for disk in self._machine.disks)
        return FormatFound(MACHINE, total, self._machine.facts, disks=found)

    def disk(self, content: FormatFound) -> tuple[Source, FormatFound]:
        """What the first disk lies in, to be read here and there, and how."""
        return self._disks[0].disk(content.disks[0].found)

    def check_digest(self, content: FormatFound) -> None:
        """Read all of the first disk; of what is sealed each piece is authentic anyway.

        :raises ManifestRefused: if it has another digest
        """
        if content.disks[0].digest is not None:
            for _piece in self.chunks(content):
                pass

    def chunks(self, content: FormatFound, disk: int = 0) -> Generator[bytes, None, None]:
        """The bytes of a disk; see :meth:`JobFile.chunks`.

        :raises ManifestRefused: if it is not what the manifest says
        """
        told = content.disks[disk]
        # The last one is given on when there are no more pieces.
        yield from gathered(self._checked(disk, told, self._disks[disk].chunks(told.found)), CHUNK)

    def _recognised(self, number: int, disk: ManifestDisk, bounds: Bounds) -> ArchivedDisk:
        bounds.check(disk.size)
        # Some formats have whole GiB only, and what is behind the data is zero then.
        rounded = -(-disk.size // GIB) * GIB
        if disk.form == RAW:
            # A raw disk may hold anything; that it is this one, its digest says.
            found = FormatFound(RAW, disk.file_size)
        else:
            found = self._disks[number].recognise(max(rounded, bounds.virtual_size))
        form = RAW if disk.form == SEALED else disk.form
        size = found.virtual_size or 0
        if found.format != form or found.outer or not disk.size <= size <= rounded:
            raise ManifestRefused(
                file=self.name,
                reason=f"disk {number} is {found.format} of {size} bytes, and not {form} of {disk.size}",
            )
        return ArchivedDisk(
            disk.object,
            0,
            disk.file_size,
            found,
            disk.digest,
            disk.volume_size * GIB,
            disk.volume_type,
            disk.goes_with_server,
            disk.size,
        )

    def _checked(self, number: int, told: ArchivedDisk, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """The data alone, compared with its digest."""
        hasher = hashlib.new(told.digest[0], usedforsecurity=False) if told.digest else None
        left = told.data_size or 0
        for piece in pieces:
            data, behind = piece[:left], piece[left:]
            if behind and not is_zero(behind):
                raise ManifestRefused(
                    file=self.name, reason=f"disk {number} has data behind its end"
                )
            if hasher is not None:
                hasher.update(data)
            left -= len(data)
            if data:
                yield data
        if hasher is not None and told.digest and hasher.hexdigest() != told.digest[1]:
            raise ManifestRefused(
                file=self.name,
                reason=f"the data of disk {number} has not the digest that it tells",
            )


def job_file(job: JobContext) -> JobFile:
    """The file that a job makes an image of."""
    return MachineFile(job) if job.arguments.get(MACHINE) else JobFile(job)


def key_of_disk(arguments: Mapping[str, Any], number: int) -> str | None:
    """The key that the image of a disk gets, if it has one of its own.

    :param arguments: of the job
    """
    machine = arguments.get(MACHINE)
    found: str | None = machine["files"][number].get("cmk_id") if machine else None
    return found
