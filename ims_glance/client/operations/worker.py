# SPDX-License-Identifier: Apache-2.0
"""What operators see: workers, and the jobs of all projects."""

from typing import NamedTuple

from ims_glance.client.operations.base import Operations, segment
from ims_glance.client.resources.worker import QueuedJob, WaitingJobs, Worker


class Queue(NamedTuple):
    """The unfinished jobs of all projects.

    :ivar waiting: those that no worker has, by type and project
    :ivar running: those that workers have, the oldest first
    """

    waiting: list[WaitingJobs]
    running: list[QueuedJob]


class WorkerOperations(Operations):
    """For administrators of the cloud, unless its policy says otherwise."""

    def workers(self) -> list[Worker]:
        """The workers that run, and those that died in the last day."""
        return [Worker.existing(**each) for each in self.get("/v1/workers").json()["workers"]]

    def queue(self) -> Queue:
        """The unfinished jobs of all projects."""
        answer = self.get("/v1/queue").json()
        return Queue(
            [WaitingJobs.existing(**each) for each in answer["waiting"]],
            [QueuedJob.existing(**each) for each in answer["running"]],
        )

    def cancel_queued_job(self, job_id: str) -> QueuedJob:
        """Ask for the end of a job of any project. It undoes what it has done and ends in FAIL.

        :return: the job as it was then; one that has ended stays as it is
        """
        path = f"/v1/queue/{segment(job_id)}"
        return QueuedJob.existing(**self.request(path, "DELETE").json())
