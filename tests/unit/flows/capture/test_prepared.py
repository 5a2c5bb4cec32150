# SPDX-License-Identifier: Apache-2.0
"""Systems of volumes and servers are prepared, in a second image that takes the place of the first (deaths:
``test_deaths``).
"""

import pytest

from ims_glance.db.report import GuestReports
from ims_glance.flows import job_image
from ims_glance.guests.refusals import GuestHung
from ims_glance.jobs.context import JobContext
from ims_glance.model import job as model
from ims_glance.model.capture import DiskToCapture
from ims_glance.model.image import attributes
from ims_glance.model.job import JobStatus
from tests.unit.flows import small_guests
from tests.unit.flows.machine import Machine
from tests.unit.formats import files

PREPARED = small_guests.MARK + b"x" * (1000 - len(small_guests.MARK))
KEY = "6f0a2b5c-0000-4000-8000-000000000000"


@pytest.fixture(autouse=True)
def _no_naps(monkeypatch):
    monkeypatch.setattr(JobContext, "pause", lambda self, _seconds: self.check())


def of_volume(cloud, server, volume=None, **more):
    arguments = {"name": "system", "os_version": "CentOS 7.3 64bit", "is_config": True}
    volume_id = volume or server.volume()
    return cloud.run(model.VOLUME_CREATE_IMAGE, volume_id=volume_id, **arguments, **more)


def is_made(server, job):
    assert (job.status, job.fail_reason) == (JobStatus.SUCCESS, None)
    assert list(server.images) == [job.image_id]
    return server.images[job.image_id]


def is_undone(server, tables, job, code):
    assert (job.status, job.error_code) == (JobStatus.FAIL, code), job.fail_reason
    assert "could not be undone" not in job.fail_reason
    assert (server.images, server.data) == ({}, {})
    assert {each["status"] for each in server.volumes.values()} == {"available"}
    assert GuestReports(tables.database).get(job.image_id) is None
    return job.fail_reason


def test_a_volume(cloud, server, tables, guests):
    job = of_volume(cloud, server, tags=["a=b"])
    image = is_made(server, job)
    assert server.data[job.image_id] == PREPARED
    assert (image["name"], image["tags"], image["min_disk"]) == ("system", ["a=b"], 1)
    assert image[attributes.OS_VERSION] == small_guests.FOUND
    assert (image["__image_size"], image["os_hidden"]) == ("1000", False)
    assert "__root_origin" not in image
    kept = GuestReports(tables.database).get(job.image_id)
    assert kept is not None
    assert kept.content == job.entities["report"] == small_guests.PREPARED.to_arguments()
    # Twice: into Cinder's image, and into the one that is kept.
    assert job.done_bytes == job.total_bytes == 2 << 30
    assert [each.is_config for each in guests.examined] == [True]
    assert (guests.open, job.in_making) == (0, {job.image_id})


def test_what_the_image_of_cinder_says_is_said_again(cloud, server):
    """The key among it; a signature would be one of other data."""
    kept = {
        attributes.CMK_ID: KEY,
        "mine": "yes",
        "hw_disk_bus": "scsi",
        "hw_scsi_model": "virtio-scsi",
        "hw_firmware_type": "uefi",
        "img_signature": "s",
        "bdm_v2": "True",
    }
    image = is_made(server, of_volume(cloud, server, server.volume(volume_image_metadata=kept)))
    assert {name: image.get(name) for name in kept} == {
        **kept,
        "img_signature": None,
        "bdm_v2": None,
    }


def test_the_first_image_stays_hidden_from_nobody_and_is_gone_before_the_second_has_its_name(
    cloud, server
):
    asked: list[str] = []
    cloud.watch = asked.append
    job = of_volume(cloud, server)
    [first] = [each for each in asked if each.startswith("DELETE /v2/images")]
    named = [each for each in asked if each == f"PATCH /v2/images/{job.image_id}"]
    assert asked.index(first) < len(asked) - 1 - asked[::-1].index(named[-1])


@pytest.mark.parametrize("is_local", [True, False])
def test_a_server(cloud, server, tables, is_local):
    """Of its disks the system's alone, whose hidden image was the server's to see."""
    machine = Machine(server, is_local)
    wishes = [DiskToCapture(machine.disks[0], "mine"), DiskToCapture(machine.disks[1], "data")]
    arguments = machine.arguments(wishes, cmk_id=KEY, is_config=True)
    arguments["attributes"]["hw_disk_bus"] = "ide"
    job = cloud.run(model.IMAGE_OF_SERVER, **arguments)
    assert (job.status, job.fail_reason) == (JobStatus.SUCCESS, None)
    machine.check_tidy()
    ids = job.entities[model.DISK_IMAGES]
    assert machine.made == set(ids.values())
    assert server.data[ids["0"]].startswith(small_guests.MARK)
    assert not server.data[ids["1"]].startswith(small_guests.MARK)
    image = server.images[ids["0"]]
    assert (image["name"], image[attributes.CMK_ID]) == ("mine", KEY)
    # As it ran; but what stood for a disk without virtio has no use any more.
    assert (image["hw_firmware_type"], image["hw_disk_bus"]) == ("uefi", "virtio")
    assert image[attributes.OS_VERSION] == small_guests.FOUND
    assert "base_image_ref" not in image
    assert GuestReports(tables.database).get(ids["0"]) is not None
    assert GuestReports(tables.database).get(ids["1"]) is None
    assert job.done_bytes == job.total_bytes == 3 << 30


def test_a_root_disk_in_qcow2(cloud, server, monkeypatch):
    """Nova writes the format that it has on its host."""
    data = b"root" * 1024
    made = server.make

    def make(_data, **body):
        return made(files.made(data, "qcow2"), **{**body, "disk_format": "qcow2"})

    monkeypatch.setattr(server, "make", made)
    machine = Machine(server, is_local=True)
    monkeypatch.setattr(
        server,
        "make",
        lambda given=None, **body: (
            make(given, **body) if given == b"r" * 700 else made(given, **body)
        ),
    )
    arguments = machine.arguments([DiskToCapture(machine.disks[0], "mine")], is_config=True)
    job = cloud.run(model.IMAGE_OF_SERVER, **arguments)
    assert (job.status, job.fail_reason) == (JobStatus.SUCCESS, None)
    assert server.data[job.image_id] == small_guests.MARK + data[len(small_guests.MARK) :]
    assert server.images[job.image_id]["disk_format"] == "raw"


def test_a_worker_that_cannot_begins_nothing(cloud, server, tables, guests):
    guests.is_there = False
    assert "no libguestfs" in is_undone(server, tables, of_volume(cloud, server), "IMG.0105")
    machine = Machine(server, is_local=False)
    arguments = machine.arguments([DiskToCapture(machine.disks[0], "mine")], is_config=True)
    job = cloud.run(model.IMAGE_OF_SERVER, number=2, **arguments)
    assert (job.status, job.error_code) == (JobStatus.FAIL, "IMG.0105")
    assert not [each for each in server.requests if each.startswith("POST")]


def test_a_preparation_that_fails_leaves_nothing(cloud, server, tables, guests):
    guests.error = GuestHung("it said nothing")
    is_undone(server, tables, of_volume(cloud, server), "IMG.0061")
    assert guests.open == 0


def test_uploads_that_always_break_leave_nothing(cloud, server, tables, guests):
    server.failures["PUT /v2/images/[^/]+/file"] = [410] * job_image.UPLOADS
    said = is_undone(server, tables, of_volume(cloud, server), "IMG.0014")
    assert f"broke off {job_image.UPLOADS} times" in said
    assert len(guests.examined) == 1


def test_somebody_deletes_the_image_of_cinder(cloud, server, tables):
    def watch(request):
        if request == "GET /v2/info/usage":
            server.images.clear()
            server.data.clear()

    cloud.watch = watch
    is_undone(server, tables, of_volume(cloud, server), "IMG.0121")


@pytest.mark.parametrize(("limit", "code"), [(1, None), (0, "IMG.0015")])
def test_room_for_the_second_image(cloud, server, tables, limit, code):
    server.usage = {"image_size_total": {"limit": limit, "usage": 0}}
    job = of_volume(cloud, server)
    if code is None:
        is_made(server, job)
    else:
        assert "a second image is needed" in is_undone(server, tables, job, code)


@pytest.mark.parametrize("dies_at", range(4, 24, 2))
def test_another_worker_goes_on(cloud, server, dies_at):
    job = of_volume(cloud, server, dies_at=dies_at)
    is_made(server, job)
    assert server.data[job.image_id] == PREPARED


@pytest.mark.parametrize("cancels_at", range(4, 20, 3))
def test_cancelled(cloud, server, tables, cancels_at):
    job = of_volume(cloud, server, cancels_at=cancels_at)
    if job.status is JobStatus.FAIL:
        is_undone(server, tables, job, "IMG.0018")
