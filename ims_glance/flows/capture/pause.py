# SPDX-License-Identifier: Apache-2.0
"""A server that stands still, so that all its disks are of one instant.

Nova lets nobody unpause a server while it makes an image of its root disk
(``nova/compute/api.py``: ``unpause`` wants no task state), so a server whose root disk is on its
host stands still until Nova has uploaded that too.
"""

import contextlib
import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from ims_glance import exceptions
from ims_glance.clouds import rest
from ims_glance.clouds.compute import ComputeApi
from ims_glance.jobs.context import Abandoned, JobContext
from ims_glance.jobs.lease import clock
from ims_glance.jobs.waiting import SOON, Wait
from ims_glance.model.server import ACTIVE, PAUSED, ServerBusy, ServerUnfit, check_server

# Nova answers before the hypervisor has paused the server, which is ACTIVE until then.
_PAUSING = "pausing"
# Actions after which a server that is paused has not been so all the time.
_CHANGES = frozenset({"pause", "unpause"})


class NotHeldStill(exceptions.ImsError):
    """Nova did not pause the server."""

    code = "IMG.0014"
    template = (
        "Server {server_id} was not paused within {seconds:.0f} seconds; it is {status}. If Nova does "
        "not work on it any more, an operator has to run 'openstack server set --state active "
        "{server_id}'."
    )


class NotStill(exceptions.Conflict):
    """Somebody let the server go on too early."""

    code = "IMG.0126"
    template = (
        "Server {server_id} was paused for its image, and somebody changed that: it is {status}. "
        "Try again, and leave it alone meanwhile."
    )


class NotLetGo(exceptions.ImsError):
    """Nova does not let the server go on."""

    code = "IMG.0014"
    template = (
        "Server {server_id} could not be unpaused within {seconds:.0f} seconds; it is {status} "
        "({task}). Unpause it ('openstack server unpause {server_id}') as soon as Nova lets you. If "
        "Nova does not work on it any more, an operator has to run 'openstack server set --state active "
        "{server_id}' and, which restarts it, 'openstack server reboot --hard {server_id}'."
    )


@dataclasses.dataclass
class Stillness:
    """How a server stood still.

    :ivar milliseconds: from the request to pause it until it was seen to go on; more than its guest
        noticed
    """

    milliseconds: int = 0


class Standstill:
    """Pausing one server.

    :param seconds: how long Nova may take to let it go on
    """

    def __init__(
        self, job: JobContext, compute: ComputeApi, server_id: str, seconds: float
    ) -> None:
        self._job = job
        self._compute = compute
        self._server_id = server_id
        self._seconds = seconds
        # What another worker has asked of Nova, nobody knows.
        self._may_hold = job.job.generation > 1

    @contextlib.contextmanager
    def hold(self) -> Iterator[Stillness]:
        """Have the server stand still while the block runs."""
        still = Stillness()
        before = self._actions()
        begun = clock()
        self._pause()
        try:
            self._await_pause()
            yield still
            self._check_held(before)
            self._end_pause()
        except Abandoned:
            # Perhaps there is no other worker to let it go on. If there is, and it has paused the
            # server again, then it sees in the end that the server did not stand still.
            with contextlib.suppress(exceptions.ImsError):
                self._unpause()
            raise
        except BaseException:
            self.let_go()
            raise
        self.let_go()
        still.milliseconds = round((clock() - begun) * 1000)

    def let_go(self) -> None:
        """See to it that the server does not stand still any more, unless others made it.

        :raises NotLetGo: if Nova does not let it go on
        """
        if not self._may_hold:
            return
        wait = Wait(self._job, "unpaused", self._seconds, SOON)
        # A wish to cancel the job is no reason to leave the server where it is.
        with self._job.reverting():
            view = self._compute.get(self._server_id)
            while (seconds := self._longest(view)) is not None:
                task = view["OS-EXT-STS:task_state"]
                if wait.has_lasted(seconds):
                    raise NotLetGo(
                        server_id=self._server_id,
                        seconds=wait.waited,
                        status=view["status"],
                        task=task,
                    )
                if not task:
                    self._unpause()
                wait.pause()
                view = self._compute.get(self._server_id)
        self._may_hold = False

    def _longest(self, view: Mapping[str, Any]) -> float | None:
        """For how long a server may stay as it is; ``None`` if it goes on."""
        if view["status"] == PAUSED:
            return self._seconds
        is_coming = view["OS-EXT-STS:task_state"] == _PAUSING
        return float(self._job.conf.ims_jobs.patience_seconds) if is_coming else None

    def _pause(self) -> None:
        before, self._may_hold = self._may_hold, True
        try:
            self._compute.pause(self._server_id)
        except rest.Refused as error:
            if error.status != 409:
                raise
            # If it is paused, then by its owner or by another job, and stays so.
            self._may_hold = before
            view = self._compute.get(self._server_id)
            check_server(view)
            if view["status"] == ACTIVE:
                raise ServerBusy(server_id=self._server_id, task=error) from None
            raise ServerUnfit(
                server_id=self._server_id, status=f"{view['status']} now", wanted=ACTIVE
            ) from None

    def _await_pause(self) -> None:
        patience = float(self._job.conf.ims_jobs.patience_seconds)
        wait = Wait(self._job, "paused", patience, SOON)
        while True:
            view = self._compute.get(self._server_id)
            if view["status"] == PAUSED and not view["OS-EXT-STS:task_state"]:
                return
            if view["status"] not in (ACTIVE, PAUSED):
                raise NotStill(server_id=self._server_id, status=view["status"])
            if wait.is_over:
                raise NotHeldStill(
                    server_id=self._server_id, seconds=patience, status=view["status"]
                )
            wait.pause()

    def _actions(self) -> list[dict[str, Any]] | None:
        """What was done to the server; ``None`` if this cloud's policy tells its owner nothing of that."""
        try:
            return self._compute.actions(self._server_id)
        except rest.Missing:
            raise
        except rest.Refused:
            return None

    def _check_held(self, before: list[dict[str, Any]] | None) -> None:
        """See whether the server has stood still since this job paused it, and not for another one by now.

        Another job of its owner's may have let it go on, and paused it for itself.

        :param before: what had been done to it before this job paused it
        :raises NotStill: if it went on in between
        """
        now = self._actions()
        if before is None or now is None:
            return
        known = {each["request_id"] for each in before}
        done = [str(each["action"]) for each in now if each["request_id"] not in known]
        # They come newest first, and the oldest pause is this job's.
        pauses = [at for at, action in enumerate(done) if action == "pause"]
        since = set(done[: pauses[-1]]) & _CHANGES if pauses else set()
        if since:
            # Whoever paused it since lets it go on, too. To let it go on alone may have failed.
            self._may_hold = "pause" not in since
            status = self._compute.get(self._server_id)["status"]
            raise NotStill(server_id=self._server_id, status=f"{status} after it went on")

    def _end_pause(self) -> None:
        """Let it go on, without a look first: Nova unpauses only what has stood still until now."""
        if not self._unpause():
            status = self._compute.get(self._server_id)["status"]
            if status != PAUSED:
                raise NotStill(server_id=self._server_id, status=status)

    def _unpause(self) -> bool:
        """Whether Nova does it now."""
        try:
            self._compute.unpause(self._server_id)
        except rest.Refused as error:
            # Something else began a moment ago; the next look tells.
            if error.status != 409:
                raise
            return False
        return True
