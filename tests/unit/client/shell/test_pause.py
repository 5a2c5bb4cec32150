# SPDX-License-Identifier: Apache-2.0
"""What is said of a running server before its disks are captured."""

import types

import pytest
from openstack import exceptions as sdk_exceptions

from ims_glance.client.shell import pause

REQUIRED = {"hw_qemu_guest_agent": "yes", "os_require_quiesce": "True"}


def volume(device, properties=None, server_id="s1"):
    attachments = [{"server_id": server_id, "device": device}]
    return types.SimpleNamespace(attachments=attachments, volume_image_metadata=properties)


def announced(*volumes, no_pause=False, image=None, status="ACTIVE"):
    known = dict(enumerate(volumes))
    cloud = types.SimpleNamespace(block_storage=types.SimpleNamespace(get_volume=known.get))
    server = types.SimpleNamespace(
        id="s1",
        name="web",
        status=status,
        image=image,
        attached_volumes=[{"id": each} for each in known],
    )
    return pause.announced(cloud, server, no_pause)


@pytest.mark.parametrize(
    ("volumes", "said"),
    [
        ([], "paused for about"),
        ([volume("/dev/vda", REQUIRED)], "guest agent"),
        ([volume("/dev/vdb"), volume("/dev/vda", REQUIRED)], "guest agent"),
        ([volume("/dev/vdb", REQUIRED), volume("/dev/vda")], "web will be paused"),
        ([volume("/dev/vdaa", REQUIRED), volume("/dev/vdb")], "web will be paused"),
        ([volume("/dev/vda", {"hw_qemu_guest_agent": "yes"})], "web will be paused"),
        ([volume("/dev/vda", {**REQUIRED, "os_require_quiesce": "no"})], "web will be paused"),
        ([volume("/dev/vda", REQUIRED, "other")], "web will be paused"),
    ],
)
def test_servers_on_volumes(volumes, said):
    assert said in announced(*volumes)


def test_others():
    assert "not be of one instant" in announced(volume("/dev/vda", REQUIRED), no_pause=True)
    image = types.SimpleNamespace(id="i1")
    assert "root disk" in announced(volume("/dev/vdb", REQUIRED), image=image)
    assert announced(volume("/dev/vda"), status="SHUTOFF") == ""


def test_a_volume_that_is_not_shown_stops_nothing():
    def refuse(_volume_id):
        raise sdk_exceptions.ForbiddenException

    cloud = types.SimpleNamespace(block_storage=types.SimpleNamespace(get_volume=refuse))
    server = types.SimpleNamespace(
        id="s1", name="web", status="ACTIVE", image=None, attached_volumes=[{"id": "v1"}]
    )
    assert "about a second" in pause.announced(cloud, server, False)
