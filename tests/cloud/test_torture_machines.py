# SPDX-License-Identifier: Apache-2.0
"""Captures of servers whose worker dies: nothing is left, and the server runs."""

import dataclasses

import pytest

from ims_glance.model import job as model
from tests.cloud import captures, flow_jobs, jobs, machines, pocket

SECONDS = 180


@pytest.fixture(scope="module")
def tenant(cloud):
    with jobs.tenant() as tenant:
        yield tenant


@pytest.fixture(scope="module")
def guest(tenant):
    with machines.guest(tenant) as image_id:
        yield image_id


@pytest.fixture(scope="module")
def local(tenant, guest):
    with machines.local_root(tenant, guest, disks=1) as server:
        yield server


@pytest.fixture(scope="module")
def bench(cloud):
    return jobs.Bench()


def left(tenant):
    """All that a capture could leave behind."""
    return {**captures.left(tenant), "trusts": jobs.trusts(tenant)}


@dataclasses.dataclass
class Death:
    task: str
    point: str


DEATHS = [
    Death("read server", "SUCCESS"),
    Death("take snapshots", "RUNNING"),
    Death("take snapshots", "SUCCESS"),
    Death("make volumes", "SUCCESS"),
    Death("upload volumes", "SUCCESS"),
    Death("delete volumes", "SUCCESS"),
    Death("describe disks", "SUCCESS"),
    Death("make whole image", "SUCCESS"),
]


@pytest.mark.parametrize("death", DEATHS, ids=lambda each: f"{each.task} {each.point}")
def test_another_worker_goes_on(tenant, local, bench, tmp_path, death):
    before = left(tenant)
    wished = captures.arguments(tenant, local)
    job_id = flow_jobs.accept(bench, tenant, model.WHOLE_OF_SERVER, True, **wished)
    flow_jobs.killed_once(bench, job_id, death.task, death.point, tmp_path / "mark")
    with flow_jobs.working(bench):
        job = flow_jobs.succeeded(bench, job_id, SECONDS)
    assert tenant.compute.get_server(local.id).status == "ACTIVE"
    tenant.image.delete(f"/images/{job.image_id}")
    jobs.eventually(lambda: left(tenant), before, 30)


@pytest.mark.parametrize("task", ["take snapshots", "upload volumes"])
def test_cancelled_after_a_death(tenant, local, bench, tmp_path, task):
    before = left(tenant)
    wished = captures.arguments(tenant, local)
    job_id = flow_jobs.accept(bench, tenant, model.WHOLE_OF_SERVER, True, **wished)
    flow_jobs.killed_once(bench, job_id, task, "SUCCESS", tmp_path / "mark")
    bench.acceptance.cancel(job_id, tenant.current_project_id)
    with flow_jobs.working(bench):
        flow_jobs.failed(bench, job_id, "IMG.0018", SECONDS)
    jobs.eventually(lambda: left(tenant), before, 30)


@pytest.mark.parametrize("service", ["nova-api", "cinder-api", "glance-one"])
def test_a_neighbour_is_away(tenant, local, bench, service):
    before = left(tenant)
    wished = captures.arguments(tenant, local)
    job_id = flow_jobs.accept(bench, tenant, model.WHOLE_OF_SERVER, True, **wished)
    with flow_jobs.working(bench):
        bench.until(job_id, current_task="take snapshots")
        with pocket.killed(service):
            pass
        job = bench.ended(job_id, SECONDS)
    if job.status is model.JobStatus.SUCCESS:
        tenant.image.delete(f"/images/{job.image_id}")
    else:
        assert job.fail_reason
        assert "could not be undone" not in job.fail_reason
    jobs.eventually(lambda: left(tenant), before, 30)
