# SPDX-License-Identifier: Apache-2.0
"""Sealed exports in a small cloud: as they lie in the store, and nothing read twice."""

import pytest

from ims_glance.crypto.sealed_file import DataFacts
from ims_glance.flows.files import written
from ims_glance.jobs.context import JobContext
from ims_glance.model import job as model
from ims_glance.model.job import JobStatus
from tests.base import pattern
from tests.unit.clouds.objects_server import BUCKET
from tests.unit.crypto import sealed_files

MIB = 1 << 20
DATA = pattern(0, 4 * MIB)
KEYS = {"k": bytes(32)}


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch):
    monkeypatch.setattr(JobContext, "pause", lambda self, _seconds: self.check())
    monkeypatch.setattr(written, "PART", MIB)
    monkeypatch.setattr(written, "WORTH", 0)


@pytest.fixture
def image(server):
    made = server.make(DATA, disk_format="raw", container_format="bare")
    server.sealed[made] = sealed_files.make(DATA, KEYS)
    return made


def export(cloud, image, **more):
    arguments = {"image_id": image, "bucket": BUCKET, "object": "out", "format": "sealed"}
    return cloud.run(model.EXPORT_IMAGE, **arguments, **more)


def offsets(server):
    return [int(each.partition("=")[2]) for each in server.ranges if each.startswith("offset=")]


def test_it_is_what_lies_in_the_store(cloud, server, image):
    job = export(cloud, image)
    assert (job.status, job.fail_reason) == (JobStatus.SUCCESS, None)
    assert server.objects["out"] == server.sealed[image]
    size = len(server.sealed[image])
    assert (job.entities["file_bytes"], job.done_bytes, job.total_bytes) == (size, size, size)
    assert not [each for each in server.requests if each.endswith("/file")]
    assert not [each for each in server.segments if each.endswith("/note")]


def _dies_in_the_third_part(cloud, server, image, at_death=lambda: None):
    export(cloud, image)
    parts = [each for each in server.requests if each.startswith("PUT /bucket_segments/out/")]
    sent = [each for each in server.requests if "/out/" in each and each.startswith("PUT")]
    assert sent or parts
    third = server.requests.index([each for each in sent if not each.endswith("/note")][2])
    server.objects.clear()
    server.segments.clear()
    del server.requests[:], server.ranges[:]

    def watch(_request):
        if len(server.requests) == third + 1:
            at_death()

    cloud.watch = watch
    job = export(cloud, image, number=2, dies_at=third + 1)
    assert (job.status, job.fail_reason) == (JobStatus.SUCCESS, None)
    assert server.objects["out"] == server.sealed[image]


def test_another_worker_goes_on_behind_the_last_part(cloud, server, image):
    _dies_in_the_third_part(cloud, server, image)
    assert offsets(server) == [0, 0, 0, 2 * MIB]


def test_an_image_that_got_another_key_meanwhile(cloud, server, image):
    """Its file begins otherwise, so all of it is written anew."""

    def rekey():
        server.sealed[image] = sealed_files.make(
            DATA, KEYS, DataFacts(len(DATA), "raw", "md5", "ab")
        )

    _dies_in_the_third_part(cloud, server, image, rekey)
    assert offsets(server)[-1] == 0


def test_and_while_it_is_begun(cloud, server, image):
    """Between the look at it and the first byte."""
    other = sealed_files.make(DATA, {"k2": bytes(32)})
    looks = []

    def before(request):
        if request.endswith("/sealed"):
            looks.append(request)
            if len(looks) == 2:
                server.sealed[image] = other

    cloud.watch = before
    job = export(cloud, image)
    assert (job.status, job.fail_reason) == (JobStatus.SUCCESS, None)
    assert server.objects["out"] == other


@pytest.mark.parametrize(("status", "code"), [(403, "IMG.0099"), (404, "IMG.0099")])
def test_an_image_that_is_not_to_be_had(cloud, server, image, status, code):
    server.failures["GET .*/sealed"] = [status]
    job = export(cloud, image)
    assert (job.status, job.error_code) == (JobStatus.FAIL, code)
    assert server.objects == {}
    assert not server.segments


@pytest.mark.parametrize("at", [0, 1000, 2 * MIB + 5])
def test_a_damaged_image_leaves_nothing(cloud, server, image, at):
    server.damaged[image] = at
    job = export(cloud, image)
    assert (job.status, job.error_code) == (JobStatus.FAIL, "IMG.0057")
    assert "is damaged: segment 2" in job.fail_reason
    assert server.objects == {}
    assert not server.segments
    assert len(offsets(server)) <= 3


def test_a_neighbour_is_away_for_a_while(cloud, server, image):
    server.failures["GET .*/sealed"] = [503, 503]
    server.failures["PUT .*/out/.*"] = [503]
    assert export(cloud, image).status is JobStatus.SUCCESS
    assert server.objects["out"] == server.sealed[image]
