# SPDX-License-Identifier: Apache-2.0
"""Snapshots of all disks of a server while its guest agent holds its file systems still.

Nova asks the guest for that only when it makes an image of a server whose root disk is a volume
(``nova/compute/api.py``: ``snapshot_volume_backed``), and thaws the guest by itself once Cinder has
all snapshots. So the snapshots are Nova's, and the image that comes with them is thrown away.
Unless the server's own image requires the freeze, Nova goes on silently without it; Nova's image
says what was required.
"""

import json
from collections.abc import Mapping
from typing import Any

from ims_glance import exceptions
from ims_glance.clouds import rest
from ims_glance.flows.capture.disks import DiskTask
from ims_glance.jobs.lease import clock
from ims_glance.model import capture, server
from ims_glance.model.image import whole_image

# Nova looks every half second whether it may thaw the guest (``_wait_for_snapshots_completion``).
_THAW = 0.5
# If nothing new of an unanswered request has appeared for so long, Nova is done with it; seconds.
# Also the time that a thaw may take: the agent of a server that is paused by then cannot do it.
_QUIET = 5.0


class NotQuiesced(exceptions.ImsError):
    """The guest was not frozen for the snapshots, as far as can be known."""

    code = "IMG.0014"
    template = "{reason}"


class Quiesce:
    """Has Nova take the snapshots of one server.

    :param task: that wants them: of all disks of a server, which are volumes
    """

    def __init__(self, task: DiskTask) -> None:
        self._task = task
        self._job = task.job
        # Nova's image has the name by which the guard keeps it out of lists and quota.
        self._name = task.called(task.disks[0])

    def take(self) -> tuple[int, dict[str, str]]:
        """Take them, under the job's own names.

        For how long the guest was frozen at most, in ms, and their ids by the numbers of the disks.

        :raises NotQuiesced: if Nova refuses, or the guest cannot have been frozen; there may be
            snapshots and an image all the same
        :raises SnapshotFailed: if Cinder takes one not
        :raises ServerChanged: if the server has other disks by now
        """
        begun = clock()
        view = self._create_image()
        snapshots = self._snapshots(view)
        for disk in self._task.disks:
            self._task.await_snapshot(disk, snapshots[str(disk.volume_id)])
        milliseconds = round((clock() - begun + _THAW) * 1000)
        self._check_server()
        # Before the disks' images are looked for by the same name.
        self._job.image.delete(str(view["id"]))
        ids = {str(disk.number): snapshots[str(disk.volume_id)] for disk in self._task.disks}
        for disk in self._task.disks:
            self._task.volumes.rename_snapshot(ids[str(disk.number)], self._task.called(disk))
        # That of a disk which was attached a moment ago keeps Nova's name, and goes with the others
        # in the end.
        return milliseconds, ids

    def undo(self, may_go_on: bool) -> None:
        """Delete what Nova made.

        :param may_go_on: whether Nova may still work on a request whose answer nobody saw, or the
            guest may still be frozen
        """
        self._task.delete_snapshots()
        while may_go_on:
            self._job.pause(_QUIET)
            may_go_on = bool(self._task.found_snapshots())
            self._task.delete_snapshots()

    def _create_image(self) -> dict[str, Any]:
        """Nova's image, with the snapshots begun.

        :raises NotQuiesced: see :meth:`take`
        """
        try:
            image_id = self._task.compute.create_image(self._task.server_id, self._name, {})
        except rest.Missing:
            # Of a server that is gone; no pause helps.
            raise
        except (rest.Refused, rest.ServiceUnavailable) as error:
            raise NotQuiesced(reason=error) from error
        self._job.record_disk_image(self._task.disks[0].number, image_id)
        view = self._job.image.get(image_id)
        # It has the properties that Nova recorded when it made the server, and goes by.
        if not capture.requires_quiesce(view):
            raise NotQuiesced(
                reason="Nova does not say that it froze the guest: the server was made before its "
                "root disk had 'hw_qemu_guest_agent' and 'os_require_quiesce', or Nova is told not "
                "to pass these on."
            )
        return view

    def _snapshots(self, view: Mapping[str, Any]) -> dict[str, str]:
        """Ids of the snapshots by those of their volumes.

        :param view: Nova's image
        :raises ServerChanged: if a disk is missing
        """
        mapping = json.loads(str(view.get(whole_image.MAPPING) or "[]"))
        ids = [str(each["snapshot_id"]) for each in mapping if each.get("snapshot_id")]
        found = {str(self._task.volumes.get_snapshot(each)["volume_id"]): each for each in ids}
        if {str(disk.volume_id) for disk in self._task.disks} <= set(found):
            return found
        raise server.ServerChanged(server_id=self._task.server_id)

    def _check_server(self) -> None:
        """Nova freezes no server that does not run, and says nothing of that."""
        status = self._task.compute.get(self._task.server_id)["status"]
        if status != server.ACTIVE:
            raise NotQuiesced(reason=f"The server is {status} now.")
