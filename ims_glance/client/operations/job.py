# SPDX-License-Identifier: Apache-2.0
"""Jobs: listed, waited for, cancelled; for operators those of all projects, the workers, and what crashes left."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from ims_glance.client import waiting
from ims_glance.client.operations.base import Operations, segment
from ims_glance.client.resources.job import Job
from ims_glance.client.resources.orphan import OrphanList
from ims_glance.client.resources.worker import QueuedJob, ServiceWorker, WaitingJobs


class Queue(NamedTuple):
    """The unfinished jobs of all projects.

    :ivar waiting: those that no worker has, by type and project
    :ivar running: those that workers have, the oldest first
    """

    waiting: list[WaitingJobs]
    running: list[QueuedJob]


class JobOperations(Operations):
    """Jobs."""

    def jobs(
        self,
        status: str | None = None,
        max_items: int | None = None,
        marker: str | None = None,
        job_type: str | None = None,
    ) -> Iterator[Job]:
        """The project's jobs.

        :param status: only those in INIT, RUNNING, SUCCESS or FAIL
        :param marker: only those after the job of this id
        :param job_type: only those of this type, such as ``imsCopyImageInRegionJob``
        """
        given = {"status": status, "marker": marker, "job_type": job_type}
        query = {key: value for key, value in given.items() if value is not None}
        return self._some(Job, max_items, project_id=self._project(), **query)

    def get_job(self, job: str | Job) -> Job:
        """A job, as it is now."""
        return self._get(Job, Job._get_id(job), project_id=self._project(), skip_cache=True)

    def cancel_job(self, job: str | Job) -> Job:
        """Ask for the end of a job. It undoes what it has done and ends in FAIL.

        :return: the job as it was then; one that has ended stays as it is
        """
        path = f"/v1/{self._project()}/jobs/{segment(Job._get_id(job))}"
        return Job.existing(
            connection=self._get_connection(),
            project_id=self._project(),
            **self.request(path, "DELETE").json(),
        )

    def wait_for_job(
        self,
        job: str | Job,
        timeout: float | None = None,
        callback: Callable[[Job], None] | None = None,
    ) -> Job:
        """Wait until a job has ended well.

        :param timeout: seconds; ``None`` waits as long as it takes
        :param callback: called with the job each time that it was looked at
        :raises waiting.JobFailed: if it fails, or was cancelled
        :raises waiting.StillRunning: if it takes longer; it goes on nevertheless
        """
        return waiting.wait(lambda: self.get_job(job), callback, timeout)

    def workers(self) -> list[ServiceWorker]:
        """The workers that run, and those that died in the last day."""
        return [
            ServiceWorker.existing(**each) for each in self.get("/v1/workers").json()["workers"]
        ]

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

    def orphans(self) -> OrphanList:
        """What crashes left behind in the region, as ``ims-manage orphans`` found it last."""
        return OrphanList.existing(**self.get("/v1/orphans").json())
