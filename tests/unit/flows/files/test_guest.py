# SPDX-License-Identifier: Apache-2.0
"""What is said of a system, and what may not stop an import."""

import gzip

import pytest

from ims_glance import guests as real_guests
from ims_glance.db.report import GuestReports
from ims_glance.flows.files import guest
from ims_glance.guests.refusals import GuestHung, GuestRefused
from ims_glance.jobs.context import JobContext
from ims_glance.model.image import attributes
from ims_glance.model.job import JobStatus
from tests.unit.flows import small_guests
from tests.unit.flows.files import test_image as images
from tests.unit.flows.files.test_image import DATA, MIB, make
from tests.unit.formats import files
from tests.unit.formats.archives import ova

pytestmark = pytest.mark.usefixtures("disk")


@pytest.fixture
def disk(server, monkeypatch):
    server.objects["disk.raw"] = DATA
    monkeypatch.setattr(JobContext, "pause", lambda self, _seconds: self.check())


@pytest.fixture
def kept(tables):
    return GuestReports(tables.database)


def test_what_is_found_wins_over_what_is_said(cloud, server, guests, kept):
    job = make(cloud, os_version="CentOS 7.3 64bit", architecture="x86")
    image = images.is_made(server, job)
    assert image[attributes.OS_VERSION] == small_guests.FOUND
    assert (image["__platform"], image["__os_type"]) == ("Debian", "Linux")
    assert (image["os_distro"], image["hw_disk_bus"]) == ("debian", "ide")
    wanted = small_guests.REPORT.to_arguments()
    assert job.entities["report"] == kept.get(job.image_id).content == wanted
    assert job.entities["guest_step"] is None
    assert [each.is_config for each in guests.examined] == [False]
    # Nothing was read for it but what was needed.
    assert sum(length for _at, length in server.object_ranges) <= len(DATA) + 5 * MIB


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (GuestHung("it said nothing"), "it said nothing"),
        (GuestRefused("no"), "no"),
        (OSError("disk I/O"), "the log of ims-worker"),
        (ValueError(), "the log of ims-worker"),
    ],
)
def test_whatever_happens_the_image_is_made(cloud, server, guests, kept, error, said):
    guests.error = error
    job = make(cloud, os_version="CentOS 7.3 64bit")
    assert images.is_made(server, job)[attributes.OS_VERSION] == "CentOS 7.3 64bit"
    [note] = job.entities["report"]["notes"]
    assert said in note
    assert kept.get(job.image_id).content == job.entities["report"]
    assert guests.open == 0


def test_a_worker_that_cannot_look(cloud, server, guests):
    guests.is_there = False
    job = make(cloud)
    images.is_made(server, job)
    assert "no libguestfs" in job.entities["report"]["notes"][0]


def test_what_is_only_read_to_its_end_is_not_read_for_that(cloud, server, guests):
    packed = server.objects["disk.raw.gz"] = gzip.compress(DATA)
    job = make(cloud, packed, name="disk.raw.gz")
    images.is_made(server, job)
    assert "from its beginning to its end" in job.entities["report"]["notes"][0]
    assert guests.examined == []


def test_nobody_wants_to_know(cloud, server, guests, kept):
    cloud.tables.conf.set_override("recognise", False, "ims_guests")
    job = make(cloud)
    images.is_made(server, job)
    assert "report" not in job.entities
    assert (kept.get(job.image_id), guests.examined) == (None, [])


@pytest.mark.parametrize("purpose", ["DataImage", "IsoImage"])
def test_data_disks_and_isos_hold_no_system(cloud, server, guests, purpose):
    data = images.ISO if purpose == "IsoImage" else DATA
    server.objects["disk.raw"] = data
    images.is_made(server, make(cloud, data, purpose=purpose, os_version="x"), data)
    assert guests.examined == []


def test_cancelled_while_it_looks(cloud, server, guests, monkeypatch):
    """It is no failure of the look: the job ends."""
    jobs = []
    connected = cloud._connected

    def noted(job):
        jobs.append(job)
        return connected(job)

    monkeypatch.setattr(cloud, "_connected", noted)
    guests.during = lambda: jobs[0].lease.cancel()  # noqa: PLW0108 (there is none yet)
    images.is_undone(server, make(cloud), "IMG.0018")
    assert guests.open == 0


def test_prepared(cloud, server, guests, kept):
    job = make(cloud, is_config=True, os_version="CentOS 7.3 64bit")
    wanted = small_guests.MARK + DATA[len(small_guests.MARK) :]
    image = images.is_made(server, job, wanted)
    assert image[attributes.OS_VERSION] == small_guests.FOUND
    # It was given what it lacked.
    assert image["hw_disk_bus"] == "virtio"
    assert [each.is_config for each in guests.examined] == [True]
    assert kept.get(job.image_id).content == small_guests.PREPARED.to_arguments()
    assert (job.done_bytes, guests.open) == (len(DATA), 0)


def test_how_far_the_preparation_is(cloud, server, guests, monkeypatch):
    told = []
    monkeypatch.setattr(
        JobContext,
        "tell_soon",
        lambda self, **entities: told.append(entities["guest_step"]),
    )
    make(cloud, is_config=True)
    assert told == [
        {"name": "look", "number": 1, "of": 2},
        {"name": "mark", "number": 2, "of": 2},
    ]


def test_prepared_on_a_worker_that_cannot(cloud, server, guests):
    guests.is_there = False
    said = images.is_undone(server, make(cloud, is_config=True), "IMG.0105")
    assert "no libguestfs" in said
    assert not [each for each in server.requests if each.startswith(("GET /bucket", "POST"))]


def test_a_preparation_that_fails_leaves_nothing(cloud, server, guests, kept):
    guests.error = GuestHung("it said nothing")
    job = make(cloud, is_config=True)
    images.is_undone(server, job, "IMG.0061")
    assert (guests.open, kept.get(job.image_id)) == (0, None)


@pytest.mark.parametrize("number", range(2))
def test_dead_while_it_prepares(cloud, server, guests, monkeypatch, number):
    """Another worker begins with it anew, on a disk as it was; it is prepared once."""
    jobs = []
    connected = cloud._connected

    def noted(job):
        jobs.append(job)
        return connected(job)

    def die():
        if len(jobs) == 1 and number == 0:
            jobs[0].lease.end()

    def watch(request):
        if number == 1 and request.startswith("PUT"):
            jobs[0].lease.end()

    monkeypatch.setattr(cloud, "_connected", noted)
    guests.during, cloud.watch = die, watch
    job = make(cloud, is_config=True)
    assert job.status is JobStatus.SUCCESS, job.fail_reason
    assert server.data[job.image_id].startswith(small_guests.MARK + DATA[8:100])
    assert (len(guests.examined), guests.open, list(server.images)) == (2, 0, [job.image_id])


def test_an_archive_with_a_wrong_digest_is_not_prepared(cloud, server, guests):
    """What is read here and there is compared with none, so all of it is read before."""
    archive = ova({"a.raw": DATA})
    archive = archive.replace(DATA[1000:1064], bytes(64), 1)
    server.objects["disk.ova"] = archive
    job = make(cloud, archive, name="disk.ova", is_config=True)
    assert job.status is JobStatus.FAIL
    assert "digest" in job.fail_reason
    assert guests.examined == []


def test_an_archive(cloud, server):
    archive = ova({"a.raw": DATA})
    server.objects["disk.ova"] = archive
    job = make(cloud, archive, name="disk.ova", is_config=True)
    images.is_made(server, job, small_guests.MARK + DATA[len(small_guests.MARK) :])


def test_nothing_is_said_of_what_nobody_looked_at():
    assert guest.properties(None, {"os_version": "x"}) == {}
    assert guest.properties({"guest": None, "steps": [], "notes": []}, {"os_version": "x"}) == {}


class _OnRealDisks(small_guests.SmallGuests):
    """Disks are block devices of QEMU, in its sandbox; the system on them is not there."""

    def opened(self, *disk, **how):
        return real_guests.opened(*disk, **how)

    def examine(self, disk, _conf, wishes, check, tell, project_id):
        self.examined.append(wishes)
        check()
        return small_guests.PREPARED if wishes.is_config else small_guests.REPORT


@pytest.mark.parametrize("name", ["disk.qcow2", "disk.raw.gz", "disk.raw"])
def test_on_a_real_block_device(cloud, server, monkeypatch, name):
    """What was written to it is read; here nothing is. All of what cannot be read at random is poured into it."""
    monkeypatch.setattr(guest, "guests", _OnRealDisks())
    packed = {"gz": gzip.compress(DATA), "raw": DATA, "qcow2": files.made(DATA, "qcow2")}
    data = server.objects[name] = packed[name.rpartition(".")[2]]
    # QEMU's disks end with a sector.
    wanted = DATA + bytes(-len(DATA) % 512) if name.endswith("qcow2") else DATA
    images.is_made(server, make(cloud, data, name=name, is_config=True), wanted)
