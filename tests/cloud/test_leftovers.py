# SPDX-License-Identifier: Apache-2.0
"""Whatever is left behind in the cloud is found, or other tests would pass for nothing."""

import os
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.cloud import flow_jobs, jobs, leftovers, login, pocket, tenants

pytestmark = pytest.mark.pocket

# What identifies something that is left, and how it is removed.
_Planted = tuple[str, Callable[[], Any]]


def _image(tenant: Any) -> _Planted:
    image_id = flow_jobs.upload(tenant)
    return image_id, lambda: tenant.image.delete(f"/images/{image_id}")


def _volume(tenant: Any) -> _Planted:
    storage = tenant.block_storage
    made = storage.wait_for_status(storage.create_volume(size=1, name="left"), wait=240)

    def remove() -> None:
        storage.delete_volume(made)
        storage.wait_for_delete(made, wait=240)

    return str(made.id), remove


def _secret(tenant: Any) -> _Planted:
    key_id = login.make_key(tenant)
    return key_id, lambda: tenant.key_manager.delete_secret(key_id)


def _trust(tenant: Any) -> _Planted:
    """As a user delegates something to another; the service's own have the same record."""
    other = login.connect("other")
    endpoint = {"service_type": "identity", "interface": "public", "min_version": "3"}
    trust = {
        "trustor_user_id": tenant.current_user_id,
        "trustee_user_id": other.current_user_id,
        "project_id": tenant.current_project_id,
        "impersonation": True,
        "roles": [{"name": "member"}],
    }
    session = tenant.session
    made = session.post("/OS-TRUST/trusts", json={"trust": trust}, endpoint_filter=endpoint)
    trust_id = str(made.json()["trust"]["id"])
    return trust_id, lambda: session.delete(
        f"/OS-TRUST/trusts/{trust_id}", endpoint_filter=endpoint
    )


def _file(tenant: Any) -> _Planted:
    """As a worker of Glance that dies in an upload leaves it beside an image that there was."""
    image_id = flow_jobs.upload(tenant)
    tenant.image.delete(f"/images/{image_id}")
    path = pocket.HOME / "data" / "glance-one" / "plain" / image_id
    path.write_bytes(b"left")
    return image_id, path.unlink


def _nobodys_file(_tenant: Any) -> _Planted:
    path = pocket.HOME / "data" / "glance-one" / "kms" / f"ims-{uuid.uuid4().hex}"
    path.write_bytes(b"left")
    return path.name, path.unlink


@pytest.fixture
def tenant(cloud: Any) -> Iterator[Any]:
    with tenants.tenant() as connection:
        yield connection


@pytest.mark.parametrize(
    ("kind", "plant"),
    [
        ("images", _image),
        ("volumes", _volume),
        ("secrets", _secret),
        ("trusts", _trust),
        ("stored", _file),
    ],
)
def test_what_a_tenant_leaves_is_found(tenant, kind, plant):
    project = tenant.current_project_id
    before = leftovers.of_cloud()
    assert leftovers.of_project(project) == {}
    planted, remove = plant(tenant)
    try:
        assert any(planted in line for line in leftovers.of_project(project)[kind])
        assert any(planted in line for line in leftovers.more(before, leftovers.of_cloud())[kind])
    finally:
        remove()
    jobs.eventually(lambda: leftovers.of_project(project), {})


def test_what_is_nobodys_is_found():
    before = leftovers.of_cloud()
    planted, remove = _nobodys_file(None)
    try:
        assert any(
            planted in line for line in leftovers.more(before, leftovers.of_cloud())["stored"]
        )
    finally:
        remove()


def test_a_run_that_leaves_something_fails(monkeypatch):
    """At the end of a project of its own."""
    monkeypatch.setattr(tenants, "_PATIENCE", 2.0)
    with pytest.raises(AssertionError, match="left by the tests"), tenants.tenant() as made:
        image_id, _remove = _image(made)
    # Its owner is gone; the administrator sees to it.
    admin = login.connect("admin")
    assert admin.image.find_image(image_id) is not None
    admin.image.delete_image(image_id)


def test_folders_that_go_while_they_are_looked_through_do_no_harm(tmp_path, monkeypatch):
    """Those of servers and backups of the tests beside this one."""
    gone = tmp_path / "a" / "gone"
    gone.mkdir(parents=True)
    (tmp_path / "b").mkdir()
    stays = tmp_path / "b" / "stays"
    stays.touch()
    scandir = os.scandir

    def late(path: str) -> Any:
        if str(path) == str(gone):
            gone.rmdir()
        return scandir(path)

    monkeypatch.setattr(os, "scandir", late)
    assert list(leftovers.files(tmp_path)) == [stays]
    assert not gone.exists()
