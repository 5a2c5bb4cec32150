# SPDX-License-Identifier: Apache-2.0
"""In-region copies on the real cloud: plain, encrypted, decrypted, broken off and refused."""

import hashlib
import time

import pytest

from ims_glance.model.image import attributes
from ims_glance.model.job import JobStatus
from tests.cloud import flow_jobs, jobs, leftovers, login, pocket, tenants
from tests.cloud.flow_jobs import COPY, DATA

pytestmark = pytest.mark.pocket

TASKS = ("read source", "*create copy", "*copy data", "finish image")
SHA256 = hashlib.sha256(DATA).hexdigest()


@pytest.fixture(scope="module")
def tenant():
    with tenants.tenant() as connection:
        yield connection
        for secret in connection.key_manager.secrets():
            connection.key_manager.delete_secret(login.secret_id(secret))


@pytest.fixture
def bench():
    """A bench with a worker; only for the test, which may not share its jobs with others'."""
    bench = jobs.Bench()
    with flow_jobs.working(bench):
        yield bench


@pytest.fixture
def quiet():
    """A bench without a worker yet."""
    return jobs.Bench()


@pytest.fixture(autouse=True)
def _nothing_is_left(tenant):
    yield
    for image_id in jobs.owned(tenant):
        tenant.image.delete(f"/images/{image_id}")
    jobs.eventually(lambda: jobs.trusts(tenant), [])


def copy(bench, tenant, image_id, **arguments):
    arguments = {"name": "copy", **arguments}
    return flow_jobs.accept(bench, tenant, COPY, True, image_id=image_id, **arguments)


def checked(tenant, job):
    """The copy, once its data is that of the source."""
    image = flow_jobs.view(tenant, job.image_id)
    assert (image["status"], image["size"], image["name"]) == ("active", len(DATA), "copy")
    assert flow_jobs.sha256(tenant, job.image_id) == SHA256
    assert image[attributes.DATA_ORIGIN] == f"image,RegionOne,{job.arguments['image_id']}"
    assert image[attributes.ORIGINAL_IMAGE] == job.arguments["image_id"]
    assert image["owner"] == tenant.current_project_id
    assert image["visibility"] == "private"
    return image


def test_a_copy_has_the_data_and_the_attributes(bench, tenant):
    own = {"__os_version": "CentOS 7.3 64bit", "hw_firmware_type": "uefi", "mine": "yes"}
    base = {"min_disk": 3, "min_ram": 512, "tags": ["a=b", "c"]}
    source = flow_jobs.upload(tenant, **own, **base)
    job = flow_jobs.succeeded(bench, copy(bench, tenant, source, description="Two."))
    image = checked(tenant, job)
    assert {name: image[name] for name in own} == own
    assert {**base, "tags": sorted(image["tags"])} == {name: image[name] for name in base} | {
        "tags": ["a=b", "c"]
    }
    assert image[attributes.DESCRIPTION] == "Two."
    assert image["__image_size"] == str(len(DATA))
    assert attributes.CMK_ID not in image
    assert (job.done_bytes, job.total_bytes) == (len(DATA), len(DATA))


def test_a_copy_with_a_key_is_encrypted(bench, tenant):
    source = flow_jobs.upload(tenant)
    before = leftovers.of_project(tenant.current_project_id)
    key_id = flow_jobs.default_key(tenant)
    job = flow_jobs.succeeded(bench, copy(bench, tenant, source, cmk_id=key_id))
    image = checked(tenant, job)
    assert (image["stores"], image[attributes.CMK_ID]) == ("kms", key_id)
    new = leftovers.more(before, leftovers.of_project(tenant.current_project_id))["stored"]
    stored = [(pocket.HOME / "data" / name).read_bytes() for name in new]
    assert max(map(len, stored)) > len(DATA)
    # Any piece of the plaintext would do.
    pieces = [DATA[at : at + 64] for at in range(0, len(DATA), 250_000)]
    assert not any(piece in each for piece in pieces for each in stored)


def test_a_copy_changes_and_removes_the_key(bench, tenant):
    first = flow_jobs.upload(tenant, store="kms", **{attributes.CMK_ID: "ims/default"})
    other_key = login.make_key(tenant)
    opened = flow_jobs.upload(tenant, store="kms", **{attributes.CMK_ID: other_key})
    tenant.image.delete(f"/images/{opened}")
    job = flow_jobs.succeeded(bench, copy(bench, tenant, first, cmk_id=other_key))
    assert checked(tenant, job)[attributes.CMK_ID] == other_key
    plain = flow_jobs.succeeded(bench, copy(bench, tenant, job.image_id))
    image = checked(tenant, plain)
    assert attributes.CMK_ID not in image
    assert image["stores"] == "plain"


def test_an_empty_image_can_be_copied(bench, tenant):
    source = flow_jobs.upload(tenant, data=b"")
    job = flow_jobs.succeeded(bench, copy(bench, tenant, source))
    assert flow_jobs.view(tenant, job.image_id)["size"] == 0


def test_a_received_image_can_be_copied(bench, tenant):
    other = login.connect("other")
    source = flow_jobs.upload(other, enterprise_project_id="theirs")
    try:
        shared = other.image.post(
            f"/images/{source}/members", json={"member": tenant.current_project_id}
        )
        assert shared.status_code == 200, shared.text
        image = checked(tenant, flow_jobs.succeeded(bench, copy(bench, tenant, source)))
        assert "enterprise_project_id" not in image
    finally:
        other.image.delete(f"/images/{source}")


def test_an_image_that_is_not_there_is_the_reason(bench, tenant):
    """Also one of another project, which the caller does not see."""
    other = login.connect("other")
    theirs = flow_jobs.upload(other)
    try:
        job = flow_jobs.failed(bench, copy(bench, tenant, theirs), "IMG.0027")
    finally:
        other.image.delete(f"/images/{theirs}")
    assert theirs in job.fail_reason
    assert jobs.owned(tenant) == {}


def test_a_key_that_is_gone_is_the_reason(bench, tenant):
    key_id = login.make_key(tenant)
    tenant.key_manager.delete_secret(key_id)
    source = flow_jobs.upload(tenant)
    job = flow_jobs.failed(bench, copy(bench, tenant, source, cmk_id=key_id), "IMG.0101")
    assert key_id in job.fail_reason
    assert jobs.owned(tenant) == {source: "active"}


def test_a_source_that_cannot_be_read_is_the_reason(bench, tenant):
    """Its key was deleted: not even the service can open it."""
    key_id = login.make_key(tenant)
    source = flow_jobs.upload(tenant, store="kms", **{attributes.CMK_ID: key_id})
    tenant.key_manager.delete_secret(key_id)

    # Each worker of Glance keeps an opened key for a minute.
    end = time.monotonic() + 120
    while (job := bench.ended(copy(bench, tenant, source))).status is JobStatus.SUCCESS:
        assert time.monotonic() < end
        tenant.image.delete(f"/images/{job.image_id}")
        time.sleep(5)
    assert (job.status, job.error_code) == (JobStatus.FAIL, "IMG.0101")
    assert key_id in job.fail_reason
    assert jobs.owned(tenant) == {source: "active"}


def test_when_each_worker_dies(quiet, tenant, tmp_path):
    source = flow_jobs.upload(tenant)
    job_id = copy(quiet, tenant, source, cmk_id=flow_jobs.default_key(tenant))
    flow_jobs.killed_again_and_again(quiet, job_id, flow_jobs.each_task(*TASKS), tmp_path)
    with flow_jobs.working(quiet):
        job = flow_jobs.succeeded(quiet, job_id)
    assert checked(tenant, job)["stores"] == "kms"
    assert jobs.owned(tenant) == {source: "active", job.image_id: "active"}


def test_cancelled_while_data_moves_it_is_undone(quiet, tenant):
    source = flow_jobs.upload(tenant, data=DATA * 200)
    with flow_jobs.working(quiet, progress_seconds=0.05):
        job_id = copy(quiet, tenant, source)
        quiet.until(job_id, current_task="copy data")
        quiet.acceptance.cancel(job_id, tenant.current_project_id)
        flow_jobs.failed(quiet, job_id, "IMG.0018")
    assert jobs.owned(tenant) == {source: "active"}


def test_killed_while_data_moves_it_begins_again_under_a_new_id(quiet, tenant):
    data = DATA * 200
    source = flow_jobs.upload(tenant, data=data)
    with quiet.worker(progress_seconds=0.05) as first:
        job_id = copy(quiet, tenant, source)
        while not 0 < quiet.job(job_id).done_bytes < len(data):
            assert not quiet.job(job_id).is_finished
        first.kill()
    spoilt = quiet.job(job_id).image_id
    with flow_jobs.working(quiet):
        job = flow_jobs.succeeded(quiet, job_id)
    assert job.image_id != spoilt
    assert flow_jobs.sha256(tenant, job.image_id) == hashlib.sha256(data).hexdigest()
    assert jobs.owned(tenant) == {source: "active", job.image_id: "active"}
