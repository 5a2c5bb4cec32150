# SPDX-License-Identifier: Apache-2.0
"""The OVA that an export of a machine writes: part by part, and what is needed to go on behind each of them.

Before each disk stands its length, and before all of them stand their digests: what is known once a disk was written.
So the last disk is written first, and the beginning of the archive last (:mod:`ims_glance.writers.archive`); parts of
object storages may come in any order, each with a number that is fixed beforehand.

The state of SHA-256 cannot be kept, so a worker that takes over writes the one disk anew that was on its way, and
sends those of its parts only that are not there. Disks that were there as a whole are not read again.
"""

import hashlib
import itertools
import math
import uuid
from collections.abc import Iterator

from ims_glance.clouds.objects.large import Buffer, LargeFile, NewPart, SentPart
from ims_glance.flows.files import written
from ims_glance.flows.files.disk import ExportedDisk, ReadOtherwise
from ims_glance.flows.files.machine.note import ArchivedFile, ArchiveNote
from ims_glance.flows.files.note import MOST
from ims_glance.jobs.context import JobContext
from ims_glance.model.machine.exported import ExportedMachine, MachineDisk
from ims_glance.writers import factory
from ims_glance.writers.archive import manifest, ovf, tar
from ims_glance.writers.base import GIB, MIB, ExportWriter
from ims_glance.writers.parts import FileParts

_SPARE = 0.9


class WrittenArchive:
    """One archive on its way into a bucket.

    :param file: that nobody has written anything of in this attempt
    :ivar least: bytes of a part at least, but for the last one of the archive
    :ivar first: numbers of the first parts of the disks, and one that no part has; the archive's beginning has 0
    """

    def __init__(self, job: JobContext, file: LargeFile, machine: ExportedMachine) -> None:
        self._job = job
        self._file = file
        self._machine = machine
        self._total = sum(disk.size for disk in machine.disks)
        bounds = [_bound(disk.size) for disk in machine.disks]
        room = file.most_parts * _SPARE - 2 * len(bounds)
        self.least = max(written.PART, file.least_part, math.ceil(sum(bounds) / room))
        counts = (bound // self.least + 1 for bound in bounds)
        self.first = list(itertools.accumulate(counts, initial=1))
        # Of some MiB each where parts may not be small: one is made where it is used.
        self._head_sizes = [len(self._head(number)) for number in range(len(machine.disks))]
        self._disks: dict[int, ArchivedFile] = {}
        self._since_note = 0

    def write(self) -> int:
        """Write it, from where another worker left it; its size in bytes.

        :raises ImageChanged: if a disk was not what Glance says; the file is not put together
        """
        self._file.is_numbered = True
        if not self._is_taken_over():
            self._begin()
        try:
            return self._write()
        except ReadOtherwise:
            self._begin()
            return self._write()

    def _begin(self) -> None:
        self._file.begin()
        self._disks = {}

    def _is_taken_over(self) -> bool:
        kept = self._file.kept(MOST)
        note = None if kept is None else ArchiveNote.of_bytes(kept)
        if note is None or not self._is_of_this(note):
            return False
        self._disks = dict(note.disks)
        return self._file.go_on(note.reference, note.parts)

    def _is_of_this(self, note: ArchiveNote) -> bool:
        """Whether a note is one of such an archive: of all disks from the last one on, until some, it has all parts."""
        count = len(self._machine.disks)
        if sorted(note.disks) != list(range(count - len(note.disks), count)):
            return False
        sizes = dict.fromkeys(range(count), 0)
        for at, part in note.parts.items():
            number = self._disk_of(at)
            if number not in sizes:
                return False
            sizes[number] += part.size
        return all(
            sizes[number] == each.size - self._head_sizes[number] + self._size_behind(number)
            for number, each in note.disks.items()
        )

    def _disk_of(self, place: int) -> int:
        """Of which disk a part with this number is; -1 for the beginning of the archive."""
        return sum(1 for first in self.first if first <= place) - 1

    def _size_behind(self, number: int) -> int:
        is_last = number + 1 == len(self._head_sizes)
        return len(tar.END) if is_last else tar.BLOCK + self._head_sizes[number + 1]

    def _write(self) -> int:
        for number in reversed(range(len(self._machine.disks))):
            if number not in self._disks:
                self._disks[number] = self._disk(number)
                self._keep()
        self._file.put(NewPart.held(0, [self._beginning()]))
        return self._file.finish()

    # --- one disk ------------------------------------------------------------------------------

    def _writer(self, disk: MachineDisk) -> ExportWriter:
        return factory.of_archive(disk.size, uuid.UUID(disk.image_id), self._file.least_part)

    def _head(self, number: int) -> bytes:
        """What the file of a disk begins with; the same each time."""
        return self._writer(self._machine.disks[number]).head()

    def _disk(self, number: int) -> ArchivedFile:
        """Write one; what is to be said of it."""
        told = self._machine.disks[number]
        before = sum(self._machine.disks[each].size for each in self._disks)
        disk = ExportedDisk(
            self._job, told.image_id, told.size, told.checksum or "", self._total, before
        )
        file = _DiskFile(
            FileParts(self._writer(told), disk.chunks, self.least),
            self._head(number),
            self._behind(number),
        )
        there = self._taken_out(number)
        for place in itertools.count(self.first[number]):
            self._send(place, file, there.pop(place, None))
            file.done()
            disk.mark(file.parts.position)
            if file.parts.is_finished:
                break
            self._keep()
        if there:
            # The first worker cut it otherwise.
            raise ReadOtherwise
        disk.check()
        return file.told

    def _behind(self, number: int) -> bytes:
        """What stands behind a disk: what stands before the next one, or the end."""
        if number + 1 == len(self._machine.disks):
            return tar.END
        return self._before(number + 1)

    def _before(self, number: int) -> bytes:
        name, size = self._machine.file_of(number), self._disks[number].size
        return tar.header(name, size, self._machine.when) + self._head(number)

    def _taken_out(self, number: int) -> dict[int, SentPart]:
        """The parts of a disk that another worker sent."""
        mine = [at for at in self._file.parts if self._disk_of(at) == number]
        return {at: self._file.parts.pop(at) for at in mine}

    def _send(self, place: int, file: "_DiskFile", there: SentPart | None) -> None:
        if self.least <= written.PART:
            part = NewPart.held(place, list(file.pieces()))
        else:
            part = NewPart(place, file.pieces, None)
        if there is not None and _is_same(part, there):
            self._file.parts[place] = there
            return
        self._file.put(part)
        self._since_note += self._file.parts[place].size

    def _keep(self) -> None:
        """Note how far it is, if that is worth it."""
        note = ArchiveNote(self._file.reference, self._file.parts, self._disks).to_bytes()
        if len(note) * written.WORTH <= self._since_note and len(note) <= MOST:
            self._file.keep(note)
            self._since_note = 0

    # --- the beginning -------------------------------------------------------------------------

    def _beginning(self) -> bytes:
        """The description, the digests, and what stands before the first disk."""
        machine, files = self._machine, dict(sorted(self._disks.items()))
        description = ovf.text(
            ovf.DescribedMachine(**machine.description),
            [
                ovf.DescribedDisk(
                    machine.file_of(number),
                    files[number].size,
                    disk.capacity * GIB,
                    disk.volume_type,
                    disk.goes_with_server,
                )
                for number, disk in enumerate(machine.disks)
            ],
        )
        digests = {
            f"{machine.stem}.ovf": hashlib.sha256(description).hexdigest(),
            **{machine.file_of(number): each.sha256 for number, each in files.items()},
        }
        return b"".join(
            (
                tar.member(f"{machine.stem}.ovf", description, machine.when),
                tar.member(f"{machine.stem}.mf", manifest.text(digests), machine.when),
                self._before(0),
            )
        )


class _DiskFile:
    """The file of one disk while it is written.

    :param head: its beginning, which stands elsewhere
    :param behind: what follows its last part
    """

    def __init__(self, parts: FileParts, head: bytes, behind: bytes) -> None:
        self.parts = parts
        self._behind = behind
        self._hasher = self._next = hashlib.sha256(head)

    def pieces(self) -> Iterator[Buffer]:
        """The next part; from its first byte again, if it is asked for again."""
        self._next = self._hasher.copy()
        for piece in self.parts.pieces():
            self._next.update(piece)
            yield piece
        if self.parts.is_finished:
            yield self._behind

    def done(self) -> None:
        """The part was taken to its end."""
        self._hasher = self._next
        self.parts.done()

    @property
    def told(self) -> ArchivedFile:
        """What is to be said of it, once it is written."""
        return ArchivedFile(self.parts.offset, self._hasher.hexdigest())


def _bound(size: int) -> int:
    """Bytes of a disk's file at most: what cannot be compressed may become an eighth longer, by some zlib.

    :param size: of the disk, in bytes
    """
    return size * 5 // 4 + 2 * MIB


def _is_same(part: NewPart, there: SentPart) -> bool:
    """Whether a part is the one that is there, by its MD5, which most object storages have as ETag."""
    hasher, size = hashlib.md5(usedforsecurity=False), 0
    for piece in part.pieces():
        hasher.update(piece)
        size += len(piece)
    return (size, hasher.hexdigest()) == (there.size, there.etag)
