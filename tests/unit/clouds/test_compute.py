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
