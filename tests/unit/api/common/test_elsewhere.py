# SPDX-License-Identifier: Apache-2.0
"""Other regions, against a small Keystone."""

import types

import pytest
from keystoneauth1 import loading

from ims_glance.api.common import elsewhere
from ims_glance.api.common.acceptance import KeyDelegatesNothing, Rights
from ims_glance.api.common.account import WrongAgency, WrongProject
from ims_glance.api.common.elsewhere import Elsewhere, RegionUnnamed, SameRegion, WrongRegion
from ims_glance.clouds.identity import DelegationRefused
from tests.unit import job_database

END = "2100-01-01T00:00:00.000000"


def caller(**changes):
    endpoints = [
        {"region": name, "publicURL": f"http://{name}"} for name in ("RegionOne", "RegionTwo")
    ]
    usual = {
        "auth_token": "token",
        "user_id": "caller",
        "project_id": "here",
        "project_domain_id": "default",
        "roles": ["admin", "reader", "member", "ims_service"],
        "service_catalog": [{"type": "image", "name": "glance", "endpoints": endpoints}],
        "request_id": None,
        "global_request_id": None,
    }
    return types.SimpleNamespace(**{**usual, **changes})


@pytest.fixture
def regions(keystone):
    conf = job_database.configuration(None)
    loading.load_auth_from_conf_options(conf, "ims_service", auth_url="x")
    for name, value in {**keystone.login, "region_name": "RegionOne"}.items():
        conf.set_override(name, value, "ims_service")
    made = Elsewhere(conf)
    keystone.regions = ("RegionOne",)
    keystone.projects = [{"id": "there", "name": "web", "domain_id": "default"}]
    keystone.exchanges = {"there": ["member", "admin"]}
    roles = [{"name": "reader"}, {"name": "uploader"}]
    keystone.credentials = [{"name": "copies", "project_id": "there", "roles": roles}]
    return made


def test_which_regions_there_are(regions):
    regions.check(caller(), "RegionTwo")
    with pytest.raises(SameRegion, match="copy_image_in_region") as refused:
        regions.check(caller(), "RegionOne")
    assert refused.value.code == "IMG.0016"
    with pytest.raises(WrongRegion, match="one in: RegionOne, RegionTwo") as wrong:
        regions.check(caller(), "Mars")
    assert wrong.value.code == "IMG.0108"
    with pytest.raises(WrongRegion, match="one in: no region"):
        regions.check(caller(service_catalog=[]), "RegionTwo")


def test_a_region_that_has_no_name_of_its_own(regions):
    regions._conf.clear_override("region_name", "ims_service")
    with pytest.raises(RegionUnnamed, match="region_name"):
        regions.check(caller(), "RegionTwo")


def test_a_place_in_another_project(regions, keystone):
    """The job there gets what is enough to follow another one."""
    place = regions.place(caller(), "RegionTwo", "web", None)
    assert (place.region, place.rights) == ("RegionTwo", Rights("there", ("member",)))
    rest = place.api._rest._adapter
    assert rest.session.get_token() == "token for there"
    assert (rest.region_name, rest.get_endpoint()) == ("RegionTwo", f"{keystone.url}/image")


@pytest.mark.parametrize("project", [None, "here"])
def test_a_place_in_the_same_project_takes_the_same_token(regions, keystone, project):
    place = regions.place(caller(), "RegionTwo", project, None)
    assert place.rights == Rights("here", ("member", "reader"))
    rest = place.api._rest._adapter
    assert (rest.session.get_token(), rest.get_endpoint()) == ("token", "http://RegionTwo")
    assert not [path for _method, path, _token in keystone.requests if path == "/v3/auth/projects"]


def test_an_agency_limits_what_is_delegated(regions, keystone):
    keystone.credentials[0]["expires_at"] = END
    place = regions.place(caller(), "RegionTwo", "web", "copies")
    assert place.rights == Rights("there", ("reader", "uploader"), END)
    for project, agency in (("web", "none"), ("here", "copies")):
        with pytest.raises(WrongAgency):
            regions.place(caller(), "RegionTwo", project, agency)


def test_what_is_not_there(regions, keystone):
    with pytest.raises(WrongProject):
        regions.place(caller(), "RegionTwo", "other", None)
    keystone.exchanges = {}
    with pytest.raises(DelegationRefused):
        regions.place(caller(), "RegionTwo", "web", None)


def test_a_signed_request_reaches_no_other_region(regions, keystone):
    with pytest.raises(KeyDelegatesNothing):
        regions.place(caller(ec2_access="AK"), "RegionTwo", None, None)


class TestRights:
    @pytest.fixture(autouse=True)
    def _policy(self, monkeypatch):
        def may_create(context, owner, visibility):
            assert (owner, visibility) == ("there", "private")
            return "uploader" in context.roles

        monkeypatch.setattr(elsewhere, "may_create", may_create)

    def test_all_roles_of_the_token(self, regions):
        roles = ("admin", "reader", "member")
        assert regions.rights(caller(), None) == Rights("here", roles)

    def test_those_of_an_agency(self, regions, keystone):
        keystone.credentials[0]["expires_at"] = END
        who = caller(project_id="there")
        assert regions.rights(who, "copies") == Rights("there", ("reader", "uploader"), END)
        assert "admin" in who.roles

    def test_an_agency_that_makes_no_images(self, regions, keystone):
        keystone.credentials[0]["roles"] = [{"name": "reader"}]
        with pytest.raises(WrongAgency, match=r"roles \(reader\) may make images") as refused:
            regions.rights(caller(project_id="there"), "copies")
        assert refused.value.code == "IMG.0179"


def test_what_is_enough():
    assert elsewhere.least(["admin", "reader", "member"]) == ("member", "reader")
    assert elsewhere.least(["uploader", "ims_service"]) == ("uploader",)
