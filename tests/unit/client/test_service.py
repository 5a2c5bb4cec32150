# SPDX-License-Identifier: Apache-2.0
"""How a connection finds the service."""

import pytest
from keystoneauth1 import exceptions as keystone_exceptions
from openstack import exceptions

from ims_glance import client
from tests.unit.client.cloud import IMAGE, Cloud


def test_it_lies_at_the_image_api_s_endpoint(cloud, ims):
    cloud.ims("GET", "/v1/cloudimages/quota", {"quotas": {"resources": []}})
    ims.quotas()
    assert cloud.only("GET").path == "/image/v1/cloudimages/quota"
    assert cloud.only("GET").headers["X-Auth-Token"] == "token"


@pytest.mark.parametrize("suffix", ["/", "/v2", "/v2/", "/v2.1"])
def test_a_version_in_the_catalogue_is_dropped(suffix):
    assert Cloud(IMAGE + suffix).connection().ims.endpoint_override == IMAGE


@pytest.mark.parametrize("name", ["ims_endpoint_override", "image_endpoint_override"])
def test_another_endpoint_can_be_named(cloud, name):
    conn = cloud.connection()
    conn.config.config[name] = "http://elsewhere.test/ims"
    assert conn.ims.endpoint_override == "http://elsewhere.test/ims"


def test_a_cloud_without_images():
    # Old versions of openstacksdk let keystoneauth's through.
    not_found = (exceptions.SDKException, keystone_exceptions.EndpointNotFound)
    with pytest.raises(not_found, match="image service not found"):
        Cloud(None).connection().ims.quotas()


def test_register_gives_the_connection_back(cloud):
    conn = cloud.connection()
    assert client.register(conn) is conn
    assert conn.ims is conn.ims
