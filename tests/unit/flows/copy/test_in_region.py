# SPDX-License-Identifier: Apache-2.0
"""Copies in a small cloud: whatever breaks, there is one right copy, or none and a true reason."""

import itertools

import pytest

from ims_glance.flows import job_image
from ims_glance.jobs.context import JobContext
from ims_glance.model import job as model
from ims_glance.model.job import JobStatus
from tests.base import pattern

DATA = pattern(0, 2_500_000)


@pytest.fixture
def source(server):
    body = {"disk_format": "raw", "container_format": "bare", "min_disk": 1, "tags": ["a=b"]}
    return server.make(DATA, name="source", **body)


@pytest.fixture(autouse=True)
def _no_naps(monkeypatch):
    monkeypatch.setattr(JobContext, "pause", lambda self, _seconds: self.check())


def copy(cloud, source, **arguments):
    arguments = {"name": "copy", **arguments}
    return cloud.run(model.COPY_IN_REGION, image_id=source, **arguments)


def is_copy(server, source, job):
    assert (job.status, job.fail_reason) == (JobStatus.SUCCESS, None)
    assert set(server.images) == {source, job.image_id}
    assert server.data[job.image_id] == server.data[source]
    image = server.images[job.image_id]
    assert (image["name"], image["tags"]) == ("copy", ["a=b"])
    assert image["__image_size"] == str(len(server.data[source]))


def is_undone(server, source, job, code):
    assert (job.status, job.error_code) == (JobStatus.FAIL, code), job.fail_reason
    assert set(server.images) <= {source}


def test_a_copy(cloud, server, source):
    job = copy(cloud, source)
    is_copy(server, source, job)
    assert (job.done_bytes, job.total_bytes) == (len(DATA), len(DATA))
    assert job.image_id.startswith("5" * 8)


# More than a copy has: the last ones die never.
@pytest.mark.parametrize("dies_at", range(1, 14))
def test_dead_before_any_request(cloud, server, source, dies_at):
    is_copy(server, source, copy(cloud, source, dies_at=dies_at))


@pytest.mark.parametrize("cancels_at", range(1, 7))
def test_cancelled_before_any_request(cloud, server, source, cancels_at):
    is_undone(server, source, copy(cloud, source, cancels_at=cancels_at), "IMG.0018")


@pytest.mark.parametrize("request_", ["GET .*", "POST .*", "PUT .*", "GET .*/file", "PATCH .*"])
def test_a_neighbour_is_away_for_a_while(cloud, server, source, request_):
    server.failures[request_] = [503, 503]
    is_copy(server, source, copy(cloud, source))


@pytest.mark.parametrize("request_", ["GET .*", "POST .*", "PUT .*", "GET .*/file", "PATCH .*"])
def test_the_reason_of_a_refusal_is_told(cloud, server, source, request_):
    server.failures[request_] = [403]
    job = copy(cloud, source)
    is_undone(server, source, job, "IMG.0099")
    assert "as the test wants it" in job.fail_reason


def test_the_source_is_not_there(cloud, server, source):
    job = copy(cloud, "other")
    is_undone(server, source, job, "IMG.0027")


def test_the_source_goes_meanwhile(cloud, server, source):
    server.failures["PUT .*"] = [503]
    server.failures["GET .*/file"] = [404]
    job = copy(cloud, source)
    is_undone(server, source, job, "IMG.0027")
    assert source in job.fail_reason


def test_an_image_that_rules_keep_from_copying(cloud, server):
    source = server.make(b"", __component_of="w")
    is_undone(server, source, copy(cloud, source), "IMG.0130")


def test_an_image_whose_disks_lie_elsewhere(cloud, server):
    """It would be copied well, all 0 bytes of it."""
    source = server.make(b"", block_device_mapping='[{"snapshot_id": "s"}]')
    is_undone(server, source, copy(cloud, source), "IMG.0130")


def test_an_image_with_a_key_of_cinder(cloud, server):
    source = server.make(b"", cinder_encryption_key_id="k")
    is_undone(server, source, copy(cloud, source), "IMG.0105")


def test_uploads_that_break_are_begun_again_a_few_times(cloud, server, source, monkeypatch):
    """Each one spoils an id, so each has another one."""
    ids = []
    breaks = itertools.count()

    def broken(self, image_id, chunks, size, expected):
        ids.append(image_id)
        next(chunks)
        next(chunks)
        if next(breaks) < job_image.UPLOADS - 1:
            raise self._rest.away("it broke")
        server.fill(image_id, server.data[source])

    monkeypatch.setattr("ims_glance.clouds.image_api.ImageApi.upload", broken)
    is_copy(server, source, copy(cloud, source))
    assert len(set(ids)) == len(ids) == job_image.UPLOADS


def test_uploads_that_always_break(cloud, server, source, monkeypatch):
    def broken(self, image_id, chunks, size, expected):
        next(chunks)
        next(chunks)
        raise self._rest.away("it broke")

    monkeypatch.setattr("ims_glance.clouds.image_api.ImageApi.upload", broken)
    job = copy(cloud, source)
    is_undone(server, source, job, "IMG.0014")
    assert "broke off 5 times" in job.fail_reason


def test_damage_on_the_way_is_found(cloud, server, source):
    server.arrives = lambda data: data[:1000] + bytes([data[1000] ^ 1]) + data[1001:]
    is_undone(server, source, copy(cloud, source), "IMG.0057")


def test_without_a_digest_of_the_source_the_stream_is_compared(cloud, server, source):
    for name in ("checksum", "os_hash_algo", "os_hash_value"):
        del server.images[source][name]
    is_copy(server, source, copy(cloud, source))


def test_without_a_digest_of_the_source_damage_is_found(cloud, server, source):
    for name in ("checksum", "os_hash_algo", "os_hash_value"):
        del server.images[source][name]
    server.arrives = lambda data: data[:7] + b"?" + data[8:]
    is_undone(server, source, copy(cloud, source), "IMG.0057")


def test_another_size_is_another_image(cloud, server, source):
    server.images[source]["size"] += 1
    is_undone(server, source, copy(cloud, source), "IMG.0035")


def test_an_image_that_was_filled_meanwhile_is_replaced(cloud, server, source):
    """A worker that was taken for dead had sent other data under the same id."""
    server.failures["PUT .*"] = [409]
    is_copy(server, source, copy(cloud, source))
