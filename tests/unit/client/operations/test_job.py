# SPDX-License-Identifier: Apache-2.0
"""Jobs: what is sent, and what is made of the answer."""

import pytest

from ims_glance.client import waiting
from ims_glance.client.resources.job import Job
from tests.unit.client.cloud import IMAGE_ID, JOB_ID, OTHER, PROJECT, job
from tests.unit.client.resources.test_orphan import LEFT, ORPHANS
from tests.unit.client.resources.test_worker import QUEUED, WAITING, WORKER

JOBS = f"/v1/{PROJECT}/jobs"


def test_jobs(cloud, ims):
    cloud.ims("GET", JOBS, {"jobs": [job()], "page_info": {}})
    assert [each.id for each in ims.jobs("SUCCESS", 5, "m", "t")] == [JOB_ID]
    assert cloud.only("GET").query == {
        "status": "SUCCESS", "marker": "m", "limit": "5", "job_type": "t",
    }  # fmt: skip


def test_a_job(cloud, ims):
    cloud.ims("GET", f"{JOBS}/{JOB_ID}", job())
    assert ims.get_job(JOB_ID).image_id == IMAGE_ID
    assert ims.get_job(ims.get_job(JOB_ID)).status == "SUCCESS"


def test_waiting_for_a_job(cloud, ims):
    cloud.ims("GET", f"{JOBS}/{JOB_ID}", job())
    seen: list[Job] = []
    assert ims.wait_for_job(JOB_ID, callback=seen.append).image_id == IMAGE_ID
    assert [each.status for each in seen] == ["SUCCESS"]


def test_waiting_for_a_job_that_fails(cloud, ims):
    cloud.ims("GET", f"{JOBS}/{JOB_ID}", job("FAIL", fail_reason="It was cancelled."))
    with pytest.raises(waiting.JobFailed, match="It was cancelled"):
        ims.wait_for_job(JOB_ID)


def test_cancelling_a_job(cloud, ims):
    cloud.ims("DELETE", f"{JOBS}/{JOB_ID}", job("RUNNING"))
    assert ims.cancel_job(JOB_ID).status == "RUNNING"
    assert cloud.only("DELETE").path.endswith(f"/jobs/{JOB_ID}")


def test_workers(cloud, ims):
    cloud.ims("GET", "/v1/workers", {"workers": [WORKER]})
    (found,) = ims.workers()
    assert (found.id, found.jobs, found.heard_of_seconds_ago) == ("h:7:ab", 2, 1.5)


def test_the_queue(cloud, ims):
    cloud.ims("GET", "/v1/queue", {"waiting": [WAITING], "running": [QUEUED]})
    queue = ims.queue()
    assert (queue.waiting[0].count, queue.waiting[0].type) == (3, "imsCheckImageJob")
    (job,) = queue.running
    assert (job.id, job.project_id, job.percent, job.is_cancelled) == (JOB_ID, OTHER, 12.5, False)


def test_a_job_of_another_project_is_cancelled(cloud, ims):
    cloud.ims("DELETE", f"/v1/queue/{JOB_ID}", {**QUEUED, "cancel_requested": True})
    assert ims.cancel_queued_job(JOB_ID).is_cancelled


def test_what_crashes_left_behind(cloud, ims):
    cloud.ims("GET", "/v1/orphans", ORPHANS)
    found = ims.orphans()
    assert (found.count, found.orphans[0].names) == (1, LEFT["names"])
