# SPDX-License-Identifier: Apache-2.0
from tests.unit.client.cloud import JOB_ID, OTHER

WORKER = {
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
JOB = {
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
WAITING = {"job_type": "imsCheckImageJob", "project_id": OTHER, "count": 3, "oldest_seconds": 61.2}


def test_workers(cloud, ims):
    cloud.ims("GET", "/v1/workers", {"workers": [WORKER]})
    (found,) = ims.workers()
    assert (found.id, found.jobs, found.heard_of_seconds_ago) == ("h:7:ab", 2, 1.5)


def test_the_queue(cloud, ims):
    cloud.ims("GET", "/v1/queue", {"waiting": [WAITING], "running": [JOB]})
    queue = ims.queue()
    assert (queue.waiting[0].count, queue.waiting[0].type) == (3, "imsCheckImageJob")
    (job,) = queue.running
    assert (job.id, job.project_id, job.percent, job.is_cancelled) == (JOB_ID, OTHER, 12.5, False)


def test_a_job_of_another_project_is_cancelled(cloud, ims):
    cloud.ims("DELETE", f"/v1/queue/{JOB_ID}", {**JOB, "cancel_requested": True})
    assert ims.cancel_queued_job(JOB_ID).is_cancelled
