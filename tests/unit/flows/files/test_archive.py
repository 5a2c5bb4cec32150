# SPDX-License-Identifier: Apache-2.0
"""Machines with several disks in a file: one whole-machine image, or nothing (deaths: ``test_deaths``)."""

import hashlib

import pytest

from ims_glance.clouds.objects.base import FoundFile
from ims_glance.db.report import GuestReports
from ims_glance.flows.files.image import DiskInFile
from ims_glance.guests.refusals import GuestHung
from ims_glance.jobs.context import JobContext
from ims_glance.model import job as model
from ims_glance.model.bucket import BucketFile
from ims_glance.model.image import attributes, whole_image
from ims_glance.model.job import JobStatus
from tests.base import pattern
from tests.unit.clouds.objects_server import BUCKET
from tests.unit.flows import small_guests
from tests.unit.formats.archives import ova

MIB = 1 << 20
GIB = 1 << 30
SYSTEM = pattern(0, MIB + 512) + bytes(3 * MIB)
DATA = bytes(MIB) + pattern(1, 70_144)
DISKS = {"system.raw": SYSTEM, "data.raw": DATA}


@pytest.fixture(autouse=True)
def _no_naps(monkeypatch, tables):
    monkeypatch.setattr(JobContext, "pause", lambda self, _seconds: self.check())
    tables.conf.set_override("recognise", False, "ims_guests")


def make(cloud, server, disks=DISKS, packed=None, job_type=model.IMPORT_IMAGE, told=(), **more):
    archive = packed or ova(disks, told=told)
    server.objects["web.ova"] = archive
    found = FoundFile(BucketFile(BUCKET, "web.ova"), len(archive), hashlib.md5(archive).hexdigest())
    arguments = {"file": found.to_arguments(), "purpose": "FusionCompute", "name": "web"}
    return cloud.run(job_type, **{**arguments, "min_disk": 1, **more})


def parts(server, job):
    assert (job.status, job.fail_reason) == (JobStatus.SUCCESS, None)
    return whole_image.components(server.images[job.image_id])


def is_refused(server, job, code):
    assert (job.status, job.error_code) == (JobStatus.FAIL, code), job.fail_reason
    assert (server.images, server.data) == ({}, {})
    assert not [each for each in server.requests if each.startswith("POST /v2/images")]
    return job.fail_reason


def test_one_image_of_all_disks(cloud, server):
    job = make(cloud, server, cmk_id="k", tags=["a=b"], description="Old", min_ram=512)
    found = parts(server, job)
    assert [server.data[each.image_id] for each in found] == [SYSTEM, DATA]
    image = server.images[job.image_id]
    assert (image["name"], image["size"], image["min_disk"]) == ("web", 0, 1)
    assert (image["tags"], image[attributes.DESCRIPTION], image["min_ram"]) == (["a=b"], "Old", 512)
    assert image["__image_size"] == str(len(SYSTEM) + len(DATA))
    assert image[attributes.DATA_ORIGIN] == "file,bucket:web.ova"
    assert image[attributes.CMK_ID] == "k"
    assert (job.done_bytes, job.total_bytes) == (len(SYSTEM + DATA), len(SYSTEM + DATA))
    assert (job.entities["file_format"], job.entities["disks"]) == ("ova", 2)
    assert len(server.images) == 3


def test_its_disks(cloud, server):
    job = make(cloud, server, cmk_id="k", tags=["a=b"], os_version="CentOS 7.3 64bit")
    for number, part in enumerate(parts(server, job)):
        view = server.images[part.image_id]
        assert (view["name"], view["os_hidden"], view["protected"]) == (
            f"web disk {number}",
            True,
            True,
        )
        assert view[attributes.COMPONENT_OF] == job.image_id
        assert (view[attributes.CMK_ID], view["tags"]) == ("k", [])
        assert view["__platform"] == "CentOS"
        assert view["virtual_env_type"] == ("DataImage" if number else "FusionCompute")


def test_one_disk_stays_a_system_image(cloud, server):
    job = make(cloud, server, {"a.raw": SYSTEM})
    assert job.status is JobStatus.SUCCESS
    assert list(server.images) == [job.image_id]
    assert not whole_image.is_whole(server.images[job.image_id])


def test_sizes(cloud, server):
    """That of the system disk is asked for; of the others the archive tells, or their data does."""
    told = (
        f'ovf:capacity="{50 * GIB}"',
        'ovf:capacity="3" ovf:capacityAllocationUnits="byte*2^30"',
    )
    job = make(cloud, server, told=told, min_disk=40)
    assert [each.disk.size for each in parts(server, job)] == [40, 3]


def test_types_of_volumes(cloud, server):
    """Only those that there are here."""
    told = ('ims:volumeType="slow"', 'ims:volumeType="fast" ims:deleteOnTermination="false"')
    found = parts(server, make(cloud, server, told=told))
    assert [each.disk.volume_type for each in found] == [None, "fast"]
    assert [each.disk.goes_with_server for each in found] == [True, False]


def test_types_of_volumes_that_nobody_tells(cloud, server):
    server.failures["GET /types"] = [403]
    found = parts(server, make(cloud, server, told=('ims:volumeType="fast"', "")))
    assert [each.disk.volume_type for each in found] == [None, None]


def test_cinder_is_not_asked_for_nothing(cloud, server):
    make(cloud, server)
    assert "GET /types" not in server.requests


def test_the_system_of_its_first_disk_is_recognised(cloud, server, tables):
    """Which wins over what the archive tells, and over what is asked for."""
    tables.conf.set_override("recognise", True, "ims_guests")
    job = make(cloud, server, os_version="CentOS 7.3 64bit")
    assert len(parts(server, job)) == 2
    image = server.images[job.image_id]
    found = image["__os_version"], image["hw_firmware_type"], image["os_distro"]
    assert found == (small_guests.FOUND, "bios", "debian")
    kept = GuestReports(tables.database).get(job.image_id)
    assert kept is not None
    assert kept.content == job.entities["report"] == small_guests.REPORT.to_arguments()


def test_the_system_of_its_first_disk_is_prepared(cloud, server, guests, tables):
    job = make(cloud, server, is_config=True)
    marked = small_guests.MARK + SYSTEM[len(small_guests.MARK) :]
    assert [server.data[each.image_id] for each in parts(server, job)] == [marked, DATA]
    image = server.images[job.image_id]
    assert (image["__os_version"], image["hw_disk_bus"]) == (small_guests.FOUND, "virtio")
    kept = GuestReports(tables.database).get(job.image_id)
    assert kept is not None
    assert kept.content == job.entities["report"] == small_guests.PREPARED.to_arguments()
    assert job.done_bytes == job.total_bytes == len(SYSTEM) + len(DATA)
    assert ([each.is_config for each in guests.examined], guests.open) == ([True], 0)


def test_a_preparation_that_fails_leaves_none_of_its_disks(cloud, server, guests):
    guests.error = GuestHung("it said nothing")
    job = make(cloud, server, is_config=True)
    assert (job.status, job.error_code) == (JobStatus.FAIL, "IMG.0061")
    assert (server.images, server.data, guests.open) == ({}, {}, 0)


def test_a_first_disk_with_a_wrong_digest_is_not_prepared(cloud, server, guests):
    """The others are compared while they are moved."""
    packed = ova(DISKS).replace(SYSTEM[1000:1064], bytes(64), 1)
    job = make(cloud, server, packed=packed, is_config=True)
    assert job.status is JobStatus.FAIL
    assert "digest" in job.fail_reason
    assert (server.images, guests.examined) == ({}, [])


@pytest.mark.parametrize(
    ("asked", "system"),
    [
        ({}, "CentOS 7.3 64bit"),
        ({"os_version": "Debian GNU/Linux 12.0.0(64bit)"}, "Debian GNU/Linux 12.0.0(64bit)"),
        ({"os_type": "Windows"}, "Other Windows(64 bit)"),
    ],
)
def test_what_the_archive_tells(cloud, server, asked, system):
    packed = ova(DISKS, has_digests=False)
    named = packed.replace(b"Debian GNU/Linux 12 (64-bit)", b"CentOS 7.3 64bit".ljust(28))
    job = make(cloud, server, packed=named, **asked)
    assert len(parts(server, job)) == 2
    image = server.images[job.image_id]
    assert (image["__os_version"], image["hw_firmware_type"]) == (system, "uefi")


@pytest.mark.parametrize(
    ("more", "code", "said"),
    [
        ({"purpose": "Ironic"}, "IMG.0072", "bare metal"),
        ({"purpose": "DataImage", "job_type": model.IMPORT_DATA_IMAGE}, "IMG.0072", "2 disks"),
        ({"purpose": "IsoImage", "os_version": "x"}, "IMG.0072", "2 disks"),
        ({"told": ("", 'ovf:capacity="9" ovf:capacityAllocationUnits="byte * 2^40"')}, "IMG.0055",
         "Disk 1"),
        ({"told": ("", 'ovf:capacity="1"')}, "IMG.0057", "'data.raw' has 1 bytes"),
    ],
)  # fmt: skip
def test_what_is_refused(cloud, server, more, code, said):
    assert said in is_refused(server, make(cloud, server, **more), code)


def test_more_disks_than_may_be(cloud, server):
    cloud.tables.conf.set_override("most_disks", 1, group="ims_files")
    assert "2 disks, and 1 to 1" in is_refused(server, make(cloud, server), "IMG.0057")


def test_bounds_of_system_and_data_disks(cloud, server, monkeypatch):
    """In small: a system disk of more than 1024 'GiB' is none, a data disk of more is."""
    monkeypatch.setattr("ims_glance.flows.files.image.units.Gi", 1 << 10)
    large, small = pattern(0, MIB + 1024), DATA[-5120:]
    is_refused(server, make(cloud, server, {"a.raw": large, "b.raw": small}), "IMG.0055")
    turned = make(cloud, server, {"a.raw": small, "b.raw": large}, number=2)
    assert len(parts(server, turned)) == 2


@pytest.mark.parametrize(("limit", "used", "fits"), [(-1, 99, True), (4, 1, True), (4, 2, False)])
def test_no_places_for_its_disks(cloud, server, limit, used, fits):
    server.usage = {"image_count_total": {"limit": limit, "usage": used}}
    job = make(cloud, server)
    if fits:
        assert len(parts(server, job)) == 2
    else:
        assert "needs 3 images" in is_refused(server, job, "IMG.0015")


def test_no_room_for_its_bytes(cloud, server):
    """Of all disks together, before the first byte."""
    server.usage = {"image_size_total": {"limit": 5, "usage": 0}}
    is_refused(server, make(cloud, server), "IMG.0015")


def test_damage_of_the_last_disk_undoes_all(cloud, server):
    packed = ova(DISKS)
    at = packed.rindex(DATA[-100:])
    job = make(cloud, server, packed=packed[:at] + b"evil" + packed[at + 4 :])
    assert (job.status, job.error_code) == (JobStatus.FAIL, "IMG.0057")
    assert "'data.raw' has not the digest" in str(job.fail_reason)
    assert (server.images, server.data) == ({}, {})


def test_a_disk_that_is_there_is_not_sent_again(cloud, server, monkeypatch):
    """Its worker died in the midst of the second."""
    jobs = []
    connected = cloud._connected

    def noted(job):
        jobs.append(job)
        return connected(job)

    tell = DiskInFile.tell

    def told(disk, done):
        if disk._number == 1 and len(jobs) == 1:
            jobs[0].lease.end()
        tell(disk, done)

    monkeypatch.setattr(cloud, "_connected", noted)
    monkeypatch.setattr(DiskInFile, "tell", told)
    job = make(cloud, server)
    assert [server.data[each.image_id] for each in parts(server, job)] == [SYSTEM, DATA]
    assert len(jobs) == 2
    # Both disks, the second once more, and the image of no byte.
    assert len([each for each in server.requests if each.startswith("PUT")]) == 4
