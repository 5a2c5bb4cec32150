# SPDX-License-Identifier: Apache-2.0
"""Backups of servers: how they are found, and what is sent."""

import pytest
from openstack import exceptions

from tests.unit.client.cloud import JOB_ID, PROJECT

BACKUPS = f"/v1/{PROJECT}/server-backups"
BACKUP_ID = "0f000000-0000-4000-8000-00000000000f"


def _backup(backup_id, name):
    return {"id": backup_id, "name": name, "status": "available"}


def test_a_backup_is_found_by_name_and_id(cloud, ims):
    twins = [_backup(number, "twin") for number in ("1", "2")]
    cloud.ims("GET", BACKUPS, {"server_backups": [_backup(BACKUP_ID, "nightly"), *twins]})
    for wanted in ("nightly", BACKUP_ID, BACKUP_ID.upper()):
        assert ims.find_backup(wanted).id == BACKUP_ID
    with pytest.raises(exceptions.NotFoundException, match="'none'"):
        ims.find_backup("none")
    with pytest.raises(exceptions.DuplicateResource, match="1, 2"):
        ims.find_backup("twin")


def test_a_backup_is_begun_and_deleted(cloud, ims):
    cloud.ims("POST", BACKUPS, {"job_id": JOB_ID})
    cloud.ims("DELETE", f"{BACKUPS}/{BACKUP_ID}", status=204)
    assert ims.create_backup("nightly", "s", no_pause=True).id == JOB_ID
    assert cloud.only("POST").body == {"name": "nightly", "server_id": "s", "no_pause": True}
    ims.delete_backup(BACKUP_ID)
    assert cloud.only("DELETE").path.endswith(BACKUP_ID)
