# SPDX-License-Identifier: Apache-2.0
"""What jobs about the disks of a server share: volumes made on the way, and images made of those.

Everything that Nova and Cinder make for a job has a name that only this job uses
(:func:`ims_glance.model.job.disk_name`), so a worker that goes on after a crash finds all of it, to delete it. What
becomes an image goes by its id: under a name there may be more, if the answer to a request was lost.
"""

import functools
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, NoReturn

from oslo_utils import units

from ims_glance import exceptions
from ims_glance.clouds import rest
from ims_glance.clouds.compute import ComputeApi, snapshot_name
from ims_glance.clouds.volume import VolumeApi
from ims_glance.flows import job_image
from ims_glance.flows.capture import stuck
from ims_glance.flows.capture.upload import Upload, Uploads, let_finish, seconds_for
from ims_glance.jobs.context import JobContext
from ims_glance.jobs.task import Task
from ims_glance.jobs.waiting import POLL, SOON, Wait
from ims_glance.model import capture
from ims_glance.model.capture import DiskToCapture
from ims_glance.model.image import attributes, whole_image
from ims_glance.model.server import Disk

Found = list[dict[str, Any]]
Ids = Mapping[str, str] | None
"""Of what was made of disks, by their numbers."""

SNAPSHOTS = "snapshots"
"""The ids of the snapshots in what is known of their instant."""


class VolumeFailed(exceptions.ImsError):
    """Cinder made no volume of a snapshot, an image or a backup."""

    code = "IMG.0014"
    template = "Cinder could make no volume for disk {number} of server {server_id}: {reason}"


class SnapshotFailed(exceptions.ImsError):
    """Cinder or Nova took no snapshot."""

    code = "IMG.0014"
    template = "No snapshot could be taken of disk {number} of server {server_id}: {reason}"


class NotEncrypted(exceptions.ImsError):
    """An image has not the key that was wished."""

    code = "IMG.0014"
    template = (
        "Image {image_id} did not come encrypted with key {key_id}, as was wished: Nova or Cinder has not passed the key "
        "on. Try again; if that does not help, ask the operator what their image metadata leaves out."
    )


class NotDeleted(exceptions.ImsError):
    """Something that was made on the way does not go."""

    code = "IMG.0014"
    template = "Cinder did not delete {things} in {seconds:.0f} seconds. {advice}"

    def with_advice(self, more: str) -> "NotDeleted":
        """The same, with more that is to be done."""
        return NotDeleted(**{**self.details, "advice": f"{self.details['advice']} {more}".rstrip()})


class DiskTask(Task):
    """A task of a job whose ``wishes`` are disks of server ``server_id``."""

    @functools.cached_property
    def compute(self) -> ComputeApi:
        """Nova as the caller."""
        return ComputeApi(self.job.region)

    @functools.cached_property
    def volumes(self) -> VolumeApi:
        """Cinder as the caller."""
        return VolumeApi(self.job.region)

    @property
    def server_id(self) -> str:
        """The server whose disks they are, or were when they were backed up."""
        return str(self.job.arguments["server_id"])

    @functools.cached_property
    def wishes(self) -> list[DiskToCapture]:
        """What becomes an image, in the order of the disks."""
        return [DiskToCapture.of(each) for each in self.job.arguments["wishes"]]

    @property
    def disks(self) -> list[Disk]:
        """The disks of the wishes."""
        return [wish.disk for wish in self.wishes]

    @property
    def attached(self) -> list[Disk]:
        """Those that Cinder has."""
        return [disk for disk in self.disks if disk.volume_id]

    @property
    def total(self) -> int:
        """Their sizes together; GiB."""
        return sum(disk.size for disk in self.disks)

    @property
    def kept(self) -> int:
        """What is backed up before there are images of it, and so moves twice; GiB."""
        return self.total if self.job.arguments.get("with_backup") else 0

    @property
    def is_prepared(self) -> bool:
        """Whether the system on the first of them is to be."""
        return bool(self.job.arguments.get("is_config"))

    @property
    def again(self) -> int:
        """What moves once more when a system is prepared; GiB."""
        return self.disks[0].size if self.is_prepared else 0

    def tell_moved(self, gibibytes: int) -> None:
        """Tell how much has moved: to the backups first, if they are kept with an image."""
        total = self.kept + self.total + self.again
        self.job.progress(gibibytes * units.Gi, total * units.Gi)

    def called(self, disk: Disk) -> str:
        """What everything is called that others make of a disk for this job."""
        return job_image.name(self.job, disk.number)

    def delete_volumes(self) -> None:
        """Delete the volumes that were made on the way."""
        # Of a root disk on its host too: a backup is made of a volume.
        self.delete_all(stuck.VOLUME, self._found(self.volumes.named), self.volumes.delete)

    def delete_snapshots(self) -> None:
        """Delete the snapshots that were taken, and the image that Nova may have made with them."""
        if self.job.arguments.get("quiesces"):
            for image in self.job.image.named(self.called(self.disks[0]), self.job.project_id):
                if whole_image.is_of_snapshots(image):
                    self.job.image.delete(str(image["id"]))
        self.delete_all(stuck.SNAPSHOT, self.found_snapshots, self.volumes.delete_snapshot)

    def found_snapshots(self) -> Found:
        """The snapshots that were taken, also those whose name is still Nova's."""
        names = [self.called(disk) for disk in self.disks]
        if self.job.arguments.get("quiesces"):
            names.append(snapshot_name(names[0]))
        return [each for name in names for each in self.volumes.snapshots_named(name)]

    def await_snapshot(
        self, disk: Disk, snapshot_id: str, is_worth: Callable[[], bool] = lambda: False
    ) -> None:
        """Wait until a snapshot of a disk is available.

        :param is_worth: whether it is worth waiting for a Cinder that is away; otherwise that is raised
        :raises SnapshotFailed: if it is not in the end
        """
        seconds = float(self.job.conf.ims_jobs.patience_seconds)
        wait = Wait(self.job, f"snapshot {snapshot_id}", seconds, SOON)

        def look() -> str:
            return str(self.volumes.get_snapshot(snapshot_id)["status"])

        while (status := wait.asked(look, is_worth)) != "available":
            if status != "creating" or wait.is_over:
                reason = f"{stuck.SNAPSHOT} {snapshot_id} is '{status}'."
                if status == "creating":
                    reason = stuck.still(stuck.SNAPSHOT, snapshot_id, status, wait.waited)
                raise SnapshotFailed(number=disk.number, server_id=self.server_id, reason=reason)
            wait.pause()

    def snapshot(self, disk: Disk, instant: Mapping[str, Any]) -> dict[str, Any]:
        """The snapshot that was taken of a disk.

        :param instant: which has the ids of the snapshots. By its name another one may be found: Cinder may
            have done later what it was asked for when its answer was lost. Jobs that an earlier version
            began know names alone.
        :raises SnapshotFailed: if there is none any more
        """
        snapshot_id = (instant.get(SNAPSHOTS) or {}).get(str(disk.number))
        if snapshot_id is None:
            found = self.volumes.snapshots_named(self.called(disk))
        else:
            found = _if_there(self.volumes.get_snapshot, snapshot_id)
        if not found:
            raise SnapshotFailed(
                number=disk.number, server_id=self.server_id, reason="somebody deleted it."
            )
        return found[0]

    def await_volume(self, disk: Disk, ids: Ids = None) -> dict[str, Any]:
        """The volume that Cinder makes for a disk, once it is available.

        :param ids: see :meth:`volume`
        :raises VolumeFailed: if it is not in the end
        """
        what = f"{self.name}: disk {disk.number}"
        wait = Wait(self.job, what, seconds_for(self.job, disk.size), POLL / 2)
        while (volume := self.volume(disk, ids))["status"] != "available":
            if "error" in volume["status"] or wait.is_over:
                self.fail_volume(disk, volume, wait)
            wait.pause()
        return volume

    def volume(self, disk: Disk, ids: Ids = None) -> dict[str, Any]:
        """The volume that was made for a disk.

        :param ids: of those that were made; without, it is found by its name, as snapshots are
        :raises VolumeFailed: if there is none any more
        """
        volume_id = (ids or {}).get(str(disk.number))
        if volume_id is None:
            found = self.volumes.named(self.called(disk))
        else:
            found = _if_there(self.volumes.get, volume_id)
        if not found:
            raise VolumeFailed(
                number=disk.number, server_id=self.server_id, reason="somebody deleted it."
            )
        return found[0]

    def fail_volume(self, disk: Disk, volume: Mapping[str, Any], wait: Wait) -> NoReturn:
        """Say what Cinder says of a volume that it could not make, or does not.

        :param wait: for it
        :raises VolumeFailed: always
        """
        volume_id, status = str(volume["id"]), str(volume["status"])
        if status in stuck.BUSY:
            # What an operator does about it is said when it cannot be deleted either.
            reason = stuck.still(stuck.VOLUME, volume_id, status, wait.waited)
        else:
            told = f"{stuck.VOLUME} {volume_id} is '{status}'."
            reason = self.volumes.last_message(volume_id) or told
        raise VolumeFailed(number=disk.number, server_id=self.server_id, reason=reason)

    def set_key(self, volume: Mapping[str, Any]) -> None:
        """Have the image of a volume encrypted, if that is wished."""
        if key := key_of(self.job):
            self.volumes.set_image_metadata(volume["id"], key)

    def _found(self, named: Callable[[str], Found]) -> Callable[[], Found]:
        """What looks for things by the names of all disks."""
        return lambda: [each for disk in self.disks for each in named(self.called(disk))]

    def delete_all(
        self, kind: str, find: Callable[[], Found], delete: Callable[[str], None]
    ) -> None:
        """Delete what is found, and wait until nothing of it is there any more.

        :param find: what is there, as Cinder shows it: ``id`` and ``status`` of each
        :param kind: of those of :mod:`ims_glance.flows.capture.stuck`
        :raises NotDeleted: if that takes too long
        """
        if not find():
            return
        what = f"{self.name}: no {kind}{' (undo)' if self.job.is_reverting else ''}"
        wait = Wait(self.job, what, seconds_for(self.job, self.total), POLL / 2)
        while there := find():
            # Cinder deletes nothing that it is still making.
            ready = [each for each in there if each["status"] not in stuck.BUSY]
            refusals = {
                each["id"]: refused for each in ready if (refused := _refusal(delete, each["id"]))
            }
            if wait.is_over:
                raise _not_deleted(kind, there, refusals, wait.waited)
            wait.pause()


def _if_there(get: Callable[[str], dict[str, Any]], thing_id: str) -> Found:
    try:
        return [get(thing_id)]
    except rest.Missing:
        return []


def try_all(steps: Iterable[Callable[[], object]]) -> None:
    """Take each step, also if one before it fails.

    :raises Unavailable: the first such error: all is tried again later then
    :raises Exception: the first error, if no neighbour is away
    """
    errors = []
    for step in steps:
        try:
            step()
        except Exception as error:  # boundary: it is raised once all was tried
            errors.append(error)
    away = (each for each in errors if isinstance(each, exceptions.Unavailable))
    if errors:
        raise next(away, errors[0])


def _not_deleted(
    kind: str, there: Found, refusals: Mapping[str, rest.Refused], seconds: float
) -> NotDeleted:
    """The error about all that is still there.

    :param refusals: by the ids of those that Cinder refused to delete
    :param seconds: that it was tried for
    """
    things = ", ".join(f"{kind} {each['id']} ('{each['status']}')" for each in there)
    advice = [f"{why}. {stuck.by_its_owner(kind, each)}" for each, why in refusals.items()]
    # Their owner cannot delete those either.
    if any(each["status"] in stuck.BUSY for each in there):
        advice.insert(0, stuck.to_be_deleted(kind, there))
    return NotDeleted(things=things, seconds=seconds, advice=" ".join(advice))


def _refusal(delete: Callable[[str], None], thing_id: str) -> rest.Refused | None:
    """Why something was not deleted."""
    try:
        delete(thing_id)
    except rest.Refused as refused:
        return refused
    return None


class MakeVolumes(DiskTask):
    """Makes a volume of every snapshot: Cinder makes images of nothing else."""

    default_provides = "volumes"

    def execute(self, instant: Mapping[str, Any]) -> dict[str, str]:
        """Make those that are not there, and wait for all; their ids by the numbers of the disks."""
        ids = {str(disk.number): self._make(disk, instant) for disk in self.attached}
        for disk in self.attached:
            self.set_key(self.await_volume(disk, ids))
        return ids

    def _make(self, disk: Disk, instant: Mapping[str, Any]) -> str:
        called, snapshot_id = self.called(disk), str(self.snapshot(disk, instant)["id"])
        there = [
            each for each in self.volumes.named(called) if each.get("snapshot_id") == snapshot_id
        ]
        if there:
            return str(there[0]["id"])
        return self.volumes.create_from_snapshot(snapshot_id, called, disk.size)

    def revert(self, **_: Any) -> None:
        """Delete them."""
        self.delete_volumes()


class UploadVolumes(DiskTask):
    """Has Cinder make an image of every volume, all at once."""

    default_provides = "images"

    def execute(self, instant: Mapping[str, Any], volumes: Ids = None) -> list[str]:
        """Ids of the images, in the order of the disks.

        :param volumes: ids of those that were made; none of a job that an earlier version began
        """
        uploads = Uploads(
            self.job,
            self.name,
            seconds_for(self.job, self.total),
            {disk.number: self._upload(disk, volumes) for disk in self.attached},
            self.job.record_disk_image,
        )
        ids = uploads.run(self._tell)
        return [ids.get(disk.number, instant["root_image"]) for disk in self.disks]

    def _tell(self, left: Collection[int]) -> None:
        moved = sum(disk.size for disk in self.disks if disk.number not in left)
        self.tell_moved(self.kept + moved)

    def revert(self, result: Any = None, **_: Any) -> None:
        """Delete the images, whatever they are called by now."""
        uploads = [
            Upload(self.job, self.volumes, volume["id"], self.called(disk))
            for disk in self.attached
            for volume in self.volumes.named(self.called(disk))
        ]
        let_finish(self.job, uploads)
        named = [
            image_id
            for disk in self.disks
            for image_id in job_image.all_named(self.job, self.called(disk))
        ]
        known = result if isinstance(result, list) else []
        # One that is not deleted keeps none of the others. That of a root disk last: its volume first.
        images = [
            functools.partial(job_image.delete_protected, self.job, image_id)
            for image_id in dict.fromkeys(reversed([*named, *known]))
        ]
        try_all([self._delete_root_volume, *images, *(upload.let_go for upload in uploads)])

    def _delete_root_volume(self) -> None:
        """Before the image of a root disk on its host, which its volume may be a clone of."""
        local = [self.called(disk) for disk in self.disks if disk.volume_id is None]
        self.delete_all(
            stuck.VOLUME,
            lambda: [each for called in local for each in self.volumes.named(called)],
            self.volumes.delete,
        )

    def _upload(self, disk: Disk, ids: Ids) -> Upload:
        volume_id = str(self.volume(disk, ids)["id"])
        return Upload(self.job, self.volumes, volume_id, self.called(disk))


class DeleteVolumes(DiskTask):
    """Deletes what was made on the way."""

    def execute(self) -> None:
        """The volumes first: Cinder keeps a snapshot as long as there are volumes of it."""
        self.delete_volumes()
        self.delete_snapshots()


def key_of(job: JobContext) -> dict[str, str]:
    """The key that is wished for the images, as properties."""
    key_id = job.arguments.get("cmk_id")
    return {attributes.CMK_ID: str(key_id)} if key_id else {}


def describe(job: JobContext, view: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """Set attributes, and take away what Nova or Cinder wrote and nobody asks for.

    :raises NotEncrypted: if the key that is wished for the images is not that of this one
    """
    key = key_of(job)
    if not key.items() <= view.items():
        # Its data is there already: an attribute that is set now would but say that it is encrypted.
        raise NotEncrypted(image_id=view["id"], key_id=key[attributes.CMK_ID])
    surplus = tuple(name for name in view if name not in wanted and capture.is_surplus(name))
    job.image.update(str(view["id"]), wanted, surplus)
