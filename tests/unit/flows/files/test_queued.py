# SPDX-License-Identifier: Apache-2.0
"""Images without data that get it from a file: right, or as they were, or gone (deaths: ``test_deaths``)."""

import hashlib

import pytest

from ims_glance.clouds.objects.base import FoundFile
from ims_glance.flows.files.queued import FillQueuedImage
from ims_glance.jobs.context import JobContext
from ims_glance.model import job as model
from ims_glance.model.bucket import BucketFile
from ims_glance.model.job import JobStatus
from ims_glance.model.queued import NotQueued
from tests.base import pattern
from tests.unit.clouds.objects_server import BUCKET
from tests.unit.formats.archives import ova

MIB = 1 << 20
DATA = pattern(0, 2_500_096) + bytes(3 * MIB)
UPLOAD = r"PUT /v2/images/[^/]+/file"
VIEW = {"name": "mine", "disk_format": "vhd", "container_format": "bare", "min_disk": 0}


@pytest.fixture(autouse=True)
def _no_naps(monkeypatch):
    monkeypatch.setattr(JobContext, "pause", lambda self, _seconds: self.check())


def fill(cloud, server, data=DATA, status="queued", dies_at=0, cancels_at=0, **view):
    server.objects["disk"] = data
    image_id = server.make(**{**VIEW, **view})
    server.images[image_id]["status"] = status
    server.given = dict(server.images[image_id])
    found = FoundFile(BucketFile(BUCKET, "disk"), len(data), hashlib.md5(data).hexdigest())
    arguments = {"file": found.to_arguments(), "image_id": image_id}
    how = {"dies_at": dies_at, "cancels_at": cancels_at}
    return cloud.run(model.REGISTER_IMAGE, **how, **arguments)


def is_filled(server, job, data=DATA):
    assert (job.status, job.fail_reason) == (JobStatus.SUCCESS, None)
    assert list(server.images) == [job.arguments["image_id"]]
    assert server.data[job.arguments["image_id"]] == data
    return server.images[job.arguments["image_id"]]


def is_as_it_was(server, job, code):
    assert (job.status, job.error_code) == (JobStatus.FAIL, code), job.fail_reason
    assert server.images == {job.arguments["image_id"]: server.given}
    assert server.data == {}
    return str(job.fail_reason)


def test_it_gets_its_data(cloud, server):
    job = fill(cloud, server, tags=["a"], __os_version="x")
    image = is_filled(server, job)
    assert (image["disk_format"], image["min_disk"], image["__image_size"]) == (
        "raw",
        1,
        str(len(DATA)),
    )
    assert (image["__data_origin"], image["virtual_env_type"]) == (
        "file,bucket:disk",
        "FusionCompute",
    )
    assert (image["name"], image["tags"], image["__os_version"]) == ("mine", ["a"], "x")
    assert (job.done_bytes, job.total_bytes) == (len(DATA), len(DATA))


def test_a_data_disk(cloud, server):
    image = is_filled(server, fill(cloud, server, virtual_env_type="DataImage", min_disk=40))
    assert (image["virtual_env_type"], image["min_disk"]) == ("DataImage", 40)


def test_an_iso(cloud, server):
    data = bytes(32769) + b"CD001" + pattern(2, 100_000)
    image = is_filled(server, fill(cloud, server, data, disk_format="iso"), data)
    assert (image["disk_format"], image["virtual_env_type"]) == ("iso", "IsoImage")


@pytest.mark.parametrize("status", ["active", "killed", "importing"])
def test_one_that_has_data(cloud, server, status):
    assert status in is_as_it_was(server, fill(cloud, server, status=status), "IMG.0046")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"QFI\xfb" + DATA, "IMG.0072"),
        (bytes(32769) + b"CD001" + DATA, "IMG.0057"),
        (ova({"a.raw": DATA, "b.raw": DATA[:512]}), "IMG.0072"),
    ],
)
def test_files_that_are_refused(cloud, server, data, code):
    is_as_it_was(server, fill(cloud, server, data), code)
    assert not [each for each in server.requests if each.startswith("PATCH")]


def test_a_disk_that_does_not_fit(cloud, server, monkeypatch):
    monkeypatch.setattr("ims_glance.model.image.from_file.GIB", MIB)
    is_as_it_was(server, fill(cloud, server, min_disk=5), "IMG.0055")


def test_no_room(cloud, server):
    server.usage = {"image_size_total": {"limit": 5, "usage": 0}}
    is_as_it_was(server, fill(cloud, server), "IMG.0015")


def test_an_upload_that_breaks_is_begun_again(cloud, server):
    server.failures[UPLOAD] = [409, 409]
    is_filled(server, fill(cloud, server))


def test_uploads_that_always_break(cloud, server):
    server.failures[UPLOAD] = [409] * 9
    assert "5 times" in is_as_it_was(server, fill(cloud, server), "IMG.0014")


def test_damage_on_the_way(cloud, server):
    """What cannot be made an image without data again is deleted."""

    server.arrives = lambda data: data[:5] + bytes([data[5] ^ 1]) + data[6:]
    job = fill(cloud, server)
    assert (job.status, job.error_code) == (JobStatus.FAIL, "IMG.0057")
    assert (server.images, server.data) == ({}, {})


def test_an_upload_whose_worker_died_is_given_up(cloud, server):
    """Glance takes a moment to see that nobody sends any more."""
    seen = []

    def watch(request):
        if request.startswith("GET /v2/images/"):
            seen.append(request)
            [image] = server.images.values()
            image["status"] = {2: "saving", 4: "queued"}.get(len(seen), image["status"])

    cloud.watch = watch
    is_filled(server, fill(cloud, server))
    assert len(seen) > 4


def test_somebody_deletes_it(cloud, server):
    def watch(request):
        if request.startswith("PUT"):
            server.images.clear()

    cloud.watch = watch
    job = fill(cloud, server)
    assert (job.status, job.error_code) == (JobStatus.FAIL, "IMG.0027")


def test_somebody_fills_it_meanwhile(cloud, server):
    """Their data stays."""

    def watch(request):
        if request.startswith("PUT"):
            cloud.watch = lambda _request: None
            [image_id] = server.images
            server.fill(image_id, b"theirs")

    cloud.watch = watch
    job = fill(cloud, server)
    assert (job.status, job.error_code) == (JobStatus.FAIL, "IMG.0046")
    assert list(server.data.values()) == [b"theirs"]


@pytest.mark.parametrize("how", ["an upload of theirs that lasts", "the same file by another job"])
def test_what_others_send_is_not_deleted_with_what_was_to_be_sent(cloud, server, monkeypatch, how):
    """Their upload began behind the look at the image, and before that of this job."""
    is_by_job = how == "the same file by another job"
    cloud.tables.conf.set_override("patience_seconds", 0.0, "ims_jobs")
    filled = FillQueuedImage.execute

    def late(self, content):
        [image_id] = server.images
        if is_by_job:
            server.images[image_id].update(content["attributes"])
            server.fill(image_id, DATA)
            filled(self, content)
            raise NotQueued(image_id=image_id, status="active")
        server.images[image_id]["status"] = "saving"
        return filled(self, content)

    monkeypatch.setattr(FillQueuedImage, "execute", late)
    job = fill(cloud, server)
    assert (job.status, job.error_code) == (JobStatus.FAIL, "IMG.0046")
    [image] = server.images.values()
    assert image["status"] == ("active" if is_by_job else "saving")


def test_cancelled(cloud, server):
    job = fill(cloud, server, cancels_at=4)
    assert job.status is JobStatus.FAIL
    assert server.data == {}
