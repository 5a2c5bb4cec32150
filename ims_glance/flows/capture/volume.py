# SPDX-License-Identifier: Apache-2.0
"""``imsVolumeCreateImageJob``: a system-disk image from a volume, which Cinder makes.

Where its system is prepared, that is :mod:`ims_glance.flows.capture.prepared`.
"""

from collections.abc import Mapping
from typing import Any

from oslo_utils import units
from taskflow.flow import Flow
from taskflow.patterns import linear_flow

from ims_glance import exceptions
from ims_glance.clouds.volume import VolumeApi
from ims_glance.flows import job_image
from ims_glance.flows.capture.prepared import SystemOfCaptured
from ims_glance.flows.capture.upload import (
    Upload,
    Uploads,
    VolumeHeld,
    VolumeUnusable,
    let_finish,
    seconds_for,
)
from ims_glance.flows.files import guest
from ims_glance.jobs.context import JobContext
from ims_glance.jobs.task import Task
from ims_glance.model.image import attributes, whole_image
from ims_glance.model.job import REPORT
from ims_glance.model.server import LARGEST

# What the image is for: ``type`` of IMS's create_image -> virtual_env_type.
_ENV_TYPES = {"BMS": "Ironic", "Ironic": "Ironic"}
_ECS = "FusionCompute"
# Not so of this image; and what the volume keeps of an image that it was made of, whose disks a
# server would get.
_REMOVED = frozenset({"__root_origin", *whole_image.MAPPED})


class VolumeTooLarge(exceptions.Invalid):
    """The volume is no system disk in size."""

    code = "IMG.0111"
    template = "Volume {volume_id} has {size} GiB; a system disk has {largest} GiB at most."


class VolumeEncrypted(exceptions.Conflict):
    """The volume is encrypted by Cinder: Nova starts no server from such an image."""

    code = "IMG.0105"
    template = "Volume {volume_id} is encrypted by Cinder, which is not supported yet."


def flow(job: JobContext) -> Flow:
    """The flow of a job.

    Its arguments are ``volume_id``, ``name``, ``os_version``, and if given ``type``,
    ``description``, ``min_ram``, ``max_ram`` (MiB), ``tags`` (as they are stored),
    ``enterprise_project_id`` and ``is_config``.
    """
    made = linear_flow.Flow("image from volume").add(
        ReadVolume(job), BeginUpload(job), AwaitUpload(job)
    )
    if job.arguments.get("is_config"):
        made.add(PrepareSystemOfVolume(job))
    return made.add(DescribeImage(job))


class _VolumeTask(Task):
    @property
    def volume_id(self) -> str:
        return str(self.job.arguments["volume_id"])

    @property
    def is_prepared(self) -> bool:
        """Whether its system is to be: then its data moves twice."""
        return bool(self.job.arguments.get("is_config"))

    @property
    def upload(self) -> Upload:
        volumes = VolumeApi(self.job.region)
        return Upload(self.job, volumes, self.volume_id, job_image.name(self.job))


class ReadVolume(_VolumeTask):
    """Looks at the volume."""

    default_provides = "gibibytes"

    def execute(self) -> int:
        """Its size."""
        if self.is_prepared:
            guest.check_there(self.job)
        volume = self.upload.volume()
        size = int(volume["size"])
        if volume["status"] != "available":
            raise VolumeUnusable(volume_id=self.volume_id, status=volume["status"])
        if volume.get("encrypted"):
            raise VolumeEncrypted(volume_id=self.volume_id)
        if size > LARGEST:
            raise VolumeTooLarge(volume_id=self.volume_id, size=size, largest=LARGEST)
        return size


class BeginUpload(_VolumeTask):
    """Has Cinder begin with the image."""

    def execute(self) -> None:
        """Begin, unless that was done already; record the id of the image."""
        self.job.record_image_id(self._found() or self.upload.begin())

    def revert(self, **_: Any) -> None:
        """Delete the image, and wait until Cinder has let go of the volume.

        :raises VolumeHeld: if it does not: its owner cannot use the volume then
        """
        let_finish(self.job, [self.upload])
        found = self._found()
        if found is not None:
            self.job.record_image_id(found)
            job_image.delete_image(self.job)
        seconds = self.upload.let_go()
        if seconds is not None:
            raise VolumeHeld(self.volume_id, "uploading", seconds)

    def _found(self) -> str | None:
        """The id of the image, once Cinder has made it."""
        image_id = self.job.image_id
        if image_id and self.job.image.find(image_id) is not None:
            return image_id
        return self.upload.find()


class AwaitUpload(_VolumeTask):
    """Waits while Cinder moves the data."""

    default_provides = "captured"

    def execute(self, gibibytes: int) -> str:
        """Wait until the image is active and the volume is free; begin again if that breaks off.

        The id of the image.
        """
        moved = gibibytes * units.Gi
        total = moved * 2 if self.is_prepared else moved
        uploads = Uploads(
            self.job,
            self.name,
            seconds_for(self.job, gibibytes),
            {0: self.upload},
            lambda _number, image_id: self.job.record_image_id(image_id),
            {0: str(self.job.image_id)},
        )
        uploads.run(lambda left: self.job.progress(0 if left else moved, total))
        return str(self.job.image_id)


class PrepareSystemOfVolume(_VolumeTask):
    """Has the system prepared, in an image that takes the place of Cinder's."""

    default_provides = "prepared"

    def execute(self, gibibytes: int, captured: str) -> str:
        """The id of the image."""
        moved = gibibytes * units.Gi
        image_id = SystemOfCaptured(self.job, moved, moved * 2).prepare(captured)
        self.job.record_image_id(image_id)
        return image_id

    def revert(self, result: Any = None, **_: Any) -> None:
        """Delete it; Cinder's is deleted by the task that had it made."""
        SystemOfCaptured(self.job).undo(result)


class DescribeImage(_VolumeTask):
    """Gives the image its name and attributes."""

    def execute(self, gibibytes: int) -> None:
        """Set them all at once."""
        image_id = str(self.job.image_id)
        view = self.job.image.find(image_id)
        if view is None:
            raise exceptions.ImageNotFound(image_id=image_id)
        said = description(self.job.arguments, gibibytes, int(view["size"]))
        if self.is_prepared:
            report = self.job.entities[REPORT]
            found = guest.properties_of_captured(report, self.job.arguments, view)
            said |= {**found, "os_hidden": False}
        removed = tuple(name for name in view if name in _REMOVED)
        self.job.image.update(image_id, said, removed=removed)


def description(arguments: Mapping[str, Any], gibibytes: int, size: int) -> dict[str, Any]:
    """The attributes of the image.

    :param arguments: of the job
    :param gibibytes: size of the volume, which a disk made of the image must have
    :param size: of the image, in bytes
    """
    given = {
        attributes.DESCRIPTION: arguments.get("description"),
        "max_ram": str(arguments.get("max_ram") or ""),
        "enterprise_project_id": arguments.get("enterprise_project_id"),
    }
    return {
        **{name: value for name, value in given.items() if value},
        **attributes.of_system(arguments["os_version"]),
        "name": arguments["name"],
        "tags": list(arguments.get("tags") or []),
        "min_disk": gibibytes,
        "min_ram": int(arguments.get("min_ram") or 0),
        attributes.DATA_ORIGIN: f"volume,{arguments['volume_id']}",
        attributes.VIRTUAL_ENV_TYPE: _ENV_TYPES.get(str(arguments.get("type")), _ECS),
        "__image_source_type": "uds",
        "__image_size": str(size),
        "__isregistered": "true",
    }
