# SPDX-License-Identifier: Apache-2.0
"""Server backups, and images of them, in a small cloud, by workers that die between requests."""

import re

import pytest

from ims_glance.jobs.context import JobContext
from ims_glance.model import backup as server_backup
from ims_glance.model import capture
from ims_glance.model import job as model
from ims_glance.model.backup import Status
from ims_glance.model.capture import DiskToCapture
from ims_glance.model.image import attributes, whole_image
from ims_glance.model.job import JobStatus
from tests.unit.clouds.backups_server import PROVER
from tests.unit.flows.machine import Machine

KEY = "6f0a2b5c-0000-4000-8000-000000000000"


@pytest.fixture(autouse=True)
def _no_naps(monkeypatch):
    monkeypatch.setattr(JobContext, "pause", lambda self, _seconds: self.check())


@pytest.fixture(params=[True, False], ids=["local", "on volumes"])
def machine(request, server):
    return Machine(server, request.param)


def backed_up(cloud, machine, dies_at=0, cancels_at=0, **more):
    wishes = [DiskToCapture(disk) for disk in machine.disks]
    arguments = machine.arguments(wishes, stands_still=True, server_name="web", **more)
    return cloud.run(model.SERVER_BACKUP, dies_at, cancels_at, **arguments)


def is_undone(machine, job, code):
    assert (job.status, job.error_code) == (JobStatus.FAIL, code), job.fail_reason
    assert "could not be undone" not in job.fail_reason
    assert (machine.made, machine.cloud.backups) == (set(), {})
    machine.check_tidy()


class TestBackup:
    @pytest.mark.parametrize("dies_at", [0, 3, 7, 10, 12, 14, 16, 18, 20, 23])
    def test_all_disks(self, cloud, server, machine, dies_at):
        job = backed_up(cloud, machine, dies_at, description="said")
        assert (job.status, job.fail_reason) == (JobStatus.SUCCESS, None)
        assert job.done_bytes == job.total_bytes > 0
        machine.check_tidy()
        assert machine.made == set()
        [found] = server_backup.gathered(server.backups.values(), PROVER.holds)
        assert (found.id, found.status, len(found.parts)) == (job.backup_id, Status.AVAILABLE, 2)
        assert len(server.backups) == 2
        plan = found.plan
        assert (plan.name, plan.server_id, plan.server_name) == ("mine", machine.id, "web")
        assert (plan.capture, plan.description) == ("paused", "said")
        assert plan.attributes["hw_firmware_type"] == "uefi"
        assert found.parts[1].disk == machine.disks[1]
        assert model.view(job)["entities"]["backup_id"] == found.id

    @pytest.mark.parametrize("cancels_at", range(2, 24, 4))
    def test_cancelled(self, cloud, machine, cancels_at):
        job = backed_up(cloud, machine, cancels_at=cancels_at)
        if job.status is JobStatus.FAIL:
            is_undone(machine, job, "IMG.0018")

    def test_cinder_fails(self, cloud, server, machine):
        server.backup_status = "error"
        is_undone(machine, backed_up(cloud, machine), "IMG.0014")

    def test_cinder_refuses(self, cloud, server, machine):
        server.failures["POST /backups"] = [413]
        is_undone(machine, backed_up(cloud, machine), "IMG.0099")

    def test_cinder_is_away_for_a_moment(self, cloud, server, machine):
        server.failures["POST /backups"] = [503]
        server.failures["GET /backups/detail"] = [503]
        assert backed_up(cloud, machine).status is JobStatus.SUCCESS
        assert len(server.backups) == 2


@pytest.fixture
def backup(cloud, server):
    """Of a server that is gone by now."""
    machine = Machine(server, is_local=False)
    backed_up(cloud, machine)
    server.machines.servers.clear()
    server.volumes.clear()
    server.requests.clear()
    return server_backup.gathered(server.backups.values(), PROVER.holds)[0]


def image_of(cloud, backup, dies_at=0, cancels_at=0, **more):
    arguments = {
        "name": "again",
        "backup_id": backup.id,
        "server_id": backup.plan.server_id,
        "wishes": [DiskToCapture(part.disk).to_arguments() for part in backup.parts],
        "attributes": capture.carried(backup.plan.attributes),
        **more,
    }
    return cloud.run(model.WHOLE_OF_BACKUP, dies_at, cancels_at, number=2, **arguments)


class TestImage:
    @pytest.mark.parametrize(
        ("request_", "number"), [("POST /volumes/.*/action", 2), ("POST /backups/.*/restore", 2)]
    )
    def test_a_volume_that_comes_late_is_not_taken(self, cloud, server, backup, request_, number):
        """Cinder makes it, empty, when the answer to that request was lost, and lists it first."""
        actions = []

        def watch(request):
            actions.extend([request] if re.fullmatch(request_, request) else [])
            if len(actions) == number and "late0" not in server.volumes:
                late = [
                    {**each, "id": f"late{number}", "metadata": {}}
                    for number, each in enumerate(server.volumes.values())
                ]
                server.volumes = {each["id"]: each for each in late} | server.volumes

        cloud.watch = watch
        job = image_of(cloud, backup, cmk_id=KEY)
        assert (job.status, server.volumes) == (JobStatus.SUCCESS, {})
        parts = whole_image.components(server.images[job.image_id])
        assert [server.images[each.image_id].get(attributes.CMK_ID) for each in parts] == [KEY] * 2

    @pytest.mark.parametrize("dies_at", range(0, 40, 3))
    def test_of_a_backup(self, cloud, server, backup, dies_at):
        job = image_of(cloud, backup, dies_at, cmk_id=KEY)
        assert (job.status, job.fail_reason) == (JobStatus.SUCCESS, None)
        image = server.images[job.image_id]
        assert (image["name"], image[attributes.BACKUP_ID]) == ("again", backup.id)
        assert image[attributes.CAPTURE] == "paused"
        assert image[attributes.DATA_ORIGIN] == f"instance,{backup.plan.server_id}"
        assert image["hw_firmware_type"] == "uefi"
        parts = whole_image.components(image)
        assert [part.disk.volume_type for part in parts] == [None, "fast"]
        assert [part.disk.goes_with_server for part in parts] == [True, False]
        for part in parts:
            assert server.images[part.image_id][attributes.CMK_ID] == KEY
        assert (server.volumes, len(server.images), len(server.backups)) == ({}, 3, 2)

    @pytest.mark.parametrize("looks", [1, 2])
    def test_another_volume_backup_is_put_in_meanwhile(self, cloud, server, backup, looks):
        """It says what the service said of the one that was there when the image was asked for."""
        first = backup.parts[0].id
        seen = []

        def put_in(request):
            seen.append(request)
            if seen.count("GET /backups/detail") == looks and first in server.backups:
                there = server.backups.pop(first)
                server.backups["other"] = {**there, "id": "other", "snapshot_id": "of other data"}

        cloud.watch = put_in
        job = image_of(cloud, backup, server_is_claimed=False)
        assert (job.status, job.error_code) == (JobStatus.FAIL, "IMG.0032"), job.fail_reason
        assert (server.images, server.volumes) == ({}, {})

    def test_of_one_whose_metadata_its_owner_wrote(self, cloud, server, backup):
        for each in server.backups.values():
            each["metadata"]["ims_capture"] = "quiesced"
        job = image_of(cloud, backup, server_is_claimed=True)
        assert (job.status, job.fail_reason) == (JobStatus.SUCCESS, None)
        image = server.images[job.image_id]
        assert (image[attributes.CAPTURE], image[attributes.STANDSTILL]) == ("running", "0")
        volumes = [part.disk.volume_id for part in backup.parts]
        origins = [server.images[each.image_id] for each in whole_image.components(image)]
        assert [each[attributes.DATA_ORIGIN] for each in origins] == [
            f"volume,{volume_id}" for volume_id in volumes
        ]
        assert image[attributes.DATA_ORIGIN] == f"volume,{volumes[0]}"

    @pytest.mark.parametrize("cancels_at", range(1, 26, 5))
    def test_cancelled(self, cloud, server, backup, cancels_at):
        job = image_of(cloud, backup, cancels_at=cancels_at)
        if job.status is JobStatus.FAIL:
            assert job.error_code == "IMG.0018"
            assert "could not be undone" not in job.fail_reason
            assert (server.volumes, server.images, len(server.backups)) == ({}, {}, 2)

    def test_a_restore_that_fails(self, cloud, server, backup):
        server.restored_status = "error_restoring"
        server.messages = [{"user_message": "disk full"}]
        job = image_of(cloud, backup)
        assert (job.error_code, "disk full" in job.fail_reason) == ("IMG.0014", True)
        assert (server.volumes, server.images, len(server.backups)) == ({}, {}, 2)

    def test_a_restore_that_is_refused(self, cloud, server, backup):
        server.failures["POST /backups/.*/restore"] = [400]
        assert image_of(cloud, backup).error_code == "IMG.0014"
        assert server.volumes == {}

    def test_a_backup_that_is_gone(self, cloud, server, backup):
        server.backups.popitem()
        assert image_of(cloud, backup).error_code == "IMG.0020"

    def test_a_backup_that_is_busy(self, cloud, server, backup):
        next(iter(server.backups.values()))["status"] = "restoring"
        assert image_of(cloud, backup).error_code == "IMG.0032"
