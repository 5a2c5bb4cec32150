# SPDX-License-Identifier: Apache-2.0
"""Backups that are kept with an image of a server. Backups alone are in test_server_backup."""

import pytest

from ims_glance.flows.capture.backup import BackupFailed, MakeBackups, NameBackups
from ims_glance.flows.capture.upload import Upload
from ims_glance.jobs.context import JobContext
from ims_glance.model import backup
from ims_glance.model import job as model
from ims_glance.model.capture import DiskToCapture
from ims_glance.model.image import attributes, whole_image
from ims_glance.model.job import JobStatus
from tests.unit.clouds import cloud_server
from tests.unit.clouds.backups_server import PROVER
from tests.unit.flows import small_world
from tests.unit.flows.machine import Machine
from tests.unit.jobs import job_bench

IMAGE = "55555555-0000-4000-8000-555555555555"


@pytest.fixture(autouse=True)
def _no_naps(monkeypatch):
    monkeypatch.setattr(JobContext, "pause", lambda self, _seconds: self.check())


@pytest.fixture(params=[True, False], ids=["local", "on volumes"])
def machine(request, server):
    return Machine(server, request.param)


def kept(cloud, machine, dies_at=0, cancels_at=0):
    wishes = [DiskToCapture(disk) for disk in machine.disks]
    more = {"stands_still": True, "with_backup": True, "server_name": "web"}
    arguments = machine.arguments(wishes, **more)
    return cloud.run(model.WHOLE_OF_SERVER, dies_at, cancels_at, **arguments)


@pytest.mark.parametrize("dies_at", [0, 14, 19, 24, 29, 50])
def test_a_backup_is_kept_with_the_image(cloud, server, machine, dies_at):
    job = kept(cloud, machine, dies_at)
    assert (job.status, job.fail_reason) == (JobStatus.SUCCESS, None)
    machine.check_tidy()
    [found] = backup.gathered(server.backups.values(), PROVER.holds)
    image = server.images[job.image_id]
    assert image[attributes.BACKUP_ID] == found.id == job.backup_id
    assert found.plan.name == f"backup_for_image_{job.image_id}"
    assert found.is_whole
    assert machine.made == {
        job.image_id,
        *(each.image_id for each in whole_image.components(image)),
    }


def _slow(monkeypatch, kind, name, at_first):
    """Have the first look at Cinder find it at work."""
    answers = [at_first]
    later = getattr(kind, name)

    def look(self, value):
        return answers.pop()(self) if answers else later(self, value)

    monkeypatch.setattr(kind, name, look)


@pytest.mark.parametrize("type_", [model.WHOLE_OF_SERVER, model.SERVER_BACKUP])
def test_what_is_done_is_not_undone_on_the_screen(cloud, machine, monkeypatch, type_):
    """The data moves to the backups, then to the images: that is told as one way."""
    told = []
    progress = JobContext.progress

    def watched(self, done, total):
        told.append((done, total))
        progress(self, done, total)

    monkeypatch.setattr(JobContext, "progress", watched)
    _slow(monkeypatch, MakeBackups, "_due", MakeBackups._parts)
    _slow(monkeypatch, Upload, "is_done", lambda *_: False)
    with_backup = {"with_backup": True} if type_ == model.WHOLE_OF_SERVER else {}
    wishes = [DiskToCapture(disk) for disk in machine.disks]
    arguments = machine.arguments(wishes, server_name="web", stands_still=True, **with_backup)
    job = cloud.run(type_, **arguments)
    assert job.status is JobStatus.SUCCESS, job.fail_reason
    assert told == sorted(told)
    assert len({total for _done, total in told}) == 1
    assert job.done_bytes == job.total_bytes > 0


@pytest.mark.parametrize("cancels_at", [13, 18, 26, 34, 42])
def test_cancelled(cloud, server, machine, cancels_at):
    job = kept(cloud, machine, cancels_at=cancels_at)
    if job.status is JobStatus.FAIL:
        assert "could not be undone" not in job.fail_reason
        assert (machine.made, server.backups) == (set(), {})
        machine.check_tidy()


@pytest.mark.parametrize("cancels_at", [30, 32, 40])
def test_cancelled_while_the_root_volume_is_a_clone_of_its_image(
    cloud, server, monkeypatch, cancels_at
):
    """As in one cluster of Ceph: Glance deletes no image that volumes are clones of."""
    machine = Machine(server, is_local=True)
    delete = cloud_server.Handler._delete

    def delete_unless_used(self, image_id):
        if any(each.get("imageRef") == image_id for each in self.server.volumes.values()):
            self._refuse(409, "The image cannot be deleted because it is in use.")
        else:
            delete(self, image_id)

    monkeypatch.setattr(cloud_server.Handler, "_delete", delete_unless_used)
    job = kept(cloud, machine, cancels_at=cancels_at)
    if job.status is JobStatus.FAIL:
        assert "could not be undone" not in job.fail_reason
        assert (machine.made, server.backups) == (set(), {})
        machine.check_tidy()


@pytest.fixture
def job(tables, server, monkeypatch):
    small_world.still_time(monkeypatch)
    machine = Machine(server, is_local=False)
    tables.conf.set_override("patience_seconds", 0.5, "ims_jobs")
    tables.conf.set_override("volume_seconds_per_gib", 0.0, "ims_jobs")
    job = job_bench.context(
        tables,
        type=model.WHOLE_OF_SERVER,
        project_id="demo",
        arguments=machine.arguments(
            [DiskToCapture(disk) for disk in machine.disks], with_backup=True
        ),
        image_id=IMAGE,
        creates_image=True,
    )
    job.session = server.session()
    for disk in machine.disks:
        name = f"ims-job-{job.id}-{disk.number}"
        snapshot = {"id": name, "name": name, "volume_id": disk.volume_id, "status": "available"}
        server.machines.snapshots[name] = snapshot
    return job


INSTANT = {"capture": "paused", "standstill": 5, "root_image": None}


def test_an_image_that_got_another_id(job, server):
    MakeBackups(job).execute(INSTANT)
    NameBackups(job).execute()
    assert not [each for each in server.requests if each.startswith("PUT")]
    image_id = job.new_image_id()
    NameBackups(job).execute()
    assert {each["name"] for each in server.backups.values()} == {f"backup_for_image_{image_id}"}


def test_cinder_says_why(job, server):
    MakeBackups(job).execute(INSTANT)
    next(iter(server.backups.values())).update(status="error", fail_reason="tape is full")
    with pytest.raises(BackupFailed, match="tape is full"):
        MakeBackups(job).execute(INSTANT)


def test_a_backup_that_somebody_deleted_is_made_again(job, server):
    MakeBackups(job).execute(INSTANT)
    server.backups.popitem()
    MakeBackups(job).execute(INSTANT)
    assert len(server.backups) == 2


def test_a_backup_that_was_begun_twice_is_kept_once(job, server):
    """Cinder's answer was lost."""
    MakeBackups(job).execute(INSTANT)
    first = next(iter(server.backups.values()))
    server.backups["again"] = {**first, "id": "again"}
    MakeBackups(job).execute(INSTANT)
    [found] = backup.gathered(server.backups.values(), PROVER.holds)
    assert found.status is backup.Status.AVAILABLE


def test_one_that_was_begun_twice_and_does_not_go(job, server):
    """Nothing waits for it for good."""
    MakeBackups(job).execute(INSTANT)
    first = next(iter(server.backups.values()))
    server.backups["again"] = {**first, "id": "zz", "status": "error_deleting"}
    with pytest.raises(BackupFailed, match="error_deleting"):
        MakeBackups(job).execute(INSTANT)


def test_cinder_takes_too_long(job, server):
    server.backup_status = "creating"
    with pytest.raises(BackupFailed, match="creating"):
        MakeBackups(job).execute(INSTANT)
