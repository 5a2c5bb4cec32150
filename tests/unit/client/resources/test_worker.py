# SPDX-License-Identifier: Apache-2.0
"""Workers, and jobs of all projects."""

from typing import Any

from ims_glance.client.resources.worker import QueuedJob, ServiceWorker, WaitingJobs
from tests.unit.client.cloud import JOB_ID, OTHER

WORKER: dict[str, Any] = {
    "name": "h:7:ab",
    "host": "h",
    "process": "7",
    "state": "busy",
    "threads": 4,
    "jobs": 2,
    "lost_jobs": 0,
    "begun_seconds_ago": 90.0,
    "heard_of_seconds_ago": 1.5,
}
QUEUED: dict[str, Any] = {
    "job_id": JOB_ID,
    "job_type": "imsCopyImageInRegionJob",
    "project_id": OTHER,
    "status": "RUNNING",
    "begin_time": "2026-11-24T01:02:03Z",
    "current_task": "copy data",
    "process_percent": 12.5,
    "done_bytes": 1,
    "total_bytes": 8,
    "worker": "h:7:ab",
    "attempts": 1,
    "cancel_requested": False,
}
WAITING: dict[str, Any] = {
    "job_type": "imsCheckImageJob",
    "project_id": OTHER,
    "count": 3,
    "oldest_seconds": 61.2,
}


def test_names_on_the_wire():
    assert ServiceWorker.existing(**WORKER).id == "h:7:ab"
    assert WaitingJobs.existing(**WAITING).type == "imsCheckImageJob"
    job = QueuedJob.existing(**QUEUED)
    assert (job.id, job.percent, job.is_cancelled) == (JOB_ID, 12.5, False)
