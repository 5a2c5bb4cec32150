# SPDX-License-Identifier: Apache-2.0
"""Against a small Keystone."""

import types

import pytest
from keystoneauth1 import loading

from ims_glance import exceptions
from ims_glance.api.common.account import (
    Account,
    Agency,
    AmbiguousProject,
    WrongAgency,
    WrongProject,
)
from ims_glance.clouds.identity import DelegationRefused, Identity
from tests.unit import job_database


def project(project_id, name="web", domain="default", **more):
    return {"id": project_id, "name": name, "domain_id": domain, "enabled": True, **more}


def credential(project_id, name="copies", roles=("reader", "member")):
    named = [{"id": role, "name": role} for role in roles]
    return {"id": name, "name": name, "project_id": project_id, "roles": named}


@pytest.fixture
def account(keystone):
    conf = job_database.configuration(None)
    loading.load_auth_from_conf_options(conf, "ims_service", auth_url="x")
    for name, value in keystone.login.items():
        conf.set_override(name, value, "ims_service")
    context = types.SimpleNamespace(
        auth_token="token", user_id="caller", project_id="p", project_domain_id="default"
    )
    return Account(Identity(conf), context)


class TestProject:
    @pytest.mark.parametrize("named", ["web", "p2"])
    def test_by_its_name_or_its_id(self, account, keystone, named):
        keystone.projects = [project("p1", "other"), project("p2")]
        assert account.project(named).id == "p2"
        assert ("GET", "/v3/auth/projects", "token") in keystone.requests

    def test_of_two_domains_that_of_the_caller(self, account, keystone):
        keystone.projects = [project("p1", domain="far"), project("p2")]
        assert account.project("web").id == "p2"

    def test_nobody_knows_which(self, account, keystone):
        keystone.projects = [project("p1", domain="far"), project("p2", domain="wide")]
        with pytest.raises(AmbiguousProject, match="2 projects 'web'") as refused:
            account.project("web")
        assert refused.value.code == "IMG.0067"

    def test_none(self, account, keystone):
        keystone.projects = [project("p1", "other"), project("p2", enabled=False)]
        with pytest.raises(WrongProject, match="--my-projects") as refused:
            account.project("web")
        assert refused.value.code == "IMG.0067"


class TestAgency:
    def test_its_roles(self, account, keystone):
        keystone.credentials = [credential("p1", roles=("admin",)), credential("p2")]
        assert account.agency("copies", "p2") == Agency(("member", "reader"))
        path = "/v3/users/caller/application_credentials?name=copies"
        assert ("GET", path, "token") in keystone.requests

    @pytest.mark.parametrize("there", [[], [credential("p1")]])
    def test_none_in_the_project(self, account, keystone, there):
        keystone.credentials = there
        with pytest.raises(WrongAgency, match="in project p2") as refused:
            account.agency("copies", "p2")
        assert refused.value.code == "IMG.0179"
        assert ("p1" in str(refused.value)) is bool(there)

    @pytest.mark.parametrize("status", [401, 403, 404])
    def test_keystone_does_not_show_them(self, account, keystone, status):
        keystone.refusal = status
        with pytest.raises(WrongAgency, match="no list"):
            account.agency("copies", "p2")

    def test_its_end(self, account, keystone):
        ends = "2100-01-01T00:00:00.000000"
        keystone.credentials = [{**credential("p2"), "expires_at": ends}]
        assert account.agency("copies", "p2").expires_at == ends

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({"expires_at": "2020-01-01T00:00:00.000000"}, "any more .it ended at 2020"),
            ({"access_rules": [{"path": "/v2/images"}]}, "without access rules"),
        ],
    )
    def test_one_that_no_job_can_act_by(self, account, keystone, changes, said):
        keystone.credentials = [{**credential("p2"), **changes}]
        with pytest.raises(WrongAgency, match=said):
            account.agency("copies", "p2")


class TestRegion:
    def test_with_a_token_of_the_project(self, account, keystone):
        keystone.exchanges = {"p2": ["member", "reader"]}
        region, roles = account.region("RegionTwo", "p2")
        assert (region.name, roles) == ("RegionTwo", ("member", "reader"))
        assert region.session.get_token() == "token for p2"
        assert region.adapter("image").get_endpoint() == f"{keystone.url}/image"

    def test_keystone_gives_none(self, account):
        with pytest.raises(DelegationRefused, match="no exchange"):
            account.region("RegionTwo", "p2")


def test_keystone_is_away(account, keystone):
    keystone.exchanges = {"p2": []}
    account.region("RegionTwo", "p2")
    keystone.close()
    for ask in (
        lambda: account.project("web"),
        lambda: account.agency("copies", "p2"),
        lambda: account.region("RegionTwo", "p2"),
    ):
        with pytest.raises(exceptions.Unavailable):
            ask()
