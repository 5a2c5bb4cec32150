# SPDX-License-Identifier: Apache-2.0
"""``imsVolumeCreateImageJob``: a system-disk image from a volume, which Cinder makes."""

from collections.abc import Mapping
from typing import Any

from oslo_utils import units
from taskflow.flow import Flow
from taskflow.patterns import linear_flow

from ims_glance import exceptions
from ims_glance.clouds.volume import VolumeApi
from ims_glance.flows import job_image
from ims_glance.flows.capture.upload import (
    Upload,
    Uploads,
    VolumeHeld,
    VolumeUnusable,
    let_finish,
    seconds_for,
)
from ims_glance.jobs.context import JobContext
from ims_glance.jobs.task import Task
from ims_glance.model.image import attributes, whole_image
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
    ``description``, ``min_ram``, ``max_ram`` (MiB), ``tags`` (as they are stored) and
    ``enterprise_project_id``.
    """
    return linear_flow.Flow("image from volume").add(
        ReadVolume(job), BeginUpload(job), AwaitUpload(job), DescribeImage(job)
    )


class _VolumeTask(Task):
    @property
    def volume_id(self) -> str:
        return str(self.job.arguments["volume_id"])

    @property
    def upload(self) -> Upload:
        volumes = VolumeApi(self.job.region)
        return Upload(self.job, volumes, self.volume_id, job_image.name(self.job))


class ReadVolume(_VolumeTask):
    """Looks at the volume."""

    default_provides = "gibibytes"

    def execute(self) -> int:
        """Its size."""
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

    def execute(self, gibibytes: int) -> None:
        """Wait until the image is active and the volume is free; begin again if that breaks off."""
        total = gibibytes * units.Gi
        uploads = Uploads(
            self.job,
            self.name,
            seconds_for(self.job, gibibytes),
            {0: self.upload},
            lambda _number, image_id: self.job.record_image_id(image_id),
            {0: str(self.job.image_id)},
        )
        uploads.run(lambda left: self.job.progress(0 if left else total, total))


class DescribeImage(_VolumeTask):
    """Gives the image its name and attributes."""

    def execute(self, gibibytes: int) -> None:
        """Set them all at once."""
        image_id = str(self.job.image_id)
        view = self.job.image.find(image_id)
        if view is None:
            raise exceptions.ImageNotFound(image_id=image_id)
        self.job.image.update(
            image_id,
            description(self.job.arguments, gibibytes, int(view["size"])),
            removed=tuple(name for name in view if name in _REMOVED),
        )


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
