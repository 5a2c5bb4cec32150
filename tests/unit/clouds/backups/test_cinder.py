# SPDX-License-Identifier: Apache-2.0
"""Server backups in a small Cinder."""

import pytest

from ims_glance.clouds import rest
from ims_glance.clouds.backups.cinder import CinderBackups
from ims_glance.clouds.region import Region
from ims_glance.crypto.proof import Prover
from ims_glance.model.backup import BackupPlan, Status
from ims_glance.model.server import Disk
from tests.unit.clouds.backups_server import PROVER

ID = "11111111-0000-4000-8000-000000000000"
SERVER = "22222222-0000-4000-8000-000000000000"
PLAN = BackupPlan(ID, "nightly", SERVER, "web", "said", {"hw_firmware_type": "uefi"}, "paused", 7)


@pytest.fixture
def backups(server):
    return CinderBackups(Region(server.session()), prover=PROVER)


def make(server, backups, count=2):
    disks = [Disk(number, server.volume(), 1) for number in range(count)]
    for disk in disks:
        backups.back_up(PLAN, disk, count)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_backup_on_several_pages(server, backups, count):
    make(server, backups, count)
    server.backups["other"] = {"id": "other", "status": "available", "metadata": {}}
    [found] = backups.all()
    assert (found.status, len(found.parts), found.size) == (Status.AVAILABLE, count, count)
    assert (found.plan.name, found.plan.capture, found.is_verified) == ("nightly", "paused", True)
    assert backups.find(ID).parts[0].disk.number == 0
    assert backups.find(SERVER) is None


def test_of_a_snapshot(server, backups):
    volume_id = server.volume(status="in-use")
    server.machines.snapshots["s"] = {"id": "s"}
    disk = Disk(0, volume_id, 1)
    with pytest.raises(rest.Refused):
        backups.back_up(PLAN, disk, 1)
    backups.back_up(PLAN, disk, 1, "s")
    [made] = server.backups.values()
    assert (made["snapshot_id"], made["force"]) == ("s", True)
    assert backups.find(ID).is_verified
    made["snapshot_id"] = "t"
    assert not backups.find(ID).is_verified


def test_the_owner_changes_the_metadata(server, backups):
    make(server, backups)
    for each in server.backups.values():
        each["metadata"]["ims_capture"] = "quiesced"
    found = backups.find(ID)
    assert (found.is_verified, found.plan.capture, found.status) == (
        False,
        "running",
        Status.AVAILABLE,
    )


def test_without_a_secret(server, backups):
    make(server, CinderBackups(Region(server.session())))
    assert not any("ims_proof" in each["metadata"] for each in server.backups.values())
    assert not backups.find(ID).is_verified
    for driver in (backups, CinderBackups(Region(server.session()), prover=Prover(["x" * 32]))):
        assert [each.status for each in driver.all()] == [Status.AVAILABLE]


def test_restoring(server, backups):
    make(server, backups, 1)
    [part] = backups.find(ID).parts
    volume_id = server.volume()
    assert not backups.is_restored(part, server.volumes[volume_id])
    backups.restore(part, volume_id)
    assert backups.is_restored(part, server.volumes[volume_id])


def test_rename_and_delete(server, backups):
    make(server, backups)
    backups.rename(backups.find(ID), "again")
    assert {each["name"] for each in server.backups.values()} == {"again"}
    found = backups.find(ID)
    for _again in range(2):
        backups.delete(found)
    assert (server.backups, backups.all()) == ({}, [])
