# SPDX-License-Identifier: Apache-2.0
"""Connections to other regions and projects of the same cloud."""

import openstack
import pytest
from keystoneauth1 import session, token_endpoint
from openstack import exceptions

from ims_glance.client import regions
from tests.unit.client.cloud import IMAGE, OTHER, PROJECT, Cloud
from tests.unit.client.two_regions import TWO, TwoRegions


@pytest.fixture
def conn():
    return TwoRegions().connection()


def test_regions_with_images_begin_with_the_own_one():
    endpoints = {"A": "http://a.test", "R": IMAGE, "TWO": TWO}
    assert regions.with_images(TwoRegions(endpoints).connection()) == ["R", "A", "TWO"]


def test_regions_with_one_image_service_are_asked_once():
    endpoints = {"A": IMAGE, "R": f"{IMAGE}/", "TWO": TWO}
    assert regions.with_images(TwoRegions(endpoints).connection()) == ["R", "TWO"]


def test_a_login_that_names_no_region_is_in_the_first_one():
    conn = Cloud().connection()
    assert conn.config.get_region_name() is None
    assert regions.current(conn) == "R"
    assert regions.connect(conn, "R") is conn


def test_another_region_has_the_address_of_the_catalogue(conn):
    """That one of the settings is the own region's."""
    there = regions.connect(conn, "TWO")
    assert there.ims.endpoint_override == TWO
    assert there.session is conn.session
    assert conn.ims.endpoint_override == IMAGE


def test_a_region_that_is_not_there_is_refused_with_those_that_are(conn):
    with pytest.raises(exceptions.ConfigException, match=r"'Mars'.*R, TWO"):
        regions.connect(conn, "Mars")


@pytest.mark.parametrize("project", ["web", OTHER])
def test_another_project_by_name_or_id(conn, project):
    there = regions.as_project(conn, project)
    assert there.current_project_id == OTHER
    assert regions.connect(there, "TWO").ims.get_project_id() == OTHER
    assert conn.current_project_id == PROJECT


@pytest.mark.parametrize("project", ["demo", PROJECT])
def test_the_own_project_needs_no_login(conn, project):
    assert regions.as_project(conn, project) is conn


def test_a_project_without_a_role_is_refused_with_what_it_takes(conn):
    with pytest.raises(exceptions.ConfigException, match=r"'nobody'.*takes a role there"):
        regions.as_project(conn, "nobody")


def test_a_connection_without_credentials_cannot_change_its_project():
    with pytest.raises(exceptions.ConfigException, match="without credentials"):
        regions.as_project(Cloud().connection(), "web")


def test_a_login_without_a_catalogue_has_no_other_region():
    auth = token_endpoint.Token(IMAGE, "token")
    conn = openstack.connection.Connection(session=session.Session(auth), region_name="R")
    assert regions.with_images(conn) == []
    with pytest.raises(exceptions.ConfigException, match="none"):
        regions.connect(conn, "TWO")
