# SPDX-License-Identifier: Apache-2.0
"""Images of machines of which each disk is an object: the manifest, read when the request is accepted.

It is a stranger's: so little of it is read, and nothing that it names is looked at before all of it is known to be sound. What
it names lies beside it, in the same bucket.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from ims_glance.api.ims import checking
from ims_glance.api.ims.operation import Call
from ims_glance.api.ims.operations.sealed_file import UNSEAL_KEY, Opening
from ims_glance.clouds.objects.base import FoundFile, ObjectStore
from ims_glance.model.bucket import BucketFile
from ims_glance.model.image.from_file import DiskBounds
from ims_glance.model.machine import manifest
from ims_glance.model.machine.manifest import (
    SEALED,
    MachineManifest,
    ManifestDisk,
    ManifestRefused,
)

MACHINE = "machine"
"""What a job is told of it by (:data:`ims_glance.flows.files.machine.file.MACHINE`)."""


@dataclasses.dataclass(frozen=True)
class FoundMachine:
    """A manifest, and the objects that it names.

    :ivar told: what a job is told of them
    :ivar files: of each disk, as it is told there
    """

    told: Mapping[str, Any]
    files: Sequence[dict[str, Any]]
    machine: MachineManifest

    @property
    def min_disk(self) -> int:
        """Size of the system disk as the machine had it, GiB."""
        return self.machine.disks[0].volume_size

    def bounds(self, usual: DiskBounds) -> DiskBounds:
        """What may be asked for: a smaller system disk than of other files, if the machine had such a one.

        :raises FileEmpty, FileTooLarge: if the objects are too large
        """
        file = BucketFile(self.told["file"]["bucket"], self.told["file"]["object"])
        sealed = any(UNSEAL_KEY in each for each in self.files)
        usual.check_file(file, sum(each["size"] for each in self.files), sealed)
        return dataclasses.replace(usual, least=min(usual.least, self.min_disk))


def look(call: Call, store: ObjectStore, file: BucketFile) -> FoundMachine:
    """Read a manifest, and look at what it names.

    :raises ManifestRefused, ManifestVersionUnknown: if it is none, or not sound
    :raises Exception: see :meth:`ObjectStore.head` and :meth:`Opening.told`
    """
    found, data = _read(store, file)
    told = manifest.decoded(data, file)
    if problem := checking.problem(manifest.SCHEMA, told):
        raise ManifestRefused(file=file, reason=problem)
    machine = MachineManifest.of(told, file)
    most = call.service.conf.ims_files.most_disks
    if len(machine.disks) > most:
        raise ManifestRefused(
            file=file,
            reason=f"it has {len(machine.disks)} disks, and {most} are the most ([ims_files] most_disks)",
        )
    opening = Opening(call, several=True)
    files = [_disk(opening, store, file, each) for each in machine.disks]
    opening.check_used()
    told_of_all = {"file": found.to_arguments(), "manifest": data.decode(), "files": files}
    return FoundMachine(told_of_all, files, machine)


def _read(store: ObjectStore, file: BucketFile) -> tuple[FoundFile, bytes]:
    found = store.head(file)
    if not 0 < found.size <= manifest.MAX_SIZE:
        raise ManifestRefused(
            file=file, reason=f"it has {found.size} bytes, and 1 to {manifest.MAX_SIZE} may be"
        )
    return found, store.read(found, 0, found.size)


def _disk(
    opening: Opening, store: ObjectStore, file: BucketFile, disk: ManifestDisk
) -> dict[str, Any]:
    found = store.head(manifest.beside(file, disk))
    if found.size != disk.file_size:
        raise ManifestRefused(
            file=file,
            reason=f"{found.file} has {found.size} bytes, and should have {disk.file_size}",
        )
    of_disk = opening.told(store, found)
    if (UNSEAL_KEY in of_disk) is not (disk.form == SEALED):
        raise ManifestRefused(
            file=file, reason=f"{found.file} is not {disk.form}, as which it is named"
        )
    return of_disk
