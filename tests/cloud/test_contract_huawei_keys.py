# SPDX-License-Identifier: Apache-2.0
"""Huawei's own client with an access key and a secret key, which are EC2 credentials in Keystone."""

import secrets

import pytest
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkims import v2

from tests.cloud import client_shell, huawei, login
from tests.cloud.huawei import refused


@pytest.fixture(scope="module")
def keys(demo):
    """An access key and its secret key; deleted afterwards."""
    path = f"/users/{demo.current_user_id}/credentials/OS-EC2"
    made = demo.identity.post(path, json={"tenant_id": demo.current_project_id})
    credential = made.json()["credential"]
    yield credential["access"], credential["secret"]
    demo.identity.delete(f"{path}/{credential['access']}")


@pytest.fixture(scope="module")
def ims(demo, keys):
    return huawei.signed(demo, BasicCredentials(*keys, demo.current_project_id))


@pytest.fixture(scope="module")
def image(demo):
    with client_shell.image(demo, f"contract-{secrets.token_hex(4)}") as image_id:
        yield image_id


def test_reading(ims, image):
    (found,) = ims.list_images(v2.ListImagesRequest(id=image)).images
    assert found.id == image
    assert ims.show_image_quota(v2.ShowImageQuotaRequest()).quotas.resources


def test_writing(ims, demo, image):
    tag = v2.AddImageTagRequestBody(v2.ResourceTag("signed", "yes"))
    ims.add_image_tag(v2.AddImageTagRequest(image, tag))
    changes = [v2.UpdateImageRequestBody("add", "/__description", "签名 ~ *")]
    ims.update_image(v2.UpdateImageRequest(image, changes))
    found = demo.image.get_image(image)
    assert "signed=yes" in found.tags
    assert found.properties["__description"] == "签名 ~ *"


def test_a_body_that_the_client_does_not_sign(ims, image):
    changes = [v2.GlanceUpdateImageRequestBody("add", "/own_word", "mine")]
    ims.glance_update_image(v2.GlanceUpdateImageRequest(image, changes))


def test_wrong_keys(demo, keys):
    access, secret = keys
    for wrong in ((access, "0" * len(secret)), ("0" * len(access), secret)):
        stranger = huawei.signed(demo, BasicCredentials(*wrong, demo.current_project_id))
        with refused("IMG.0037", 401):
            stranger.show_image_quota(v2.ShowImageQuotaRequest())


def test_keys_of_another_project(demo, keys):
    other = login.connect("other").current_project_id
    stranger = huawei.signed(demo, BasicCredentials(*keys, other))
    with refused("IMG.0030", 401):
        stranger.show_image_quota(v2.ShowImageQuotaRequest())


def test_a_wrong_token(demo):
    credentials = BasicCredentials("any", "thing", demo.current_project_id)
    stranger = huawei.signed(demo, credentials.with_security_token("wrong"))
    with refused("IMG.0087", 401):
        stranger.show_image_quota(v2.ShowImageQuotaRequest())
