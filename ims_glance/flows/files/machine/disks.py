# SPDX-License-Identifier: Apache-2.0
"""A machine as one object a disk, written one after the other as any export is, and last a manifest of them.

Who finds a manifest finds all that it names: it is written when all else is there, and deleted first. A worker that
takes over goes on with the disk that was on its way, behind its last part that was noted.
"""

import hashlib
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from ims_glance.clouds.objects.large import LargeFile, NewPart
from ims_glance.flows.files import written
from ims_glance.flows.files.disk import ExportedDisk
from ims_glance.flows.files.sealed.export import SealedDisk
from ims_glance.flows.files.written import WrittenDisk
from ims_glance.jobs.context import JobContext
from ims_glance.jobs.task import Task
from ims_glance.model.copy import Digest
from ims_glance.model.machine import manifest
from ims_glance.model.machine.exported import ExportedMachine, MachineDisk
from ims_glance.model.machine.manifest import SEALED, MachineManifest
from ims_glance.writers import factory
from ims_glance.writers.raw import RawWriter


def check_new(job: JobContext, count: int) -> None:
    """Check that the objects of the disks can be written; see :meth:`LargeFile.check_new`.

    :param count: of the disks
    """
    for number in range(count):
        _target(job, number).check_new()


class WriteDisks(Task):
    """Reads the disks, and writes an object of each."""

    default_provides = "written_disks"

    def execute(self, machine: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Write those that are not there; what the manifest says of each."""
        return list(self._written(ExportedMachine.of_arguments(machine)))

    def _written(self, machine: ExportedMachine) -> Iterator[dict[str, Any]]:
        before, total = 0, sum(disk.size for disk in machine.disks)
        for number, disk in enumerate(machine.disks):
            digest = self._digest(disk)
            file = _target(self.job, number)
            size = file.size
            if size is None:
                size = self._disk(file, disk, total, before).write()
            file.forget()
            before += disk.size
            self.job.progress(before, total)
            yield {"file_size": size, "size": disk.size, "digest": digest}

    def _disk(self, file: LargeFile, disk: MachineDisk, total: int, before: int) -> WrittenDisk:
        job, image_id, form = self.job, disk.image_id, self.job.arguments["disk_format"]
        if form == SEALED:
            sealed = SealedDisk(job, image_id, disk.size, total, before)
            return WrittenDisk(file, sealed, RawWriter(sealed.size))
        writer = factory.writer(form, disk.size, uuid.UUID(image_id), file.least_part)
        of_image = ExportedDisk(job, image_id, disk.size, disk.checksum or "", total, before)
        return WrittenDisk(file, of_image, writer)

    def _digest(self, disk: MachineDisk) -> list[str] | None:
        """Of the data, by which hash and which; what is sealed has it inside, where nobody reads it."""
        if self.job.arguments["disk_format"] == SEALED:
            return None
        known = Digest.of(self.job.image.get(disk.image_id))
        if known.multihash and known.algorithm in manifest.HASHES:
            return [known.algorithm, known.multihash]
        if known.checksum:
            return ["md5", known.checksum]
        # Glance was never told one (its locations were set by hand).
        hasher = hashlib.sha256()
        with self.job.image.download(disk.image_id) as download:
            for chunk in download.chunks:
                hasher.update(chunk)
                self.job.check()
        return ["sha256", hasher.hexdigest()]

    def revert(self, machine: Mapping[str, Any], **_: Any) -> None:
        """Delete what was written."""
        for number in range(len(machine["disks"])):
            _target(self.job, number).delete()


class WriteManifest(Task):
    """Writes the manifest, once all else is there."""

    def execute(self, machine: Mapping[str, Any], written_disks: list[Mapping[str, Any]]) -> None:
        """Do so, unless it was done already."""
        file = _manifest(self.job)
        size = file.size
        if size is None:
            told = ExportedMachine.of_arguments(machine)
            form = self.job.arguments["disk_format"]
            data = MachineManifest.of_export(told, file.file, form, written_disks).to_bytes()
            file.begin()
            file.put(NewPart.held(0, [data]))
            size = file.finish()
        file.forget()
        self.job.tell(file_bytes=size + sum(each["file_size"] for each in written_disks))

    def revert(self, **_: Any) -> None:
        """Delete it."""
        _manifest(self.job).delete()


def _manifest(job: JobContext) -> LargeFile:
    return written.target(job)


def _target(job: JobContext, number: int) -> LargeFile:
    """The object of a disk."""
    form = job.arguments["disk_format"]
    return written.target(job, manifest.object_of(written.named(job), number, form))
