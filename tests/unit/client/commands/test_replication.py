# SPDX-License-Identifier: Apache-2.0
"""``openstack ims replication create|list|show|set|pause|resume|delete``."""

import json

import pytest
from openstack import exceptions as sdk_exceptions
from osc_lib import exceptions

from ims_glance.client.commands.replication import (
    CreateReplication,
    DeleteReplications,
    ListReplications,
    PauseReplication,
    ResumeReplication,
    SetReplication,
    ShowReplication,
)
from tests.unit.client.cloud import PROJECT, replication

REPLICATIONS = f"/v1/{PROJECT}/replications"
ONE = f"{REPLICATIONS}/{'e' * 32}"
IMAGE = {"image_id": "1", "state": "running", "process_percent": 25.0, "reason": None}


@pytest.fixture
def ready(cloud):
    cloud.ims("GET", REPLICATIONS, {"replications": [replication()]})
    cloud.ims("GET", ONE, replication(images=[IMAGE]))
    cloud.ims("POST", REPLICATIONS, replication(), 201)
    cloud.ims("PUT", ONE, replication(images=[IMAGE]))
    cloud.ims("DELETE", ONE, None, 204)
    return cloud


@pytest.mark.parametrize(
    ("arguments", "wishes"),
    [
        (["--tag", "release=stable"], {"tag": "release=stable"}),
        (["--image-name", "web-*"], {"image_name": "web-*"}),
        (
            [
                "--tag",
                "t",
                "--project",
                "p",
                "--agency",
                "a",
                "--key",
                "k",
                "--keep",
                "3",
                "--existing",
            ],
            {
                "tag": "t",
                "project_name": "p",
                "agency_name": "a",
                "cmk_id": "k",
                "keep": 3,
                "existing": True,
            },
        ),
    ],
)
def test_create(ready, run, arguments, wishes):
    arguments = ["releases", "--region", "RegionTwo", *arguments, "-f", "json"]
    shown = json.loads(run(CreateReplication, *arguments))
    assert (shown["name"], shown["status"], shown["images"]) == ("releases", "active", [])
    assert ready.only("POST").body == {"name": "releases", "region": "RegionTwo", **wishes}


def test_list(ready, run):
    (row,) = json.loads(run(ListReplications, "-f", "json"))
    assert (row["Name"], row["Region"], row["Tag"], row["Keep"]) == (
        "releases",
        "RegionTwo",
        "release=stable",
        3,
    )


def test_show(ready, run):
    assert json.loads(run(ShowReplication, "releases", "-f", "json"))["images"] == [IMAGE]
    assert "state=running, process_percent=25.0" in run(ShowReplication, "e" * 32)
    with pytest.raises(sdk_exceptions.NotFoundException, match="'x'"):
        run(ShowReplication, "x")


@pytest.mark.parametrize(
    ("command", "arguments", "body"),
    [
        (PauseReplication, (), {"status": "paused"}),
        (ResumeReplication, (), {"status": "active"}),
        (SetReplication, ("--keep", "2", "--name", "n"), {"keep": 2, "name": "n"}),
        (SetReplication, ("--keep-all",), {"keep": None}),
    ],
)
def test_changes(ready, run, command, arguments, body):
    run(command, "releases", *arguments)
    assert ready.only("PUT").body == body


def test_nothing_to_change(ready, run):
    run(SetReplication, "releases")
    assert ready.sent("PUT") == []


def test_delete(ready, run):
    run(DeleteReplications, "releases")
    assert ready.only("DELETE").path.endswith("e" * 32)
    with pytest.raises(exceptions.CommandError, match="1 of 1"):
        run(DeleteReplications, "x")
