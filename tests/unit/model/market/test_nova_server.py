# SPDX-License-Identifier: Apache-2.0
"""Servers as Nova tells of them."""

import pytest

from ims_glance.model.market import nova_server

CODE = "c" * 32
PLAIN = {
    "instance_id": "s",
    "tenant_id": "buyers",
    "instance_type": "m1",
    "state": "active",
    "launched_at": "1970-01-01T00:10:00.000000",
    "terminated_at": "",
    "image_ref_url": "http://glance/images/image",
    "image_meta": {"__productcode": CODE, "base_image_ref": "base"},
}
VERSIONED = {
    "nova_object.name": "InstanceCreatePayload",
    "nova_object.data": {
        "uuid": "s",
        "tenant_id": "buyers",
        "state": "active",
        "image_uuid": "image",
        "launched_at": "1970-01-01T00:10:00Z",
        "terminated_at": None,
        "flavor": {"nova_object.data": {"name": "m1"}},
    },
}
SERVER = {
    "id": "s",
    "tenant_id": "buyers",
    "status": "ACTIVE",
    "updated": "1970-01-01T00:11:00Z",
    "flavor": {"original_name": "m1"},
    "image": {"id": "image"},
    "OS-SRV-USG:launched_at": "1970-01-01T00:10:00.000000",
    "OS-SRV-USG:terminated_at": None,
}


def told(name, payload):
    return nova_server.of_notification(name, payload, 700.0, "RegionOne")


@pytest.mark.parametrize(
    ("name", "payload", "codes"),
    [
        ("compute.instance.create.end", PLAIN, frozenset({CODE})),
        ("compute.instance.create.end", {**PLAIN, "image_meta": {}}, frozenset()),
        # Nova keeps so much of an attribute: the last code may be cut.
        (
            "compute.instance.create.end",
            {**PLAIN, "image_meta": {"__productcode": "x" * 255}},
            None,
        ),
        ("instance.create.end", VERSIONED, None),
    ],
)
def test_notifications_of_both_kinds(name, payload, codes):
    found = told(name, payload)
    assert found.event == nova_server.CREATED
    server = found.server
    assert (server.server_id, server.project_id, server.flavor) == ("s", "buyers", "m1")
    assert (server.codes, server.image_id) == (codes, "image")
    assert (server.began, server.ended, server.seen, server.changed) == (600.0, None, 700.0, 700.0)


def test_servers_that_are_gone():
    gone = told("compute.instance.delete.end", {**PLAIN, "terminated_at": "1970-01-01T00:11:00"})
    assert gone.server.ended == 660.0
    assert told("compute.instance.delete.end", PLAIN).server.ended == 700.0
    shelved = told("compute.instance.shelve_offload.end", {**PLAIN, "state": "shelved_offloaded"})
    assert shelved.server.ended == 700.0


@pytest.mark.parametrize(
    ("name", "payload"),
    [
        ("compute.instance.create.start", PLAIN),
        ("compute.instance.update", PLAIN),
        ("instance.exists", VERSIONED),
        ("volume.create.end", PLAIN),
        ("create.end", PLAIN),
        ("compute.instance.create.end", {}),
        ("compute.instance.create.end", {**PLAIN, "instance_id": None}),
        ("instance.create.end", {"nova_object.data": {"uuid": "s"}}),
    ],
)
def test_what_does_not_matter(name, payload):
    assert told(name, payload) is None


def test_a_server_on_a_volume_names_no_image():
    payload = {**PLAIN, "image_ref_url": "http://glance/images/", "image_meta": {}}
    assert told("compute.instance.create.end", payload).server.image_id is None


@pytest.mark.parametrize(
    ("values", "began", "ended"),
    [
        ({}, 600.0, None),
        ({"status": "SHUTOFF"}, 600.0, None),
        ({"OS-SRV-USG:launched_at": None}, None, None),
        ({"status": "DELETED"}, 600.0, 660.0),
        ({"status": "DELETED", "OS-SRV-USG:terminated_at": "1970-01-01T00:10:30"}, 600.0, 630.0),
        ({"status": "SHELVED_OFFLOADED"}, 600.0, 660.0),
        ({"status": "SHELVED"}, 600.0, None),
        ({"status": "SOFT_DELETED"}, 600.0, 660.0),
    ],
)
def test_servers_of_the_api(values, began, ended):
    codes = frozenset({CODE})
    server = nova_server.of_api({**SERVER, **values}, codes, "image", "RegionOne", 900.0)
    assert (server.began, server.ended) == (began, ended)
    assert (server.seen, server.changed, server.flavor) == (900.0, 660.0, "m1")


def test_servers_of_a_cell_that_is_down():
    """As ``_show_from_down_cell`` of Nova shows them."""
    down = {
        "id": "s", "status": "UNKNOWN", "tenant_id": "buyers", "created": "1970-01-01T00:09:00Z",
        "links": [], "image": {"id": "image"}, "flavor": {"original_name": "m1"},
    }  # fmt: skip
    assert not nova_server.is_told(down)
    assert nova_server.is_told(SERVER)


def test_what_a_server_boots_from():
    assert nova_server.image_of(SERVER) == "image"
    assert nova_server.image_of({**SERVER, "image": ""}) is None
    volume = {"bootable": "true", "attachments": [{"server_id": "s", "device": "/dev/vda"}]}
    assert nova_server.is_first_disk(volume, SERVER)
    root = {**SERVER, "OS-EXT-SRV-ATTR:root_device_name": "/dev/vda"}
    assert nova_server.is_first_disk(volume, root)
    other = {"bootable": "true", "attachments": [{"server_id": "s", "device": "/dev/vdb"}]}
    assert not nova_server.is_first_disk(other, root)
    assert not nova_server.is_first_disk({"bootable": "false"}, SERVER)
    attached = {**SERVER, "os-extended-volumes:volumes_attached": [{"id": "v"}]}
    assert nova_server.volumes_of(attached) == ["v"]
    assert nova_server.volumes_of(SERVER) == []
