# SPDX-License-Identifier: Apache-2.0
"""The file that an export writes: part by part, and what is needed to go on behind each of them.

A part is held in memory while it is sent, as long as the object storage takes so many of this size; of a file that
needs larger ones they are made while they are sent.
"""

import math

from oslo_utils import units

from ims_glance.clouds import objects
from ims_glance.clouds.objects.large import LargeFile, NewPart
from ims_glance.flows.files.disk import ExportedDisk, ReadOtherwise
from ims_glance.flows.files.note import MOST, ExportNote
from ims_glance.jobs.context import JobContext
from ims_glance.model.bucket import BucketFile
from ims_glance.writers.base import ExportWriter
from ims_glance.writers.parts import FileParts

PART = 16 * units.Mi
"""Bytes of a part at least; a larger one is not held in memory."""
WORTH = 100
"""Bytes of the file that are sent for each byte of a note: keeping it costs a hundredth at most."""
# A format adds its tables, and a part ends where a block does.
_SPARE = 0.9


def target(job: JobContext, file: BucketFile | None = None) -> LargeFile:
    """A file that a job writes, with ``access_key`` of its arguments if there is one.

    :param file: ``bucket`` and ``object`` of its arguments unless given
    """
    file = file or named(job)
    reader = objects.FileReader(job.user_id, job.project_id, job.arguments.get("access_key"))
    return objects.load(job.conf, job.region, reader).large_file(file, job.id, job.pause)


def named(job: JobContext) -> BucketFile:
    """``bucket`` and ``object`` of a job's arguments."""
    return BucketFile(job.arguments["bucket"], job.arguments["object"])


class WrittenDisk:
    """One disk on its way into a file.

    :param file: that nobody has written anything of in this attempt
    :param writer: a new one
    """

    def __init__(self, file: LargeFile, disk: ExportedDisk, writer: ExportWriter) -> None:
        self._file = file
        self._disk = disk
        self._new = writer
        self._since_note = 0

    def write(self) -> int:
        """Write it, from where another worker left it; its size in bytes.

        :raises ImageChanged: if the disk was not what Glance says; the file is not put together
        """
        writer = self._taken_over()
        try:
            return self._write(writer or self._begun())
        except ReadOtherwise:
            self._disk.expect("")
            return self._write(self._begun())

    def _begun(self) -> ExportWriter:
        self._file.begin()
        return self._new

    def _taken_over(self) -> ExportWriter | None:
        """The writer of the rest, if another worker has noted how far it came."""
        kept = self._file.kept(MOST)
        note = None if kept is None else ExportNote.of_bytes(kept)
        writer = None if note is None else note.writer(self._new)
        if note is None or writer is None or not self._file.go_on(note.reference, note.parts):
            return None
        self._disk.expect(note.digest)
        return writer

    def _write(self, writer: ExportWriter) -> int:
        least = least_part(self._disk.size, self._file)
        parts = FileParts(writer, self._disk.chunks, least)
        while not parts.is_finished:
            self._send(parts, is_held=least <= PART)
            parts.done()
            self._disk.mark(parts.position)
            self._keep(parts)
        if head := parts.head():
            self._file.put(NewPart.held(0, [head]))
        self._disk.check()
        return self._file.finish()

    def _send(self, parts: FileParts, is_held: bool) -> None:
        offset = parts.offset
        if is_held:
            part = NewPart.held(offset, list(parts.pieces()))
        else:
            part = NewPart(offset, parts.pieces, None)
        if part.size != 0:
            self._file.put(part)
            self._since_note += self._file.parts[offset].size

    def _keep(self, parts: FileParts) -> None:
        """Note how far it is, unless that is the end: what follows is not worth it."""
        if parts.is_finished:
            return
        note = ExportNote(
            parts.state, self._disk.digest, self._file.reference, self._file.parts
        ).to_bytes()
        if len(note) * WORTH <= self._since_note and len(note) <= MOST:
            self._file.keep(note)
            self._since_note = 0


def least_part(size: int, file: LargeFile) -> int:
    """Bytes of a part of a file at least, such that it does not have too many of them.

    :param size: of the disk, in bytes
    """
    return max(PART, file.least_part, math.ceil(size / (file.most_parts * _SPARE)))
