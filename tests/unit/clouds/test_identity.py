# SPDX-License-Identifier: Apache-2.0
"""Against a small Keystone; tests/cloud/test_jobs.py has the real one."""

import pytest
from keystoneauth1 import loading

from ims_glance import exceptions
from ims_glance.clouds import identity as clouds_identity
from ims_glance.clouds import sessions
from ims_glance.clouds.identity import DelegationRefused, Identity, MomentTaken
from ims_glance.clouds.image_api import ImageApi
from ims_glance.clouds.region import Region
from ims_glance.clouds.rest import DelegationEnded
from tests.unit import job_database
from tests.unit.clouds.keystone_server import SERVICE_USER
from tests.unit.clouds.silence import TIMEOUT, at_once, silence

END = "2030-01-01T00:00:00.123456Z"


@pytest.fixture
def identity(keystone):
    conf = job_database.configuration(None)
    made = Identity(conf)
    # keystoneauth registers the options of a plugin when that is loaded first.
    loading.load_auth_from_conf_options(conf, "ims_service", auth_url="x")
    for name, value in keystone.login.items():
        conf.set_override(name, value, "ims_service")
    return made


def give(identity, user="caller"):
    return identity.create_trust("their token", user, "project", ["member", "reader"], END)


def test_a_trust_is_made_with_the_callers_token(identity, keystone):
    trust_id = give(identity)
    trust = keystone.trusts[trust_id]
    assert trust == {
        "id": trust_id,
        "trustor_user_id": "caller",
        "trustee_user_id": SERVICE_USER,
        "project_id": "project",
        "impersonation": True,
        "allow_redelegation": False,
        "roles": [{"name": "member"}, {"name": "reader"}],
        "expires_at": END,
    }
    assert ("POST", "/v3/OS-TRUST/trusts", "their token") in keystone.requests


def test_a_session_has_both_tokens(identity, keystone):
    session = identity.session_of(give(identity))
    headers = session.get_auth_headers()
    assert headers["X-Auth-Token"] == "token of caller"
    assert headers["X-Service-Token"] == f"token of {SERVICE_USER}"


def test_the_service_itself_in_a_project_of_its_own(identity, monkeypatch):
    """What it is otherwise logged in to is replaced, but for the domain of that."""
    loaded = []
    load = sessions.load_login

    def load_login(*given, **named):
        loaded.append(load(*given, **named))
        return loaded[-1]

    monkeypatch.setattr(sessions, "load_login", load_login)
    session = identity.session_in("sold")
    headers = session.get_auth_headers()
    assert headers["X-Auth-Token"] == headers["X-Service-Token"] == f"token of {SERVICE_USER}"
    scopes = {(each._project_name, each._project_domain_name) for each in loaded}
    assert scopes == {("sold", "Default"), ("service", "Default")}


def test_without_a_project_nothing_is_sold(identity):
    conf = job_database.configuration(None)
    with pytest.raises(clouds_identity.NoMarketProject, match="ims_market"):
        clouds_identity.market_project(conf)
    conf.set_override("project", "sold", "ims_market")
    assert clouds_identity.market_project(conf) == "sold"


def test_a_trust_is_found_by_its_end_and_given_back_by_its_giver(identity, keystone):
    trust_id = give(identity)
    assert identity.find_trust("caller", END) == trust_id
    assert identity.find_trust("other", END) is None
    assert identity.find_trust("caller", END.replace("6Z", "7Z")) is None
    for _twice in range(2):
        identity.give_back(trust_id)
    assert keystone.trusts == {}
    assert ("DELETE", f"/v3/OS-TRUST/trusts/{trust_id}", "token of caller") in keystone.requests


def test_a_giver_who_is_out(identity, keystone):
    trust_id = give(identity)
    keystone.users_out.add("caller")
    with pytest.raises(DelegationEnded):
        identity.give_back(trust_id)


def test_a_token_that_has_ended(identity, keystone):
    keystone.refusal = 401
    with pytest.raises(DelegationEnded, match="Log in again") as ended:
        identity.as_caller("token of caller").request("POST", "/OS-TRUST/trusts", json={})
    assert "for the Identity service" not in str(ended.value)


@pytest.mark.parametrize("status", [401, 403, 404])
def test_who_may_not_delegate_is_told(identity, keystone, status):
    keystone.refusal = status
    with pytest.raises(DelegationRefused, match="no delegation"):
        give(identity)


def test_two_at_the_same_second(identity, keystone):
    keystone.refusal = 409
    with pytest.raises(MomentTaken):
        give(identity)


@pytest.mark.parametrize("is_known", [True, False])
def test_keystone_is_away(identity, keystone, is_known):
    if is_known:
        give(identity)
    keystone.close()
    with pytest.raises(exceptions.Unavailable) as refused:
        give(identity)
    assert "very-secret" not in str(refused.value)


def test_with_a_signature(identity):
    grant = clouds_identity.ec2_grant("AK")
    assert grant == "ec2:AK"
    identity.give_back(grant)  # nothing is there to be deleted


def test_roles_are_the_same_in_any_order():
    digest = clouds_identity.rights_digest
    assert digest(["a", "b"], []) == digest(["b", "a", "a"], []) != digest(["ab"], [])
    assert digest(["a"], ["b", "c"]) == digest(["a"], ["c", "b"]) != digest(["a", "b"], ["c"])
    assert len(digest([], [])) == 64


@pytest.mark.parametrize("grant", ["trust", "ec2:AK"])
def test_keystone_never_answers(identity, grant):
    """Neither the caller's token nor the service's is waited for without end."""
    conf = identity._conf
    loading.load_auth_from_conf_options(conf, "ims_signature", auth_url="x")
    with silence() as url:
        for group in ("ims_service", "ims_signature"):
            conf.set_override("timeout", TIMEOUT, group)
            conf.set_override("auth_url", f"{url}/v3", group)
            conf.set_override("password", "very-secret", group)
        images = ImageApi(Region(identity.session_of(grant)))
        with at_once(), pytest.raises(exceptions.Unavailable):
            images.get("1")
        with at_once(), pytest.raises(exceptions.Unavailable):
            give(identity)


def test_keystone_never_answers_once_it_knows_the_service(identity, keystone):
    trust_id = give(identity)
    identity._conf.set_override("timeout", TIMEOUT, "ims_service")
    identity.__dict__.pop("service_session")
    keystone.silent_about = "/v3/OS-TRUST/trusts"
    for ask in (lambda: identity.find_trust("caller", END), lambda: identity.give_back(trust_id)):
        with at_once(), pytest.raises(exceptions.Unavailable):
            ask()
    # The service has a token, and its caller has none yet.
    keystone.silent_about = "/v3/auth/tokens"
    with at_once(), pytest.raises(exceptions.Unavailable):
        identity.give_back(trust_id)


def test_keystone_learns_who_asks_and_for_what(identity, keystone):
    request_id = "req-01234567-0123-0123-0123-0123456789ab"
    trust_id = give(identity)
    keystone.named.clear()
    identity.session_of(trust_id, request_id).get_token()
    assert keystone.named
    for agent, named in keystone.named:
        assert agent.startswith(f"ims_glance/{sessions.VERSION} keystoneauth1/")
        assert named == request_id
