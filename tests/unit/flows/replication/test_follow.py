# SPDX-License-Identifier: Apache-2.0
"""Following a copy that another region receives; what kills the worker is in ``test_deaths``."""

import pytest
from keystoneauth1 import exceptions as auth_exceptions
from keystoneauth1 import token_endpoint

from ims_glance.flows.replication import follow
from ims_glance.jobs.context import JobContext
from ims_glance.jobs.waiting import Wait
from ims_glance.model import job as model
from ims_glance.model.job import JobStatus


@pytest.fixture(autouse=True)
def _no_naps(monkeypatch):
    monkeypatch.setattr(JobContext, "pause", lambda self, _seconds: self.check())


@pytest.fixture
def followed(cloud, server):
    """Follows the one copy of the small cloud; the job when that has ended."""

    def run(looks=1, **settings):
        job_id = server.copy(looks)
        arguments = {"region": "RegionTwo", "project_id": "there", "job_id": job_id}
        return cloud.run(model.COPY_CROSS_REGION, **{**arguments, **settings})

    return run


def test_it_tells_what_the_other_region_tells(followed, server):
    job = followed()
    [copy] = server.copies.values()
    assert (job.status, job.done_bytes, job.total_bytes) == (JobStatus.SUCCESS, 10, 10)
    assert job.entities["image_id"] == copy["image_id"]
    assert (job.entities["received_bytes"], job.entities["target_status"]) == (1, "SUCCESS")


def test_a_failure_has_the_code_and_the_reason_of_the_other_region(followed, server, cloud):
    def fail(_request):
        [copy] = server.copies.values()
        copy.update(status="FAIL", error_code="IMG.0057", fail_reason="Not what was sent.")

    cloud.watch = fail
    job = followed()
    assert (job.status, job.error_code) == (JobStatus.FAIL, "IMG.0057")
    assert job.fail_reason == "RegionTwo: Not what was sent."
    assert "image_id" not in model.view(job)["entities"]


def test_the_other_region_forgot_it(followed, server, cloud):
    cloud.watch = lambda _request: server.copies.clear()
    job = followed()
    assert (job.status, job.error_code) == (JobStatus.FAIL, "IMG.0023")
    assert job.fail_reason.startswith("RegionTwo does not know job")


@pytest.fixture
def said(monkeypatch):
    """What jobs told that they wait for."""
    told = []
    real = JobContext.tell

    def tell(self, **entities):
        if "waiting_for" in entities:
            told.append(entities["waiting_for"])
        real(self, **entities)

    monkeypatch.setattr(JobContext, "tell", tell)
    return told


def test_what_the_other_region_waits_for_is_said(followed, server, cloud, said):
    def wait(_request):
        [copy] = server.copies.values()
        copy["waiting_for"] = "RegionOne is away." if copy["seen"] < 2 else None

    cloud.watch = wait
    assert followed(looks=3).status is JobStatus.SUCCESS
    assert said == ["RegionTwo: RegionOne is away.", None]


def test_the_other_region_is_away_for_a_while(followed, server, said):
    """That is seen while it lasts, and the copy is none the worse."""
    server.failures["GET /v1/.*"] = [503, 502]
    job = followed()
    assert job.status is JobStatus.SUCCESS
    assert job.entities["waiting_for"] is None
    first, last = said
    assert first.startswith("The RegionTwo Image service is unavailable (503")
    assert last is None
    assert server.requests.count(server.requests[0]) == 4


def test_the_other_region_is_away_for_too_long(followed, server, tables):
    for name in ("region_patience_seconds", "patience_seconds"):
        tables.conf.set_override(name, 0.0, "ims_jobs")
    server.failures["GET /v1/.*"] = [503] * 2
    job = followed()
    assert job.status is JobStatus.FAIL
    assert "The RegionTwo Image service is unavailable" in job.fail_reason
    [copy] = server.copies.values()
    assert copy["status"] == "FAIL"


def test_a_region_without_the_service(followed, server):
    server.failures["(GET|DELETE) /v1/.*"] = [300] * 3
    job = followed()
    assert (job.status, job.error_code) == (JobStatus.FAIL, "IMG.0105")


def test_the_delegation_has_ended(followed, cloud, monkeypatch):
    """Nobody here can undo it any more, and that is said."""

    def refuse(*_of_whom):
        raise auth_exceptions.Unauthorized("no such trust")

    cloud.watch = lambda _request: monkeypatch.setattr(token_endpoint.Token, "get_token", refuse)
    job = followed(looks=99)
    assert (job.status, job.error_code) == (JobStatus.FAIL, "IMG.0087")
    assert "could not be undone" in job.fail_reason


def test_what_does_not_end_there_is_said(followed, server, monkeypatch):
    server.failures["GET /v1/.*"] = [403]
    monkeypatch.setattr(Wait, "is_over", True)
    job = followed(looks=99)
    assert "has not ended: cancel it there" in job.fail_reason


def test_what_the_other_region_tells_is_bounded(followed, server, cloud, tables):
    def lie(_request):
        [copy] = server.copies.values()
        copy["waiting_for"] = "x" * 100_000
        if copy["seen"] > 1:
            copy.update(status="FAIL", error_code="x" * 1000, fail_reason="y" * 100_000)

    cloud.watch = lie
    job = followed(looks=3)
    assert (job.status, job.error_code) == (JobStatus.FAIL, "IMG.0061")
    assert job.fail_reason.startswith("RegionTwo: yyy")
    assert len(job.fail_reason) < 3000
    assert len(str(job.entities)) < 1000


def test_a_status_that_no_job_has(followed, server, cloud, tables):
    """Nobody can say what it means: it is waited for something else, as long as for a region that is away."""
    tables.conf.set_override("region_patience_seconds", 0.0, "ims_jobs")
    tables.conf.set_override("patience_seconds", 0.0, "ims_jobs")
    asked = []

    def lie(request):
        asked.append(request)
        [copy] = server.copies.values()
        copy["status"] = "x" * 100_000 if len(asked) == 1 else "FAIL"

    cloud.watch = lie
    job = followed(looks=99)
    assert (job.status, job.error_code) == (JobStatus.FAIL, "IMG.0014")
    assert "gave an answer that this one does not understand" in job.fail_reason
    assert len(str(job.entities)) < 1000


def test_how_long_it_will_take(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(follow, "clock", lambda: now[0])
    pace = follow._Rate()
    assert pace.left(0, 100) is pace.left(5, 0) is pace.left(10, 100) is None
    now[0] += 10
    assert pace.left(10, 100) is None
    assert pace.left(30, 100) == 35
