# SPDX-License-Identifier: Apache-2.0
"""Exports in a small cloud: whatever breaks, there is one right file, or none and a true reason."""

import json
import re

import pytest

from ims_glance.clouds.objects.large_swift import SwiftLargeFile
from ims_glance.flows.files import written
from ims_glance.jobs.context import JobContext
from ims_glance.model import job as model
from ims_glance.model.job import JobStatus
from tests.base import pattern
from tests.unit.clouds import cloud_server
from tests.unit.clouds.objects_server import BUCKET, ObjectsHandler
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
    monkeypatch.setattr(written, "PART", MIB)
    export(cloud, image)
    assert sorted(len(each) for each in server.segments.values()) == [65536, 393216, MIB, MIB]
    assert files.opened(server.objects["out"]) == DATA


@pytest.fixture
def parts(monkeypatch):
    """Small ones."""
    monkeypatch.setattr(written, "PART", 1 << 16)


def _sent(server):
    return [each for each in server.requests if re.fullmatch(r"PUT .*/out/.*/\d+", each)]


def _again(cloud, server, image, form="qcow2", at_death=lambda: None):
    """The job once more, by a worker that dies with the third part, and another one."""
    third = server.requests.index(_sent(server)[2])
    server.objects.clear()
    server.segments.clear()
    del server.requests[:]

    def watch(_request):
        if len(server.requests) == third + 1:
            at_death()

    cloud.watch = watch
    job = export(cloud, image, form, number=2, dies_at=third + 1)
    assert (job.status, job.fail_reason) == (JobStatus.SUCCESS, None)
    assert not [each for each in server.segments if each.endswith("/note")]
    return len(_sent(server))


@pytest.mark.usefixtures("parts")
@pytest.mark.parametrize("form", ["qcow2", "raw"])
def test_another_worker_goes_on_behind_the_last_part(cloud, server, image, form):
    job = export(cloud, image, form)
    assert job.status is JobStatus.SUCCESS
    whole, count = server.objects["out"], len(_sent(server))
    # That which the first one was sending is sent twice.
    assert _again(cloud, server, image, form) == count + 1
    assert server.objects["out"] == whole


@pytest.mark.usefixtures("parts")
def test_a_note_that_is_of_no_use(cloud, server, image):
    """The owner of the bucket may have changed it: then all is written anew."""

    def spoil_it():
        [name] = [each for each in server.segments if each.endswith("/note")]
        server.segments[name] = b"no note"

    export(cloud, image)
    whole, count = server.objects["out"], len(_sent(server))
    assert _again(cloud, server, image, at_death=spoil_it) == count + 3
    assert server.objects["out"] == whole


@pytest.mark.usefixtures("parts")
@pytest.mark.parametrize("form", ["qcow2", "vmdk", "raw"])
def test_parts_that_are_too_large_to_be_held(cloud, server, image, form, monkeypatch):
    """They are made while they are sent, and again if the storage was away."""
    monkeypatch.setattr(SwiftLargeFile, "most_parts", 4)
    server.failures["PUT .*/out/.*"] = [503, 503]
    job = export(cloud, image, form)
    assert (job.status, job.fail_reason) == (JobStatus.SUCCESS, None)
    assert form == "vmdk" or max(map(len, server.segments.values())) >= MIB
    assert files.opened(server.objects["out"]) == DATA


@pytest.mark.usefixtures("parts")
def test_what_the_first_worker_read_otherwise_is_not_kept(cloud, server, image):
    """Though the second one would find the digest right."""
    export(cloud, image)
    count = len(_sent(server))
    server.data[image] = b"x" + DATA[1:]

    def mend():
        server.data[image] = DATA

    assert _again(cloud, server, image, at_death=mend) == count + 3
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


@pytest.mark.usefixtures("parts")
def test_a_storage_that_is_slower_than_its_proxy(cloud, server, image, monkeypatch):
    """It puts the file together after the answer that it had taken too long, while the image is read again."""
    put_together = ObjectsHandler._put_together
    held: list[tuple[bytes, dict[str, str]]] = []
    done: list[str] = []

    def slowly(handler, name):
        if held:
            put_together(handler, name)
            return
        held.append((bytes(handler.body), dict(handler.headers)))
        handler._answer(504)

    def watch(request):
        if held and not done and request.startswith("GET") and request.endswith("/file"):
            listed, headers = held[0]
            names = [each["path"].partition("_segments/")[2] for each in json.loads(listed)]
            server.objects["out"] = b"".join(server.segments[name] for name in names)
            server.object_owners["out"] = headers["X-Object-Meta-Ims-Job"]
            done.append(request)

    monkeypatch.setattr(cloud_server.Handler, "_put_together", slowly)
    cloud.watch = watch
    job = export(cloud, image)
    assert (job.status, job.fail_reason) == (JobStatus.SUCCESS, None)
    assert files.opened(server.objects["out"]) == DATA
    assert len(done) == 1
