# SPDX-License-Identifier: Apache-2.0
"""Backups of servers, and images of them, whose worker dies: nothing is left, the server runs."""

import pytest

from ims_glance.model import job as model
from tests.cloud import captures, flow_jobs, jobs, pocket

pytestmark = pytest.mark.pocket

SECONDS = 240


@pytest.fixture(scope="module")
def bench(cloud):
    return jobs.Bench()


@pytest.fixture(scope="module")
def backup(tenant, local, bench):
    """One that images are made of."""
    job_id = _backup_job(bench, tenant, local)
    with flow_jobs.working(bench):
        job = flow_jobs.succeeded(bench, job_id, SECONDS)
    yield _found(tenant, job.backup_id)
    _delete(tenant, job.backup_id)


def _found(tenant, backup_id):
    return captures.backups(tenant).find(backup_id)


def _delete(tenant, backup_id):
    found = _found(tenant, backup_id)
    if found is not None:
        captures.backups(tenant).delete(found)
    jobs.eventually(lambda: _found(tenant, backup_id), None)


def _backup_job(bench, tenant, server):
    wished = {**captures.arguments(tenant, server), "name": "nightly", "server_name": "machine"}
    return flow_jobs.accept(bench, tenant, model.SERVER_BACKUP, False, **wished)


def _image_job(bench, tenant, backup):
    wished = captures.of_backup(backup)
    return flow_jobs.accept(bench, tenant, model.WHOLE_OF_BACKUP, True, **wished)


def _kept_job(bench, tenant, server):
    wished = {**captures.arguments(tenant, server), "with_backup": True, "server_name": "machine"}
    return flow_jobs.accept(bench, tenant, model.WHOLE_OF_SERVER, True, **wished)


OF_SERVER = flow_jobs.each_task(
    "read server",
    "*take snapshots",
    "*make root volume",
    "*make backups",
    "delete volumes",
    "delete root image",
)
OF_BACKUP = flow_jobs.each_task(
    "read backup",
    "*restore volumes",
    "upload volumes",
    "delete volumes",
    "describe disks",
    "make whole image",
)
KEPT = flow_jobs.each_task("make root volume", "*make backups", "make volumes", "name backups")


class TestBackup:
    def test_each_worker_dies(self, tenant, local, bench, tmp_path):
        before = captures.counted(tenant)
        job_id = _backup_job(bench, tenant, local)
        flow_jobs.killed_again_and_again(bench, job_id, OF_SERVER, tmp_path)
        with flow_jobs.working(bench):
            job = flow_jobs.succeeded(bench, job_id, SECONDS)
        assert tenant.compute.get_server(local.id).status == "ACTIVE"
        found = _found(tenant, job.backup_id)
        assert (found.status, len(found.parts)) == ("available", 2)
        _delete(tenant, found.id)
        jobs.eventually(lambda: captures.counted(tenant), before)

    @pytest.mark.parametrize("task", ["take snapshots", "make root volume", "make backups"])
    def test_cancelled_after_a_death(self, tenant, local, bench, tmp_path, task):
        before = captures.counted(tenant)
        job_id = _backup_job(bench, tenant, local)
        flow_jobs.killed_once(bench, job_id, task, "SUCCESS", tmp_path / "mark")
        bench.acceptance.cancel(job_id, tenant.current_project_id)
        with flow_jobs.working(bench):
            flow_jobs.failed(bench, job_id, "IMG.0018", SECONDS)
        jobs.eventually(lambda: captures.counted(tenant), before)

    @pytest.mark.alone
    @pytest.mark.parametrize("service", ["cinder-api", "cinder-backup"])
    def test_a_neighbour_is_away(self, tenant, local, bench, service):
        before = captures.counted(tenant)
        job_id = _backup_job(bench, tenant, local)
        with flow_jobs.working(bench) as worker:
            bench.until(job_id, current_task="make backups")
            with pocket.killed(service, worker):
                pass
            job = bench.ended(job_id, SECONDS)
        _check(tenant, job)
        _delete(tenant, job.backup_id)
        jobs.eventually(lambda: captures.counted(tenant), before)


class TestImage:
    def test_each_worker_dies(self, tenant, backup, bench, tmp_path):
        before = captures.counted(tenant)
        job_id = _image_job(bench, tenant, backup)
        flow_jobs.killed_again_and_again(bench, job_id, OF_BACKUP, tmp_path)
        with flow_jobs.working(bench):
            job = flow_jobs.succeeded(bench, job_id, SECONDS)
        tenant.image.delete(f"/images/{job.image_id}")
        jobs.eventually(lambda: captures.counted(tenant), before)

    @pytest.mark.parametrize("task", ["restore volumes", "upload volumes"])
    def test_cancelled_after_a_death(self, tenant, backup, bench, tmp_path, task):
        before = captures.counted(tenant)
        job_id = _image_job(bench, tenant, backup)
        flow_jobs.killed_once(bench, job_id, task, "SUCCESS", tmp_path / "mark")
        bench.acceptance.cancel(job_id, tenant.current_project_id)
        with flow_jobs.working(bench):
            flow_jobs.failed(bench, job_id, "IMG.0018", SECONDS)
        jobs.eventually(lambda: captures.counted(tenant), before)

    @pytest.mark.alone
    @pytest.mark.parametrize("service", ["cinder-api", "cinder-backup"])
    def test_a_neighbour_is_away(self, tenant, backup, bench, service):
        before = captures.counted(tenant)
        job_id = _image_job(bench, tenant, backup)
        with flow_jobs.working(bench) as worker:
            bench.until(job_id, current_task="restore volumes")
            with pocket.killed(service, worker):
                pass
            job = bench.ended(job_id, SECONDS)
        if _check(tenant, job):
            tenant.image.delete(f"/images/{job.image_id}")
        jobs.eventually(lambda: captures.counted(tenant), before)


def test_a_backup_that_is_kept_with_an_image(tenant, local, bench, tmp_path):
    before = captures.counted(tenant)
    job_id = _kept_job(bench, tenant, local)
    flow_jobs.killed_again_and_again(bench, job_id, KEPT, tmp_path)
    with flow_jobs.working(bench):
        job = flow_jobs.succeeded(bench, job_id, SECONDS)
    found = _found(tenant, job.backup_id)
    assert found.plan.name == f"backup_for_image_{job.image_id}"
    tenant.image.delete(f"/images/{job.image_id}")
    _delete(tenant, found.id)
    jobs.eventually(lambda: captures.counted(tenant), before)


def _check(tenant, job):
    """Whether a job succeeded; if not, that it undid all and says why."""
    if job.status is model.JobStatus.SUCCESS:
        return True
    assert job.fail_reason
    assert "could not be undone" not in job.fail_reason
    return False
