# SPDX-License-Identifier: Apache-2.0
"""Images that Cinder makes of volumes."""

import pytest

from ims_glance.clouds.region import Region
from ims_glance.clouds.volume import VolumeApi
from ims_glance.flows.capture.upload import (
    Upload,
    UploadFailed,
    VolumeGone,
    VolumeHeld,
    VolumeUnusable,
    let_finish,
    seconds_for,
)
from ims_glance.jobs.context import JobContext
from ims_glance.jobs.lease import clock
from tests.unit.flows import small_world
from tests.unit.jobs import job_bench

NAME = "ims-job-1-0"


@pytest.fixture
def job(tables, server, monkeypatch):
    small_world.still_time(monkeypatch)
    tables.conf.set_override("patience_seconds", 0.5, "ims_jobs")
    job = job_bench.context(tables, project_id="demo")
    job.session = server.session()
    return job


@pytest.fixture
def make(job, server):
    def make(**values):
        volume_id = server.volume(**values)
        return Upload(job, VolumeApi(Region(server.session())), volume_id, NAME)

    return make


def test_one_image(server, make):
    upload = make()
    assert upload.find() is None
    image_id = upload.begin()
    assert upload.begin() == upload.find() == image_id
    assert upload.is_done(image_id)
    assert set(server.images) == {image_id}


def test_it_goes_on(server, make):
    upload = make()
    image_id = upload.begin()
    server.volumes[upload.volume_id]["status"] = "uploading"
    assert not upload.is_done(image_id)


def test_cinder_gives_up(server, make):
    upload = make()
    image_id = upload.begin()
    del server.images[image_id]
    server.messages = [{"user_message": "disk full"}]
    with pytest.raises(UploadFailed, match="disk full"):
        upload.is_done(image_id)


@pytest.mark.parametrize("status", ["in-use", "uploading"])
def test_a_volume_that_will_not_do(make, status):
    with pytest.raises(VolumeUnusable, match=status):
        make(status=status).begin()


def test_a_volume_that_is_gone(server, make):
    upload = make()
    server.volumes.clear()
    with pytest.raises(VolumeGone):
        upload.volume()
    upload.let_go()


def test_what_is_busy_for_too_long_is_said_so(make):
    upload = make(status="maintenance")
    with pytest.raises(VolumeHeld, match=r"still 'maintenance' after \d+ seconds.*--state avail"):
        upload.begin()


def test_letting_go_ends(make):
    assert make(status="uploading").let_go() > 0
    assert make().let_go() is None


def test_letting_finish_ends(job, make):
    uploads = [make(status="uploading"), make(), make(status="uploading")]
    begun = clock()
    let_finish(job, uploads)
    assert 0.5 <= clock() - begun < 5


def test_what_is_nearly_done_is_let_finish(job, server, make, monkeypatch):
    upload = make(status="uploading")
    volume = server.volumes[upload.volume_id]
    monkeypatch.setattr(JobContext, "pause", lambda *_: volume.update(status="available"))
    job.conf.set_override("patience_seconds", 300.0, "ims_jobs")
    let_finish(job, [upload])
    assert volume["status"] == "available"


def test_time_for_much_data(job):
    job.conf.set_override("volume_seconds_per_gib", 10.0, "ims_jobs")
    assert seconds_for(job, 3) == 30.5
