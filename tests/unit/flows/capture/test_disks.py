# SPDX-License-Identifier: Apache-2.0
"""Volumes that jobs make on the way. The tasks as a whole are in test_capture."""

import functools
import re

import pytest

from ims_glance.clouds.rest import ServiceUnavailable
from ims_glance.flows.capture.disks import (
    DiskTask,
    MakeVolumes,
    NotDeleted,
    NotEncrypted,
    SnapshotFailed,
    UploadVolumes,
    VolumeFailed,
    describe,
    key_of,
    try_all,
)
from ims_glance.model.capture import DiskToCapture
from tests.unit.flows import small_world
from tests.unit.flows.machine import Machine
from tests.unit.jobs import job_bench


class Anything(DiskTask):
    """A task."""

    def execute(self):
        """Nothing."""


@pytest.fixture
def machine(server):
    return Machine(server, is_local=True)


@pytest.fixture
def job(tables, server, machine, monkeypatch):
    small_world.still_time(monkeypatch)
    tables.conf.set_override("patience_seconds", 0.5, "ims_jobs")
    tables.conf.set_override("volume_seconds_per_gib", 0.0, "ims_jobs")
    arguments = machine.arguments([DiskToCapture(disk) for disk in machine.disks], cmk_id="k")
    job = job_bench.context(tables, project_id="demo", arguments=arguments)
    job.session = server.session()
    return job


def test_what_a_task_knows(job, machine):
    task = Anything(job)
    assert (task.server_id, task.total, task.disks) == (machine.id, 2, machine.disks)
    assert [disk.number for disk in task.attached] == [1]
    assert task.called(task.disks[1]) == f"ims-job-{job.id}-1"


def test_all_volumes_are_deleted_also_that_of_a_local_disk(job, server, machine):
    task = Anything(job)
    for disk in task.disks:
        server.volume(name=task.called(disk))
    task.delete_volumes()
    assert set(server.volumes) == set(machine.volumes)


def test_a_volume_that_does_not_go(job, server):
    task = Anything(job)
    server.volume(name=task.called(task.disks[1]), status="restoring-backup")
    with pytest.raises(NotDeleted, match="restoring-backup"):
        task.delete_volumes()


def test_a_snapshot_that_is_being_backed_up_is_waited_for(job, server):
    task = Anything(job)
    named = {"id": "s", "name": task.called(task.disks[1]), "status": "backing-up"}
    server.machines.snapshots["s"] = named

    def done(request):
        if request.startswith("GET /snapshots"):
            named["status"] = "available"

    server.before = done
    task.delete_snapshots()
    assert server.machines.snapshots == {}
    assert [each for each in server.requests if each.startswith("DELETE")] == [
        "DELETE /snapshots/s"
    ]


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("error", "is 'error'."),
        ("error_restoring", "is 'error_restoring'."),
        ("creating", r"is still 'creating' after \d+ seconds."),
    ],
)
def test_a_volume_that_fails(job, server, status, said):
    task = MakeVolumes(job)
    volume_id = server.volume(name=task.called(task.disks[1]), status=status)
    with pytest.raises(VolumeFailed, match=f"volume {volume_id} {said}"):
        task.await_volume(task.disks[1])


def test_a_snapshot_that_does_not_end(job, server):
    server.machines.snapshots["s"] = {"id": "s", "status": "creating"}
    task = Anything(job)
    with pytest.raises(SnapshotFailed, match=r"snapshot s is still 'creating' after \d+ seconds"):
        task.await_snapshot(task.disks[1], "s")


def test_a_volume_that_somebody_deleted(job):
    task = MakeVolumes(job)
    with pytest.raises(VolumeFailed, match="deleted"):
        task.await_volume(task.disks[1])


def test_a_snapshot_that_somebody_deleted(job):
    with pytest.raises(SnapshotFailed, match="deleted"):
        MakeVolumes(job).execute({"root_image": None})


def test_a_volume_that_somebody_deleted_before_its_upload(job):
    with pytest.raises(VolumeFailed, match="deleted"):
        UploadVolumes(job).execute({"root_image": "i"})


@pytest.mark.parametrize("is_known", [True, False])
def test_the_snapshot_and_the_volume_of_the_instant_are_taken(job, server, is_known):
    """Cinder lists the newest first: what it was asked for when its answer got lost, and did later.

    An earlier version recorded no ids: its jobs go on by the names.
    """
    task = MakeVolumes(job)
    [disk] = task.attached
    snapshot_id = task.volumes.create_snapshot(str(disk.volume_id), task.called(disk))
    instant = {"root_image": "i", "snapshots": {"1": snapshot_id}}
    if is_known:
        late = {**server.machines.snapshots[snapshot_id], "id": "late"}
        server.machines.snapshots = {"late": late, **server.machines.snapshots}
    made = task.execute(instant if is_known else {"root_image": "i"})
    assert server.volumes[made["1"]]["snapshot_id"] == snapshot_id
    # A worker that dies before that is recorded finds it again.
    assert task.execute(instant) == made
    assert server.volumes[made["1"]]["volume_image_metadata"] == {"__system__cmkid": "k"}
    if is_known:
        unset = {"id": "late", "name": task.called(disk), "status": "available"}
        server.volumes = {"late": unset, **server.volumes}
    upload = UploadVolumes(job)
    [_root, image_id] = upload.execute(instant, made if is_known else None)
    assert server.images[image_id]["__system__cmkid"] == "k"


def test_what_was_made_and_is_gone(job):
    task = MakeVolumes(job)
    with pytest.raises(SnapshotFailed, match="somebody deleted it"):
        task.execute({"snapshots": {"1": "gone"}})
    with pytest.raises(VolumeFailed, match="somebody deleted it"):
        task.volume(task.disks[1], {"1": "gone"})


def test_what_cinder_makes_for_good_is_no_task_of_its_owner(job, server):
    """Cinder deletes nothing that is 'creating', and only an administrator changes that."""
    task = Anything(job)
    server.volume(name=task.called(task.disks[1]), status="creating")
    [volume_id] = [each for each in server.volumes if "name" in server.volumes[each]]
    with pytest.raises(NotDeleted) as refused:
        task.delete_volumes()
    assert re.fullmatch(
        rf"Cinder did not delete volume {volume_id} \('creating'\) in \d+ seconds. If Cinder does not "
        rf"work on it any more, an operator has to run 'openstack volume set --state error "
        rf"{volume_id}', and then 'openstack volume delete {volume_id}'.",
        str(refused.value),
    )


def test_all_that_is_left_is_named(job, server):
    task = Anything(job)
    ids = [server.volume(name=task.called(disk), status="deleting") for disk in task.disks]
    with pytest.raises(NotDeleted) as refused:
        task.delete_volumes()
    assert (
        f"set --state error ID' for each of them, and then 'openstack volume delete {' '.join(ids)}'"
        in str(refused.value)
    )


def test_what_cinder_refuses_to_delete_is_its_owners_task(job, server):
    task = Anything(job)
    snapshot_id = "s"
    server.machines.snapshots["s"] = {
        "id": "s",
        "name": task.called(task.disks[1]),
        "status": "available",
    }
    server.volume(snapshot_id=snapshot_id)
    with pytest.raises(NotDeleted, match=r"volumes of it\. Delete it yourself.*snapshot delete s'"):
        task.delete_snapshots()


def test_an_image_that_is_not_deleted_keeps_no_other(job, server, machine, tables):
    """Nor does the volume of a root disk; of a disk there may be several, if answers got lost."""
    task = UploadVolumes(job)
    names = [task.called(task.disks[number]) for number in (0, 1, 1)]
    ids = [server.make(b"x", name=name, os_hidden=True) for name in names]
    described = server.make(b"x", name="mine")
    server.failures[f"DELETE /v2/images/{ids[1]}"] = [409]
    task.revert(result=[ids[0], described])
    assert set(server.images) == {*machine.sources, ids[1]}
    assert "as the test wants it" in tables.jobs.get(job.id).fail_reason


@pytest.mark.parametrize("away", [0, 1, 2])
def test_steps_are_taken_again_if_a_neighbour_is_away(away):
    taken = []

    def step(number):
        taken.append(number)
        if number == away:
            raise ServiceUnavailable(service="Image", reason="503")
        if number != 3:
            raise NotDeleted(number=number)

    with pytest.raises(ServiceUnavailable):
        try_all([functools.partial(step, number) for number in range(4)])
    assert taken == [0, 1, 2, 3]


def test_the_key_and_the_attributes(job, server):
    assert key_of(job) == {"__system__cmkid": "k"}
    image_id = server.make(b"x", base_image_ref="y", name="n", __system__cmkid="k")
    describe(job, server.images[image_id], {"name": "m"})
    assert server.images[image_id]["name"] == "m"
    assert "base_image_ref" not in server.images[image_id]


@pytest.mark.parametrize("said", [{}, {"__system__cmkid": "another"}])
def test_an_image_without_the_key_that_is_wished(job, server, said):
    image_id = server.make(b"x", name="n", **said)
    with pytest.raises(NotEncrypted, match=f"{image_id} did not come encrypted with key k"):
        describe(job, server.images[image_id], {"name": "m"})
    assert server.images[image_id]["name"] == "n"
