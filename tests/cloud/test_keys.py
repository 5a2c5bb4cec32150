# SPDX-License-Identifier: Apache-2.0
"""Tenants' keys in the real Barbican: who makes them, who may use them, and when they are away."""

import concurrent.futures
import secrets
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from ims_glance.model.image import attributes
from tests.cloud import login, pocket

pytestmark = pytest.mark.pocket

_AT_ONCE = 12


@pytest.fixture
def project() -> Iterator[tuple[Any, Any]]:
    """A project that has no default key yet: connections of a member to both regions."""
    admin = login.connect("admin")
    name = f"fresh-{uuid.uuid4().hex[:8]}"
    password = secrets.token_urlsafe()
    created = admin.identity.create_project(name=name, domain_id="default")
    user = admin.identity.create_user(name=name, password=password, domain_id="default")
    role = admin.identity.find_role("member")
    admin.identity.assign_project_role_to_user(created, user, role)
    auth = {"username": name, "password": password, "project_name": name}
    regions = [login.connect(cloud, auth) for cloud in ("demo", "demo-two")]
    yield regions[0], regions[1]
    for secret in regions[0].key_manager.secrets():
        regions[0].key_manager.delete_secret(login.secret_id(secret))
    admin.identity.delete_user(user)
    admin.identity.delete_project(created)


def _create(cloud: Any, **properties: str) -> Any:
    return cloud.image.post(
        "/images", json={"disk_format": "raw", "container_format": "bare", **properties}
    )


def test_default_key_is_made_once(project):
    """Two regions with two workers each are asked at the same time by a project without a key."""
    clouds = [project[number % 2] for number in range(_AT_ONCE)]
    with concurrent.futures.ThreadPoolExecutor(_AT_ONCE) as pool:
        responses = list(
            pool.map(lambda cloud: _create(cloud, **{attributes.CMK_ID: "ims/default"}), clouds)
        )
    assert [response.status_code for response in responses] == [201] * _AT_ONCE, responses[0].text
    for cloud, response in zip(clouds, responses, strict=True):
        cloud.image.delete(f"/images/{response.json()['id']}")
    made = [secret for secret in project[0].key_manager.secrets() if secret.name == "ims/default"]
    assert len(made) == 1
    named = {response.json()[attributes.CMK_ID] for response in responses}
    assert named == {login.secret_id(made[0])}


def test_upload_without_a_key_to_the_encrypting_store_gets_the_default_key(project):
    cloud, _second = project
    image_id = _create(cloud).json()["id"]
    sent = cloud.image.put(
        f"/images/{image_id}/file",
        data=b"x" * 5000,
        headers={"Content-Type": "application/octet-stream", "x-image-meta-store": "kms"},
    )
    image = cloud.image.get(f"/images/{image_id}").json()
    cloud.image.delete(f"/images/{image_id}")
    assert sent.status_code == 204, sent.text
    assert image["stores"] == "kms"
    secret = cloud.key_manager.get_secret(image[attributes.CMK_ID])
    assert secret.name == "ims/default"


def test_administrators_show_nobody_what_is_under_a_default_key(project):
    """They are of another project, and their token does not list its keys."""
    cloud, _second = project
    admin = login.connect("admin")
    for key_id, allowed in (("ims/default", False), (login.make_key(cloud), True)):
        image_id = _create(cloud, **{attributes.CMK_ID: key_id}).json()["id"]
        path = f"/images/{image_id}"
        cloud.image.put(
            f"{path}/file", data=b"z", headers={"Content-Type": "application/octet-stream"}
        )
        patch = [{"op": "replace", "path": "/visibility", "value": "community"}]
        kind = {"Content-Type": "application/openstack-images-v2.1-json-patch"}
        answers = [
            admin.image.post(f"{path}/members", json={"member": admin.current_project_id}),
            admin.image.patch(path, json=patch, headers=kind),
        ]
        cloud.image.delete(path)
        assert [answer.status_code for answer in answers] == [200 if allowed else 409] * 2
        assert allowed or all("IMG.0098" in answer.text for answer in answers)


def test_key_of_another_project_is_refused(project):
    other = login.connect("other")
    key_id = login.make_key(project[0])
    response = _create(other, **{attributes.CMK_ID: key_id})
    assert response.status_code == 403
    assert "IMG.0099" in response.text
    assert key_id in response.text


@pytest.mark.parametrize(
    ("value", "status", "code"),
    [
        (str(uuid.UUID(int=0)), 400, "IMG.0095"),
        ("", 400, "IMG."),
        ("../../v1/secrets", 400, "IMG."),
    ],
)
def test_key_that_does_not_exist_is_refused(value, status, code):
    response = _create(login.connect("demo"), **{attributes.CMK_ID: value})
    assert response.status_code == status
    assert code in response.text


def test_a_key_without_the_dashes_of_its_id_is_the_same_key(project):
    """What is under the default key is shared with nobody, however that is spelt."""
    cloud, _second = project
    canonical = _create(cloud, **{attributes.CMK_ID: "ims/default"}).json()
    key_id = canonical[attributes.CMK_ID]
    bare = _create(cloud, **{attributes.CMK_ID: key_id.replace("-", "").upper()}).json()
    kind = {"Content-Type": "application/octet-stream"}
    assert cloud.image.put(f"/images/{bare['id']}/file", data=b"z", headers=kind).status_code == 204
    refused = cloud.image.post(f"/images/{bare['id']}/members", json={"member": "a" * 32})
    found = cloud.image.get(
        "/images", params={attributes.CMK_ID: key_id.replace("-", ""), "owner": bare["owner"]}
    ).json()["images"]
    for image in (bare, canonical):
        cloud.image.delete(f"/images/{image['id']}")
    assert bare[attributes.CMK_ID] == key_id
    assert refused.status_code == 409
    assert "IMG.0098" in refused.text
    assert {bare["id"], canonical["id"]} <= {image["id"] for image in found}


@pytest.mark.alone
def test_key_manager_away_means_try_again_later(project):
    """Nothing half-made: no image, no object; and all works again when it is back."""
    cloud, _second = project
    key_id = login.make_key(cloud)
    before = pocket.image_files()
    queued = _create(cloud, **{attributes.CMK_ID: key_id}).json()["id"]
    headers = {"Content-Type": "application/octet-stream"}
    with pocket.killed("barbican"):
        refused = _create(cloud, **{attributes.CMK_ID: str(uuid.uuid4())})
        assert refused.status_code == 503
        assert "IMG.0014" in refused.text
    assert cloud.image.get(f"/images/{queued}").json()["status"] == "queued"
    sent = cloud.image.put(f"/images/{queued}/file", data=b"y" * 100, headers=headers)
    assert sent.status_code == 204, sent.text
    cloud.image.delete(f"/images/{queued}")
    assert pocket.image_files() == before
