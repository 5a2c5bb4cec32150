# SPDX-License-Identifier: Apache-2.0
"""The end of a job that makes a whole-machine image. Whole jobs are in test_capture."""

import pytest

from ims_glance.flows.capture.whole_image import DescribeDisks, MakeWholeImage
from ims_glance.jobs.context import JobContext
from ims_glance.model import job as model
from ims_glance.model.capture import DiskToCapture
from ims_glance.model.image import attributes, whole_image
from tests.unit.flows.machine import Machine
from tests.unit.jobs import job_bench

IMAGE = "55555555-0000-4000-8000-555555555555"


@pytest.fixture
def make(tables, server, monkeypatch):
    monkeypatch.setattr(JobContext, "pause", lambda self, _seconds: self.check())
    machine = Machine(server, is_local=False)

    def make(**more):
        wishes = [DiskToCapture(disk) for disk in machine.disks]
        job = job_bench.context(
            tables,
            type=model.WHOLE_OF_SERVER,
            project_id="demo",
            arguments=machine.arguments(wishes, **more),
            image_id=IMAGE,
            creates_image=True,
        )
        job.session = server.session()
        return job

    return make


def finished(job, server, **properties):
    disks = [server.make(b"x" * 10, **properties) for _ in range(2)]
    sizes = DescribeDisks(job).execute(disks)
    instant = {"capture": "paused", "standstill": 5, "root_image": None}
    MakeWholeImage(job).execute(instant, disks, sizes)
    return disks


def test_the_image_and_its_disks(make, server):
    disks = finished(make(), server)
    image = server.images[IMAGE]
    assert [each.image_id for each in whole_image.components(image)] == disks
    assert (image["status"], image["__image_size"], image[attributes.STANDSTILL]) == (
        "active",
        "20",
        "5",
    )
    assert attributes.BACKUP_ID not in image
    for disk in disks:
        view = server.images[disk]
        assert (view["protected"], view[attributes.COMPONENT_OF]) == (True, IMAGE)


def test_a_kept_backup_and_a_key(make, server):
    job = make(with_backup=True)
    finished(job, server, **{attributes.CMK_ID: "k"})
    image = server.images[IMAGE]
    assert image[attributes.BACKUP_ID] == job.job.backup_id
    assert image[attributes.CMK_ID] == "k"


def test_what_of_the_marketplace_is_on_its_disks(make, server):
    finished(make(), server, __productcode="code")
    assert server.images[IMAGE]["__productcode"] == "code"


def test_it_is_undone(make, server):
    job = make()
    finished(job, server)
    MakeWholeImage(job).revert()
    assert IMAGE not in server.images
