# SPDX-License-Identifier: Apache-2.0
"""Access keys of the real Keystone, with Huawei's own SDK, at both doors."""

import datetime
import hashlib
import json
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.exceptions import exceptions as sdk_exceptions
from huaweicloudsdkcore.region.region import Region
from huaweicloudsdkcore.sdk_request import SdkRequest
from huaweicloudsdkcore.signer.signer import Signer
from huaweicloudsdkims.v2 import ImsClient, model

from tests.cloud import pocket

pytestmark = pytest.mark.pocket

_PATIENCE = 240
_CACHE_SECONDS = 3  # in the pocket cloud's ims-glance.site.conf


@pytest.fixture(scope="module")
def url(demo) -> str:
    return str(demo.image.get_endpoint_data().url).removesuffix("/").removesuffix("/v2")


@pytest.fixture
def key(demo) -> Iterator[BasicCredentials]:
    """An access key of user demo."""
    path = f"/users/{demo.current_user_id}/credentials/OS-EC2"
    made = demo.identity.post(path, json={"tenant_id": demo.current_project_id}).json()
    access, secret = made["credential"]["access"], made["credential"]["secret"]
    yield BasicCredentials(access, secret, demo.current_project_id)
    demo.identity.delete(f"{path}/{access}")


@pytest.fixture
def image(demo) -> Iterator[Any]:
    made = demo.image.create_image(
        f"signed-{uuid.uuid4().hex[:8]}", disk_format="raw", container_format="bare", data=b"x" * 99
    )
    yield made
    demo.image.delete_image(made, ignore_missing=True)


class _WholeSigner(Signer):  # type: ignore[misc]
    """Signs every body: the SDK's own leaves those of images out."""

    @classmethod
    def _process_content_header(cls, request):
        pass


def _client(url: str, credentials: BasicCredentials) -> Any:
    builder = ImsClient.new_builder().with_credentials(credentials)
    return builder.with_endpoint(url).build()


def _signed(key: BasicCredentials, url: str, method: str, path: str, **more: Any) -> SdkRequest:
    """A request of the SDK's signer.

    :param more: ``body``, ``headers``, and another ``signer``
    """
    request = SdkRequest(
        method=method,
        schema="http",
        host=url.removeprefix("http://"),
        resource_path=path,
        query_params=[],
        header_params={"X-Project-Id": key.project_id, **more.get("headers", {})},
        body=more.get("body", b""),
    )
    return more.get("signer", Signer)(key).sign(request)


def _send(url: str, request: SdkRequest, **changes: Any) -> requests.Response:
    return requests.request(
        changes.get("method", request.method),
        url + changes.get("path", request.uri),
        headers={**request.header_params, **changes.get("headers", {})},
        data=changes.get("body", request.body),
        timeout=600,
    )


def test_the_sdk_with_an_access_key(key, url, image):
    client = _client(url, key)
    listed = client.glance_list_images(model.GlanceListImagesRequest(limit=500)).images
    assert image.id in {each.id for each in listed}
    versions = client.list_os_versions(model.ListOsVersionsRequest())
    assert versions.status_code == 200
    patch = model.GlanceUpdateImageRequestBody(op="replace", path="/name", value="by key")
    request = model.GlanceUpdateImageRequest(image_id=image.id, body=[patch])
    assert client.glance_update_image(request).name == "by key"


def test_the_sdk_with_a_region_and_no_project(key, url, monkeypatch):
    monkeypatch.setenv("HUAWEICLOUD_SDK_IAM_ENDPOINT", url)
    builder = ImsClient.new_builder().with_credentials(BasicCredentials(key.ak, key.sk))
    client = builder.with_region(Region("RegionOne", url)).build()
    assert client.list_images(model.ListImagesRequest(limit=1)).status_code == 200
    assert client._credentials.project_id == key.project_id


@pytest.mark.parametrize("prefix", ["", "/image"])
def test_at_both_doors_and_under_a_prefix(key, url, prefix):
    for path in ("/v2/images", "/v1/cloudimages/os_version"):
        assert _send(url, _signed(key, url, "GET", prefix + path)).status_code == 200


def test_the_sdk_with_a_keystone_token(demo, url):
    keys = BasicCredentials("none", "none", demo.current_project_id)
    client = _client(url, keys.with_security_token(demo.auth_token))
    assert client.list_os_versions(model.ListOsVersionsRequest()).status_code == 200
    assert client.glance_list_images(model.GlanceListImagesRequest()).status_code == 200


def test_the_owner_is_who_acts(key, demo, url):
    body = b'{"name": "by key", "disk_format": "raw", "container_format": "bare"}'
    forged = {
        "X-Roles": "admin",
        "X-User-Id": "somebody",
        "X-Identity-Status": "Confirmed",
        "OpenStack-System-Scope": "all",
        "X-Storage-Token": "token",
        "X-Service-Token": "token",
    }
    json_type = {"Content-Type": "application/json"}
    signed = _signed(key, url, "POST", "/v2/images", body=body, headers=json_type)
    answer = _send(url, signed, headers=forged)
    assert answer.status_code == 201, answer.text
    assert answer.json()["owner"] == demo.current_project_id
    demo.image.delete_image(answer.json()["id"])


@pytest.mark.parametrize(
    ("signer", "mib", "status"),
    [(_WholeSigner, 3, 204), (_WholeSigner, 13, 400), (Signer, 13, 204)],
)
def test_an_upload(key, demo, url, signer, mib, status):
    """With a signed body; and as the SDK signs it, which the cloud takes from its own host."""
    made = demo.image.create_image("signed-upload", disk_format="raw", container_format="bare")
    data = bytes(range(256)) * (4096 * mib)
    path = f"/v2/images/{made.id}/file"
    headers = {"Content-Type": "application/octet-stream"}
    signed = _signed(key, url, "PUT", path, signer=signer, body=data, headers=headers)
    answer = _send(url, signed)
    checksum = demo.image.get_image(made.id).checksum
    demo.image.delete_image(made)
    assert answer.status_code == status, answer.text
    assert checksum == (hashlib.md5(data).hexdigest() if status == 204 else None)


def test_an_encrypted_image(key, demo, url):
    """The owner's rights at the key manager come along."""
    body = json.dumps(
        {"disk_format": "raw", "container_format": "bare", "__system__cmkid": "ims/default"}
    ).encode()
    json_type = {"Content-Type": "application/json"}
    answer = _send(url, _signed(key, url, "POST", "/v2/images", body=body, headers=json_type))
    assert answer.status_code == 201, answer.text
    demo.image.delete_image(answer.json()["id"])


def test_a_job(key, demo, url, image):
    """The worker acts for the owner of the key, whose token can delegate nothing."""
    client = _client(url, key)
    body = model.CopyImageInRegionRequestBody(name="copied by key")
    request = model.CopyImageInRegionRequest(image_id=image.id, body=body)
    job_id = client.copy_image_in_region(request).job_id
    deadline = time.monotonic() + _PATIENCE
    status = "INIT"
    while status in ("INIT", "RUNNING") and time.monotonic() < deadline:
        time.sleep(0.5)
        job = client.show_job(model.ShowJobRequest(job_id=job_id))
        status = job.status
    assert status == "SUCCESS", job.fail_reason
    copied = demo.image.get_image(job.entities.image_id)
    demo.image.delete_image(copied)
    assert (copied.name, copied.owner) == ("copied by key", demo.current_project_id)


@pytest.mark.parametrize("door", ["/v2/images", "/v1/cloudimages/os_version"])
@pytest.mark.parametrize(
    "changes",
    [
        {"method": "POST"},
        {"path": "/v2/images/other"},
        {"path": "/v2/images?limit=1"},
        {"path": "/v1/cloudimages/quota"},
        {"body": b"{}"},
        {"headers": {"X-Project-Id": "0" * 32}},
        {"headers": {"X-Sdk-Date": "20200101T000000Z"}},
        {"headers": {"X-Sdk-Content-Sha256": "0" * 64}, "body": b"{}"},
        {"headers": {"X-Auth-Token": "nonsense"}},
    ],
    ids=str,
)
def test_a_changed_request_is_refused(key, url, door, changes):
    answer = _send(url, _signed(key, url, "GET", door), **changes)
    assert answer.status_code == 401, answer.text


def test_a_refusal_says_why(key, url):
    wrong = BasicCredentials(key.ak, "wrong", key.project_id)
    with pytest.raises(sdk_exceptions.ClientRequestException) as caught:
        _client(url, wrong).list_os_versions(model.ListOsVersionsRequest())
    assert caught.value.status_code == 401
    assert caught.value.error_code == "IMG.0037"
    assert caught.value.request_id.startswith("req-")


def test_the_project_must_be_the_keys(key, url):
    other = BasicCredentials(key.ak, key.sk, "0" * 32)
    with pytest.raises(sdk_exceptions.ClientRequestException) as caught:
        _client(url, other).list_os_versions(model.ListOsVersionsRequest())
    assert (caught.value.status_code, caught.value.error_code) == (401, "IMG.0030")


def test_an_old_request_is_refused(key, url):
    then = datetime.datetime.now(datetime.UTC) - datetime.timedelta(minutes=16)
    headers = {"X-Sdk-Date": then.strftime("%Y%m%dT%H%M%SZ")}
    answer = _send(url, _signed(key, url, "GET", "/v2/images", headers=headers))
    assert answer.status_code == 401
    assert "15 minutes" in answer.json()["error"]["message"]


def test_a_deleted_key_stops_working(key, demo, url):
    """In every worker process, and with its secret still remembered there."""
    for _ in range(6):
        assert _send(url, _signed(key, url, "GET", "/v2/images")).status_code == 200
    path = f"/users/{demo.current_user_id}/credentials/OS-EC2/{key.ak}"
    assert demo.identity.delete(path).status_code == 204
    time.sleep(_CACHE_SECONDS + 0.5)
    for _ in range(6):
        assert _send(url, _signed(key, url, "GET", "/v2/images")).status_code == 401


@pytest.mark.alone
def test_keystone_away_lets_nobody_in(demo, url):
    unknown = BasicCredentials(uuid.uuid4().hex, "secret", demo.current_project_id)
    with pocket.killed("keystone"):
        answer = _send(url, _signed(unknown, url, "GET", "/v1/cloudimages/os_version"))
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "IMG.0014")


def test_nothing_secret_is_logged(key, url):
    assert _send(url, _signed(key, url, "GET", "/v2/images")).status_code == 200
    log = (pocket.HOME / "logs" / "glance-one.log").read_text(errors="replace")
    assert key.sk not in log
