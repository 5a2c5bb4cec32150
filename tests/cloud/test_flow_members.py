# SPDX-License-Identifier: Apache-2.0
"""Sharing by jobs on the real cloud: all or none, and only what the job changed is taken back."""

import uuid

import pytest

from tests.cloud import flow_jobs, jobs, login, tenants
from tests.cloud.flow_jobs import ADD, DELETE, UPDATE

pytestmark = pytest.mark.pocket

_TINY = b"x" * 1000


@pytest.fixture(scope="module")
def tenant():
    with tenants.tenant() as connection:
        yield connection


@pytest.fixture(scope="module")
def other():
    connection = login.connect("other")
    connection.authorize()
    yield connection
    connection.close()


@pytest.fixture
def bench():
    """A bench with a worker; only for the test, which may not share its jobs with others'."""
    bench = jobs.Bench()
    with flow_jobs.working(bench):
        yield bench


@pytest.fixture
def images(tenant):
    made = [flow_jobs.upload(tenant, _TINY, visibility="private") for _ in range(2)]
    yield made
    for image_id in made:
        tenant.image.delete(f"/images/{image_id}")
    jobs.eventually(lambda: (jobs.owned(tenant), jobs.trusts(tenant)), ({}, []))


def run(bench, connection, job_type, **arguments):
    return flow_jobs.accept(bench, connection, job_type, **arguments)


def shown(tenant, image_id):
    """How an image is shared."""
    return flow_jobs.view(tenant, image_id)["visibility"], flow_jobs.members(tenant, image_id)


def results(job):
    found = {
        (each["image_id"], each["project_id"]): each["status"] for each in job.entities["results"]
    }
    assert len(found) == len(job.entities["results"])
    return found


def test_images_are_shared_and_unshared(bench, tenant, images):
    projects = [uuid.uuid4().hex for _ in range(3)]
    job = flow_jobs.succeeded(bench, run(bench, tenant, ADD, images=images, projects=projects))
    wanted = ("shared", dict.fromkeys(projects, "pending"))
    assert [shown(tenant, each) for each in images] == [wanted, wanted]
    pairs = {(image, project) for image in images for project in projects}
    assert results(job) == dict.fromkeys(pairs, "success")

    again = run(bench, tenant, ADD, images=images, projects=projects[:1])
    flow_jobs.succeeded(bench, again)

    first = run(bench, tenant, DELETE, images=images, projects=projects[:2])
    flow_jobs.succeeded(bench, first)
    assert shown(tenant, images[0]) == ("shared", {projects[2]: "pending"})
    rest = run(bench, tenant, DELETE, images=images, projects=projects)
    assert results(flow_jobs.succeeded(bench, rest)) == dict.fromkeys(pairs, "success")
    assert [shown(tenant, each) for each in images] == [("private", {})] * 2


def test_the_receiver_accepts_and_rejects(bench, tenant, other, images):
    receiver = other.current_project_id
    flow_jobs.succeeded(bench, run(bench, tenant, ADD, images=images, projects=[receiver]))
    for status in ("accepted", "rejected"):
        arguments = {"images": images, "project_id": receiver, "status": status}
        job = flow_jobs.succeeded(bench, run(bench, other, UPDATE, **arguments))
        assert [flow_jobs.members(tenant, each) for each in images] == [{receiver: status}] * 2
        assert results(job) == {(each, receiver): "success" for each in images}


def test_what_is_not_shared_cannot_be_accepted(bench, tenant, other, images):
    """The one that is shared stays as it is."""
    receiver = other.current_project_id
    flow_jobs.succeeded(bench, run(bench, tenant, ADD, images=images[:1], projects=[receiver]))
    arguments = {"images": images, "project_id": receiver, "status": "accepted"}
    flow_jobs.failed(bench, run(bench, other, UPDATE, **arguments), "IMG.0027")
    assert flow_jobs.members(tenant, images[0]) == {receiver: "pending"}


def test_one_pair_fails_and_all_are_taken_back(tenant, images, tmp_path):
    """The second image goes while the job is on its way. Who had the first before keeps it."""
    bench = jobs.Bench()
    before, added = uuid.uuid4().hex, uuid.uuid4().hex
    tenant.image.post(f"/images/{images[0]}/members", json={"member": before})
    job_id = run(bench, tenant, ADD, images=images, projects=[before, added])
    task = f"share image {images[0]}"
    flow_jobs.killed_once(bench, job_id, task, "SUCCESS", tmp_path / "died")
    tenant.image.delete(f"/images/{images[1]}")
    with flow_jobs.working(bench):
        job = flow_jobs.failed(bench, job_id, "IMG.0121")
    assert shown(tenant, images[0]) == ("shared", {before: "pending"})
    assert results(job) == {
        (images[0], before): "success",
        (images[0], added): "undone",
        (images[1], before): "failed",
    }


def test_a_private_image_is_private_again_when_sharing_fails(bench, tenant, images):
    """Its other image is gone before the worker begins with it."""
    project = uuid.uuid4().hex
    arguments = {"images": [images[0], str(uuid.uuid4())], "projects": [project]}
    flow_jobs.failed(bench, run(bench, tenant, ADD, **arguments), "IMG.0027")
    assert shown(tenant, images[0]) == ("private", {})


def test_others_cannot_unshare(bench, tenant, other, images):
    receiver = other.current_project_id
    flow_jobs.succeeded(bench, run(bench, tenant, ADD, images=images, projects=[receiver]))
    arguments = {"images": images, "projects": [receiver]}
    flow_jobs.failed(bench, run(bench, other, DELETE, **arguments), "IMG.0047")
    flow_jobs.failed(bench, run(bench, other, ADD, **arguments), "IMG.0047")
    assert flow_jobs.members(tenant, images[0]) == {receiver: "pending"}


@pytest.mark.parametrize(
    ("job_type", "title"),
    [(ADD, "share image"), (DELETE, "unshare image"), (UPDATE, "answer to image")],
)
def test_when_each_worker_dies(tenant, other, images, tmp_path, job_type, title):
    bench = jobs.Bench()
    receiver = other.current_project_id
    connection, arguments = tenant, {"images": images, "projects": [receiver]}
    if job_type != ADD:
        for image_id in images:
            tenant.image.post(f"/images/{image_id}/members", json={"member": receiver})
    if job_type == UPDATE:
        connection = other
        arguments = {"images": images, "project_id": receiver, "status": "accepted"}
    job_id = run(bench, connection, job_type, **arguments)
    tasks = [f"read image {each}" for each in images] + [f"*{title} {each}" for each in images]
    flow_jobs.killed_again_and_again(bench, job_id, flow_jobs.each_task(*tasks), tmp_path)
    with flow_jobs.working(bench):
        flow_jobs.succeeded(bench, job_id)
    wanted = {
        ADD: ("shared", {receiver: "pending"}),
        DELETE: ("private", {}),
        UPDATE: ("shared", {receiver: "accepted"}),
    }
    assert [shown(tenant, each) for each in images] == [wanted[job_type]] * 2


@pytest.mark.parametrize("point", ["REVERTING", "REVERTED"])
def test_killed_while_it_is_undone_it_is_undone_by_another(tenant, images, tmp_path, point):
    bench = jobs.Bench()
    job_id = run(bench, tenant, ADD, images=images, projects=[uuid.uuid4().hex])
    task = f"share image {images[0]}"
    flow_jobs.killed_once(bench, job_id, task, "SUCCESS", tmp_path / "first")
    tenant.image.delete(f"/images/{images[1]}")
    flow_jobs.killed_once(bench, job_id, task, point, tmp_path / "second")
    with flow_jobs.working(bench):
        flow_jobs.failed(bench, job_id, "IMG.0121")
    assert shown(tenant, images[0]) == ("private", {})
