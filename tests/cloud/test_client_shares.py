# SPDX-License-Identifier: Apache-2.0
"""Sharing between the users demo and other by ``openstack ims``."""

import secrets

import pytest

from tests.cloud import client_shell, login
from tests.cloud.client_shell import read, refusal


@pytest.fixture(scope="module")
def other(cloud):
    return str(login.connect("other").current_project_id)


@pytest.fixture
def name():
    return f"client-{secrets.token_hex(4)}"


@pytest.fixture
def image(demo, name):
    with client_shell.image(demo, name) as image_id:
        yield image_id


def listed(user, name, *arguments):
    return [row["ID"] for row in read(user, "image", "list", "--name", name, *arguments)]


def test_from_offer_to_withdrawal(name, image, other):
    shared = read("demo", "image", "share", name, "--project", other, "--wait")
    assert [(pair["image_id"], pair["project_id"]) for pair in shared["results"]] == [
        (image, other)
    ]
    assert read("demo", "image", "show", name)["type"] == "shared"
    assert listed("other", name) == []
    assert listed("other", name, "--member-status", "pending") == [image]

    read("other", "image", "accept", name, "--wait")
    assert listed("other", name) == [image]
    assert read("other", "image", "show", name)["type"] == "shared"
    (member,) = read("demo", "member", "list", name)
    assert (member["Project"], member["Status"]) == (other, "accepted")

    read("other", "image", "reject", name, "--wait")
    assert listed("other", name) == []
    read("other", "image", "accept", name, "--wait")

    read("demo", "image", "unshare", name, "--project", other, "--wait")
    assert listed("other", name) == []
    assert "no image" in refusal("other", "image", "show", image)
    assert read("demo", "image", "show", name)["type"] == "private"


def test_several_images_at_once(demo, name, image, other):
    with client_shell.image(demo, f"{name}-two") as second:
        read("demo", "image", "share", name, second, "--project", other, "--wait")
        read("other", "image", "accept", name, f"{name}-two", "--wait")
        assert listed("other", name) == [image]
        said = refusal("demo", "image", "unshare", name, "none-1", "none-2", "--project", other)
        assert "2 of 3 images were not found" in said
        assert listed("other", name) == [image]


def test_with_oneself(demo, name, image):
    own = demo.current_project_id
    said = refusal("demo", "image", "share", name, "--project", own, "--wait")
    assert "IMG.0076" in said


def test_what_is_not_offered_cannot_be_accepted(image):
    assert "no image" in refusal("other", "image", "accept", image)


def test_a_project_by_name(cloud, name, other):
    """Who may list projects names them; who may not is told, and the service refuses no-ids."""
    with client_shell.image(login.connect("admin"), name):
        named = login.project_name("other")
        shared = read("admin", "image", "share", name, "--project", named, "--wait")
        assert [pair["project_id"] for pair in shared["results"]] == [other]


@pytest.mark.pocket
def test_a_project_that_one_may_not_look_up(name, image, other):
    """The service does, by the exact name in one's own domain; what it does not find is taken for an id.

    A service looks up nothing where ``[ims_signature]`` has no user.
    """
    named = login.project_name("other")
    shared = read("demo", "image", "share", name, "--project", named, "--wait")
    assert [pair["project_id"] for pair in shared["results"]] == [other]
    said = refusal("demo", "image", "share", name, "--project", named[:-1])
    assert "taken for an id" in said
    assert "IMG.0067" in said
