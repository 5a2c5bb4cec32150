# SPDX-License-Identifier: Apache-2.0
"""Captures of servers whose worker dies: nothing is left, and the server runs."""

import pytest

from ims_glance.model import job as model
from tests.cloud import captures, flow_jobs, jobs, pocket

pytestmark = pytest.mark.pocket

SECONDS = 180


@pytest.fixture(scope="module")
def bench(cloud):
    return jobs.Bench()


CAPTURED = ("read server", "*take snapshots", "*make volumes", "*upload volumes", "delete volumes")


def test_whole_machine_when_each_worker_dies(tenant, local, bench, tmp_path):
    before = captures.counted(tenant)
    wished = captures.arguments(tenant, local)
    job_id = flow_jobs.accept(bench, tenant, model.WHOLE_OF_SERVER, True, **wished)
    deaths = flow_jobs.each_task(*CAPTURED, "*describe disks", "*make whole image")
    flow_jobs.killed_again_and_again(bench, job_id, deaths, tmp_path)
    with flow_jobs.working(bench):
        job = flow_jobs.succeeded(bench, job_id, SECONDS)
    assert tenant.compute.get_server(local.id).status == "ACTIVE"
    assert flow_jobs.view(tenant, job.image_id)["__capture"] == "paused"
    tenant.image.delete(f"/images/{job.image_id}")
    jobs.eventually(lambda: captures.counted(tenant), before)


@pytest.mark.parametrize("job_type", [model.IMAGE_OF_SERVER, model.IMAGES_OF_VOLUMES])
def test_images_of_disks_when_each_worker_dies(tenant, local, bench, tmp_path, job_type):
    before = captures.counted(tenant)
    wished = captures.arguments(tenant, local)
    names = ["system", "data"]
    wishes = [{**each, "name": names.pop(0)} for each in wished.pop("wishes")]
    first = 0 if job_type == model.IMAGE_OF_SERVER else 1
    wished |= {"wishes": wishes[first:], "stands_still": False}
    job_id = flow_jobs.accept(bench, tenant, job_type, True, **wished)
    deaths = flow_jobs.each_task(*CAPTURED, "*describe images")
    flow_jobs.killed_again_and_again(bench, job_id, deaths, tmp_path)
    with flow_jobs.working(bench):
        job = flow_jobs.succeeded(bench, job_id, SECONDS)
    made = job.entities[model.DISK_IMAGES].values()
    assert len(made) == len(wished["wishes"])
    for image_id in made:
        assert flow_jobs.view(tenant, image_id)["status"] == "active"
        tenant.image.delete(f"/images/{image_id}")
    jobs.eventually(lambda: captures.counted(tenant), before)


@pytest.mark.parametrize("task", ["take snapshots", "upload volumes"])
def test_cancelled_after_a_death(tenant, local, bench, tmp_path, task):
    before = captures.counted(tenant)
    wished = captures.arguments(tenant, local)
    job_id = flow_jobs.accept(bench, tenant, model.WHOLE_OF_SERVER, True, **wished)
    flow_jobs.killed_once(bench, job_id, task, "SUCCESS", tmp_path / "mark")
    bench.acceptance.cancel(job_id, tenant.current_project_id)
    with flow_jobs.working(bench):
        flow_jobs.failed(bench, job_id, "IMG.0018", SECONDS)
    jobs.eventually(lambda: captures.counted(tenant), before)


def _is_paused(tenant, local):
    return tenant.compute.get_server(local.id).status == "PAUSED"


def _has_snapshots(tenant, local):
    snapshots = [each.status for each in tenant.block_storage.snapshots()]
    is_over = tenant.compute.get_server(local.id).status == "ACTIVE"
    return is_over and snapshots == ["available"]


@pytest.mark.alone
@pytest.mark.parametrize(
    ("service", "moment"),
    [("nova-api", _is_paused), ("cinder-api", _has_snapshots), ("glance-one", _is_paused)],
)
def test_a_neighbour_is_away(tenant, local, bench, service, moment):
    before = captures.counted(tenant)
    wished = captures.arguments(tenant, local)
    job_id = flow_jobs.accept(bench, tenant, model.WHOLE_OF_SERVER, True, **wished)
    # Slow enough to be held still before it asks for the next.
    with flow_jobs.working(bench, slow=2.0) as worker:
        jobs.eventually(lambda: moment(tenant, local), True)
        with pocket.killed(service, worker):
            pass
        job = bench.ended(job_id, SECONDS)
    if job.status is model.JobStatus.SUCCESS:
        tenant.image.delete(f"/images/{job.image_id}")
    else:
        assert job.fail_reason
        assert "could not be undone" not in job.fail_reason
    jobs.eventually(lambda: captures.counted(tenant), before)
