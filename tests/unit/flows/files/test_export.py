# SPDX-License-Identifier: Apache-2.0
"""Exports in a small cloud: whatever breaks, there is one right file, or none and a true reason."""

import pytest

from ims_glance.jobs.context import JobContext
from ims_glance.model import job as model
from ims_glance.model.job import JobStatus
from tests.base import pattern
from tests.unit.clouds.objects_server import BUCKET
from tests.unit.formats import files

MIB = 1 << 20
DATA = pattern(0, 2 * MIB + 512) + bytes(3 * MIB) + pattern(1, 64 * 512)


@pytest.fixture(autouse=True)
def _no_naps(monkeypatch):
    monkeypatch.setattr(JobContext, "pause", lambda self, _seconds: self.check())


@pytest.fixture
def image(server):
    return server.make(DATA, disk_format="raw", container_format="bare")


def export(cloud, image, form="qcow2", **more):
    arguments = {"image_id": image, "bucket": BUCKET, "object": "out", "format": form, **more}
    return cloud.run(model.EXPORT_IMAGE, **arguments)


def is_undone(server, job, code):
    assert (job.status, job.error_code) == (JobStatus.FAIL, code), job.fail_reason
    assert server.objects == {}
    assert not server.segments
    return job.fail_reason


@pytest.mark.parametrize("form", ["qcow2", "vhd", "vmdk"])
def test_it_is_read_back(cloud, server, image, form):
    job = export(cloud, image, form)
    assert (job.status, job.fail_reason) == (JobStatus.SUCCESS, None)
    assert files.opened(server.objects["out"]) == DATA
    assert job.entities["file_bytes"] == len(server.objects["out"])
    assert (job.done_bytes, job.total_bytes) == (len(DATA), len(DATA))
    # What is zero is in no file (of a VHD in blocks of 2 MiB).
    assert form == "vhd" or len(server.objects["out"]) < len(DATA)


def test_qemu_reads_it(cloud, server, image):
    export(cloud, image)
    assert files.qemu_reads(server.objects["out"], "qcow2") == DATA


def test_in_several_parts(cloud, server, image, monkeypatch):
    monkeypatch.setattr("ims_glance.flows.files.export.PART", MIB)
    export(cloud, image)
    assert len(server.segments) == 4
    assert files.opened(server.objects["out"]) == DATA


def test_a_file_that_is_there(cloud, server, image):
    server.objects["out"] = b"mine"
    job = export(cloud, image)
    assert (job.status, job.error_code) == (JobStatus.FAIL, "IMG.0070")
    assert server.objects == {"out": b"mine"}


def test_an_image_that_is_gone(cloud, server, image):
    del server.images[image]
    is_undone(server, export(cloud, image), "IMG.0027")


def test_an_image_that_rules_keep_from_it(cloud, server):
    image = server.make(b"", __component_of="w")
    is_undone(server, export(cloud, image), "IMG.0128")


def test_damage_on_the_way_is_found(cloud, server, image):
    server.data[image] = b"x" + DATA[1:]
    assert image in is_undone(server, export(cloud, image), "IMG.0057")


@pytest.mark.parametrize("request_", ["HEAD .*", "PUT .*/out/.*", "PUT /bucket/out", "GET .*/file"])
def test_a_neighbour_is_away_for_a_while(cloud, server, image, request_):
    server.failures[request_] = [503, 503]
    assert export(cloud, image).status is JobStatus.SUCCESS
    assert files.opened(server.objects["out"]) == DATA


def test_no_rights(cloud, server, image):
    server.failures["PUT .*/out/.*"] = [403]
    is_undone(server, export(cloud, image), "IMG.0069")
