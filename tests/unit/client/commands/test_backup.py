# SPDX-License-Identifier: Apache-2.0
"""``openstack ims backup create|list|show|delete``."""

import json
from typing import Any

import pytest
from openstack import exceptions as sdk_exceptions
from osc_lib import exceptions

from ims_glance.client.commands.backup import CreateBackup, DeleteBackups, ListBackups, ShowBackup
from tests.unit.client.cloud import BACKUP_ID, COMPUTE, JOB_ID, PROJECT, backup, job

BACKUPS = f"/v1/{PROJECT}/server-backups"
SECOND = "eeeeeeee-dddd-dddd-dddd-dddddddddddd"


@pytest.fixture
def ready(cloud):
    cloud.ims("GET", BACKUPS, {"server_backups": [backup(), backup(SECOND, "weekly")]})
    cloud.ims("GET", f"{BACKUPS}/{BACKUP_ID}", backup())
    cloud.ims("POST", BACKUPS, {"job_id": JOB_ID, "backup_id": BACKUP_ID})
    made: dict[str, Any] = {
        "job_type": "imsCreateServerBackupJob",
        "entities": {"backup_id": BACKUP_ID},
    }
    cloud.ims("GET", f"/v1/{PROJECT}/jobs/{JOB_ID}", job(**made))
    for each in (BACKUP_ID, SECOND):
        cloud.ims("DELETE", f"{BACKUPS}/{each}", None, 204)
    cloud.json("GET", COMPUTE, {"versions": []})
    cloud.json("GET", f"{COMPUTE}/servers/web", {}, 404)
    shown = {"id": "s1", "name": "web", "status": "ACTIVE", "image": None}
    cloud.json("GET", f"{COMPUTE}/servers/detail", {"servers": [shown]})
    cloud.json("GET", f"{COMPUTE}/servers/s1", {"server": shown})
    return cloud


@pytest.mark.parametrize(
    ("arguments", "wishes", "said"),
    [
        ([], {}, "about a second"),
        (["--no-pause", "--description", "d"], {"no_pause": True, "description": "d"}, "instant"),
    ],
)
def test_create(ready, run, capsys, arguments, wishes, said):
    shown = json.loads(run(CreateBackup, "nightly", "--server", "web", *arguments, "-f", "json"))
    assert (shown["job_id"], shown["backup_id"]) == (JOB_ID, BACKUP_ID)
    assert ready.only("POST").body == {"name": "nightly", "server_id": "s1", **wishes}
    assert said in capsys.readouterr().err


def test_create_and_wait(ready, run):
    shown = json.loads(run(CreateBackup, "nightly", "--server", "web", "--wait", "-f", "json"))
    assert (shown["id"], shown["size_gb"], shown["captured"]) == (BACKUP_ID, 3, "paused")


def test_list(ready, run):
    rows = json.loads(run(ListBackups, "--status", "available", "-f", "json"))
    assert [(row["Name"], row["Server"], row["Disks"]) for row in rows] == [
        ("nightly", "web", 2),
        ("weekly", "web", 2),
    ]
    assert ready.requests[-1].query == {"status": "available"}
    assert "Captured" in run(ListBackups, "--long")


@pytest.mark.parametrize(("server", "wanted"), [("web", "s1"), ("gone", "gone")])
def test_list_those_of_a_server(ready, run, server, wanted):
    ready.json("GET", f"{COMPUTE}/servers/gone", {}, 404)
    if server == "gone":
        ready.json("GET", f"{COMPUTE}/servers/detail", {"servers": []})
    run(ListBackups, "--server", server)
    assert ready.requests[-1].query == {"server_id": wanted}


@pytest.mark.parametrize("wanted", ["nightly", BACKUP_ID, BACKUP_ID.upper()])
def test_show(ready, run, wanted):
    assert json.loads(run(ShowBackup, wanted, "-f", "json"))["server"] == "web"


def test_names_that_will_not_do(ready, run):
    with pytest.raises(sdk_exceptions.NotFoundException, match="'x'"):
        run(ShowBackup, "x")
    ready.ims("GET", BACKUPS, {"server_backups": [backup(), backup(SECOND)]})
    with pytest.raises(sdk_exceptions.DuplicateResource, match=SECOND):
        run(ShowBackup, "nightly")


def test_delete(ready, run):
    run(DeleteBackups, "nightly", SECOND)
    assert [each.path[-36:] for each in ready.sent("DELETE")] == [BACKUP_ID, SECOND]
    with pytest.raises(exceptions.CommandError, match="1 of 1"):
        run(DeleteBackups, "x")
