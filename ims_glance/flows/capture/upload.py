# SPDX-License-Identifier: Apache-2.0
"""Images that Cinder makes of volumes.

Cinder chooses an image's id itself. So that a crash between its answer and our record leaves
nothing unknown, it makes the image under a name that only one job uses; the image gets its own
name at the end.
"""

import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from ims_glance import exceptions
from ims_glance.clouds import rest
from ims_glance.clouds.volume import VolumeApi
from ims_glance.flows import job_image
from ims_glance.flows.capture import stuck
from ims_glance.jobs.context import JobContext
from ims_glance.jobs.waiting import Wait

LOG = logging.getLogger(__name__)

# What may be done that soon is not broken off; seconds.
_NEARLY_DONE = 30.0

# A volume that Cinder is busy with for us or for somebody else, and that may be available again.
_BUSY = frozenset({"uploading", "downloading", "maintenance"})


class VolumeUnusable(exceptions.Conflict):
    """The volume is in a state in which no image can be made of it (IMS: "disk state")."""

    code = "IMG.0022"
    template = (
        "Volume {volume_id} is '{status}'. An image is made of a volume that is 'available': "
        "detach it from its server, or wait."
    )


class VolumeGone(exceptions.NotFound):
    """The caller has no such volume."""

    template = "Volume {volume_id} does not exist in your project."


class UploadFailed(exceptions.ImsError):
    """Cinder did not bring the data to the image."""

    code = "IMG.0014"
    template = "Cinder could not make an image of volume {volume_id}: {reason}"


class UploadBroken(UploadFailed):
    """The same, several times."""

    template = "Cinder could not make an image of volume {volume_id}, {attempts} times. Last time: {reason}"


class UploadStuck(UploadFailed):
    """Cinder neither brings the data nor says that it cannot."""

    template = (
        "Cinder did not finish the image of volume {volume_id} in {seconds:.0f} seconds: the volume "
        "is still 'uploading'. {advice}"
    )

    def __init__(self, volume_id: str, seconds: float) -> None:
        advice = stuck.to_be_freed(stuck.VOLUME, volume_id)
        super().__init__(volume_id=volume_id, seconds=seconds, advice=advice)


class VolumeHeld(VolumeUnusable):
    """The volume is in such a state for too long, whoever began what Cinder does with it."""

    template = "The {told} {advice}"

    def __init__(self, volume_id: str, status: str, seconds: float) -> None:
        told = stuck.still(stuck.VOLUME, volume_id, status, seconds)
        super().__init__(told=told, advice=stuck.to_be_freed(stuck.VOLUME, volume_id))


def seconds_for(job: JobContext, gibibytes: int) -> float:
    """How long moving so much data may take."""
    options = job.conf.ims_jobs
    return float(options.patience_seconds + gibibytes * options.volume_seconds_per_gib)


def let_finish(job: JobContext, uploads: Iterable["Upload"]) -> None:
    """Wait a little while Cinder uploads, before the images are deleted.

    Cinder's driver for RBD does not close a volume whose upload breaks off
    (``cinder/volume/drivers/rbd.py``, copy_volume_to_image), and then cannot delete it until its
    garbage happens to be collected, which may take minutes.
    """
    wait = Wait(job, "nearly done", min(_NEARLY_DONE, float(job.conf.ims_jobs.patience_seconds)))
    for upload in uploads:
        upload.let_go(wait)


class Upload:
    """The image of one volume.

    :param name: of the image, which only this job uses
    """

    def __init__(self, job: JobContext, volumes: VolumeApi, volume_id: str, name: str) -> None:
        self._job = job
        self._volumes = volumes
        self.volume_id = volume_id
        self._name = name

    def volume(self) -> dict[str, Any]:
        """The volume now.

        :raises VolumeMissing: if there is none
        """
        try:
            return self._volumes.get(self.volume_id)
        except rest.Missing:
            raise VolumeGone(volume_id=self.volume_id) from None

    def find(self) -> str | None:
        """The id of the image, once Cinder has made it."""
        return job_image.find_named(self._job, self._name)

    def begin(self) -> str:
        """Have Cinder begin, unless it has; the id of the image.

        :raises VolumeUnusable: if the volume is in another state
        """
        found = self.find()
        status = None if found else self.volume()["status"]
        if status in _BUSY:
            # A worker that died a moment ago may have begun: then the image is about to appear.
            wait = Wait(self._job, f"volume {self.volume_id} is free", self._job.patience)
            while found is None and status in _BUSY and not wait.is_over:
                wait.pause()
                found = self.find()
                status = None if found else self.volume()["status"]
            if status in _BUSY:
                raise VolumeHeld(self.volume_id, str(status), wait.waited)
        if found is not None:
            return found
        if status != "available":
            raise VolumeUnusable(volume_id=self.volume_id, status=status)
        return self._volumes.upload_to_image(self.volume_id, self._name)

    def is_done(self, image_id: str) -> bool:
        """Whether the image is active and the volume is free.

        :raises UploadFailed: if Cinder has given up
        """
        # The volume first: the image is finished before Cinder lets go of the volume.
        status = self.volume()["status"]
        image = self._job.image.find(image_id)
        if status == "uploading":
            return False
        if image is None or image["status"] != "active":
            reason = self._volumes.last_message(self.volume_id) or "it gave no reason."
            raise UploadFailed(volume_id=self.volume_id, reason=reason)
        return True

    def let_go(self, wait: Wait | None = None) -> float | None:
        """Wait until Cinder has let go of the volume, after its image was deleted.

        :param wait: how long, if others are waited for as well
        :return: for how long it did not, if it has not; seconds
        """
        if not self._is_uploading():
            return None
        if wait is None:
            # Not for as long as a neighbour may be away: Cinder answers, and may be stuck for good.
            seconds = float(self._job.conf.ims_jobs.patience_seconds)
            wait = Wait(self._job, f"volume {self.volume_id} is let go", seconds)
        return None if wait.until(lambda: not self._is_uploading()) else wait.waited

    def _is_uploading(self) -> bool:
        try:
            return bool(self._volumes.get(self.volume_id)["status"] == "uploading")
        except rest.Missing:
            return False


class Uploads:
    """Images of several volumes, all at once, each begun again when it breaks off.

    Cinder does not do that by itself: a Glance that dies meanwhile has it give up.

    :param what: is waited for; unique in the job
    :param seconds: how long they may take, each time that one is begun
    :param record: called with the number of a volume and the id of its image, another one each time
    :param begun: ids of images that are recorded already, by number
    """

    def __init__(
        self,
        job: JobContext,
        what: str,
        seconds: float,
        uploads: Mapping[int, Upload],
        record: Callable[[int, str], None],
        begun: Mapping[int, str] | None = None,
    ) -> None:
        self._job = job
        self._what = what
        self._seconds = seconds
        self._uploads = uploads
        self._record = record
        self._attempts = dict.fromkeys(uploads, 1)
        self._ids = dict(begun or {})

    def run(self, tell: Callable[[Collection[int]], None]) -> dict[int, str]:
        """Begin with those that are not begun, and wait for all; the ids of the images by number.

        :param tell: called with the numbers of those that are not done, now and then
        :raises UploadFailed: if one breaks off again and again, or is not done in time
        """
        for number in self._uploads:
            if number not in self._ids:
                self._begin(number)
        self._wait = self._new_wait()
        left = list(self._uploads)
        while left := [number for number in left if not self._is_done(number)]:
            tell(left)
            if self._wait.is_over:
                raise UploadStuck(self._uploads[left[0]].volume_id, self._wait.waited)
            self._wait.pause()
        tell(left)
        return self._ids

    def _is_done(self, number: int) -> bool:
        """Whether an upload is; one that broke off is begun again."""
        try:
            return self._uploads[number].is_done(self._ids[number])
        except UploadFailed as error:
            self._begin_again(number, error)
            self._wait = self._new_wait()
            return False

    def _begin(self, number: int) -> None:
        self._ids[number] = self._uploads[number].begin()
        self._record(number, self._ids[number])

    def _begin_again(self, number: int, error: UploadFailed) -> None:
        """Leave nothing of a broken upload, and begin another one after a while, as copies do.

        :raises UploadBroken: if that was done often enough
        """
        attempts = self._attempts[number]
        if attempts == job_image.UPLOADS:
            reason = error.details["reason"]
            volume_id = self._uploads[number].volume_id
            raise UploadBroken(volume_id=volume_id, attempts=attempts, reason=reason)
        LOG.warning("Job %s tries again: %s", self._job.id, error)
        self._job.image.delete(self._ids[number])
        self._job.pause(attempts)
        self._attempts[number] += 1
        self._begin(number)

    def _new_wait(self) -> Wait:
        # Another worker finds the same images, and has the same deadline.
        images = " ".join(each[:8] for each in self._ids.values())
        return Wait(self._job, f"{self._what}: {images}", self._seconds)
