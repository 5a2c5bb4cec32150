# SPDX-License-Identifier: Apache-2.0
"""Projects by name."""

import pytest
from openstack import exceptions

from ims_glance.client.shell import projects
from tests.unit.client.cloud import IDENTITY, OTHER, PROJECT, USER


@pytest.fixture
def denied(cloud):
    """A user who may not list the cloud's projects."""
    cloud.json("GET", f"{IDENTITY}/projects.*", {"error": {"message": "no"}}, 403)
    return cloud


def own(cloud, *found):
    listed = [{"id": each, "name": name} for each, name in found]
    cloud.json("GET", f"{IDENTITY}/users/{USER}/projects", {"projects": listed})


def test_an_id_is_an_id(cloud):
    assert projects.find(cloud.connection(), OTHER) == OTHER
    assert cloud.requests == []


def test_who_may_look(cloud):
    cloud.json("GET", f"{IDENTITY}/projects/other", {}, 404)
    cloud.json("GET", f"{IDENTITY}/projects", {"projects": [{"id": OTHER, "name": "other"}]})
    assert projects.find(cloud.connection(), "other") == OTHER


def test_one_s_own(denied):
    own(denied, (PROJECT, "demo"), (OTHER, "mine"))
    assert projects.find(denied.connection(), "mine") == OTHER


def test_what_is_no_name_is_taken_for_an_id(denied, caplog):
    own(denied, (PROJECT, "demo"))
    assert projects.find(denied.connection(), "other") == "other"
    assert "taken for an id" in caplog.text
    denied.json("GET", f"{IDENTITY}/users/.*", {}, 403)
    assert projects.find(denied.connection(), "other") == "other"


def test_the_service_looks_for_a_name(denied, caplog):
    own(denied, (PROJECT, "demo"))
    denied.ims("GET", "/v1/cloudimages/receivers", {"project_id": OTHER, "name": "other"})
    cloud = denied.connection()
    assert projects.find(cloud, "other", cloud.ims.find_receiver) == OTHER
    assert denied.requests[-1].query == {"name": "other"}
    denied.refuse("GET", "/v1/cloudimages/receivers", 409, "IMG.0105", "It does not look.")
    assert projects.find(cloud, "other", cloud.ims.find_receiver) == "other"
    assert "It does not look." in caplog.text


def test_an_ambiguous_name(denied):
    own(denied, (PROJECT, "twin"), (OTHER, "twin"))
    with pytest.raises(exceptions.DuplicateResource, match=OTHER):
        projects.find(denied.connection(), "twin")
