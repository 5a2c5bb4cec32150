# SPDX-License-Identifier: Apache-2.0
"""Files of data disks beside one of a system disk: an image of each, or none (deaths: ``test_deaths``)."""

import hashlib

import pytest

from ims_glance.clouds.objects.base import FoundFile
from ims_glance.jobs.context import JobContext
from ims_glance.model import job as model
from ims_glance.model.bucket import BucketFile
from ims_glance.model.image import attributes
from ims_glance.model.job import JobStatus
from tests.base import pattern
from tests.unit.clouds.objects_server import BUCKET
from tests.unit.formats.archives import ova

MIB = 1 << 20
SYSTEM = pattern(0, MIB + 512)
DATA = (pattern(1, 70_144), bytes(MIB) + pattern(2, 512))
ISO = bytes(32769) + b"CD001" + pattern(2, 100_000)


@pytest.fixture(autouse=True)
def _no_naps(monkeypatch):
    monkeypatch.setattr(JobContext, "pause", lambda self, _seconds: self.check())


def found(server, name, data):
    server.objects[name] = data
    file = FoundFile(BucketFile(BUCKET, name), len(data), hashlib.md5(data).hexdigest())
    return file.to_arguments()


def make(cloud, server, data=DATA, system=SYSTEM, changes=None, **more):
    files = [
        {
            "number": number,
            "file": found(server, f"data{number}", each),
            "name": f"data {number}",
            "min_disk": 1,
            "description": "Old",
            "tags": ["c=d"],
            **(changes or {}),
        }
        for number, each in enumerate(data, 1)
    ]
    arguments = {
        "file": found(server, "system", system),
        "purpose": "FusionCompute",
        "name": "system",
        "min_disk": 1,
        "data_files": files,
        "wishes": [
            {"disk": {"number": number}, "name": name}
            for number, name in enumerate(["system", *(each["name"] for each in files)])
        ],
    }
    return cloud.run(model.IMPORT_IMAGE, **{**arguments, **more})


def is_refused(server, job, code):
    assert (job.status, job.error_code) == (JobStatus.FAIL, code), job.fail_reason
    assert (server.images, server.data) == ({}, {})
    assert not [each for each in server.requests if each.startswith("POST /v2/images")]
    return str(job.fail_reason)


def test_an_image_of_each(cloud, server):
    job = make(cloud, server, os_version="CentOS 7.3 64bit", cmk_id="k")
    assert (job.status, job.fail_reason) == (JobStatus.SUCCESS, None)
    ids = job.entities[model.DISK_IMAGES]
    assert ids["0"] == job.image_id
    assert [server.data[ids[number]] for number in "012"] == [SYSTEM, *DATA]
    for number in (1, 2):
        image = server.images[ids[str(number)]]
        assert (image["name"], image["tags"]) == (f"data {number}", ["c=d"])
        assert (image["__platform"], image[attributes.CMK_ID]) == ("CentOS", "k")
        assert (image["os_hidden"], image[attributes.DESCRIPTION]) == (False, "Old")
        assert image[attributes.DATA_ORIGIN] == f"file,bucket:data{number}"
    total = len(SYSTEM) + sum(map(len, DATA))
    assert (job.done_bytes, job.total_bytes) == (total, total)


def test_as_jobs_of_their_own(cloud, server):
    job = make(cloud, server)
    shown = model.view(job)["entities"]
    assert [each["job_type"] for each in shown["sub_jobs_result"]] == [
        "imsImportImageJob",
        "imsImportDataImageJob",
        "imsImportDataImageJob",
    ]
    made = [each["entities"]["image_id"] for each in shown["sub_jobs_result"]]
    assert made == list(job.entities[model.DISK_IMAGES].values())
    assert shown["image_id"] == made[0] == job.image_id


@pytest.mark.parametrize(
    ("data", "code", "said"),
    [
        ((DATA[0], b"QFI\xfb\0\0\0\3" + bytes(5000)), "IMG.0057", "clusters"),
        ((ISO,), "IMG.0057", "bucket:data1 is an ISO"),
        ((ova({"a.raw": DATA[0], "b.raw": DATA[1]}),), "IMG.0072", "2 disks"),
    ],
)
def test_what_is_refused(cloud, server, data, code, said):
    """Before anything is made, also of the system disk."""
    assert said in is_refused(server, make(cloud, server, data), code)


def test_a_data_disk_that_does_not_fit(cloud, server, monkeypatch):
    monkeypatch.setattr("ims_glance.model.image.from_file.GIB", MIB)
    said = is_refused(server, make(cloud, server, min_disk=2), "IMG.0055")
    assert "bucket:data2" in said


def test_no_room_for_all_of_them(cloud, server):
    server.usage = {"image_size_total": {"limit": 2, "usage": 0}}
    is_refused(server, make(cloud, server), "IMG.0015")


def test_beside_a_machine(cloud, server):
    machine = ova({"a.raw": SYSTEM, "b.raw": DATA[0]})
    assert "'data_images'" in is_refused(server, make(cloud, server, system=machine), "IMG.0072")


def test_a_file_that_is_replaced_meanwhile_undoes_all(cloud, server):
    def watch(request):
        if request.startswith("POST"):
            server.objects["data2"] = DATA[0]

    cloud.watch = watch
    job = make(cloud, server)
    assert (job.status, job.error_code) == (JobStatus.FAIL, "IMG.0057")
    assert (server.images, server.data) == ({}, {})
