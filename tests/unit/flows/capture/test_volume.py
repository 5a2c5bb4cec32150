# SPDX-License-Identifier: Apache-2.0
"""Images of volumes in a small cloud."""

import pytest

from ims_glance.flows import job_image
from ims_glance.flows.capture.volume import description
from ims_glance.jobs.context import JobContext
from ims_glance.model import job as model
from ims_glance.model.image import attributes
from ims_glance.model.job import JobStatus


@pytest.fixture(autouse=True)
def _no_naps(monkeypatch):
    monkeypatch.setattr(JobContext, "pause", lambda self, _seconds: self.check())


def run(cloud, volume_id, **arguments):
    arguments = {"name": "system", "os_version": "CentOS 7.3 64bit", **arguments}
    return cloud.run(model.VOLUME_CREATE_IMAGE, volume_id=volume_id, **arguments)


def failed(server, job, code):
    assert (job.status, job.error_code) == (JobStatus.FAIL, code), job.fail_reason
    assert server.images == {}
    return job.fail_reason


@pytest.mark.parametrize("dies_at", range(12))
def test_one_image_is_made(cloud, server, dies_at):
    volume_id = server.volume()
    job = run(cloud, volume_id, dies_at=dies_at, tags=["a=b"])
    assert (job.status, job.fail_reason) == (JobStatus.SUCCESS, None)
    assert set(server.images) == {job.image_id}
    image = server.images[job.image_id]
    assert (image["name"], image["tags"], image["min_disk"]) == ("system", ["a=b"], 1)
    assert image[attributes.DATA_ORIGIN] == f"volume,{volume_id}"
    assert image["__platform"] == "CentOS"
    assert "__root_origin" not in image
    assert server.requests.count(f"POST /volumes/{volume_id}/action") == 1


def test_the_image_has_the_disk_of_the_volume_alone(cloud, server):
    """Cinder passes on what it keeps of the image that the volume was made of."""
    kept = {"block_device_mapping": '[{"snapshot_id": "s"}]', "bdm_v2": "True", "mine": "yes"}
    image = server.images[run(cloud, server.volume(volume_image_metadata=kept)).image_id]
    assert {"block_device_mapping", "bdm_v2"}.isdisjoint(image)
    assert image["mine"] == "yes"


@pytest.mark.parametrize("cancels_at", range(1, 6))
def test_cancelled(cloud, server, cancels_at):
    failed(server, run(cloud, server.volume(), cancels_at=cancels_at), "IMG.0018")


@pytest.mark.parametrize(
    ("volume", "code"),
    [
        ({"status": "in-use"}, "IMG.0022"),
        ({"size": 1025}, "IMG.0111"),
        ({"encrypted": True}, "IMG.0105"),
    ],
)
def test_volumes_that_do_not_fit(cloud, server, volume, code):
    failed(server, run(cloud, server.volume(**volume)), code)


def test_a_volume_that_is_not_there(cloud, server):
    assert "other" in failed(server, run(cloud, "other"), "IMG.0121")


def test_a_volume_that_is_taken_meanwhile(cloud, server):
    volume_id = server.volume()
    seen = []

    def before(request):
        seen.append(request)
        if len(seen) == 2:
            server.volumes[volume_id]["status"] = "in-use"

    # The bench sets a hook of its own, which is not needed here.
    server.__class__ = _hooked(server, before)
    reason = failed(server, run(cloud, volume_id), "IMG.0022")
    assert "'in-use'" in reason


def _hooked(server, before):
    """The server's class with a hook that stays."""
    return type("Hooked", (type(server),), {"before": property(lambda _s: before, lambda *_: None)})


@pytest.mark.parametrize("dies_at", range(0, 24, 3))
def test_uploads_that_break_are_begun_again_a_few_times(cloud, server, dies_at):
    """As those of copies: a Glance that died is back after a while."""
    server.broken_uploads = job_image.UPLOADS - 1
    volume_id = server.volume()
    job = run(cloud, volume_id, dies_at=dies_at)
    assert (job.status, job.fail_reason) == (JobStatus.SUCCESS, None)
    assert set(server.images) == {job.image_id}
    assert server.images[job.image_id]["status"] == "active"
    assert server.requests.count(f"POST /volumes/{volume_id}/action") == job_image.UPLOADS


def test_uploads_that_always_break(cloud, server):
    server.broken_uploads = 99
    server.messages = [{"user_message": "disk full"}]
    volume_id = server.volume()
    reason = failed(server, run(cloud, volume_id), "IMG.0014")
    assert f"image of volume {volume_id}, {job_image.UPLOADS} times. Last time: disk full" in reason
    assert server.requests.count(f"POST /volumes/{volume_id}/action") == job_image.UPLOADS


def test_cinder_cannot_reach_glance_for_a_while(cloud, server):
    """It refuses then, as if the request were wrong."""
    server.reason = "Connection to glance failed: Error finding address for glance"
    volume_id = server.volume()
    server.failures[f"POST /volumes/{volume_id}/action"] = [400, 400]
    job = run(cloud, volume_id)
    assert job.status is JobStatus.SUCCESS
    assert server.images[job.image_id]["status"] == "active"


def test_cinder_fails(cloud, server, monkeypatch):
    def lost(self, volume_id, image_name):
        return server.make(name=image_name)

    monkeypatch.setattr("ims_glance.clouds.volume.VolumeApi.upload_to_image", lost)
    server.messages = [{"user_message": "disk full"}]
    job = run(cloud, server.volume())
    assert "disk full" in failed(server, job, "IMG.0014")


def test_cinder_fails_without_a_word_and_without_an_image(cloud, server, monkeypatch):
    monkeypatch.setattr(
        "ims_glance.clouds.volume.VolumeApi.upload_to_image", lambda *_arguments: "gone"
    )
    failed(server, run(cloud, server.volume()), "IMG.0014")


def test_cinder_never_ends(cloud, server, tables, monkeypatch):
    """Its cinder-volume died, or lost its database: the volume stays as it is."""

    def stuck(self, volume_id, image_name):
        server.volumes[volume_id]["status"] = "uploading"
        return server.make(name=image_name)

    monkeypatch.setattr("ims_glance.clouds.volume.VolumeApi.upload_to_image", stuck)
    tables.conf.set_override("patience_seconds", 0.02, "ims_jobs")
    tables.conf.set_override("volume_seconds_per_gib", 0.02, "ims_jobs")
    volume_id = server.volume()
    reason = failed(server, run(cloud, volume_id), "IMG.0014")
    assert "the volume is still 'uploading'" in reason
    assert f"openstack volume set --state available {volume_id}'" in reason
    # It is its owner's, who cannot use it.
    assert "What 'begin upload' did could not be undone: The volume" in reason


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        ({}, {"virtual_env_type": "FusionCompute", "min_ram": 0, "tags": []}),
        ({"type": "BMS", "min_ram": 512}, {"virtual_env_type": "Ironic", "min_ram": 512}),
        ({"max_ram": 1024}, {"max_ram": "1024"}),
        ({"description": "A."}, {attributes.DESCRIPTION: "A."}),
    ],
)
def test_description(arguments, wanted):
    given = {"name": "a", "volume_id": "v", "os_version": "CentOS 7.3 64bit", **arguments}
    described = description(given, 3, 5)
    assert {**described, **wanted} == described
    assert (described["min_disk"], described["__image_size"]) == (3, "5")
    assert ("max_ram" in described) is ("max_ram" in arguments)
