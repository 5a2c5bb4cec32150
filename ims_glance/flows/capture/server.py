# SPDX-License-Identifier: Apache-2.0
"""Images of a server's disks: of its system disk, of data disks, or of the whole machine.

Everything that Nova and Cinder make for a job has a name that only this job uses
(:func:`ims_glance.model.job.disk_name`), so a worker that goes on after a crash finds all of it.
After the snapshots the server is not touched any more.
"""

import concurrent.futures
import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any

from oslo_utils import units
from taskflow.flow import Flow
from taskflow.patterns import linear_flow

from ims_glance import exceptions
from ims_glance.clouds import rest
from ims_glance.flows import job_image
from ims_glance.flows.capture.backup import MakeBackups, MakeRootVolume, NameBackups
from ims_glance.flows.capture.disks import (
    SNAPSHOTS,
    DeleteVolumes,
    DiskTask,
    MakeVolumes,
    SnapshotFailed,
    UploadVolumes,
    describe,
    key_of,
    try_all,
)
from ims_glance.flows.capture.pause import Standstill
from ims_glance.flows.capture.prepared import SystemOfCaptured
from ims_glance.flows.capture.quiesce import NotQuiesced, Quiesce
from ims_glance.flows.capture.upload import seconds_for
from ims_glance.flows.capture.whole_image import DescribeDisks, MakeWholeImage
from ims_glance.flows.files import guest
from ims_glance.jobs.context import JobContext
from ims_glance.jobs.task import Task
from ims_glance.jobs.waiting import SOON, Wait
from ims_glance.model import capture
from ims_glance.model import job as model
from ims_glance.model import server as servers
from ims_glance.model.image import attributes
from ims_glance.model.server import Disk

# Snapshots that are asked for at once; Nova attaches no more disks than 26 to most servers.
_AT_ONCE = 8
# What Nova's task is called while it makes an image (nova/compute/task_states.py).
_READING = "image_"


class NotStopped(exceptions.Conflict):
    """A server was started while its disks were captured."""

    code = "IMG.0126"
    template = (
        "Server {server_id} was stopped when its capture began, and is {status} now: its disks "
        "would not be of one instant. Try again."
    )


def image(job: JobContext) -> Flow:
    """The flow of ``imsCreateImageByInstance`` and of ``imsVolumesToSysDataImagesJob``.

    Its arguments are those of :func:`ims_glance.model.capture.for_system`, and ``wishes`` (see
    :class:`~ims_glance.model.capture.DiskToCapture`): one image of each; and if given ``is_config``, which is
    about the first of them, of the system disk.
    """
    made = linear_flow.Flow("images of a server").add(*_captured(job))
    if job.arguments.get("is_config"):
        made.add(PrepareSystemOfServer(job))
        return made.add(DescribeImages(job, rebind={"images": "prepared"}))
    return made.add(DescribeImages(job))


def whole_machine(job: JobContext) -> Flow:
    """The flow of ``imsCreateWholeImageByInstanceJob``.

    Its arguments are as those of :func:`image`, and ``stands_still`` (whether the server stands still
    for the snapshots), ``quiesces`` (whether its guest agent is asked for that first, before the
    server is paused), ``cmk_id`` (of the key that all disks are encrypted with) and ``with_backup``
    (whether a backup of the server is kept with the image; then also ``server_name``).
    """
    keeps = bool(job.arguments.get("with_backup"))
    made = linear_flow.Flow("whole-machine image of a server").add(
        *_captured(job), DescribeDisks(job), MakeWholeImage(job)
    )
    return made.add(NameBackups(job)) if keeps else made


def _captured(job: JobContext) -> list[Task]:
    kept: list[Task] = []
    if job.arguments.get("with_backup"):
        # Cinder makes no volume of a snapshot while it backs that up.
        kept = [MakeBackups(job)]
        if job.arguments["wishes"][0]["disk"]["volume_id"] is None:
            kept.insert(0, MakeRootVolume(job))
    return [
        ReadServer(job),
        TakeSnapshots(job),
        *kept,
        MakeVolumes(job),
        UploadVolumes(job),
        DeleteVolumes(job),
    ]


@contextlib.contextmanager
def _known_to_be_there(task: DiskTask) -> Iterator[None]:
    """Nova and Cinder say what they lack when the server is deleted meanwhile; this says why.

    :raises ServerMissing: if something is missing, and so is the server
    """
    try:
        yield
    except rest.Missing:
        try:
            task.compute.get(task.server_id)
        except rest.Missing:
            raise servers.ServerMissing(server_id=task.server_id) from None
        raise


class ReadServer(DiskTask):
    """Looks at the server and its disks."""

    default_provides = "is_running"

    def execute(self) -> bool:
        """Whether it runs."""
        if self.is_prepared:
            guest.check_there(self.job)
        with _known_to_be_there(self):
            server = self.compute.get(self.server_id)
            attachments = self.compute.attachments(self.server_id)
            volumes = {each["volumeId"]: self.volumes.get(each["volumeId"]) for each in attachments}
        servers.check_server(server)
        for disk in self.attached:
            if disk.volume_id in volumes:
                servers.check_volume(self.server_id, volumes[disk.volume_id])
        now = servers.find_disks(server, attachments, volumes)
        servers.check_same(self.server_id, self.disks, now)
        return bool(server["status"] == servers.ACTIVE)


class TakeSnapshots(DiskTask):
    """Takes a snapshot of every disk, at one instant if that is wished."""

    default_provides = "instant"

    def __init__(self, job: JobContext) -> None:
        super().__init__(job)
        self._is_again = job.job.generation > 1
        # What another worker has asked of Nova, or this one before, Nova may be doing still.
        self._was_begun = False

    def execute(self, is_running: bool) -> dict[str, Any]:
        """How the server was, how long it stood still, the snapshots, and the image of a local root disk."""
        self._was_begun, self._is_again = self._is_again, True
        if self._was_begun:
            self._undo(is_running, may_go_on=True)
        with _known_to_be_there(self):
            return self._instant(is_running)

    def _instant(self, is_running: bool) -> dict[str, Any]:
        if not is_running:
            return self._of_stopped()
        if not self.job.arguments.get("stands_still"):
            return {"capture": "running", "standstill": 0, **self._taken()}
        if self._quiesces:
            taken = self._quiesced()
            if taken is not None:
                return {"capture": "quiesced", **taken, "root_image": None}
        with self._standstill.hold() as still:
            taken = self._taken()
        self.job.tell(standstill_ms=still.milliseconds)
        return {"capture": "paused", "standstill": still.milliseconds, **taken}

    def revert(self, is_running: bool, result: Any = None, **_: Any) -> None:
        """Let the server go on, and delete all snapshots."""
        # It went on when the snapshots were taken: if it stands still, then its owner wants that.
        is_done = isinstance(result, dict)
        self._undo(is_running and not is_done, may_go_on=self.job.job.generation > 1)

    @property
    def _quiesces(self) -> bool:
        arguments = self.job.arguments
        return bool(arguments.get("stands_still") and arguments.get("quiesces"))

    @functools.cached_property
    def _standstill(self) -> Standstill:
        seconds = seconds_for(self.job, self.disks[0].size)
        return Standstill(self.job, self.compute, self.server_id, seconds)

    def _of_stopped(self) -> dict[str, Any]:
        taken = self._taken()
        # It was looked at in another task, perhaps by a worker that died since.
        status = self.compute.get(self.server_id)["status"]
        is_stopped = status == servers.STOPPED
        if self.job.arguments.get("stands_still") and not is_stopped:
            raise NotStopped(server_id=self.server_id, status=status)
        return {"capture": "stopped" if is_stopped else "running", "standstill": 0, **taken}

    def _quiesced(self) -> dict[str, Any] | None:
        """For how long the guest was frozen for the snapshots, in ms, and those; ``None`` if it was not."""
        quiesce = Quiesce(self)
        try:
            milliseconds, ids = quiesce.take()
        except NotQuiesced as error:
            # What Nova made, and perhaps does still: the pause is not to meet a frozen guest.
            quiesce.undo(may_go_on=True)
            self.job.tell(**{model.QUIESCE_REFUSED: model.without_tokens(str(error))})
            return None
        self.job.tell(standstill_ms=milliseconds)
        return {"standstill": milliseconds, SNAPSHOTS: ids}

    def _undo(self, is_running: bool, may_go_on: bool) -> None:
        # First, for Nova lets nobody unpause the server while it reads the disk.
        local = [disk for disk in self.disks if disk.volume_id is None]
        steps: list[Callable[[], None]] = [
            functools.partial(self._delete_root_image, disk) for disk in local
        ]
        # It ran when this job began. No server waits for a Glance that is away.
        if is_running and self.job.arguments.get("stands_still"):
            steps.append(self._let_go)
        if is_running and self._quiesces:
            steps.append(functools.partial(Quiesce(self).undo, may_go_on))
        # Nor do snapshots stay for a server that Nova does not let go on.
        try_all([*steps, self.delete_snapshots])

    def _let_go(self) -> None:
        with contextlib.suppress(rest.Missing):
            self._standstill.let_go()

    def _delete_root_image(self, disk: Disk) -> None:
        for image_id in job_image.all_named(self.job, self.called(disk)):
            self.job.image.delete(image_id)

    def _taken(self) -> dict[str, Any]:
        root = next((disk for disk in self.disks if disk.volume_id is None), None)
        image_id = None
        if root is not None:
            image_id = self._begin_root(root)
        with concurrent.futures.ThreadPoolExecutor(_AT_ONCE, initializer=self.job.log_here) as pool:
            ids = list(pool.map(self._begin, self.attached))
        for disk, snapshot_id in zip(self.attached, ids, strict=True):
            if root is None:
                self.await_snapshot(disk, snapshot_id)
            else:
                self.await_snapshot(disk, snapshot_id, self._is_in_no_hurry)
        if root is not None:
            self._await_root(root, str(image_id))
        numbers = [str(disk.number) for disk in self.attached]
        return {"root_image": image_id, SNAPSHOTS: dict(zip(numbers, ids, strict=True))}

    def _is_in_no_hurry(self) -> bool:
        """Whether no server stands still for nothing while a neighbour is away.

        While Nova reads a root disk, nobody lets its server go on, and to begin anew would have to wait for that.
        """
        return not self.job.arguments.get("stands_still") or self._is_read()

    def _is_read(self) -> bool:
        view = self.compute.get(self.server_id)
        return str(view["OS-EXT-STS:task_state"] or "").startswith(_READING)

    def _begin(self, disk: Disk) -> str:
        return self.volumes.create_snapshot(str(disk.volume_id), self.called(disk))

    def _begin_root(self, disk: Disk) -> str:
        try:
            image_id = self._create_image(disk)
        except servers.ServerBusy:
            if not self._was_begun:
                raise
            self._await_nova(disk)
            # It may have begun with one when others of the name were looked for already.
            self._delete_root_image(disk)
            image_id = self._create_image(disk)
        self.job.record_disk_image(disk.number, image_id)
        return image_id

    def _create_image(self, disk: Disk) -> str:
        metadata = key_of(self.job)
        try:
            return self.compute.create_image(self.server_id, self.called(disk), metadata)
        except rest.Refused as error:
            if error.status != 409:
                raise
            raise servers.ServerBusy(server_id=self.server_id, task=error) from None

    def _await_nova(self, disk: Disk) -> None:
        """Wait while Nova reads a root disk, also for an image that is deleted by now."""
        seconds = seconds_for(self.job, disk.size)
        wait = Wait(self.job, "Nova has read the root disk", seconds, SOON)
        wait.until(lambda: not self._is_read())

    def _await_root(self, disk: Disk, image_id: str) -> None:
        # Another image of another attempt has another deadline.
        what = f"the root disk's image {image_id}"
        wait = Wait(self.job, what, seconds_for(self.job, disk.size), SOON)

        def look() -> dict[str, Any] | None:
            # A Glance that is away for a moment takes nothing from Nova's upload: that need not begin anew.
            return wait.asked(lambda: self.job.image.find(image_id), self._is_in_no_hurry)

        while (image := look()) is None or image["status"] != "active":
            if image is None or image["status"] not in ("queued", "saving") or wait.is_over:
                status = "gone" if image is None else image["status"]
                reason = f"Nova's image {image_id} is '{status}' after {wait.waited:.0f} seconds."
                raise SnapshotFailed(number=disk.number, server_id=self.server_id, reason=reason)
            self.tell_moved(0)
            wait.pause()
        if self.job.job.backup_id is None:
            # Otherwise it is yet to be backed up.
            self.tell_moved(disk.size)


class PrepareSystemOfServer(DiskTask):
    """Has the system prepared, in an image that takes the place of Nova's or Cinder's."""

    default_provides = "prepared"

    def execute(self, images: list[str]) -> list[str]:
        """Ids of the images, in the order of the disks."""
        captured_id, *others = images
        image_id = self._system.prepare(captured_id)
        self.job.record_disk_image(self.disks[0].number, image_id)
        return [image_id, *others]

    def revert(self, result: Any = None, **_: Any) -> None:
        """Delete it; the others are deleted by the task that had them made."""
        self._system.undo(result[0] if isinstance(result, list) else None)

    @property
    def _system(self) -> SystemOfCaptured:
        moved = self.total * units.Gi
        return SystemOfCaptured(self.job, moved, moved + self.again * units.Gi)


class DescribeImages(DiskTask):
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
                else self._of_system()
            )
            describe(self.job, view, {**wanted, **capture.of_data(view, wish.disk)})
        numbers = [str(disk.number) for disk in self.disks]
        self.job.tell(**{model.DISK_IMAGES: dict(zip(numbers, images, strict=True))})

    def _of_system(self) -> dict[str, Any]:
        said = capture.for_system(self.job.arguments)
        if not self.is_prepared:
            return said
        given = {
            "os_version": said.get(attributes.OS_VERSION),
            "os_type": said.get("__os_type"),
        }
        report = self.job.entities[model.REPORT]
        return {**said, **guest.properties_of_captured(report, given, said)}
