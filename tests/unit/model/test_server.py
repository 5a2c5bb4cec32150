# SPDX-License-Identifier: Apache-2.0
"""Which servers can be made images of, and what disks they have."""

import pytest

from ims_glance import exceptions
from ims_glance.model import server as servers
from ims_glance.model.server import Disk

VOLUMES = {
    "v1": {"id": "v1", "size": 1, "volume_type": "fast", "status": "in-use"},
    "v2": {"id": "v2", "size": 2, "volume_type": None, "status": "in-use"},
}


def view(**values):
    return {
        "id": "s",
        "status": "ACTIVE",
        "OS-EXT-STS:task_state": None,
        "image": "",
        "flavor": {"disk": 5, "ephemeral": 0, "swap": 64},
        **values,
    }


def attached(*pairs):
    return [
        {"volumeId": volume_id, "device": device, "delete_on_termination": True}
        for volume_id, device in pairs
    ]


def test_the_root_disk_comes_first_and_the_others_by_device():
    attachments = attached(("v2", "/dev/vdaa"), ("v1", "/dev/vdb"))
    disks = servers.find_disks(view(image={"id": "i"}), attachments, VOLUMES)
    assert [(disk.number, disk.volume_id, disk.size) for disk in disks] == [
        (0, None, 5), (1, "v1", 1), (2, "v2", 2),
    ]  # fmt: skip


def test_a_server_on_volumes():
    disks = servers.find_disks(view(), attached(("v2", "/dev/vdb"), ("v1", "/dev/vda")), VOLUMES)
    assert disks[0] == Disk(0, "v1", 1, "fast", goes_with_server=True)
    assert disks[1].volume_id == "v2"


@pytest.mark.parametrize(("size", "wanted"), [(0, 1), (1, 1), ((1 << 30) + 1, 2)])
def test_a_flavor_that_says_nothing(size, wanted):
    server = view(image={"id": "i"}, flavor={"disk": 0})
    assert servers.find_disks(server, [], {}, size)[0].size == wanted


def test_no_disk_at_all():
    with pytest.raises(servers.NoSystemDisk):
        servers.find_disks(view(), [], {})


@pytest.mark.parametrize(
    ("values", "code", "said"),
    [
        ({"status": "ERROR"}, "IMG.0126", "ACTIVE or SHUTOFF will do"),
        # Who unpaused it would spoil the other image.
        ({"status": "PAUSED"}, "IMG.0126", "goes on by itself"),
        ({"status": "VERIFY_RESIZE"}, "IMG.0126", "is VERIFY_RESIZE"),
        ({"OS-EXT-STS:task_state": "image_uploading"}, "IMG.0010", "image_uploading"),
        ({"locked": True}, "IMG.0010", "Unlock it"),
    ],
)
def test_servers_that_will_not_do(values, code, said):
    with pytest.raises(exceptions.Conflict, match=said) as refused:
        servers.check_server(view(**values))
    assert refused.value.code == code


@pytest.mark.parametrize("status", ["ACTIVE", "SHUTOFF"])
def test_servers_that_will_do(status):
    servers.check_server(view(status=status))
    servers.check_whole(view(status=status))


def test_an_ephemeral_disk():
    with pytest.raises(servers.EphemeralDisk, match="3 GiB"):
        servers.check_whole(view(flavor={"disk": 1, "ephemeral": 3}))


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"encrypted": True}, "IMG.0105"),
        ({"status": "retyping"}, "IMG.0139"),
        ({"attachments": [{}, {}]}, "IMG.0022"),
    ],
)
def test_volumes_that_will_not_do(values, code):
    with pytest.raises(exceptions.ImsError) as refused:
        servers.check_volume("s", {**VOLUMES["v1"], **values})
    assert refused.value.code == code


def test_sizes():
    servers.check_size("s", [Disk(0, "v", 1024)])
    with pytest.raises(servers.DiskTooLarge):
        servers.check_size("s", [Disk(0, "v", 1024), Disk(1, "w", 1025)])


def test_disks_that_changed():
    before = [Disk(0, None, 1), Disk(1, "v", 1)]
    servers.check_same("s", before[:1], before)
    servers.check_same("s", before, [*before, Disk(2, "w", 1)])
    with pytest.raises(servers.ServerChanged):
        servers.check_same("s", before, before[:1])
