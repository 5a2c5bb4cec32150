# SPDX-License-Identifier: Apache-2.0
"""Images of volumes, which a real Cinder makes for jobs."""

import faulthandler
import hashlib
import uuid

import pytest

from ims_glance.model.image import attributes
from tests.cloud import flow_jobs, jobs, tenants
from tests.cloud.flow_jobs import DATA, VOLUME

pytestmark = pytest.mark.pocket

TASKS = ("read volume", "*begin upload", "*await upload", "describe image")
_GIB = 1 << 30
# For a machine under emulation, beside other tests; in seconds.
_PATIENCE = 600.0


@pytest.fixture(scope="module")
def tenant():
    with tenants.tenant() as connection:
        yield connection


@pytest.fixture(scope="module")
def volume(tenant):
    with flow_jobs.volume(tenant) as volume_id:
        yield volume_id


@pytest.fixture
def bench():
    return jobs.Bench()


@pytest.fixture(autouse=True)
def _nothing_is_left(tenant, volume):
    yield
    for image_id in jobs.owned(tenant):
        tenant.image.delete(f"/images/{image_id}")
    jobs.eventually(lambda: (jobs.trusts(tenant), status(tenant, volume)), ([], "available"))


def status(tenant, volume):
    return tenant.block_storage.get_volume(volume).status


def accept(bench, tenant, volume, **arguments):
    arguments = {"name": "system", "os_version": "CentOS 7.3 64bit", **arguments}
    return flow_jobs.accept(bench, tenant, VOLUME, True, volume_id=volume, **arguments)


def checked(tenant, job):
    """The image, once it is as it must be; there is no other one."""
    assert jobs.owned(tenant) == {job.image_id: "active"}
    image = flow_jobs.view(tenant, job.image_id)
    assert (image["name"], image["visibility"], image["size"]) == ("system", "private", _GIB)
    assert image[attributes.DATA_ORIGIN] == f"volume,{job.arguments['volume_id']}"
    return image


def test_a_volume_becomes_an_image(bench, tenant, volume):
    wishes = {
        "description": "A disk.",
        "min_ram": 1024,
        "max_ram": 4096,
        "tags": ["a=b", "c"],
        "type": "ECS",
        "enterprise_project_id": None,
    }
    with flow_jobs.working(bench):
        job = flow_jobs.succeeded(bench, accept(bench, tenant, volume, **wishes))
    image = checked(tenant, job)
    assert sorted(image["tags"]) == ["a=b", "c"]
    assert (image["min_disk"], image["min_ram"], image["max_ram"]) == (1, 1024, "4096")
    assert image[attributes.DESCRIPTION] == "A disk."
    assert (image["__os_type"], image["__platform"], image["__os_bit"]) == ("Linux", "CentOS", "64")
    assert (image["virtual_env_type"], image["__image_size"]) == ("FusionCompute", str(_GIB))
    assert "__root_origin" not in image
    assert (job.done_bytes, job.total_bytes) == (_GIB, _GIB)
    start = tenant.image.get(
        f"/images/{job.image_id}/file", headers={"Range": f"bytes=0-{len(DATA) - 1}"}
    ).content
    assert hashlib.sha256(start).hexdigest() == hashlib.sha256(DATA).hexdigest()


def test_its_system_is_prepared_on_top_of_what_cinder_makes(bench, tenant, volume):
    """A real machine looks for it, on the changes over Cinder's image; that image is gone, and all of its data is in ours.

    What a system then is, a file shows (``test_guest_preparation``); here is none.
    """
    faulthandler.cancel_dump_traceback_later()
    with flow_jobs.working(bench):
        job_id = accept(bench, tenant, volume, is_config=True)
        bench.until(job_id, current_task="await upload")
        first = bench.job(job_id).image_id
        job = flow_jobs.succeeded(bench, job_id, _PATIENCE)
    image = checked(tenant, job)
    assert job.image_id != first
    assert (image["os_hidden"], image["__image_size"], image["min_disk"]) == (False, str(_GIB), 1)
    assert "No system was found that is known." in job.entities["report"]["guest"]["notes"]
    assert (job.done_bytes, job.total_bytes) == (2 * _GIB, 2 * _GIB)
    start = tenant.image.get(
        f"/images/{job.image_id}/file", headers={"Range": f"bytes=0-{len(DATA) - 1}"}
    ).content
    assert hashlib.sha256(start).hexdigest() == hashlib.sha256(DATA).hexdigest()


def test_a_volume_in_use_is_refused(bench, tenant, volume):
    tenant.block_storage.set_volume_readonly(volume, True)
    tenant.block_storage.post(f"/volumes/{volume}/action", json={"os-reserve": None})
    try:
        with flow_jobs.working(bench):
            job = flow_jobs.failed(bench, accept(bench, tenant, volume), "IMG.0022")
    finally:
        tenant.block_storage.post(f"/volumes/{volume}/action", json={"os-unreserve": None})
        tenant.block_storage.set_volume_readonly(volume, False)
    assert "'attaching'" in job.fail_reason
    assert jobs.owned(tenant) == {}


def test_a_volume_that_is_not_there_is_the_reason(bench, tenant):
    missing = str(uuid.uuid4())
    with flow_jobs.working(bench):
        job = flow_jobs.failed(bench, accept(bench, tenant, missing), "IMG.0121")
    assert missing in job.fail_reason


def test_cancelled_while_cinder_works_it_is_undone(bench, tenant, volume):
    with flow_jobs.working(bench):
        job_id = accept(bench, tenant, volume)
        bench.until(job_id, current_task="await upload")
        bench.acceptance.cancel(job_id, tenant.current_project_id)
        flow_jobs.failed(bench, job_id, "IMG.0018")
    assert jobs.owned(tenant) == {}
    assert status(tenant, volume) == "available"


def test_an_image_that_is_deleted_meanwhile_is_made_again(bench, tenant, volume):
    with flow_jobs.working(bench):
        job_id = accept(bench, tenant, volume)
        bench.until(job_id, current_task="await upload")
        first = bench.job(job_id).image_id
        tenant.image.delete(f"/images/{first}")
        job = flow_jobs.succeeded(bench, job_id)
    assert job.image_id != first
    checked(tenant, job)


def test_when_each_worker_dies(bench, tenant, volume, tmp_path):
    job_id = accept(bench, tenant, volume)
    flow_jobs.killed_again_and_again(bench, job_id, flow_jobs.each_task(*TASKS), tmp_path)
    with flow_jobs.working(bench):
        job = flow_jobs.succeeded(bench, job_id)
    checked(tenant, job)


@pytest.mark.parametrize("point", ["REVERTING", "REVERTED"])
def test_killed_while_it_is_undone_it_is_undone_by_another(bench, tenant, volume, tmp_path, point):
    die = {"task": "begin upload", "point": point, "mark": str(tmp_path / "died")}
    job_id = accept(bench, tenant, volume)
    with bench.worker(die) as first:
        bench.until(job_id, current_task="await upload")
        bench.acceptance.cancel(job_id, tenant.current_project_id)
        first.wait(60)
    with flow_jobs.working(bench):
        flow_jobs.failed(bench, job_id, "IMG.0018")
    assert jobs.owned(tenant) == {}


def test_killed_before_the_answer_of_cinder_was_recorded(bench, tenant, volume):
    """The image is found by its name: Cinder is not asked for a second one."""
    job_id = accept(bench, tenant, volume)
    made = tenant.block_storage.post(
        f"/volumes/{volume}/action",
        json={"os-volume_upload_image": {"image_name": f"ims-job-{job_id}"}},
    )
    assert made.status_code == 202, made.text
    image_id = made.json()["os-volume_upload_image"]["image_id"]
    jobs.eventually(lambda: status(tenant, volume), "available")
    with flow_jobs.working(bench):
        job = flow_jobs.succeeded(bench, job_id)
    assert job.image_id == image_id
    checked(tenant, job)
