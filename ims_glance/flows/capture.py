# SPDX-License-Identifier: Apache-2.0
"""Images of a server's disks: of its system disk, of data disks, or of the whole machine.

Everything that Nova and Cinder make for a job has a name that only this job uses
(:func:`ims_glance.model.job.disk_name`), so a worker that goes on after a crash finds all of it.
After the snapshots the server is not touched any more.
"""

import concurrent.futures
import contextlib
import functools
from collections.abc import Callable, Mapping
from typing import Any

from oslo_utils import units
from taskflow.flow import Flow
from taskflow.patterns import linear_flow

from ims_glance import exceptions
from ims_glance.clouds import rest
from ims_glance.clouds.compute import ComputeApi
from ims_glance.clouds.volume import VolumeApi
from ims_glance.flows import tasks
from ims_glance.flows.cinder_upload import POLL, Upload, UploadStuck, seconds_for
from ims_glance.flows.context import JobContext, clock
from ims_glance.flows.standstill import Standstill, Stillness
from ims_glance.flows.task import Task
from ims_glance.model import attributes, capture, servers, whole
from ims_glance.model import job as model
from ims_glance.model.capture import Wish
from ims_glance.model.servers import Disk
from ims_glance.model.whole import Component

# Snapshots that are asked for at once; Nova attaches no more disks than 26 to most servers.
_AT_ONCE = 8
_MAKING = ("creating", "downloading", "deleting")
# Between two looks while a server may stand still; seconds.
_SOON = 0.1


class SnapshotFailed(exceptions.ImsError):
    """Cinder or Nova took no snapshot."""

    code = "IMG.0014"
    template = "No snapshot could be taken of disk {number} of server {server_id}: {reason}"


class VolumeFailed(exceptions.ImsError):
    """Cinder made no volume of a snapshot."""

    code = "IMG.0014"
    template = (
        "Cinder could make no volume of the snapshot of disk {number} of server {server_id}: "
        "{reason}"
    )


class NotDeleted(exceptions.ImsError):
    """Something that was made on the way does not go."""

    code = "IMG.0014"
    template = "Cinder does not delete {kind} {id} ({status}). Delete it yourself."


def image(job: JobContext) -> Flow:
    """The flow of ``imsCreateImageByInstance`` and of ``imsVolumesToSysDataImagesJob``.

    Its arguments are those of :func:`ims_glance.model.capture.for_system`, and ``wishes`` (see
    :class:`~ims_glance.model.capture.Wish`): one image of each.
    """
    return linear_flow.Flow("images of a server").add(*_captured(job), DescribeImages(job))


def whole_machine(job: JobContext) -> Flow:
    """The flow of ``imsCreateWholeImageByInstanceJob``.

    Its arguments are as those of :func:`image`, and ``stands_still`` (whether the server is paused for
    the snapshots) and ``cmk_id`` (of the key that all disks are encrypted with).
    """
    return linear_flow.Flow("whole-machine image of a server").add(
        *_captured(job), DescribeDisks(job), MakeWholeImage(job)
    )


def _captured(job: JobContext) -> list[Task]:
    return [
        ReadServer(job),
        TakeSnapshots(job),
        MakeVolumes(job),
        UploadVolumes(job),
        DeleteVolumes(job),
    ]


class _CaptureTask(Task):
    @functools.cached_property
    def compute(self) -> ComputeApi:
        return ComputeApi(self.job.session, self.job.region_name)

    @functools.cached_property
    def volumes(self) -> VolumeApi:
        return VolumeApi(self.job.session, self.job.region_name)

    @property
    def server_id(self) -> str:
        return str(self.job.arguments["server_id"])

    @functools.cached_property
    def wishes(self) -> list[Wish]:
        return [Wish.of(each) for each in self.job.arguments["wishes"]]

    @property
    def disks(self) -> list[Disk]:
        return [wish.disk for wish in self.wishes]

    @property
    def attached(self) -> list[Disk]:
        """Those that Cinder has."""
        return [disk for disk in self.disks if disk.volume_id]

    @property
    def total(self) -> int:
        return sum(disk.size for disk in self.disks)

    def called(self, disk: Disk) -> str:
        return tasks.name(self.job, disk.number)

    def delete_volumes(self) -> None:
        """Delete the volumes that were made on the way."""
        self._delete_all("volume", self.volumes.named, self.volumes.delete)

    def delete_snapshots(self) -> None:
        """Delete the snapshots that were taken."""
        self._delete_all("snapshot", self.volumes.snapshots_named, self.volumes.delete_snapshot)

    def _delete_all(
        self,
        kind: str,
        find: Callable[[str], list[dict[str, Any]]],
        delete: Callable[[str], None],
    ) -> None:
        """Delete what was made of each disk, and wait until nothing of it is there any more."""
        end = clock() + seconds_for(self.job, self.total)
        while there := [each for disk in self.attached for each in find(self.called(disk))]:
            # Cinder deletes nothing that it is still making.
            ready = [each for each in there if each["status"] not in _MAKING]
            refusals = [refused for each in ready if (refused := _refusal(delete, each["id"]))]
            if clock() > end:
                status = refusals[0] if refusals else there[0]["status"]
                raise NotDeleted(kind=kind, id=there[0]["id"], status=status)
            self.job.pause(POLL / 2)


def _refusal(delete: Callable[[str], None], thing_id: str) -> rest.Refused | None:
    """Why something was not deleted."""
    try:
        delete(thing_id)
    except rest.Refused as refused:
        return refused
    return None


class ReadServer(_CaptureTask):
    """Looks at the server and its disks."""

    default_provides = "is_running"

    def execute(self) -> bool:
        """Whether it runs."""
        try:
            server = self.compute.get(self.server_id)
            attachments = self.compute.attachments(self.server_id)
        except rest.Missing:
            raise servers.ServerMissing(server_id=self.server_id) from None
        servers.check_server(server)
        volumes = {each["volumeId"]: self.volumes.get(each["volumeId"]) for each in attachments}
        for disk in self.attached:
            if disk.volume_id in volumes:
                servers.check_volume(self.server_id, volumes[disk.volume_id])
        now = servers.find_disks(server, attachments, volumes)
        servers.check_same(self.server_id, self.disks, now)
        return bool(server["status"] == servers.ACTIVE)


class TakeSnapshots(_CaptureTask):
    """Takes a snapshot of every disk, at one instant if that is wished."""

    default_provides = "instant"

    def __init__(self, job: JobContext) -> None:
        super().__init__(job)
        self._is_again = job.job.generation > 1

    def execute(self, is_running: bool) -> dict[str, Any]:
        """How the server was, how long it stood still, and the image of a local root disk."""
        if self._is_again:
            self._undo(is_running)
        self._is_again = True
        if not is_running:
            return {"capture": "stopped", "standstill": 0, **self._taken()}
        if not self.job.arguments.get("stands_still"):
            return {"capture": "running", "standstill": 0, **self._taken()}
        with self._standstill.hold() as still:
            taken = self._taken()
        self._tell(still)
        return {"capture": "paused", "standstill": still.milliseconds, **taken}

    def revert(self, is_running: bool, **_: Any) -> None:
        """Let the server go on, and delete all snapshots."""
        self._undo(is_running)

    @property
    def _standstill(self) -> Standstill:
        seconds = seconds_for(self.job, self.disks[0].size)
        return Standstill(self.job, self.compute, self.server_id, seconds)

    def _undo(self, is_running: bool) -> None:
        for disk in self.disks:
            if disk.volume_id is None:
                self._delete_root_image(disk)
        if is_running and self.job.arguments.get("stands_still"):
            # It ran when this job began, so if it is paused, then by this job.
            with contextlib.suppress(rest.Missing):
                self._standstill.let_go()
        self.delete_snapshots()

    def _delete_root_image(self, disk: Disk) -> None:
        found = tasks.find_named(self.job, self.called(disk))
        if found is not None:
            self.job.image.delete(found)

    def _taken(self) -> dict[str, Any]:
        root = next((disk for disk in self.disks if disk.volume_id is None), None)
        image_id = None
        if root is not None:
            image_id = self._begin_root(root)
        with concurrent.futures.ThreadPoolExecutor(_AT_ONCE) as pool:
            ids = list(pool.map(self._begin, self.attached))
        for disk, snapshot_id in zip(self.attached, ids, strict=True):
            self._await(disk, snapshot_id)
        if root is not None:
            self._await_root(root, str(image_id))
        return {"root_image": image_id}

    def _begin(self, disk: Disk) -> str:
        return self.volumes.create_snapshot(str(disk.volume_id), self.called(disk))

    def _await(self, disk: Disk, snapshot_id: str) -> None:
        end = clock() + self.job.conf.ims_jobs.patience_seconds
        while (status := self.volumes.get_snapshot(snapshot_id)["status"]) != "available":
            if status != "creating" or clock() > end:
                raise SnapshotFailed(
                    number=disk.number, server_id=self.server_id, reason=f"it is '{status}'."
                )
            self.job.pause(_SOON)

    def _begin_root(self, disk: Disk) -> str:
        metadata = _key(self.job)
        try:
            return self.compute.create_image(self.server_id, self.called(disk), metadata)
        except rest.Refused as error:
            if error.status != 409:
                raise
            raise servers.ServerBusy(server_id=self.server_id, task=error) from None

    def _await_root(self, disk: Disk, image_id: str) -> None:
        end = clock() + seconds_for(self.job, disk.size)
        while (image := self.job.image.find(image_id)) is None or image["status"] != "active":
            if image is None or image["status"] not in ("queued", "saving") or clock() > end:
                status = "gone" if image is None else image["status"]
                raise SnapshotFailed(
                    number=disk.number,
                    server_id=self.server_id,
                    reason=f"Nova's image {image_id} is {status}.",
                )
            self.job.progress(0, self.total * units.Gi)
            self.job.pause(_SOON)

    def _tell(self, still: Stillness) -> None:
        self.job.tell(standstill_ms=still.milliseconds)


class MakeVolumes(_CaptureTask):
    """Makes a volume of every snapshot: Cinder makes images of nothing else."""

    def execute(self) -> None:
        """Make those that are not there, and wait for all."""
        for disk in self.attached:
            if not self.volumes.named(self.called(disk)):
                [snapshot] = self.volumes.snapshots_named(self.called(disk))
                self.volumes.create_from_snapshot(snapshot["id"], self.called(disk), disk.size)
        for disk in self.attached:
            self._await(disk)

    def revert(self, **_: Any) -> None:
        """Delete them."""
        self.delete_volumes()

    def _await(self, disk: Disk) -> None:
        end = clock() + seconds_for(self.job, disk.size)
        while (volume := self._volume(disk))["status"] != "available":
            if volume["status"] == "error" or clock() > end:
                reason = self.volumes.last_message(volume["id"]) or f"it is '{volume['status']}'."
                raise VolumeFailed(number=disk.number, server_id=self.server_id, reason=reason)
            self.job.pause(POLL / 2)
        if key := _key(self.job):
            self.volumes.set_image_metadata(volume["id"], key)

    def _volume(self, disk: Disk) -> dict[str, Any]:
        found = self.volumes.named(self.called(disk))
        if not found:
            raise VolumeFailed(
                number=disk.number, server_id=self.server_id, reason="somebody deleted it."
            )
        return found[0]


class UploadVolumes(_CaptureTask):
    """Has Cinder make an image of every volume, all at once."""

    default_provides = "images"

    def execute(self, instant: Mapping[str, Any]) -> list[str]:
        """Ids of the images, in the order of the disks."""
        uploads = {disk.number: self._upload(disk) for disk in self.attached}
        ids = {number: upload.begin() for number, upload in uploads.items()}
        seconds = seconds_for(self.job, self.total)
        end = clock() + seconds
        left = dict(uploads)
        while left:
            done = [number for number, upload in left.items() if upload.is_done(ids[number])]
            for number in done:
                del left[number]
            moved = sum(disk.size for disk in self.disks if disk.number not in left)
            self.job.progress(moved * units.Gi, self.total * units.Gi)
            if left and clock() > end:
                stuck = next(iter(left.values())).volume_id
                raise UploadStuck(volume_id=stuck, seconds=seconds)
            if left:
                self.job.pause(POLL)
        return [ids.get(disk.number, instant["root_image"]) for disk in self.disks]

    def revert(self, result: Any = None, **_: Any) -> None:
        """Delete the images, whatever they are called by now."""
        named = [tasks.find_named(self.job, self.called(disk)) for disk in self.disks]
        known = result if isinstance(result, list) else []
        for image_id in {*filter(None, named), *known}:
            tasks.delete_protected(self.job, image_id)
        for disk in self.attached:
            for volume in self.volumes.named(self.called(disk)):
                Upload(self.job, self.volumes, volume["id"], self.called(disk)).let_go()

    def _upload(self, disk: Disk) -> Upload:
        [volume] = self.volumes.named(self.called(disk))
        return Upload(self.job, self.volumes, volume["id"], self.called(disk))


class DeleteVolumes(_CaptureTask):
    """Deletes what was made on the way."""

    def execute(self) -> None:
        """The volumes first: Cinder keeps a snapshot as long as there are volumes of it."""
        self.delete_volumes()
        self.delete_snapshots()


class DescribeImages(_CaptureTask):
    """Gives images of single disks their names and attributes."""

    def execute(self, images: list[str]) -> None:
        """Set them; the image of the system disk is the job's."""
        for wish, image_id in zip(self.wishes, images, strict=True):
            if wish.disk.number == 0:
                self.job.record_image_id(image_id)
            view = self.job.image.get(image_id)
            wanted = (
                capture.for_data(self.job.arguments, wish)
                if wish.disk.number
                else capture.for_system(self.job.arguments)
            )
            _describe(self.job, view, {**wanted, **capture.of_data(view, wish.disk)})
        numbers = [str(disk.number) for disk in self.disks]
        self.job.tell(**{model.DISK_IMAGES: dict(zip(numbers, images, strict=True))})


class DescribeDisks(_CaptureTask):
    """Gives the hidden images of a whole machine their names and attributes."""

    default_provides = "sizes"

    def execute(self, images: list[str]) -> list[list[int]]:
        """What each needs: GiB of the disk, bytes of the image."""
        found = []
        for disk, image_id in zip(self.disks, images, strict=True):
            view = self.job.image.get(image_id)
            said = {
                **capture.of_data(view, disk),
                **capture.for_component(self.job.arguments, disk),
            }
            _describe(self.job, view, said)
            found.append([capture.grown(view, disk).size, int(view["size"])])
        return found


class MakeWholeImage(_CaptureTask):
    """Makes the image that the others are the disks of."""

    def execute(
        self, instant: Mapping[str, Any], images: list[str], sizes: list[list[int]]
    ) -> None:
        """Make it, and have it active: it has no data."""
        parts = [
            Component(_sized(disk, size), image_id)
            for disk, image_id, (size, _bytes) in zip(self.disks, images, sizes, strict=True)
        ]
        body = {
            **capture.for_system(self.job.arguments),
            **whole.properties(parts),
            **capture.of_disks(parts, [each for _size, each in sizes]),
            attributes.CAPTURE: instant["capture"],
            attributes.STANDSTILL: str(instant["standstill"]),
            **self._key(images),
        }
        tasks.make_empty_image(self.job, body, functools.partial(self._tie, images))

    def revert(self, **_: Any) -> None:
        """Delete it."""
        tasks.delete_image(self.job)

    def _tie(self, images: list[str], whole_id: str) -> None:
        for image_id in images:
            self.job.image.update(image_id, {attributes.COMPONENT_OF: whole_id})

    def _key(self, images: list[str]) -> dict[str, str]:
        """The key of the first encrypted disk: it may be wished, or that of what a volume was made of."""
        for image_id in images:
            key_id = self.job.image.get(image_id).get(attributes.CMK_ID)
            if key_id:
                return {attributes.CMK_ID: str(key_id)}
        return {}


def _sized(disk: Disk, size: int) -> Disk:
    return Disk(disk.number, disk.volume_id, size, disk.volume_type, disk.goes_with_server)


def _key(job: JobContext) -> dict[str, str]:
    key_id = job.arguments.get("cmk_id")
    return {attributes.CMK_ID: str(key_id)} if key_id else {}


def _describe(job: JobContext, view: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """Set attributes, and take away what Nova or Cinder wrote and nobody asks for."""
    surplus = tuple(name for name in view if name not in wanted and capture.is_surplus(name))
    job.image.update(str(view["id"]), wanted, surplus)
