# SPDX-License-Identifier: Apache-2.0
"""Sharing in a small cloud: all or none, whatever breaks."""

import pytest

from ims_glance.jobs.context import JobContext
from ims_glance.model import job as model
from ims_glance.model.job import JobStatus

PROJECTS = ["p", "q"]


@pytest.fixture
def images(server):
    return [server.make(b"") for _ in range(2)]


@pytest.fixture(autouse=True)
def _no_naps(monkeypatch):
    monkeypatch.setattr(JobContext, "pause", lambda self, _seconds: self.check())


def share(server, images, **members):
    for image_id in images:
        server.members[image_id] = dict(members)
        server.images[image_id]["visibility"] = "shared"


def add(cloud, images, **settings):
    return cloud.run(model.ADD_MEMBERS, images=images, projects=PROJECTS, **settings)


def remove(cloud, images, **settings):
    return cloud.run(model.DELETE_MEMBERS, images=images, projects=PROJECTS, **settings)


def answer(cloud, images, status="accepted", **settings):
    arguments = {"images": images, "project_id": "demo", "status": status}
    return cloud.run(model.UPDATE_MEMBERS, **arguments, **settings)


def ended(job, code=None):
    wanted = (JobStatus.FAIL if code else JobStatus.SUCCESS, code)
    assert (job.status, job.error_code) == wanted, job.fail_reason


def results(job):
    return [each["status"] for each in job.entities.get("results", [])]


@pytest.mark.parametrize("dies_at", range(11))
def test_sharing(cloud, server, images, dies_at):
    share(server, images[:1], q="accepted")
    job = add(cloud, images, dies_at=dies_at)
    ended(job)
    assert results(job) == ["success"] * 4
    assert server.members[images[0]] == {"p": "pending", "q": "accepted"}
    assert server.members[images[1]] == {"p": "pending", "q": "pending"}


def test_the_same_twice_is_once(cloud, server, images):
    job = cloud.run(model.ADD_MEMBERS, images=images[:1] * 2, projects=["p", "p"])
    ended(job)
    assert results(job) == ["success"]


@pytest.mark.parametrize("dies_at", range(14))
def test_what_was_shared_is_taken_back(cloud, server, images, dies_at):
    """But not from whom had it before."""
    share(server, images[:1], q="accepted")
    server.failures[f"POST .*/{images[1]}/members"] = [403, 403]
    job = add(cloud, images, dies_at=dies_at)
    ended(job, "IMG.0099")
    assert server.members[images[0]] == {"q": "accepted"}
    assert not server.members.get(images[1])
    assert server.images[images[1]]["visibility"] == "private"
    assert sorted(results(job)) == ["failed", "success", "undone"]


@pytest.mark.parametrize("cancels_at", range(1, 6))
def test_cancelled_sharing_is_undone(cloud, server, images, cancels_at):
    job = add(cloud, images, cancels_at=cancels_at)
    ended(job, "IMG.0018")
    assert [server.images[each]["visibility"] for each in images] == ["private"] * 2


@pytest.mark.parametrize("dies_at", range(12))
def test_unsharing(cloud, server, images, dies_at):
    share(server, images[:1], p="pending", q="accepted", r="accepted")
    share(server, images[1:], p="pending")
    job = remove(cloud, images, dies_at=dies_at)
    ended(job)
    assert server.members == {images[0]: {"r": "accepted"}, images[1]: {}}
    assert results(job) == ["success"] * 4


def test_unsharing_is_undone(cloud, server, images):
    share(server, images, p="accepted", q="accepted")
    server.failures[f"DELETE .*/{images[1]}/members/q"] = [403]
    job = remove(cloud, images)
    ended(job, "IMG.0099")
    assert server.members[images[0]] == {"p": "pending", "q": "pending"}
    assert server.members[images[1]] == {"q": "accepted", "p": "pending"}


def test_only_the_owner_unshares(cloud, server, images):
    share(server, images, p="accepted")
    server.images[images[1]]["owner"] = "them"
    ended(remove(cloud, images), "IMG.0047")
    assert server.members[images[0]] == {"p": "accepted"}


@pytest.mark.parametrize("dies_at", range(9))
def test_accepting(cloud, server, images, dies_at):
    share(server, images, demo="pending")
    for image_id in images:
        server.images[image_id]["owner"] = "them"
    job = answer(cloud, images, dies_at=dies_at)
    ended(job)
    assert [server.members[each] for each in images] == [{"demo": "accepted"}] * 2


def test_accepting_is_undone(cloud, server, images):
    share(server, images, demo="rejected")
    for image_id in images:
        server.images[image_id]["owner"] = "them"
    server.failures[f"PUT .*/{images[1]}/members/demo"] = [403]
    ended(answer(cloud, images), "IMG.0099")
    assert [server.members[each] for each in images] == [{"demo": "rejected"}] * 2


def test_what_is_not_shared_is_not_accepted(cloud, server, images):
    share(server, images, other="pending")
    for image_id in images:
        server.images[image_id]["owner"] = "them"
    ended(answer(cloud, images), "IMG.0114")


@pytest.mark.parametrize("run", [add, remove, answer])
def test_images_that_are_not_there(cloud, images, run):
    ended(run(cloud, ["other"]), "IMG.0027")


def test_unsharing_goes_on_where_another_worker_made_the_image_private(cloud, server, images):
    """Of a private image Glance lets nobody delete members, also those that are gone."""
    share(server, images, p="accepted")
    delete = f"DELETE /v2/images/{images[0]}/members/p"
    server.failures[delete] = [403]

    def before(request):
        if request == delete:
            server.members[images[0]] = {}
            server.images[images[0]]["visibility"] = "private"

    # The bench sets a hook of its own, which is not needed here.
    hook = property(lambda _server: before, lambda *_: None)
    server.__class__ = type("Hooked", (type(server),), {"before": hook})
    ended(remove(cloud, images))
    assert server.members[images[1]] == {}


def test_what_cannot_be_undone_for_one_project_is_undone_for_the_others(cloud, server, images):
    server.failures[f"POST .*/{images[1]}/members"] = [403]
    server.failures[f"DELETE .*/{images[0]}/members/p"] = [403]
    job = add(cloud, images)
    ended(job, "IMG.0099")
    assert "could not be undone" in job.fail_reason
    assert server.members[images[0]] == {"p": "pending"}
    told = {
        (each["image_id"], each["project_id"]): each["status"] for each in job.entities["results"]
    }
    assert told == {
        (images[0], "p"): "success",
        (images[0], "q"): "undone",
        (images[1], "p"): "failed",
    }


def test_an_image_that_somebody_deletes_leaves_no_pair_running(cloud, server, images):
    share(server, images, p="pending", q="pending")
    delete = f"DELETE /v2/images/{images[1]}/members/q"
    server.failures[delete] = [409]

    def watch(request):
        if request == delete:
            del server.images[images[1]]

    cloud.watch = watch
    job = remove(cloud, images)
    ended(job, "IMG.0099")
    assert sorted(results(job)) == ["failed", "undone", "undone", "undone"]
