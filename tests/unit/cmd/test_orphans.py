# SPDX-License-Identifier: Apache-2.0
"""Which hidden images of disks, and objects of jobs, belong to nothing, and which are left alone."""

import dataclasses
import datetime
import os
import time
import uuid

import pytest
import sqlalchemy as sa
from glance_store import exceptions as store_exceptions
from oslo_utils import timeutils

from ims_glance.clouds.image import HiddenImage, ImageInUse
from ims_glance.cmd import orphans
from ims_glance.db.orphan import MOST, OrphanLooks
from ims_glance.db.schema import JOBS
from ims_glance.model import job as model
from ims_glance.model.job import JobStatus
from ims_glance.store import sealed
from ims_glance.store.inner.base import NAME_PREFIX
from ims_glance.store.objects import EncryptedObjects
from tests.unit.store import stores

DAY = datetime.timedelta(days=1)
GONE = "99999999-0000-4000-8000-000000000000"
ONE = f"{1:032x}"


class Images:
    """Hidden images, in memory."""

    def __init__(self):
        self.all = {}
        self.others = set()
        self.in_use = set()

    def add(self, name="disk", days=3, component_of=None, owner="project"):
        """A hidden image that was made, and changed last, so many days ago."""
        moment = timeutils.utcnow() - days * DAY
        image = HiddenImage(str(uuid.uuid4()), owner, name, moment, moment, component_of)
        self.all[image.id] = image
        return image

    def exists(self, image_id):
        return image_id in self.all or image_id in self.others

    def hidden(self, image_id=None):
        yield from [each for each in self.all.values() if image_id in (None, each.id)]

    def delete(self, image_id):
        if image_id in self.in_use:
            raise ImageInUse(image_id=image_id)
        del self.all[image_id]


@pytest.fixture
def images(monkeypatch):
    made = Images()
    monkeypatch.setattr(orphans, "ImageRecords", lambda: made)
    monkeypatch.setattr(orphans, "_open_stores", lambda _conf: None)
    return made


@pytest.fixture
def run(tables, images, capsys):
    """Look for disks; the lines that are printed."""

    def run(deletes=False, days=1):
        findings = orphans.Findings(24 * days, deletes)
        orphans.disks(tables.conf, findings)
        lines = capsys.readouterr().out.splitlines()
        assert len(lines) == findings.count
        return lines

    return run


def ended(tables, status=JobStatus.FAIL, days=2, number=1, **values):
    """A job that ended so many days ago."""
    job = tables.claimed(number, type=model.WHOLE_OF_SERVER, **values)
    tables.jobs.finish(job, status)
    end = timeutils.utcnow() - days * DAY
    change = sa.update(JOBS).where(JOBS.c.id == job.id).values(end_time=end)
    tables.database.write(lambda connection: connection.execute(change))
    return job


def test_disks_of_a_machine_whose_deletion_was_interrupted(images, run):
    one, two = (images.add(component_of=GONE) for _ in range(2))
    whole = images.add()
    kept = images.add(component_of=whole.id)
    lines = run()
    assert [line.split()[1] for line in lines] == [f"{one.id}:", f"{two.id}:"]
    assert f"belongs to nothing: a disk of whole-machine image {GONE}, which is gone" in lines[0]
    assert len(images.all) == 4
    assert [line.split()[2] for line in run(deletes=True)] == ["deleted"] * 2
    assert set(images.all) == {whole.id, kept.id}
    assert run(deletes=True) == []


def test_an_image_that_is_its_own_or_may_come_back_keeps_its_disks(images, run):
    images.add(component_of=GONE)
    images.others.add(GONE)
    assert run(deletes=True) == []


def test_what_has_changed_lately_is_left_alone(images, run):
    images.add(component_of=GONE, days=0.5)
    assert run(deletes=True) == []
    assert len(run(deletes=True, days=0)) == 1


@pytest.mark.parametrize("job_type", [model.WHOLE_OF_SERVER, model.COPY_IN_REGION, "of a plugin"])
def test_a_project_whose_job_goes_on_keeps_its_disks(tables, images, run, job_type):
    """The job makes its image anew, say, and the disks name the one that it has just deleted."""
    images.add(component_of=GONE)
    images.add(model.disk_name(ONE, 0))
    other = images.add(component_of=GONE, owner="other")
    job = tables.create(type=job_type)
    assert [line.split()[1] for line in run(deletes=True)] == [f"{other.id}:"]
    assert len(images.all) == 2
    tables.jobs.finish(tables.jobs.claim(job.id, "worker", 60), JobStatus.SUCCESS)
    assert len(run(deletes=True)) == 1


def test_jobs_about_members_are_in_nobodys_way(tables, images, run):
    images.add(component_of=GONE)
    tables.create(type=model.ADD_MEMBERS)
    assert len(run(deletes=True)) == 1


@pytest.mark.parametrize("is_named", [True, False])
def test_disks_of_a_job_that_could_not_be_undone(tables, images, run, is_named):
    """It has recorded their ids, or they have the names that only it gives."""
    image = images.add(model.disk_name(ONE, 2) if is_named else "w disk 2")
    ended(tables, entities={} if is_named else {model.IN_MAKING: {"2": image.id}})
    (line,) = run()
    assert f"made for job {ONE}, which failed and could not delete it" in line
    run(deletes=True)
    assert images.all == {}


def test_a_name_alone_is_no_proof(tables, images, run):
    images.add(model.disk_name(ONE, 0), days=1.5)  # made after its job had ended
    images.add(model.disk_name("f" * 32, 0))  # of a job that is unknown
    images.add(model.disk_name(ONE, 0), owner="other")  # of another project's job
    images.add(f"my {model.disk_name(ONE, 0)}")
    images.add(model.disk_name(f"{2:032x}", 0))  # of a job that succeeded
    ended(tables)
    kept = images.add("disk")
    ended(tables, JobStatus.SUCCESS, number=2, entities={model.IN_MAKING: {"0": kept.id}})
    assert run(deletes=True) == []
    assert len(images.all) == 6


def test_what_its_owner_has_changed_since_the_job_ended_is_theirs(tables, images, run):
    """The job could not delete it, and they took it into use, and hid it later."""
    image = images.add("my disk", days=1.5)
    named = images.add(model.disk_name(ONE, 1))
    images.all[named.id] = dataclasses.replace(
        named, updated_at=named.updated_at + datetime.timedelta(days=1.5)
    )
    ended(tables, entities={model.IN_MAKING: {"0": image.id, "1": named.id}})
    assert run(deletes=True) == []
    assert len(images.all) == 2


def test_without_the_database_of_jobs_nothing_is_deleted(tables, images, run):
    images.add(component_of=GONE)
    images.add(model.disk_name(ONE, 0))
    ended(tables)
    tables.conf.set_override("connection", None, "ims_database")
    assert len(run()) == 1
    (line,) = run(deletes=True)
    assert "left alone: [ims_database] is not set on this host" in line
    assert len(images.all) == 2


def test_what_changes_between_looking_and_deleting_is_left_alone(tables, images, run, monkeypatch):
    """Nobody is quicker than the last look."""
    taken, begun = images.add(component_of=GONE), images.add(component_of=GONE, owner="other")
    real = orphans.DiskSearch.run

    def slow(search):
        found = list(real(search))
        images.all[taken.id] = images.add(component_of=GONE)
        tables.create(type=model.WHOLE_OF_SERVER, project_id="other")
        return found

    monkeypatch.setattr(orphans.DiskSearch, "run", slow)
    first, second = run(deletes=True)
    assert "left alone: it has changed" in first
    assert f"left alone: job {ONE} of its project goes on" in second
    assert {taken.id, begun.id} < set(images.all)


def test_what_its_store_keeps_stays(images, run):
    image = images.add(component_of=GONE)
    images.in_use.add(image.id)
    (line,) = run(deletes=True)
    assert "is in use in its store, by a volume" in line
    assert image.id in images.all


# --- what comes from other regions -------------------------------------------------------------


@pytest.fixture
def inner(tmp_path):
    """Where jobs leave it."""
    return stores.file_inner(tmp_path / "inner")


@pytest.fixture
def spooled(inner, tmp_path):
    """Something of a job, written so many days ago."""

    def spool(days=2, end="0-1"):
        name = f"{sealed.PREFIX}{ONE}-{end}"
        path = tmp_path / "inner" / name
        path.write_bytes(b"sealed")
        written = time.time() - days * 86400
        os.utime(path, (written, written))
        return name

    return spool


@pytest.fixture
def run_spools(tables, inner, capsys):
    """Look for it; the lines that are printed."""

    def run(deletes=False, days=1):
        findings = orphans.Findings(24 * days, deletes)
        orphans.spools(tables.conf, "kms", inner, findings)
        lines = capsys.readouterr().out.splitlines()
        assert len(lines) == findings.count
        return lines

    return run


def names(inner):
    return sorted(each.name for each in inner.objects())


@pytest.mark.parametrize("status", JobStatus)
def test_of_a_job_that_goes_on_nothing_is_left_behind(tables, inner, spooled, run_spools, status):
    name, half = spooled(), spooled(end="0-2.0123abcd")
    if status is JobStatus.INIT:
        tables.create()
    elif status is JobStatus.RUNNING:
        tables.claimed()
    else:
        ended(tables, status)
    goes_on = status in (JobStatus.INIT, JobStatus.RUNNING)
    lines = run_spools()
    assert len(lines) == (0 if goes_on else 2)
    assert all(f"left behind: job {ONE} has ended" in line for line in lines)
    assert names(inner) == [name, half]
    run_spools(deletes=True)
    assert names(inner) == ([name, half] if goes_on else [])


def test_of_a_job_that_nobody_knows(spooled, run_spools):
    spooled()
    (line,) = run_spools(deletes=True)
    assert line.startswith(f"kms: {sealed.PREFIX}{ONE}-0-1: deleted (written ")


def test_while_a_job_that_nobody_knows_writes_all_of_it_stays(inner, spooled, run_spools):
    """Two regions share a store, say, and each knows its own jobs."""
    spooled(days=9)
    spooled(days=0.1, end="0-2")
    assert run_spools(deletes=True) == []
    assert len(names(inner)) == 2


def test_without_the_database_of_jobs_nothing_that_was_received_is_deleted(
    tables, inner, spooled, run_spools
):
    spooled()
    tables.conf.set_override("connection", None, "ims_database")
    (line,) = run_spools()
    assert f"of job {ONE}, if that has ended" in line
    (line,) = run_spools(deletes=True)
    assert "left alone: [ims_database] is not set on this host" in line
    assert len(names(inner)) == 1


def test_objects_of_images_are_no_spools(run_spools, tmp_path):
    (tmp_path / "inner" / f"ims-{'0' * 32}").write_bytes(b"body")
    assert run_spools(days=-1) == []


# --- what a store keeps --------------------------------------------------------------------------


def test_what_a_store_keeps_is_in_nobody_elses_way(
    images, inner, spooled, run_spools, monkeypatch, capsys
):
    """In Ceph that is what a process wrote that has just died."""
    images.all_locations = lambda _scheme: []
    kept = [spooled(end="0-1"), f"{NAME_PREFIX}{1:032x}"]
    others = [spooled(end="0-2"), f"{NAME_PREFIX}{2:032x}"]
    for name in (kept[1], others[1]):
        inner.put(name, [b"body"], 4)
    delete = inner.delete

    def in_use(name):
        if name in kept:
            raise store_exceptions.InUseByStore
        delete(name)

    monkeypatch.setattr(inner, "delete", in_use)
    lines = run_spools(deletes=True)
    findings = orphans.Findings(0, deletes=True)
    orphans.objects("kms", EncryptedObjects(inner, str.encode, str.encode), findings)
    assert findings.count == 2
    said = dict(line.split(": ")[1:3] for line in [*lines, *capsys.readouterr().out.splitlines()])
    assert said.keys() == {*kept, *others}
    assert {name for name, done in said.items() if done.startswith("left alone")} == set(kept)
    assert names(inner) == sorted(kept)


def test_what_is_written_while_the_others_are_deleted_is_left_alone(
    images, inner, monkeypatch, capsys
):
    """Its upload was so slow that its body looked like an orphan."""
    body = f"{NAME_PREFIX}{1:032x}"
    inner.put(body, [b"body"], 4)

    def locations(_scheme):
        inner.put(f"{body}.header-a", [b"header"], 6)
        return []

    images.all_locations = locations
    findings = orphans.Findings(0, deletes=True)
    orphans.objects("kms", EncryptedObjects(inner, str.encode, str.encode), findings)
    assert "left alone: somebody has written to it since" in capsys.readouterr().out
    assert names(inner) == [body, f"{body}.header-a"]


# --- what is recorded ----------------------------------------------------------------------------


@pytest.fixture
def looks(tables):
    return OrphanLooks(tables.database)


def in_use():
    return "left alone: its store says that somebody still works with it"


def settled(findings, *names, delete=lambda: "deleted", **values):
    written = datetime.datetime(2026, 11, 24, 1, 2, 3, tzinfo=datetime.UTC)
    return findings.settle("kms", names, written, "belongs to no image", delete, **values)


def test_what_a_look_finds_is_recorded(tables, looks):
    before = time.time()
    findings = orphans.Findings(36, deletes=False)
    assert settled(findings, "a", "b") == "belongs to no image"
    settled(findings, "c", project_id="p")
    orphans.record(tables.conf, findings)
    last = looks.last("RegionOne")
    assert before <= last.began <= time.time()
    assert (last.min_age, last.count) == (36.0, 2)
    first, second = last.orphans
    assert (first.place, first.names, first.reason) == ("kms", ("a", "b"), "belongs to no image")
    assert datetime.datetime.fromtimestamp(first.written, datetime.UTC).hour == 1
    assert second.reason == "belongs to no image (project p)"


def test_what_is_deleted_is_not_recorded_and_what_stays_has_its_reason(tables, looks):
    findings = orphans.Findings(0, deletes=True)
    assert settled(findings, "gone") == "deleted"
    assert settled(findings, "kept", delete=in_use) == in_use()
    orphans.record(tables.conf, findings)
    last = looks.last("RegionOne")
    assert (findings.count, last.count) == (2, 1)
    (kept,) = last.orphans
    assert (kept.names, kept.reason) == (("kept",), f"belongs to no image; {in_use()}")


def test_a_later_look_replaces_that_of_its_region_alone(tables, looks):
    orphans.record(tables.conf, orphans.Findings(1, deletes=False))
    tables.conf.set_override("region_name", "RegionTwo", "ims_service")
    orphans.record(tables.conf, orphans.Findings(2, deletes=False))
    orphans.record(tables.conf, orphans.Findings(3, deletes=False))
    assert (looks.last("RegionOne").min_age, looks.last("RegionTwo").min_age) == (1, 3)


def test_more_than_are_kept_fill_no_memory():
    findings = orphans.Findings(0, deletes=False)
    for number in range(MOST + 5):
        settled(findings, str(number))
    look = findings.look()
    assert (findings.count, look.count, len(look.orphans)) == (MOST + 5, MOST + 5, MOST)


def test_without_the_database_nothing_is_recorded_and_nothing_said(tables, looks, capsys):
    url = tables.conf.ims_database.connection
    tables.conf.set_override("connection", None, "ims_database")
    orphans.record(tables.conf, orphans.Findings(0, deletes=False))
    assert capsys.readouterr() == ("", "")
    tables.conf.set_override("connection", url, "ims_database")
    assert looks.last("RegionOne") is None


def test_a_database_without_the_tables_is_told(tables, capsys):
    with tables.database.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE orphans")
    orphans.record(tables.conf, orphans.Findings(0, deletes=False))
    out, err = capsys.readouterr()
    assert out == ""
    assert "could not be recorded" in err
    assert "run 'ims-manage db sync'" in err
