# SPDX-License-Identifier: Apache-2.0
"""A copy that nobody follows, since the answer to who asked for it was lost, is none."""

from collections.abc import Callable

import pytest

from ims_glance.flows.replication import followed
from ims_glance.jobs.context import JobContext
from ims_glance.jobs.waiting import Wait
from ims_glance.model import job as model
from ims_glance.model.job import JobStatus

DATA = b"data" * 1000
JOB = "d" * 32


@pytest.fixture
def receive(cloud, far):
    """Have an image received, for a job of its region."""

    def receive(**settings):
        wanted = {
            "source_region": "RegionTwo",
            "source_project_id": "demo",
            "image_id": far.make(DATA, name="source", disk_format="raw"),
            "name": "copy",
            "disks": 0,
            "source_job_id": JOB,
            **settings,
        }
        return cloud.run(model.RECEIVE_IMAGE, **wanted)

    return receive


@pytest.fixture
def asked(far):
    """How often the other region was asked for the job."""
    return lambda: [each for each in far.requests if each == f"GET /v1/demo/jobs/{JOB}"]


@pytest.fixture
def pauses(monkeypatch):
    """What is done in the pauses, the first one first."""
    planned: list[Callable[[], None]] = []

    def pause(self, _seconds):
        self.check()
        if planned:
            planned.pop(0)()

    monkeypatch.setattr(JobContext, "pause", pause)
    return planned


def _follow(far, **changes):
    far.copies[JOB] = {**far.copies.pop(far.copy(99)), "job_id": JOB, **changes}


def test_it_is_followed(receive, far, server, asked):
    _follow(far)
    job = receive()
    assert job.status is JobStatus.SUCCESS, job.fail_reason
    assert server.data[job.image_id] == DATA
    assert len(asked()) == 1


def test_the_other_job_is_recorded_a_little_later(receive, far, asked, pauses):
    pauses += [lambda: None, lambda: _follow(far)]
    assert receive().status is JobStatus.SUCCESS
    assert len(asked()) == 3


def test_nobody_follows(receive, server, inner, far, monkeypatch):
    """Whoever asked died before it had the answer."""
    monkeypatch.setattr(Wait, "is_over", property(lambda wait: wait.seconds == followed.SECONDS))
    job = receive()
    assert (job.status, job.error_code) == (JobStatus.FAIL, "IMG.0018")
    assert f"Region RegionTwo has no unfinished job {JOB}" in job.fail_reason
    assert (server.images, list(inner.objects()), sum(far.link)) == ({}, [], 0)


def test_the_other_job_failed_before(receive, server, far):
    """It was cancelled, and this region was away when it was told so."""
    _follow(far, status="FAIL")
    job = receive()
    assert (job.status, job.error_code) == (JobStatus.FAIL, "IMG.0018")
    assert (server.images, sum(far.link)) == ({}, 0)


def test_cancelled_while_it_is_waited_for(receive, server, monkeypatch):
    def pause(self, _seconds):
        self.lease.cancel()
        self.check()

    monkeypatch.setattr(JobContext, "pause", pause)
    job = receive()
    assert (job.status, job.error_code) == (JobStatus.FAIL, "IMG.0018")
    assert job.fail_reason == "The job was cancelled."
    assert server.images == {}


@pytest.mark.parametrize("status", [300, 403])
def test_a_region_that_tells_nothing_of_its_jobs(receive, far, status):
    """What it lets be read is another matter."""
    far.failures["GET /v1/demo/jobs/.*"] = [status] * 2
    assert receive().status is JobStatus.SUCCESS


def test_a_region_that_names_no_job(receive, asked):
    assert receive(source_job_id=None).status is JobStatus.SUCCESS
    assert asked() == []


def test_a_region_that_is_away_for_a_while(receive, far, asked):
    _follow(far)
    far.failures["GET /v1/demo/jobs/.*"] = [503, 502, 401, 401]
    assert receive().status is JobStatus.SUCCESS
    assert len(asked()) == 5
