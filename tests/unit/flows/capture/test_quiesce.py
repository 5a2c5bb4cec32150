# SPDX-License-Identifier: Apache-2.0
"""Captures through the guest agent in a small cloud, by workers that die between requests."""

import pytest

from ims_glance.jobs.context import JobContext
from ims_glance.model import backup
from ims_glance.model import job as model
from ims_glance.model.capture import DiskToCapture
from ims_glance.model.image import attributes, whole_image
from ims_glance.model.job import JobStatus
from tests.unit.clouds.backups_server import PROVER
from tests.unit.flows.machine import Machine

REQUIRED = {"hw_qemu_guest_agent": "yes", "os_require_quiesce": "yes"}


@pytest.fixture(autouse=True)
def _no_naps(monkeypatch):
    monkeypatch.setattr(JobContext, "pause", lambda self, _seconds: self.check())


@pytest.fixture
def machine(server):
    machine = Machine(server, is_local=False)
    server.machines.properties[machine.id] = REQUIRED
    return machine


def captured(cloud, machine, dies_at=0, cancels_at=0, **more):
    wishes = [DiskToCapture(disk) for disk in machine.disks]
    told = {"stands_still": True, "quiesces": True, **more}
    arguments = machine.arguments(wishes, **told)
    job = cloud.run(model.WHOLE_OF_SERVER, dies_at, cancels_at, **arguments)
    machine.check_tidy()
    return job


def capture_of(server, job):
    assert (job.status, job.fail_reason) == (JobStatus.SUCCESS, None)
    return server.images[job.image_id][attributes.CAPTURE]


def only_images_of(server, machine, job):
    """Check that there is the job's image with those of its disks, and no other."""
    parts = whole_image.components(server.images[job.image_id])
    assert machine.made == {job.image_id, *(each.image_id for each in parts)}
    assert [server.images[each.image_id]["size"] for each in parts] == [1000, 1000]


def is_undone(machine, job, code):
    assert (job.status, job.error_code) == (JobStatus.FAIL, code), job.fail_reason
    assert "could not be undone" not in job.fail_reason
    assert machine.made == set()


def test_the_agent_holds_the_disks_still(cloud, server, machine):
    job = captured(cloud, machine)
    assert capture_of(server, job) == "quiesced"
    assert server.machines.taken == ["FROZEN", "FROZEN"]
    image = server.images[job.image_id]
    assert int(image[attributes.STANDSTILL]) == job.entities["standstill_ms"] >= 500
    assert model.QUIESCE_REFUSED not in job.entities
    only_images_of(server, machine, job)
    # It was never paused.
    assert server.requests.count(f"POST /servers/{machine.id}/action") == 1


@pytest.mark.parametrize("dies_at", [*range(5, 20, 2), 27, 41])
def test_a_worker_dies(cloud, server, machine, dies_at):
    job = captured(cloud, machine, dies_at)
    assert capture_of(server, job) == "quiesced"
    assert set(server.machines.taken) == {"FROZEN"}
    only_images_of(server, machine, job)


@pytest.mark.parametrize("cancels_at", [6, 8, 10, 12, 14, 16, 30])
def test_cancelled(cloud, server, machine, cancels_at):
    job = captured(cloud, machine, cancels_at=cancels_at)
    if job.status is JobStatus.FAIL:
        is_undone(machine, job, "IMG.0018")


@pytest.mark.parametrize("status", [400, 403, 409, 500, 503])
def test_nova_refuses(cloud, server, machine, status):
    server.failures["POST /servers/.*/action"] = [status]
    job = captured(cloud, machine)
    assert capture_of(server, job) == "paused"
    assert "as the test wants it" in job.entities[model.QUIESCE_REFUSED]
    assert set(server.machines.taken) == {"PAUSED"}


@pytest.mark.parametrize("dies_at", [0, 6, 8, 10, 14, 20])
def test_no_agent_answers(cloud, server, machine, dies_at):
    server.machines.has_agent = False
    job = captured(cloud, machine, dies_at)
    assert capture_of(server, job) == "paused"
    assert set(server.machines.taken) == {"PAUSED"}
    assert "agent unresponsive" in model.view(job)["entities"][model.QUIESCE_REFUSED]
    only_images_of(server, machine, job)


def test_nova_does_its_work_and_the_answer_is_lost(cloud, server, machine):
    server.machines.loses_answers = True
    job = captured(cloud, machine)
    assert capture_of(server, job) == "paused"
    only_images_of(server, machine, job)


def test_what_nova_finishes_too_late_is_deleted_in_the_end(cloud, server, machine):
    """Its image has the name under which Cinder's image of the system disk is looked for."""

    def watch(request):
        if request == "POST /volumes" and "late" not in server.machines.snapshots:
            [name] = {each["name"] for each in server.machines.snapshots.values() if of(each)}
            server.make(b"", name=name, block_device_mapping="[]")
            late = {"id": "late", "name": f"snapshot for {name}", "status": "available"}
            server.machines.snapshots["late"] = late

    def of(snapshot):
        return snapshot["volume_id"] == machine.volumes[0]

    cloud.watch = watch
    job = captured(cloud, machine)
    assert capture_of(server, job) == "quiesced"
    only_images_of(server, machine, job)


@pytest.mark.parametrize("recorded", [{}, {"hw_qemu_guest_agent": "yes"}])
def test_nova_recorded_something_else_of_the_server(cloud, server, machine, recorded):
    server.machines.properties[machine.id] = recorded
    job = captured(cloud, machine)
    assert capture_of(server, job) == "paused"
    assert "os_require_quiesce" in job.entities[model.QUIESCE_REFUSED]
    only_images_of(server, machine, job)


def test_a_disk_was_attached_a_moment_ago(cloud, server, machine):
    extra = server.volume(status="in-use")
    machine.volumes.append(extra)
    server.machines.attached[machine.id].append({"volumeId": extra, "device": "/dev/vdc"})
    job = captured(cloud, machine)
    assert capture_of(server, job) == "quiesced"
    only_images_of(server, machine, job)


def test_a_snapshot_fails(cloud, server, machine):
    server.machines.snapshot_status = "error"
    is_undone(machine, captured(cloud, machine), "IMG.0014")


def test_a_server_that_is_deleted_meanwhile(cloud, machine):
    machine.delete_at(cloud, "POST /servers/.*/action")
    is_undone(machine, captured(cloud, machine), "IMG.0005")


def test_without_standing_still(cloud, server, machine):
    job = captured(cloud, machine, stands_still=False)
    assert capture_of(server, job) == "running"


def test_a_stopped_server(cloud, server, machine):
    server.machines.servers[machine.id]["status"] = "SHUTOFF"
    wishes = [DiskToCapture(disk) for disk in machine.disks]
    arguments = machine.arguments(wishes, stands_still=True, quiesces=True)
    job = cloud.run(model.WHOLE_OF_SERVER, **arguments)
    assert capture_of(server, job) == "stopped"


@pytest.mark.parametrize("dies_at", [0, 7, 12, 17])
def test_a_backup(cloud, server, machine, dies_at):
    wishes = [DiskToCapture(disk) for disk in machine.disks]
    told = {"stands_still": True, "quiesces": True, "server_name": "web"}
    job = cloud.run(model.SERVER_BACKUP, dies_at, **machine.arguments(wishes, **told))
    assert (job.status, job.fail_reason) == (JobStatus.SUCCESS, None)
    machine.check_tidy()
    [found] = backup.gathered(server.backups.values(), PROVER.holds)
    assert (found.plan.capture, len(found.parts)) == ("quiesced", 2)
    assert machine.made == set()
