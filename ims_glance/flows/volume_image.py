# SPDX-License-Identifier: Apache-2.0
"""``imsVolumeCreateImageJob``: a system-disk image from a volume, which Cinder makes.

Cinder chooses the image's id itself. So that a crash between its answer and our record leaves
nothing unknown, it makes the image under a name that only this job uses; the image gets its own
name at the end.
"""

from collections.abc import Mapping
from typing import Any

from oslo_utils import units
from taskflow.flow import Flow
from taskflow.patterns import linear_flow

from ims_glance import exceptions
from ims_glance.clouds import rest
from ims_glance.clouds.volume import VolumeApi
from ims_glance.flows import tasks
from ims_glance.flows.context import JobContext, clock
from ims_glance.flows.task import Task
from ims_glance.model import attributes

_POLL = 1.0
# What the image is for: ``type`` of IMS's create_image -> virtual_env_type.
_ENV_TYPES = {"BMS": "Ironic", "Ironic": "Ironic"}
_ECS = "FusionCompute"
# The largest system disk that an image is made of (IMS constraints), GiB.
_LARGEST = 1024
# A volume that Cinder is busy with for us or for somebody else, and that may be available again.
_BUSY = frozenset({"uploading", "downloading", "maintenance"})


class VolumeUnusable(exceptions.Conflict):
    """The volume is in a state in which no image can be made of it (IMS: "disk state")."""

    code = "IMG.0022"
    template = (
        "Volume {volume_id} is '{status}'. An image is made of a volume that is 'available': "
        "detach it from its server, or wait."
    )


class VolumeTooLarge(exceptions.Invalid):
    """The volume is no system disk in size."""

    code = "IMG.0111"
    template = "Volume {volume_id} has {size} GiB; a system disk has {largest} GiB at most."


class VolumeEncrypted(exceptions.Conflict):
    """The volume is encrypted by Cinder: Nova starts no server from such an image."""

    code = "IMG.0105"
    template = "Volume {volume_id} is encrypted by Cinder, which is not supported yet."


class VolumeMissing(exceptions.NotFound):
    """The caller has no such volume."""

    template = "Volume {volume_id} does not exist in your project."


class UploadFailed(exceptions.ImsError):
    """Cinder did not bring the data to the image."""

    code = "IMG.0014"
    template = "Cinder could not make an image of volume {volume_id}: {reason}"


class UploadStuck(UploadFailed):
    """Cinder neither brings the data nor says that it cannot."""

    template = (
        "Cinder did not finish the image of volume {volume_id} in {seconds:.0f} seconds. If the "
        "volume stays 'uploading', ask your operator to look at cinder-volume and to reset the "
        "volume's status."
    )


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
    def volumes(self) -> VolumeApi:
        return VolumeApi(self.job.session, self.job.region_name)

    def volume(self) -> dict[str, Any]:
        """The volume now.

        :raises VolumeMissing: if there is none
        """
        try:
            return self.volumes.get(self.volume_id)
        except rest.Missing:
            raise VolumeMissing(volume_id=self.volume_id) from None


class ReadVolume(_VolumeTask):
    """Looks at the volume."""

    default_provides = "gibibytes"

    def execute(self) -> int:
        """Its size."""
        volume = self.volume()
        size = int(volume["size"])
        if volume["status"] != "available":
            raise VolumeUnusable(volume_id=self.volume_id, status=volume["status"])
        if volume.get("encrypted"):
            raise VolumeEncrypted(volume_id=self.volume_id)
        if size > _LARGEST:
            raise VolumeTooLarge(volume_id=self.volume_id, size=size, largest=_LARGEST)
        return size


class BeginUpload(_VolumeTask):
    """Has Cinder begin with the image."""

    def execute(self) -> None:
        """Begin, unless that was done already; record the id of the image."""
        found = self._found()
        self.job.record_image_id(found or self._begin())

    def revert(self, **_: Any) -> None:
        """Delete the image, and wait until Cinder has let go of the volume."""
        found = self._found()
        if found is not None:
            self.job.record_image_id(found)
            tasks.delete_image(self.job)
        # Not for as long as a neighbour may be away: Cinder answers, and may be stuck for good.
        end = clock() + self.job.conf.ims_jobs.patience_seconds
        while self._is_uploading() and clock() < end:
            self.job.pause(_POLL)

    def _found(self) -> str | None:
        """The id of the image, once Cinder has made it."""
        image_id = self.job.image_id
        if image_id and self.job.image.find(image_id) is not None:
            return image_id
        named = self.job.image.named(_name(self.job), self.job.project_id)
        return str(named[0]["id"]) if named else None

    def _begin(self) -> str:
        end = clock() + self.job.patience
        while (status := self.volume()["status"]) in _BUSY and clock() < end:
            # A worker that died a moment ago may have begun: then the image is about to appear.
            self.job.pause(_POLL)
            found = self._found()
            if found is not None:
                return found
        if status != "available":
            raise VolumeUnusable(volume_id=self.volume_id, status=status)
        return self.volumes.upload_to_image(self.volume_id, _name(self.job))

    def _is_uploading(self) -> bool:
        try:
            return bool(self.volumes.get(self.volume_id)["status"] == "uploading")
        except rest.Missing:
            return False


class AwaitUpload(_VolumeTask):
    """Waits while Cinder moves the data."""

    def execute(self, gibibytes: int) -> None:
        """Wait until the image is active and the volume is free."""
        total = gibibytes * units.Gi
        options = self.job.conf.ims_jobs
        seconds = options.patience_seconds + gibibytes * options.volume_seconds_per_gib
        end = clock() + seconds
        while True:
            # The volume first: the image is finished before Cinder lets go of the volume.
            volume = self.volume()
            image = self.job.image.find(str(self.job.image_id))
            is_active = image is not None and image["status"] == "active"
            if volume["status"] != "uploading":
                break
            if clock() > end:
                raise UploadStuck(volume_id=self.volume_id, seconds=seconds)
            self.job.progress(total if is_active else 0, total)
            self.job.pause(_POLL)
        if not is_active:
            reason = self.volumes.last_message(self.volume_id) or "it gave no reason."
            raise UploadFailed(volume_id=self.volume_id, reason=reason)
        self.job.progress(total, total)


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
            removed=("__root_origin",) if "__root_origin" in view else (),
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


def _name(job: JobContext) -> str:
    return f"ims-job-{job.id}"
