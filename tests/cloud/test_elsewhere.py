# SPDX-License-Identifier: Apache-2.0
"""Nova's own image of a server on volumes, whose disks are snapshots in Cinder."""

import json

import pytest

from ims_glance.client import errors
from ims_glance.model.image import attributes
from tests.cloud import flow_jobs, login, machines

pytestmark = pytest.mark.pocket

MAPPING = "block_device_mapping"


@pytest.fixture(scope="module")
def key_id(tenant):
    key_id = login.make_key(tenant)
    yield key_id
    tenant.key_manager.delete_secret(key_id)


@pytest.fixture(scope="module")
def novas(tenant, key_id):
    """Of a server on a volume that was made of an encrypted image; as Glance shows it."""
    image_id = flow_jobs.upload(tenant, store="kms", **{attributes.CMK_ID: key_id})
    root = {
        "boot_index": 0,
        "uuid": image_id,
        "source_type": "image",
        "destination_type": "volume",
        "volume_size": 1,
        "delete_on_termination": True,
    }
    with machines.booted(tenant, [root]) as server:
        made = tenant.compute.create_server_image(server, "nova's")
        view = flow_jobs.view(tenant, made.id)
        [entry] = json.loads(view[MAPPING])
        snapshot = tenant.block_storage.get_snapshot(entry["snapshot_id"])
        tenant.block_storage.wait_for_status(snapshot, wait=240)
        tenant.image.delete(f"/images/{image_id}")
        yield view
        tenant.image.delete(f"/images/{made.id}")
        tenant.block_storage.delete_snapshot(snapshot)
        tenant.block_storage.wait_for_delete(snapshot, wait=240)


def test_it_does_not_look_encrypted(tenant, novas):
    """The volume remembers the key of its image, and Nova is told not to pass it on."""
    assert (novas["status"], novas["size"], novas["__image_size"]) == ("active", 0, "0")
    assert attributes.CMK_ID not in novas
    assert not tenant.ims.get_image(novas["id"]).is_encrypted


def test_ims_does_with_it_only_what_it_can(tenant, key_id, novas):
    project = login.connect("other").current_project_id
    ims, image = tenant.ims, novas["id"]
    for refused, code in (
        (lambda: ims.copy_image(image, "copy"), "IMG.0130"),
        (lambda: ims.copy_image(image, "copy", cmk_id=key_id), "IMG.0130"),
        (lambda: ims.share_images([image], [project]), "IMG.0135"),
    ):
        with pytest.raises(errors.ServiceRefused, match="--whole") as refusal:
            refused()
        assert refusal.value.code == code


def test_with_a_key_nobody_makes_one(tenant, key_id, novas):
    made = {"name": "like it", MAPPING: novas[MAPPING], attributes.CMK_ID: key_id}
    answer = tenant.image.post("/images", json=made)
    assert (answer.status_code, "IMG.0024" in answer.text) == (409, True)


def test_from_an_encrypting_store_it_boots_as_ever(tenant, novas):
    """What Nova makes where the store that encrypts is Glance's default."""
    body = {name: novas[name] for name in (MAPPING, "bdm_v2", "root_device_name")}
    image_id = flow_jobs.upload(tenant, b"", store="kms", **body)
    view = flow_jobs.view(tenant, image_id)
    assert (view["stores"], attributes.CMK_ID in view) == ("kms", False)
    with machines.booted(tenant, image_id=image_id) as server:
        assert tenant.compute.get_server(server.id).status == "ACTIVE"
    tenant.image.delete(f"/images/{image_id}")
