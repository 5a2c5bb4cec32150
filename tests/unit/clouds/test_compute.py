# SPDX-License-Identifier: Apache-2.0
"""Nova's client against a small Nova."""

import json

import pytest

from ims_glance.clouds import rest
from ims_glance.clouds.compute import ComputeApi, snapshot_name
from ims_glance.clouds.region import Region


@pytest.fixture
def compute(server):
    return ComputeApi(Region(server.session()))


def test_servers_and_their_volumes(server, compute):
    volume_id = server.volume()
    server_id = server.machines.server([volume_id])
    assert compute.get(server_id)["id"] == server_id
    assert [each["volumeId"] for each in compute.attachments(server_id)] == [volume_id]
    with pytest.raises(rest.Missing):
        compute.get("other")


def test_standing_still(server, compute):
    server_id = server.machines.server([server.volume()])
    compute.pause(server_id)
    assert compute.get(server_id)["status"] == "PAUSED"
    with pytest.raises(rest.Refused) as refused:
        compute.pause(server_id)
    assert refused.value.status == 409
    compute.unpause(server_id)
    assert compute.get(server_id)["status"] == "ACTIVE"


def test_images_of_root_disks(server, compute):
    server_id = server.machines.server([], server.make(b"root"))
    image_id = compute.create_image(server_id, "ims-job-1-0", {"a": "b"})
    image = server.images[image_id]
    assert (image["name"], image["a"]) == ("ims-job-1-0", "b")


def test_images_of_servers_on_volumes(server, compute):
    volume_id = server.volume()
    server_id = server.machines.server([volume_id])
    image = server.images[compute.create_image(server_id, "ims-job-1-0", {})]
    [entry] = json.loads(image["block_device_mapping"])
    [snapshot] = server.machines.snapshots.values()
    assert (entry["snapshot_id"], snapshot["volume_id"]) == (snapshot["id"], volume_id)
    assert snapshot["name"] == snapshot_name("ims-job-1-0")


def test_servers_of_all_projects(server, compute):
    made = [server.machines.server([], updated=f"2026-11-29T0{n}:00:00Z") for n in range(5)]
    gone = {**server.machines.servers.pop(made[4]), "status": "DELETED"}
    server.machines.deleted[made[4]] = gone
    # By pages of Nova's own length.
    assert sorted(each["id"] for each in compute.of_all_projects()) == sorted(made[:4])
    changed = {
        each["id"]: each["status"] for each in compute.of_all_projects("2026-11-29T03:00:00")
    }
    assert changed == {made[3]: "ACTIVE", made[4]: "DELETED"}
    assert list(compute.of_all_projects("2026-11-30T00:00:00")) == []


def test_what_was_done_to_a_server(server, compute):
    server_id = server.machines.server([])
    server.machines.actions[server_id] = [{"action": "create"}]
    assert compute.actions(server_id) == [{"action": "create"}]
