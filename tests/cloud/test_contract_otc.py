# SPDX-License-Identifier: Apache-2.0
"""The six IMS calls of ``otcextensions``, unmodified, at the root and under a path prefix."""

import secrets
from typing import Any

import openstack
import pytest
from openstack import exceptions, proxy
from otcextensions import sdk

from tests.cloud import client_shell, login

NOBODY = "00000000-0000-4000-8000-000000000000"

# What loading otcextensions changes in openstacksdk, for everybody in the process.
_PATCHED = (
    (exceptions, "raise_from_response"),
    (proxy.Proxy, "_report_stats_statsd"),
    (proxy.Proxy, "_report_stats_influxdb"),
)


@pytest.fixture(scope="module", params=["", "/image"])
def conn(request, demo):
    """A connection with otcextensions, to the root or to a prefix."""
    endpoint = demo.image.get_endpoint().removesuffix("/v2/").removesuffix("/") + request.param
    with pytest.MonkeyPatch.context() as patch:
        for owner, name in _PATCHED:
            patch.setattr(owner, name, getattr(owner, name))
        region = login.region(
            "demo",
            imsv1_endpoint_override=f"{endpoint}/v1",
            imsv2_endpoint_override=f"{endpoint}/v2",
        )
        connection = openstack.connection.Connection(config=region)
        sdk.load(connection)
        yield connection


@pytest.fixture(scope="module")
def image(demo):
    name = f"contract-otc-{secrets.token_hex(4)}"
    with client_shell.image(demo, name) as image_id:
        yield demo.image.get_image(image_id)


def _refused(caught, code, status):
    assert caught.value.status_code == status
    assert caught.value.response.json()["error"]["code"] == code
    assert caught.value.response.json()["error"]["message"] in str(caught.value)
    assert caught.value.request_id.startswith("req-")


def test_the_catalogue_alone_is_enough(demo, image):
    connection: Any = openstack.connection.Connection(config=login.region("demo"))
    sdk.register_single_service(connection, "imsv2")
    (found,) = connection.imsv2.images(id=image.id)
    assert found.name == image.name


def test_images(conn, image):
    (found,) = conn.imsv2.images(name=image.name, protected=False, __imagetype="private")
    assert (found.id, found.status, found.visibility) == (image.id, "active", "private")
    assert (found.imagetype, found.platform, found.os_bit) == ("private", "Other", "64")
    assert (found._Image__os_type, found.image_size) == ("Linux", str(client_shell.MIB))
    assert (found.min_disk, found.protected, found.tags) == (0, False, [])
    assert list(conn.imsv2.images(name=image.name, __os_type="Windows")) == []
    assert list(conn.imsv2.images(name=image.name, protected=True)) == []
    assert len(list(conn.imsv2.images(limit=1))) == 1
    with pytest.raises(exceptions.BadRequestException):
        list(conn.imsv2.images(sort_key="owner"))


def test_update_image(conn, image):
    words = secrets.token_hex(4)
    change = {"op": "add", "path": "/__description", "value": words}
    # A mistake of the client: it fails when it reads the answer, after the change was made.
    with pytest.raises((TypeError, AttributeError)):
        conn.imsv2.update_image(image.id, command_list=[change])
    (found,) = conn.imsv2.images(id=image.id)
    assert found._Image__description == words


def test_update_image_refuses(conn, image):
    change = {"op": "replace", "path": "/never_set", "value": "x"}
    with pytest.raises(exceptions.BadRequestException) as caught:
        conn.imsv2.update_image(image.id, command_list=[change])
    _refused(caught, "IMG.0035", 400)


@pytest.mark.parametrize(
    ("source", "status", "code"),
    [
        ({"instance_id": NOBODY, "max_ram": 2048}, 404, "IMG.0005"),
        ({"image_url": "bucket:object", "image_tags": [{"key": "a"}]}, 404, "IMG.0057"),
    ],
    ids=["server", "file"],
)
def test_create_image(conn, source, status, code):
    with pytest.raises(exceptions.HttpException) as caught:
        conn.imsv2.create_image(name="contract-otc", description="words", min_disk=40, **source)
    _refused(caught, code, status)


def test_create_image_without_a_name(conn):
    with pytest.raises(exceptions.BadRequestException) as caught:
        conn.imsv2.create_image(image_url="bucket:object", min_disk=40)
    _refused(caught, "IMG.0013", 400)


@pytest.mark.parametrize("how", [{"file_format": "qcow2"}, {"is_quick_export": True}])
def test_export_image(conn, image, how):
    with pytest.raises(exceptions.HttpException) as caught:
        conn.imsv1.export_image(image_id=image.id, bucket_url="bucket:object", **how)
    _refused(caught, "IMG.0069", 404)


def _copy(conn, image, **body):
    return conn.imsv1.post(f"/cloudimages/{image.id}/copy", json=body).json()["job_id"]


def test_jobs(conn, demo, image):
    job_id = _copy(conn, image, name=f"copy_{image.name}")
    job = conn.imsv1.wait_for_async_job(job_id, timeout=600, wait=1)
    assert (job.status, job.job_type) == ("SUCCESS", "imsCopyImageInRegionJob")
    assert (job.job_id, job.error_code, job.fail_reason) == (job_id, None, None)
    assert job.begin_time <= job.end_time
    demo.image.delete_image(job.entities.image_id, ignore_missing=False)
    assert (job.entities.image_name, job.entities.process_percent) == (f"copy_{image.name}", 100.0)
    assert conn.imsv1.get_async_job(job_id).entities.image_id == job.entities.image_id


def test_no_such_job(conn):
    with pytest.raises(exceptions.NotFoundException) as caught:
        conn.imsv1.get_async_job("0" * 32)
    _refused(caught, "IMG.0023", 404)
