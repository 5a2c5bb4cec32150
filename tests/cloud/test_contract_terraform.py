# SPDX-License-Identifier: Apache-2.0
"""What the Terraform provider ``huaweicloud`` expects beyond the reference, by plain requests.

Its sources (``huaweicloud/services/ims``) send these and read these answers.
"""

import secrets
import time

import pytest
import requests

from tests.cloud import client_shell, huawei


class _Service:
    """Plain HTTP with a token."""

    def __init__(self, conn):
        endpoint = conn.image.get_endpoint().removesuffix("/v2/").removesuffix("/")
        self._endpoint = endpoint
        self._session = requests.Session()
        self._session.headers["X-Auth-Token"] = conn.auth_token
        self._session.headers["Content-Type"] = "application/json"
        self.project_id = conn.current_project_id

    def send(self, method, path, body=None, **query):
        """The answer's status and JSON."""
        response = self._session.request(
            method, f"{self._endpoint}{path}", json=body, params=query, timeout=60
        )
        return response.status_code, response.json() if response.content else None

    def image(self, image_id):
        """How the provider reads an image."""
        status, answer = self.send("GET", "/v2/cloudimages", id=image_id)
        assert status == 200, answer
        (found,) = answer["images"]
        return found

    def done(self, status_and_answer):
        """The entities of a job when it has ended well."""
        status, answer = status_and_answer
        assert status == 200, answer
        until = time.monotonic() + 120
        while time.monotonic() < until:
            status, job = self.send("GET", f"/v1/{self.project_id}/jobs/{answer['job_id']}")
            assert status == 200
            assert job["status"] in ("INIT", "RUNNING", "SUCCESS"), job
            if job["status"] == "SUCCESS":
                return job["entities"]
            time.sleep(0.3)
        raise AssertionError(job)


@pytest.fixture(scope="module")
def service(demo):
    return _Service(demo)


@pytest.fixture
def image(demo):
    with client_shell.image(demo, f"contract-tf-{secrets.token_hex(4)}") as image_id:
        yield image_id


def _patch(service, image_id, operation, path, *value):
    change = {"op": operation, "path": path}
    if value:
        change["value"] = value[0]
    return service.send("PATCH", f"/v2/cloudimages/{image_id}", [change])


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("/__description", "words"),
        ("/max_ram", "4096"),
        ("/max_ram", 4096),
        ("/hw_vif_multiqueue_enabled", "true"),
        ("/hw_firmware_type", "bios"),
        ("/__support_xen", "true"),
        ("/os_shutdown_timeout", "60"),
    ],
)
def test_replace_of_a_missing_attribute_and_then_add(service, image, path, value):
    status, answer = _patch(service, image, "replace", path, value)
    assert (status, answer["error"]["code"]) == (400, "IMG.0035"), answer
    status, whole = _patch(service, image, "add", path, value)
    assert (status, whole[path[1:]]) == (200, str(value)), whole
    status, whole = _patch(service, image, "replace", path, value)
    assert (status, whole[path[1:]]) == (200, str(value))
    assert service.image(image)[path[1:]] == str(value)
    status, whole = _patch(service, image, "remove", path)
    # "0" is how a limit that is not there may be shown.
    assert (status, whole.get(path[1:], "0")) == (200, "0")


def test_min_ram_is_a_number_and_is_always_there(service, image):
    status, whole = _patch(service, image, "replace", "/min_ram", 2048)
    assert (status, whole["min_ram"]) == (200, 2048)
    status, whole = _patch(service, image, "replace", "/min_ram", 0)
    assert (status, whole["min_ram"]) == (200, 0)


def test_several_changes_are_all_made_or_none(service, image):
    changes = [
        {"op": "replace", "path": "/name", "value": "contract-tf-changed"},
        {"op": "replace", "path": "/max_ram", "value": "1"},
    ]
    status, answer = service.send("PATCH", f"/v2/cloudimages/{image}", changes)
    assert (status, answer["error"]["code"]) == (400, "IMG.0035")
    assert service.image(image)["name"] != "contract-tf-changed"


def test_the_list_is_empty_after_a_deletion(service, image):
    assert service.image(image)["status"] == "active"
    status, _answer = service.send("DELETE", f"/v2/images/{image}", {"delete_backup": True})
    assert status == 204
    status, answer = service.send("GET", "/v2/cloudimages", id=image)
    assert (status, answer["images"]) == (200, [])


def test_an_id_that_never_was_is_an_empty_list(service):
    for unknown in (huawei.NOBODY, "not-an-id"):
        status, answer = service.send("GET", "/v2/cloudimages", id=unknown)
        assert (status, answer["images"]) == (200, [])


def test_a_copy_tells_its_image_and_where_it_comes_from(service, demo, image):
    entities = service.done(
        service.send("POST", f"/v1/cloudimages/{image}/copy", {"name": "contract-tf-copy"})
    )
    made = service.image(entities["image_id"])
    demo.image.delete_image(made["id"])
    kind, _, rest = made["__data_origin"].partition(",")
    assert (kind, rest) == ("image", f"RegionOne,{image}")
    assert (made["status"], made["__originalimagename"]) == ("active", image)
    assert made["protected"] is False


@pytest.mark.volumes
def test_the_origin_of_an_image_of_a_volume_has_two_parts(service, demo):
    volume = demo.block_storage.create_volume(name="contract-tf", size=1)
    made = None
    try:
        demo.block_storage.wait_for_status(volume, "available", ["error"], 1, 240)
        body = {
            "name": "contract-tf-volume",
            "volume_id": volume.id,
            "os_version": "Ubuntu 22.04 server 64bit",
            "type": "ECS",
            "min_ram": 512,
            "max_ram": 1024,
            "enterprise_project_id": "0",
        }
        entities = service.done(service.send("POST", "/v2/cloudimages/action", body))
        made = service.image(entities["image_id"])
        assert made["__data_origin"].split(",") == ["volume", volume.id]
        assert (made["min_ram"], made["max_ram"]) == (512, "1024")
        assert (made["__os_type"], made["virtual_env_type"]) == ("Linux", "FusionCompute")
    finally:
        if made:
            demo.image.delete_image(made["id"])
        demo.block_storage.delete_volume(volume)


@pytest.mark.parametrize(
    ("how", "code"),
    [
        ({"is_quick_export": True, "file_format": "zvhd"}, "IMG.0072"),
        ({}, "IMG.0072"),
    ],
)
def test_the_format_of_a_quick_export_is_missing(service, image, how, code):
    body = {"bucket_url": "bucket:object", **how}
    status, answer = service.send("POST", f"/v1/cloudimages/{image}/file", body)
    assert (status, answer["error"]["code"]) == (400, code), answer


def test_tags_as_the_provider_sets_them(service, image):
    path = f"/v2/{service.project_id}/images/{image}/tags"
    pairs = [{"key": "foo", "value": "bar"}, {"key": "empty", "value": ""}]
    for action in ("create", "create", "delete", "delete"):
        body = {"action": action, "tags": pairs}
        assert service.send("POST", f"{path}/action", body) == (204, None)
        status, answer = service.send("GET", path)
        wanted = pairs if action == "create" else []
        assert (status, sorted(answer["tags"], key=str)) == (200, sorted(wanted, key=str))
