# SPDX-License-Identifier: Apache-2.0
"""Images of files in a small cloud: whatever breaks, there is one right image, or none and a true reason."""

import gzip
import hashlib

import pytest
import zstandard

from ims_glance.clouds.objects.base import FoundFile
from ims_glance.flows import job_image
from ims_glance.flows.copy import beside
from ims_glance.jobs.context import JobContext
from ims_glance.model import job as model
from ims_glance.model.bucket import BucketFile
from ims_glance.model.image.from_file import Purpose
from ims_glance.model.job import JobStatus
from tests.base import pattern
from tests.unit.clouds.objects_server import BUCKET
from tests.unit.formats.archives import ova

MIB = 1 << 20
DATA = pattern(0, 2_500_000) + bytes(3 * MIB) + pattern(1, 123_456)
ISO = bytes(32769) + b"CD001" + pattern(2, 100_000)
UPLOAD = r"PUT /v2/images/[^/]+/file"


@pytest.fixture(autouse=True)
def _no_naps(monkeypatch):
    monkeypatch.setattr(JobContext, "pause", lambda self, _seconds: self.check())


@pytest.fixture(autouse=True)
def _file(server):
    server.objects["disk.raw"] = DATA


def make(cloud, data=DATA, job_type=model.IMPORT_IMAGE, name="disk.raw", **more):
    found = FoundFile(BucketFile(BUCKET, name), len(data), hashlib.md5(data).hexdigest())
    arguments = {
        "file": found.to_arguments(),
        "purpose": str(Purpose.SERVER),
        "name": "of file",
        "min_disk": 1,
        **more,
    }
    said = {name: arguments.pop(name) for name in ("dies_at", "cancels_at") if name in arguments}
    return cloud.run(job_type, **said, **arguments)


def is_made(server, job, data=DATA):
    assert (job.status, job.fail_reason) == (JobStatus.SUCCESS, None)
    assert list(server.images) == [job.image_id]
    assert server.data[job.image_id] == data
    image = server.images[job.image_id]
    assert (image["name"], image["__image_size"]) == ("of file", str(len(data)))
    return image


def is_undone(server, job, code):
    assert (job.status, job.error_code) == (JobStatus.FAIL, code), job.fail_reason
    assert server.images == {}
    return job.fail_reason


@pytest.mark.parametrize("is_large", [False, True], ids=["small", "large"])
def test_a_large_disk_is_read_ahead(server, cloud, monkeypatch, is_large):
    """A small one is not: there is nothing to be gained by a thread."""
    begun = []
    ahead = beside.ahead

    def noted(chunks, begin):
        begun.append(chunks)
        return ahead(chunks, begin)

    monkeypatch.setattr(beside, "ahead", noted)
    monkeypatch.setattr(beside, "WORTH_AHEAD", len(DATA) + 1 - is_large)
    is_made(server, make(cloud))
    assert len(begun) == is_large


def test_a_raw_disk(cloud, server):
    job = make(cloud)
    image = is_made(server, job)
    assert (image["disk_format"], image["container_format"]) == ("raw", "bare")
    assert (job.done_bytes, job.total_bytes) == (len(DATA), len(DATA))
    assert job.entities["file_format"] == "raw"
    # What was looked at to know what it is, was not read again and again.
    assert sum(length for _at, length in server.object_ranges) <= len(DATA) + 5 * MIB
    uploads = [each for each in server.requests if each.startswith("PUT")]
    assert len(uploads) == 1


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        ("disk.raw.gz", gzip.compress),
        ("disk.zst", zstandard.compress),
        ("disk.ova", lambda data: ova({"disk.raw.gz": gzip.compress(data)})),
    ],
)
def test_a_disk_in_something_else(cloud, server, name, pack):
    packed = server.objects[name] = pack(DATA)
    is_made(server, make(cloud, packed, name=name))


def test_an_iso(cloud, server):
    server.objects["cd.iso"] = ISO
    job = make(cloud, ISO, name="cd.iso", purpose="IsoImage", os_version="CentOS 7.3 64bit")
    assert is_made(server, job, ISO)["disk_format"] == "iso"


@pytest.mark.parametrize(
    ("content", "name", "purpose"),
    [(ISO, "cd.iso", "FusionCompute"), (DATA, "disk.raw", "IsoImage")],
)
def test_an_iso_where_a_disk_is_wanted(cloud, server, content, name, purpose):
    server.objects[name] = content
    job = make(cloud, content, name=name, purpose=purpose, os_version="x")
    is_undone(server, job, "IMG.0057")


def test_a_data_disk_with_a_key(cloud, server):
    job = make(cloud, job_type=model.IMPORT_DATA_IMAGE, purpose="DataImage", cmk_id="k")
    image = is_made(server, job)
    assert (image["virtual_env_type"], image["__system__cmkid"]) == ("DataImage", "k")


def test_dead_in_the_midst_of_the_upload(cloud, server, monkeypatch):
    """What was sent is sent again, under another id (all other moments: ``test_deaths``)."""
    ids = []

    def watch(request):
        if request.startswith("GET /bucket/") and any("POST" in each for each in server.requests):
            cloud.watch = lambda _request: None
            ids.extend(server.images)
            jobs[0].lease.end()

    jobs = []
    connected = cloud._connected

    def noted(job):
        jobs.append(job)
        return connected(job)

    monkeypatch.setattr(cloud, "_connected", noted)
    cloud.watch = watch
    ended = make(cloud)
    is_made(server, ended)
    assert ids != [ended.image_id]
    assert len(jobs) == 2


def test_cancelled_in_the_midst_of_the_upload(cloud, server):
    is_undone(server, make(cloud, cancels_at=9), "IMG.0018")


@pytest.mark.parametrize("request_", ["HEAD .*", "GET /bucket/.*", "POST .*", "PUT .*", "PATCH .*"])
def test_a_neighbour_is_away_for_a_while(cloud, server, request_):
    server.failures[request_] = [503, 503]
    is_made(server, make(cloud))


@pytest.mark.parametrize("request_", ["GET /v2/.*", "POST .*", "PUT .*", "PATCH .*"])
def test_the_reason_of_a_refusal_is_told(cloud, server, request_):
    server.failures[request_] = [403]
    assert "as the test wants it" in is_undone(server, make(cloud), "IMG.0099")


@pytest.mark.parametrize(
    ("status", "code"), [(403, "IMG.0069"), (404, "IMG.0057"), (301, "IMG.0058")]
)
def test_what_the_object_storage_refuses(cloud, server, status, code):
    server.failures["GET /bucket/.*"] = [status]
    assert "bucket:disk.raw" in is_undone(server, make(cloud), code)


def test_a_file_that_is_replaced_before(cloud, server):
    job = make(cloud, DATA + b"x")
    assert "changed" in is_undone(server, job, "IMG.0057")
    assert [each for each in server.requests if "/v2/images" in each and "GET" not in each] == []


@pytest.mark.parametrize("change", [DATA + b"x", DATA[:-1], b"x" * len(DATA), None])
def test_a_file_that_is_replaced_meanwhile(cloud, server, change):
    """As the image is being made: some ranges were of the old one by then."""

    def watch(request):
        if request.startswith("POST /v2/images"):
            if change is None:
                del server.objects["disk.raw"]
            else:
                server.objects["disk.raw"] = change

    cloud.watch = watch
    is_undone(server, make(cloud), "IMG.0057")
    assert server.data == {}


@pytest.mark.parametrize("content", [b"\x1f\x8b\x08", b"QFI\xfb", b"KDMV", b"vhdxfile"])
def test_what_is_no_disk(cloud, server, content):
    data = content + DATA
    server.objects["disk.raw"] = data
    job = make(cloud, data)
    assert job.status is JobStatus.FAIL
    assert server.images == {}
    assert not [each for each in server.requests if each.startswith("POST /v2/images")]


def test_a_disk_that_does_not_fit(cloud, server, monkeypatch):
    monkeypatch.setattr("ims_glance.model.image.from_file.GIB", MIB)
    assert "Ask for 6 GiB" in is_undone(server, make(cloud, min_disk=5), "IMG.0055")


def test_a_disk_larger_than_any(cloud, server, monkeypatch):
    monkeypatch.setattr("ims_glance.flows.files.image.units.Gi", 1)
    is_undone(server, make(cloud), "IMG.0055")


@pytest.mark.parametrize(
    ("limit", "used", "fits"), [(-1, 10**6, True), (6, 0, True), (5, 0, False), (9, 8, False)]
)
def test_no_room_for_so_many_bytes(cloud, server, limit, used, fits):
    server.usage = {"image_size_total": {"limit": limit, "usage": used}}
    job = make(cloud)
    if fits:
        is_made(server, job)
    else:
        is_undone(server, job, "IMG.0015")
        assert not [each for each in server.requests if each.startswith("POST /v2/images")]


def test_an_upload_that_breaks_is_begun_again(cloud, server):
    server.failures[UPLOAD] = [409, 409]
    is_made(server, make(cloud))


def test_uploads_that_always_break(cloud, server):
    server.failures[UPLOAD] = [409] * (job_image.UPLOADS + 1)
    said = is_undone(server, make(cloud), "IMG.0014")
    assert said.startswith("The upload of file bucket:disk.raw broke off 5 times")


def test_damage_on_the_way_is_found(cloud, server):
    server.arrives = lambda data: data[:5] + bytes([data[5] ^ 1]) + data[6:]
    said = is_undone(server, make(cloud), "IMG.0057")
    assert said.startswith("The image differs from file bucket:disk.raw")


def test_a_glance_that_does_not_say_what_arrived(cloud, server):
    server.tells = False
    said = is_undone(server, make(cloud), "IMG.0105")
    assert "install the same version" in said
