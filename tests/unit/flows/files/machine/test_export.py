# SPDX-License-Identifier: Apache-2.0
"""Whole machines in a small cloud, out and in again: the same disks, or nothing and a true reason."""

import hashlib
import io
import json
import random
import re
import tarfile
import zlib

import pytest

from ims_glance.clouds import objects
from ims_glance.clouds.ec2 import Credential
from ims_glance.clouds.objects.base import FoundFile
from ims_glance.clouds.objects.large_s3 import S3LargeFile
from ims_glance.clouds.objects.large_swift import SwiftLargeFile
from ims_glance.flows.files import written
from ims_glance.jobs.context import JobContext
from ims_glance.model import job as model
from ims_glance.model.bucket import BucketFile
from ims_glance.model.image import attributes, whole_image
from ims_glance.model.image.whole_image import Component
from ims_glance.model.job import JobStatus
from ims_glance.model.server import Disk
from tests.base import pattern
from tests.unit.clouds.objects_server import BUCKET
from tests.unit.formats import files

MIB = 1 << 20
NOISE = random.Random(1).randbytes(MIB)
DISKS = (pattern(0, MIB + 512), NOISE + bytes(2 * MIB) + NOISE[:70_144], bytes(3 * MIB))
SYSTEM = "CentOS 7.3 64bit"


@pytest.fixture(autouse=True)
def _no_naps(monkeypatch, tables):
    monkeypatch.setattr(JobContext, "pause", lambda self, _seconds: self.check())
    tables.conf.set_override("recognise", False, "ims_guests")


@pytest.fixture
def make(server):
    """Makes a whole machine; its id."""

    def make(data=DISKS, **more):
        body = {"disk_format": "raw", "container_format": "bare"}
        ids = [server.make(each, os_hidden=True, **body) for each in data]
        disks = [Disk(0, None, 1, "fast", False), Disk(1, None, 2), Disk(2, None, 1)]
        parts = list(map(Component, disks, ids))
        more = {attributes.OS_VERSION: SYSTEM, "name": "web & co", "min_ram": 512, **more}
        mapping = whole_image.properties(parts)
        whole = server.make(b"", hw_disk_bus="scsi", **body, **more, **mapping)
        for each in ids:
            server.images[each][attributes.COMPONENT_OF] = whole
        return whole

    return make


def export(cloud, image, **more):
    arguments = {"image_id": image, "bucket": BUCKET, "object": "out", "format": "ova", **more}
    return cloud.run(model.EXPORT_IMAGE, **arguments)


def is_undone(server, job, code):
    assert (job.status, job.error_code) == (JobStatus.FAIL, code), job.fail_reason
    assert server.objects == {}
    assert not server.segments
    return job.fail_reason


def _members(data):
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        found = {}
        for each in archive:
            content = archive.extractfile(each)
            assert content is not None
            found[each.name] = content.read()
        return found


def test_what_is_in_it(cloud, server, make):
    """In the order of the standard, with the digests of all, and disks that QEMU reads."""
    job = export(cloud, make())
    assert (job.status, job.fail_reason) == (JobStatus.SUCCESS, None)
    data = server.objects["out"]
    members = _members(data)
    disks = [f"web-co-disk{number}.vmdk" for number in (1, 2, 3)]
    assert list(members) == ["web-co.ovf", "web-co.mf", *disks]
    told = dict(re.findall(r"SHA256\((\S+)\)= (\w+)\n", members["web-co.mf"].decode()))
    assert told == {
        name: hashlib.sha256(each).hexdigest()
        for name, each in members.items()
        if not name.endswith(".mf")
    }
    assert [files.qemu_reads(members[name], "vmdk") for name in disks] == list(DISKS)
    total = sum(map(len, DISKS))
    assert (job.done_bytes, job.total_bytes) == (total, total)
    assert (job.entities["file_bytes"], job.entities["disks"]) == (len(data), 3)
    # What is zero is in no file.
    assert len(data) < 2 * MIB


def _imported(cloud, server, name="back", **more):
    found = FoundFile(BucketFile(BUCKET, "out"), len(server.objects["out"]), server.etag("out"))
    told = {"file": found.to_arguments(), "purpose": "FusionCompute", "name": name, "min_disk": 1}
    job = cloud.run(model.IMPORT_IMAGE, number=2, **told, **more)
    assert (job.status, job.fail_reason) == (JobStatus.SUCCESS, None)
    return server.images[job.image_id]


@pytest.mark.parametrize("count", [3, 1])
def test_the_same_machine_again(cloud, server, make, count):
    """Of one disk, too."""
    more = {"hw_firmware_type": "uefi", "__support_largememory": "true"}
    image = make(DISKS[:count], **more)
    export(cloud, image)
    again = _imported(cloud, server)
    parts = whole_image.components(again)
    assert [server.data[each.image_id] for each in parts] == list(DISKS[:count])
    before = whole_image.components(server.images[image])
    assert [(each.disk.size, each.disk.goes_with_server) for each in parts] == [
        (each.disk.size, each.disk.goes_with_server) for each in before
    ]
    kept = ("hw_disk_bus", "min_ram", "hw_firmware_type", "__support_largememory", "__os_version")
    assert {name: again[name] for name in kept} == {
        name: server.images[image][name] for name in kept
    }


def test_what_is_asked_for_wins(cloud, server, make):
    export(cloud, make(hw_firmware_type="uefi"))
    more = {"min_ram": 1024, "hw_firmware_type": "bios", "os_version": "Ubuntu 18.04 server 64bit"}
    again = _imported(cloud, server, **more)
    assert {name: again[name] for name in ("min_ram", "hw_firmware_type")} == {
        "min_ram": 1024,
        "hw_firmware_type": "bios",
    }
    assert again[attributes.OS_VERSION] == more["os_version"]


def test_beside_files_of_data_disks_it_is_one_disk(cloud, server, make):
    export(cloud, make(DISKS[:1]))
    server.objects["data"] = DISKS[1]
    file = FoundFile(BucketFile(BUCKET, "data"), len(DISKS[1]), server.etag("data"))
    data = {"number": 1, "file": file.to_arguments(), "name": "data", "min_disk": 1}
    wishes = [{"disk": {"number": at}, "name": name} for at, name in enumerate(("back", "data"))]
    again = _imported(cloud, server, data_files=[data], wishes=wishes)
    assert not whole_image.is_whole(again)
    assert server.data[again["id"]] == DISKS[0]


def test_an_image_of_one_disk(cloud, server):
    """As which it comes back, too."""
    body = {"disk_format": "raw", "container_format": "bare", "name": "one"}
    export(cloud, server.make(DISKS[0], **body))
    again = _imported(cloud, server)
    assert not whole_image.is_whole(again)
    assert server.data[again["id"]] == DISKS[0]


def test_to_s3(cloud, server, make, tables, monkeypatch):
    """Whose parts have 5 MiB at least, but for the last one."""
    credential = Credential("a" * 32, "very-secret", "u", "demo")
    monkeypatch.setattr(objects, "_credential", lambda _conf, _reader: credential)
    tables.conf.set_override("s3_endpoint", server.url, "ims_files")
    server.s3_secret, server.s3_least = credential.secret, S3LargeFile.least_part
    job = export(cloud, make(), access_key=credential.access)
    assert (job.status, job.fail_reason) == (JobStatus.SUCCESS, None)
    assert (server.uploads, list(server.objects)) == ({}, ["out"])
    members = _members(server.objects["out"])
    names = [name for name in members if name.endswith(".vmdk")]
    assert [files.qemu_reads(members[name], "vmdk") for name in names] == list(DISKS)
    assert files.opened_disks(server.objects["out"]) == list(DISKS)


@pytest.fixture
def parts(monkeypatch):
    """Small ones."""
    monkeypatch.setattr("ims_glance.writers.parts.UNIT", 1 << 16)
    monkeypatch.setattr(written, "PART", 1 << 17)
    monkeypatch.setattr(written, "WORTH", 0)


def _sent(server):
    return [each for each in server.requests if re.fullmatch(r"PUT .*/out/.*/\d+", each)]


def _again(cloud, server, image, at, at_death=lambda: None):
    """The job once more, by a worker that dies with a part, and another one; how many parts were sent."""
    place = server.requests.index(_sent(server)[at])
    server.objects.clear()
    server.segments.clear()
    del server.requests[:]

    def watch(_request):
        if len(server.requests) == place + 1:
            at_death()

    cloud.watch = watch
    job = export(cloud, image, number=2, dies_at=place + 1)
    assert (job.status, job.fail_reason) == (JobStatus.SUCCESS, None)
    assert not [each for each in server.segments if each.endswith("/note")]
    return len(_sent(server))


@pytest.mark.usefixtures("parts")
@pytest.mark.parametrize("at", [1, 5, -2])
def test_another_worker_sends_what_is_not_there(cloud, server, make, at):
    image = make()
    export(cloud, image)
    whole, count = server.objects["out"], len(_sent(server))
    assert count > 6
    # That which the first one was sending is sent twice.
    assert _again(cloud, server, image, at) == count + 1
    assert server.objects["out"] == whole


@pytest.mark.usefixtures("parts")
def test_disks_that_are_there_are_not_read_again(cloud, server, make):
    image = make()
    export(cloud, image)
    _again(cloud, server, image, -2)
    last = whole_image.components(server.images[image])[2].image_id
    assert server.requests.count(f"GET /v2/images/{last}/file") == 1


def _spoilt(server, change):
    def spoil():
        [name] = [each for each in server.segments if each.endswith("/note")]
        server.segments[name] = change(server.segments[name])

    return spoil


@pytest.mark.usefixtures("parts")
@pytest.mark.parametrize("case", ["no note", "other disks", "parts that are too many"])
def test_a_note_that_is_of_no_use(cloud, server, make, case):
    """The owner of the bucket may have changed it: then all is written anew."""
    changes = {
        "no note": lambda _kept: b"none",
        "other disks": _changed(lambda known: known["disks"].append([0, 7, "0" * 64])),
        "parts that are too many": _changed(
            lambda known: known["parts"].append([known["parts"][0][0] + 90, 7, "x"])
        ),
    }
    image = make(DISKS[:2])
    export(cloud, image)
    whole, count = server.objects["out"], len(_sent(server))
    sent = _again(cloud, server, image, 4, _spoilt(server, changes[case]))
    assert count < sent <= 2 * count + 1
    assert server.objects["out"] == whole


def _changed(change):
    def changed(kept):
        known = json.loads(zlib.decompress(kept))
        change(known)
        return zlib.compress(json.dumps(known).encode())

    return changed


@pytest.mark.usefixtures("parts")
def test_parts_that_are_too_large_to_be_held(cloud, server, make, monkeypatch):
    """They are made while they are sent, and again if the storage was away."""
    monkeypatch.setattr(SwiftLargeFile, "most_parts", 16)
    server.failures["PUT .*/out/.*"] = [503, 503]
    image = make()
    job = export(cloud, image)
    assert (job.status, job.fail_reason) == (JobStatus.SUCCESS, None)
    assert files.opened_disks(server.objects["out"]) == list(DISKS)
    whole = server.objects["out"]
    _again(cloud, server, image, -2)
    assert server.objects["out"] == whole


def test_damage_on_the_way_is_found(cloud, server, make):
    image = make()
    disk = whole_image.components(server.images[image])[1].image_id
    server.data[disk] = b"x" + DISKS[1][1:]
    assert disk in is_undone(server, export(cloud, image), "IMG.0057")


def test_a_disk_that_is_gone(cloud, server, make):
    image = make()
    del server.images[whole_image.components(server.images[image])[1].image_id]
    is_undone(server, export(cloud, image), "IMG.0027")


def test_a_disk_that_is_sold(cloud, server, make):
    image = make()
    disk = whole_image.components(server.images[image])[1].image_id
    server.images[disk][attributes.PRODUCT_CODE] = "p"
    is_undone(server, export(cloud, image), "IMG.0079")


def test_a_file_that_is_there(cloud, server, make):
    server.objects["out"] = b"mine"
    job = export(cloud, make())
    assert (job.status, job.error_code) == (JobStatus.FAIL, "IMG.0070")
    assert server.objects == {"out": b"mine"}


def test_cancelled(cloud, server, make):
    image = make()
    is_undone(server, export(cloud, image, cancels_at=8), "IMG.0018")


@pytest.mark.parametrize("request_", ["HEAD .*", "PUT .*/out/.*", "PUT /bucket/out", "GET .*/file"])
def test_a_neighbour_is_away_for_a_while(cloud, server, make, request_):
    server.failures[request_] = [503, 503]
    assert export(cloud, make()).status is JobStatus.SUCCESS
    assert files.opened_disks(server.objects["out"]) == list(DISKS)
