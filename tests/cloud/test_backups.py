# SPDX-License-Identifier: Apache-2.0
"""Server backups, from a guest that counts on its disks to one that is booted of its backup."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from ims_glance import client
from ims_glance.client import errors, waiting
from ims_glance.model.image import attributes
from tests.cloud import captures, client_shell, flow_jobs, jobs, leftovers, login, machines

pytestmark = pytest.mark.pocket

PATIENCE = 400
ABSENT = "99999999-9999-4999-8999-999999999999"


@pytest.fixture(scope="module")
def backup(tenant, guest):
    """One of a server on volumes that is gone; it is there before and after each test."""
    with machines.volume_root(tenant, guest, disks=1) as server:
        made = backed_up(tenant, server)
    yield made
    tenant.ims.delete_backup(made)


@pytest.fixture(autouse=True)
def _nothing_left(tenant, local, backup):
    before = captures.left(tenant)
    yield
    jobs.eventually(lambda: captures.left(tenant), before)


def backed_up(tenant, server, **wishes):
    """A backup of a server, as its job made it."""
    job = tenant.ims.create_backup("nightly", server.id, **wishes)
    ended = tenant.ims.wait_for_job(job, timeout=PATIENCE)
    return tenant.ims.get_backup(ended.backup_id)


def image_of(tenant, backup, **wishes):
    """The whole-machine image of a backup."""
    job = tenant.ims.create_whole_image("again", backup_id=backup.id, **wishes)
    ended = tenant.ims.wait_for_job(job, timeout=PATIENCE)
    return tenant.ims.get_image(ended.image_id)


def written_by_its_owner(tenant, backup, **metadata):
    """What its owner writes on a volume backup, as Cinder lets them, is not the service's word."""
    path = f"/backups/{backup.disks[0]['backup_id']}"
    storage, version = tenant.block_storage, "3.43"
    there = storage.get(path, microversion=version).json()["backup"]["metadata"]
    wanted = {"backup": {"metadata": {**there, **metadata}}}
    assert storage.put(path, json=wanted, microversion=version).ok
    found = tenant.ims.get_backup(backup.id)
    assert (found.is_verified, found.status) == (False, "available")


def refused(code, ask, *arguments, **named):
    with pytest.raises(errors.ServiceRefused) as refusal:
        ask(*arguments, **named)
    assert refusal.value.code == code


def counts_after_boot(connection, image_id):
    """What the disks of a new server of the image hold."""
    with machines.booted(connection, image_id=image_id) as server:
        return machines.counters(connection, server)


def test_an_image_of_a_backup_is_of_one_instant(tenant, local):
    before = captures.left(tenant)
    backup = backed_up(tenant, local, description="before the upgrade")
    assert tenant.compute.get_server(local.id).status == "ACTIVE"
    assert (backup.status, backup.capture, backup.name) == ("available", "paused", "nightly")
    assert backup.is_verified
    assert (backup.server_id, backup.image_id, len(backup.disks)) == (local.id, None, 2)
    assert backup.description == "before the upgrade"
    parts = sorted(each["backup_id"] for each in backup.disks)

    def new():
        """What there is besides the files of the backups, which Cinder keeps."""
        found = leftovers.more(before, captures.left(tenant))
        assert all("cinder/backups/" in each for each in found.pop("stored"))
        return {kind: sorted(each.split()[0] for each in lines) for kind, lines in found.items()}

    jobs.eventually(new, {"backups": parts})
    image = image_of(tenant, backup)
    shown = flow_jobs.view(tenant, image.id)
    assert (shown[attributes.BACKUP_ID], shown[attributes.CAPTURE]) == (backup.id, "paused")
    assert shown[attributes.DATA_ORIGIN] == f"instance,{local.id}"
    counts = counts_after_boot(tenant, image.id)
    assert len(counts) == 2
    assert counts[0] > 1
    assert machines.are_of_one_instant(counts), counts
    assert tenant.ims.get_backup(backup.id).image_id == image.id
    refused("IMG.0134", tenant.ims.create_whole_image, "third", backup_id=backup.id)
    tenant.ims.delete_image(image.id, delete_backup=True)


def test_after_the_server_is_gone_and_encrypted(tenant, backup):
    key_id = login.make_key(tenant)
    image = image_of(tenant, backup, cmk_id=key_id)
    assert image.is_encrypted
    assert machines.are_of_one_instant(machines.counters_in(tenant, image.id))
    tenant.ims.delete_image(image.id)
    assert tenant.ims.get_backup(backup.id).status == "available"
    # Its one image is gone, so there may be another.
    job = tenant.ims.create_whole_image("again", backup_id=backup.id)
    tenant.ims.cancel_job(job)
    with pytest.raises(waiting.JobFailed, match="cancel"):
        tenant.ims.wait_for_job(job, timeout=PATIENCE)
    tenant.key_manager.delete_secret(key_id)


def test_a_backup_that_is_kept_with_an_image_outlives_it(tenant, local):
    job = tenant.ims.create_whole_image("whole", instance_id=local.id, with_backup=True)
    ended = tenant.ims.wait_for_job(job, timeout=PATIENCE)
    image = tenant.ims.get_image(ended.image_id)
    backup = tenant.ims.find_backup(f"backup_for_image_{image.id}")
    assert (backup.status, backup.image_id) == ("available", image.id)
    assert flow_jobs.view(tenant, image.id)[attributes.BACKUP_ID] == backup.id == ended.backup_id
    refused("IMG.0134", tenant.ims.create_whole_image, "again", backup_id=backup.id)
    assert machines.are_of_one_instant(machines.counters_in(tenant, image.id))
    tenant.ims.delete_image(image.id)
    backup = tenant.ims.get_backup(backup.id)
    assert (backup.status, backup.image_id) == ("available", None)
    tenant.ims.delete_backup(backup)


def test_one_of_many_at_once_gets_the_backup(tenant, backup):
    """Whatever its owner has written on it."""
    written_by_its_owner(tenant, backup, ims_capture="quiesced", ims_server=ABSENT)

    def ask(number):
        try:
            return tenant.ims.create_whole_image(f"again-{number}", backup_id=backup.id)
        except errors.ServiceRefused as refusal:
            return refusal.code

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(ask, range(4)))
    [job] = [each for each in found if not isinstance(each, str)]
    assert [each for each in found if isinstance(each, str)] == ["IMG.0134"] * 3
    refused("IMG.0136", tenant.ims.delete_backup, backup.id)
    ended = tenant.ims.wait_for_job(job, timeout=PATIENCE)
    shown = flow_jobs.view(tenant, ended.image_id)
    assert shown[attributes.CAPTURE] == "running"
    assert shown[attributes.DATA_ORIGIN] == f"volume,{backup.disks[0]['volume_id']}"
    tenant.ims.delete_image(ended.image_id)


def test_the_commands(cloud):
    assert isinstance(client_shell.read("demo", "backup", "list", "--long"), list)
    assert "no backup of the name" in client_shell.refusal("demo", "backup", "show", ABSENT)


class TestRefusals:
    def test_another_projects_backup(self, backup):
        for name in ("other", "admin"):
            stranger = client.register(login.connect(name))
            refused("IMG.0020", stranger.ims.get_backup, backup.id)
            refused("IMG.0020", stranger.ims.delete_backup, backup.id)
            refused("IMG.0020", stranger.ims.create_whole_image, "x", backup_id=backup.id)
            assert backup.id not in [each.id for each in stranger.ims.backups()]

    def test_none_at_all(self, tenant):
        refused("IMG.0020", tenant.ims.create_whole_image, "x", backup_id=ABSENT)
        refused("IMG.0005", tenant.ims.create_backup, "x", ABSENT)

    def test_one_that_lost_a_disk(self, tenant, local):
        backup = backed_up(tenant, local)
        storage = tenant.block_storage
        first = backup.disks[0]["backup_id"]
        storage.delete_backup(first)
        jobs.eventually(lambda: first in [each.id for each in storage.backups()], False)
        assert tenant.ims.get_backup(backup.id).status == "incomplete"
        refused("IMG.0032", tenant.ims.create_whole_image, "x", backup_id=backup.id)
        tenant.ims.delete_backup(backup)

    def test_no_room_for_the_backups(self, tenant, local):
        """What Cinder refuses half-way is undone."""
        admin = login.connect("admin")
        project = tenant.current_project_id
        there = len(list(tenant.block_storage.backups()))
        admin.block_storage.update_quota_set(project, backups=there + 1)
        job = tenant.ims.create_backup("nightly", local.id)
        with pytest.raises(waiting.JobFailed, match="BackupLimitExceeded"):
            tenant.ims.wait_for_job(job, timeout=PATIENCE)
        assert "could not be undone" not in tenant.ims.get_job(job).fail_reason
        assert tenant.compute.get_server(local.id).status == "ACTIVE"
        admin.block_storage.update_quota_set(project, backups=40)
