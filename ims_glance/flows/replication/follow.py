# SPDX-License-Identifier: Apache-2.0
"""``imsCopyImageCrossRegionJob``: follows the job of another region that receives a copy of an image.

That one does the work, and was there before this one. This one shows where the image is how far the copy
is, and whoever cancels it cancels the copy.
"""

from collections.abc import Mapping
from typing import Any

from taskflow.flow import Flow
from taskflow.patterns import linear_flow

from ims_glance import exceptions
from ims_glance.clouds import rest
from ims_glance.clouds.image_api import ImageApi
from ims_glance.clouds.ims_api import ImsApi
from ims_glance.jobs.context import JobContext
from ims_glance.jobs.lease import clock
from ims_glance.jobs.task import Task
from ims_glance.jobs.waiting import Wait
from ims_glance.model.job import JobStatus, without_tokens

_DAY = 86_400.0
_MAX_REASON = 500
_ENDED = (JobStatus.SUCCESS, JobStatus.FAIL)
# Of what the other region tells, numbers that are told here as well.
_TOLD = ("received_bytes", "saved_bytes", "bytes_per_second")
# The first pause between two looks at the job there: a small image takes a few seconds; seconds.
_FIRST_LOOK = 0.25
# The pauses while the other region is away; seconds.
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0


class FailedThere(exceptions.ImsError):
    """The copy failed; the code is that of the other region."""

    template = "{region}: {reason}"

    def __init__(self, code: str | None, region: str, reason: str | None) -> None:
        super().__init__(region=region, reason=reason or "the copy failed, and nothing says why")
        if code:
            self.code = code


class UnknownThere(exceptions.NotFound):
    """The other region has no such job: its database was lost, or the record was deleted."""

    code = "IMG.0023"
    template = (
        "{region} does not know job {job_id} any more, so nobody here can say what became of the copy: "
        "look there for image '{name}'."
    )


class StillThere(exceptions.Conflict):
    """The copy goes on though it was to be undone."""

    template = "Job {job_id} in {region} has not ended: cancel it there."


def flow(job: JobContext) -> Flow:
    """The flow of a job.

    Its arguments are ``region``, and there ``project_id`` and ``job_id`` of what it follows. It acts with
    a delegation for that project.
    """
    return linear_flow.Flow("follow copy").add(FollowCopy(job))


class FollowCopy(Task):
    """Waits until the other region has the copy."""

    def execute(self) -> None:
        """Look at the job there until it has ended."""
        there = _There(self.job)
        seen = there.followed_to_its_end()
        if seen["status"] == JobStatus.FAIL:
            raise FailedThere(seen["error_code"], there.region, seen["fail_reason"])
        self.job.tell(image_id=seen["entities"].get("image_id"))

    def revert(self, **_: Any) -> None:
        """Have the other region undo it, and wait for that; a copy that is finished is deleted."""
        _There(self.job).undo()


class _There:
    """The job in the other region."""

    def __init__(self, job: JobContext) -> None:
        self._job = job
        self.region = str(job.arguments["region"])
        self._address = str(job.arguments["project_id"]), str(job.arguments["job_id"])
        self._place = job.region.elsewhere(self.region)
        self._api = ImsApi(self._place)
        self._pace = _Rate()
        self._is_away = False

    def followed_to_its_end(self) -> Mapping[str, Any]:
        """The job as it ended.

        :raises UnknownThere: if there is none
        :raises Unavailable: if the region is away for too long
        """
        lifetime = self._job.conf.ims_jobs.delegation_days * _DAY
        wait = Wait(self._job, f"copy in {self.region}", lifetime, _FIRST_LOOK)
        while True:
            seen = self._seen()
            self._tell(seen)
            if seen["status"] in _ENDED:
                self._job.write_told()
                return seen
            wait.pause()

    def undo(self) -> None:
        """Have nothing of the copy be left.

        :raises StillThere: if it goes on
        """
        try:
            seen = self._api.cancel_job(*self._address)
            wait = Wait(self._job, f"end in {self.region}", self._job.patience)
            while seen["status"] not in _ENDED:
                if wait.is_over:
                    raise StillThere(job_id=self._address[1], region=self.region)
                wait.pause()
                seen = self._api.show_job(*self._address)
        except rest.Missing:
            return
        image_id = seen["entities"].get("image_id")
        if seen["status"] == JobStatus.SUCCESS and image_id is not None:
            ImageApi(self._place).delete(image_id)

    def _seen(self) -> Mapping[str, Any]:
        """The job as it is now.

        It goes on there whether anybody looks or not: a link that is down for an hour is no reason to
        undo the work of ten.
        """
        begun, pause = clock(), _FIRST_PAUSE
        while True:
            try:
                seen = self._api.show_job(*self._address)
            except rest.Missing:
                name = self._job.entities.get("image_name")
                raise UnknownThere(region=self.region, job_id=self._address[1], name=name) from None
            except exceptions.Unavailable as error:
                if clock() - begun > self._job.conf.ims_jobs.region_patience_seconds:
                    raise
                if not self._is_away:
                    # Once: its words may be others each time.
                    self._is_away = True
                    self._wait_for(str(error))
                self._job.pause(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
            else:
                self._is_away = False
                self._wait_for(_waits(seen, self.region))
                return seen

    def _wait_for(self, reason: str | None) -> None:
        """Tell what is waited for, here or there."""
        if self._job.entities.get("waiting_for") != reason:
            self._job.tell(waiting_for=reason)

    def _tell(self, seen: Mapping[str, Any]) -> None:
        told = seen["entities"]
        done, total = told.get("done_bytes") or 0, told.get("total_bytes") or 0
        numbers = {name: told[name] or 0 for name in _TOLD if name in told}
        left = None if seen["status"] in _ENDED else self._pace.left(done, total)
        self._job.tell_soon(**numbers, target_status=str(seen["status"]), remaining_seconds=left)
        self._job.progress(done, total)


class _Rate:
    """How fast a copy is, since somebody first looked."""

    def __init__(self) -> None:
        self._first: tuple[float, int] | None = None

    def left(self, done: int, total: int) -> int | None:
        """How long it will take if it goes on like that; seconds; ``None`` if nobody can say."""
        if not done or not total:
            return None
        if self._first is None:
            self._first = clock(), done
        seconds, moved = clock() - self._first[0], done - self._first[1]
        return round((total - done) * seconds / moved) if moved > 0 else None


def _waits(seen: Mapping[str, Any], region: str) -> str | None:
    """What the job there waits for, if it does: perhaps it is this region."""
    reason = seen["entities"].get("waiting_for")
    if not reason or seen["status"] in _ENDED:
        return None
    return without_tokens(f"{region}: {reason}")[:_MAX_REASON]
