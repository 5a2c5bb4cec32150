# SPDX-License-Identifier: Apache-2.0
"""``conn.ims`` from Python, on the real cloud."""

import secrets
from typing import Any

import openstack
import pytest
from keystoneauth1 import session
from keystoneauth1.identity import v3
from openstack import exceptions

from ims_glance import client
from tests.cloud import client_shell, login


@pytest.fixture(scope="module")
def conn(cloud):
    return client.register(login.connect("demo"))


@pytest.fixture(scope="module")
def image(conn):
    with client_shell.image(conn, f"client-{secrets.token_hex(4)}") as image_id:
        yield conn.ims.get_image(image_id)


def test_images(conn, image):
    assert image.id in [each.id for each in conn.ims.images(image_type="private")]
    assert conn.ims.find_image(image.name).id == image.id
    assert conn.ims.update_image(image, description="mine").description == "mine"


def test_pages(conn, image):
    with client_shell.image(conn, f"{image.name}-two"):
        found = [each.id for each in conn.ims.images(limit=1, owner=image.owner)]
    assert image.id in found
    assert len(set(found)) == len(found) >= 2


def test_a_job(conn, image):
    job = conn.ims.wait_for_job(conn.ims.copy_image(image, f"copy_{image.name}"), timeout=600)
    assert conn.ims.get_image(job.image_id).status == "active"
    conn.ims.delete_image(job.image_id)


def test_an_application_credential_gets_nothing_that_a_password_delegated(conn, image):
    """Keystone lets it delegate nothing, so it gets no job, while its owner's jobs go on."""
    user = conn.current_user_id
    made = conn.identity.create_application_credential(user, f"c-{secrets.token_hex(4)}")
    try:
        auth = v3.ApplicationCredential(
            conn.config.auth["auth_url"], made.secret, application_credential_id=made.id
        )
        limited = client.register(
            openstack.connection.Connection(
                session=session.Session(auth), region_name=conn.config.region_name
            )
        )
        assert limited.ims.get_image(image.id).id == image.id
        job = conn.ims.copy_image(image, f"copy_{image.name}")
        with pytest.raises(exceptions.ForbiddenException, match=r"IMG\.0087"):
            limited.ims.copy_image(image, f"stolen_{image.name}")
        job = conn.ims.wait_for_job(job, timeout=600)
        conn.ims.delete_image(job.image_id)
    finally:
        conn.identity.delete_application_credential(user, made)


def test_tags(conn, image):
    conn.ims.set_tags(image, ["env=test"])
    assert [str(tag) for tag in conn.ims.image_tags(image)] == ["env=test"]
    conn.ims.set_tags(image, [])
    assert conn.ims.image_tags(image) == []


def test_errors_are_openstacksdk_s(conn):
    with pytest.raises(exceptions.NotFoundException) as caught:
        conn.ims.get_job("0" * 32)
    assert str(caught.value).startswith("IMG.")
    assert caught.value.request_id


def test_a_vendor_hook_needs_no_line_of_python(cloud):
    region = login.region("demo")
    region.config["vendor_hook"] = "ims_glance.client:register"
    conn: Any = openstack.connection.Connection(config=region)
    assert conn.ims.quotas()
