# SPDX-License-Identifier: Apache-2.0
"""Checks of images and files in a small cloud: a report, and nothing else."""

import hashlib
import json

import pytest

from ims_glance.clouds.objects.base import FoundFile
from ims_glance.db.report import GuestReports
from ims_glance.guests.refusals import GuestHung
from ims_glance.jobs.context import JobContext
from ims_glance.model import job as model
from ims_glance.model.bucket import BucketFile
from ims_glance.model.image import attributes
from ims_glance.model.job import JobStatus
from tests.base import pattern
from tests.unit.clouds.objects_server import BUCKET
from tests.unit.flows import small_guests
from tests.unit.formats import files

DATA = pattern(0, 70_000)
WANTED = small_guests.REPORT.to_arguments()


@pytest.fixture(autouse=True)
def _no_naps(monkeypatch):
    monkeypatch.setattr(JobContext, "pause", lambda self, _seconds: self.check())


@pytest.fixture
def kept(tables):
    return GuestReports(tables.database)


@pytest.fixture
def make(server):
    """An image."""

    def made(data=DATA, **changes):
        return server.make(data, **{"disk_format": "raw", "container_format": "bare", **changes})

    return made


def check(cloud, **arguments):
    return cloud.run(model.CHECK_IMAGE, **arguments)


def is_checked(server, job, before):
    assert (job.status, job.fail_reason) == (JobStatus.SUCCESS, None)
    assert job.entities["report"] == WANTED
    assert (server.images, job.image_id) == (before, None)
    assert {each.partition(" ")[0] for each in server.requests} <= {"GET", "HEAD"}


def refused(job, code):
    assert (job.status, job.error_code) == (JobStatus.FAIL, code), job.fail_reason
    return job.fail_reason


def test_an_image(cloud, server, make, kept, guests):
    image_id = make()
    before = json.loads(json.dumps(server.images))
    is_checked(server, check(cloud, image_id=image_id), before)
    assert kept.get(image_id).content == WANTED
    assert [each.is_config for each in guests.examined] == [False]


def test_an_image_of_somebody_else_keeps_none(cloud, server, make, kept):
    image_id = make(owner="them", visibility="public")
    is_checked(server, check(cloud, image_id=image_id), dict(server.images))
    assert kept.get(image_id) is None


def test_an_image_that_is_no_raw_disk(cloud, server, make, guests):
    """It is what Glance says that it is, and looked at before anything else reads it."""
    image_id = make(files.made(DATA, "qcow2"), disk_format="qcow2")
    is_checked(server, check(cloud, image_id=image_id), dict(server.images))
    bad = make(b"QFI\xfb" + DATA, disk_format="qcow2")
    refused(check(cloud, image_id=bad, number=2), "IMG.0072")
    assert len(guests.examined) == 1


def test_the_system_disk_of_a_whole_machine(cloud, server, make, kept, guests):
    disks = [make(owner="demo"), make(owner="demo")]
    mapping = json.dumps([{"image_id": each} for each in disks])
    whole = make(b"", **{attributes.WHOLE_IMAGE: "true", "block_device_mapping": mapping})
    is_checked(server, check(cloud, image_id=whole), dict(server.images))
    assert kept.get(whole).content == WANTED
    del server.images[disks[0]]
    assert "hidden image" in refused(check(cloud, image_id=whole, number=2), "IMG.0027")
    assert len(guests.examined) == 1


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"data": b""}, "IMG.0057"),
        ({"virtual_env_type": "IsoImage"}, "IMG.0167"),
        ({attributes.COMPONENT_OF: "x"}, "IMG.0128"),
        ({"data": None}, "IMG.0046"),
    ],
)
def test_refusals(cloud, make, guests, changes, code):
    refused(check(cloud, image_id=make(**changes)), code)
    assert guests.examined == []


def test_what_no_system_fits_on(cloud, make, guests, monkeypatch):
    """A machine that looks into it would cost more than anybody could learn."""
    monkeypatch.setattr("ims_glance.flows.files.guest.LEAST", len(DATA) + 1)
    job = check(cloud, image_id=make())
    assert job.status is JobStatus.SUCCESS
    assert "too small" in job.entities["report"]["notes"][0]
    assert guests.examined == []


def test_no_image(cloud):
    refused(check(cloud, image_id="absent"), "IMG.0027")


def test_a_worker_that_cannot(cloud, make, guests):
    guests.is_there = False
    assert "no libguestfs" in refused(check(cloud, image_id=make()), "IMG.0105")


def test_a_look_that_fails(cloud, make, guests, kept):
    guests.error = GuestHung("it said nothing")
    image_id = make()
    refused(check(cloud, image_id=image_id), "IMG.0061")
    assert (kept.get(image_id), guests.open) == (None, 0)


def test_cancelled_at_its_end(cloud, tables, make, kept):
    """The report that was there before is there again."""
    image_id = make()
    before = {"notes": ["before"]}
    kept.keep(tables.claimed(9, project_id="demo"), image_id, before)
    usual = JobContext.keep_report

    def cancelled(self, image_id, content):
        usual(self, image_id, content)
        self.lease.cancel()

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(JobContext, "keep_report", cancelled)
        refused(check(cloud, image_id=image_id), "IMG.0018")
    assert kept.get(image_id).content == before


class TestFile:
    @pytest.fixture
    def found(self, server):
        server.objects["disk.raw"] = DATA
        return FoundFile(
            BucketFile(BUCKET, "disk.raw"), len(DATA), hashlib.md5(DATA).hexdigest()
        ).to_arguments()

    def test_a_file(self, cloud, server, found):
        job = check(cloud, file=found)
        is_checked(server, job, {})
        assert (job.entities["file_format"], job.creates_image) == ("raw", False)
        # What it is, in one range; what is on it, in two, as little of a larger one is read for that.
        told = job.entities["read_bytes"], job.entities["read_requests"]
        assert told == (2 * len(DATA), 3)

    def test_a_file_that_was_changed(self, cloud, found):
        assert "changed" in refused(check(cloud, file={**found, "etag": "other"}), "IMG.0057")
