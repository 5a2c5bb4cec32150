# SPDX-License-Identifier: Apache-2.0
"""Access lists and names, with the real client libraries against a small server."""

import pytest
from barbicanclient import exceptions as barbican_exceptions
from castellan.common import exception as castellan_exceptions
from castellan.key_manager.barbican_key_manager import BarbicanKeyManager
from keystoneauth1 import exceptions as keystone_exceptions
from keystoneauth1.session import Session
from oslo_context.context import RequestContext

from ims_glance.clouds.barbican import Barbican
from tests.unit.clouds import barbican_server as barbican_server_module
from tests.unit.clouds.barbican_server import SERVICE_USER_ID
from tests.unit.clouds.silence import TIMEOUT, at_once, silence
from tests.unit.conftest import CALLER, KEY_ID

NAME = "ims/default"
KEY = bytes(32)


@pytest.fixture
def barbican(barbican_conf):
    """The client of a server."""
    return Barbican(barbican_conf)


def test_names(barbican, barbican_server):
    barbican_server.make(KEY, name="another")
    first = barbican_server.make(KEY, name=NAME, created="2026-01-02T00:00:00")
    oldest = barbican_server.make(KEY, name=NAME, created="2026-01-01T00:00:00")
    assert barbican.key_ids(CALLER, NAME) == [oldest, first]
    assert barbican.key_ids(CALLER, "none") == []


def test_only_usable_keys_count(barbican, barbican_server):
    usable = barbican_server.make(KEY, name=NAME)
    barbican_server.make(KEY, name=NAME, status="ERROR")
    barbican_server.make(KEY, name=NAME, secret_type="opaque")
    barbican_server.make(KEY[:16], name=NAME)
    assert barbican.key_ids(CALLER, NAME) == [usable]


@pytest.mark.parametrize("count", [99, 100, 101, 250])
def test_more_than_a_page(barbican, barbican_server, count):
    ids = {barbican_server.make(KEY, name=NAME) for _ in range(count)}
    assert set(barbican.key_ids(CALLER, NAME)) == ids
    assert barbican_server.requests.count("GET /v1/secrets") == count // 100 + 1


def test_the_service_is_added_to_the_readers(barbican, barbican_server):
    key_id = barbican_server.make(KEY)
    barbican.allow_read(CALLER, key_id, "service")
    acl = barbican_server.secrets[key_id]["acl"]
    assert acl == {"read": {"users": ["service"], "project-access": True}}


@pytest.mark.parametrize("project_access", [True, False])
def test_other_readers_stay(barbican, barbican_server, project_access):
    old = {"users": ["one", "two"], "project-access": project_access}
    key_id = barbican_server.make(KEY, acl={"read": old})
    barbican.allow_read(CALLER, key_id, "service")
    acl = barbican_server.secrets[key_id]["acl"]["read"]
    assert set(acl["users"]) == {"one", "two", "service"}
    assert acl["project-access"] is project_access
    before = list(barbican_server.requests)
    barbican.allow_read(CALLER, key_id, "service")
    assert "PUT" not in " ".join(barbican_server.requests[len(before) :])


def test_who_may_not_grant(barbican, barbican_server):
    key_id = barbican_server.make(KEY)
    barbican_server.failures["PUT .*/acl"] = 403
    with pytest.raises(barbican_exceptions.HTTPClientError):
        barbican.allow_read(CALLER, key_id, "service")


def test_without_a_token_nothing_is_asked(barbican, barbican_server):
    nobody = RequestContext(project_id="b" * 32)
    with pytest.raises(castellan_exceptions.Forbidden):
        barbican.key_ids(nobody, NAME)
    with pytest.raises(castellan_exceptions.Forbidden):
        barbican.allow_read(nobody, "key", "service")
    assert barbican_server.requests == []


def test_the_catalogue_is_the_services(barbican, barbican_conf, barbican_server, monkeypatch):
    """The caller's token may have come without one."""
    barbican_conf.set_override("barbican_endpoint", None, group="barbican")
    barbican_conf.set_override("barbican_region_name", "one", group="barbican")
    endpoint = {"interface": "public", "region_id": "one", "url": barbican_server.url, "id": "1"}
    service = {"type": "key-manager", "name": "barbican", "id": "2", "endpoints": [endpoint]}
    monkeypatch.setitem(barbican_server_module._TOKEN["token"], "catalog", [service])
    key_id = barbican_server.make(KEY, name=NAME)
    assert barbican.key_ids(CALLER, NAME) == [key_id]
    assert barbican.caller(CALLER).get_auth_plugin().get_endpoint(None) == barbican_server.url
    assert barbican_server.requests.count("POST /v3/auth/tokens") == 1


def test_the_service_user_is_asked_from_keystone_once(barbican, barbican_server):
    assert barbican.service_user_id == SERVICE_USER_ID
    assert barbican.service_user_id == SERVICE_USER_ID
    assert barbican_server.requests.count("POST /v3/auth/tokens") == 1


def test_the_service_user_that_is_configured(barbican_conf, barbican_server):
    barbican_conf.set_override("service_user_id", "configured", group="ims_kms")
    assert Barbican(barbican_conf).service_user_id == "configured"
    assert barbican_server.requests == []


def test_wrong_credentials(barbican, barbican_conf):
    barbican_conf.set_override("password", "wrong", group="key_manager")
    with pytest.raises(keystone_exceptions.Unauthorized):
        _ = barbican.service_user_id


@pytest.fixture
def silent_conf(barbican_conf):
    """A configuration with a Barbican that never answers."""
    Barbican(barbican_conf)  # registers the options
    with silence() as url:
        barbican_conf.set_override("barbican_endpoint", url, group="barbican")
        yield barbican_conf


def test_there_is_a_timeout(barbican, barbican_conf):
    assert barbican_conf.barbican.timeout == 20


@pytest.mark.parametrize("is_keystone", [False, True])
def test_nobody_answers(silent_conf, is_keystone):
    """Neither barbicanclient nor Castellan waits for Barbican, or for Keystone, without end."""
    barbican = Barbican(silent_conf)
    silent_conf.set_override("timeout", TIMEOUT, group="barbican")
    if is_keystone:
        url = f"{silent_conf.barbican.barbican_endpoint}/v3"
        silent_conf.set_override("auth_url", url, group="key_manager")
    castellan = BarbicanKeyManager(silent_conf)
    key_id = "1" * 32
    for who in [barbican.service] + ([] if is_keystone else [barbican.caller(CALLER)]):
        with at_once(), pytest.raises(keystone_exceptions.ConnectionError):
            barbican.key_ids(who, NAME)
        with at_once(), pytest.raises(keystone_exceptions.ConnectionError):
            barbican.allow_read(who, key_id, "service")
        for ask in (castellan.get, castellan.delete):
            with at_once(), pytest.raises(castellan_exceptions.KeyManagerError):
                ask(who, key_id)


def test_barbican_learns_who_asks_and_for_what(barbican):
    """In the sessions that Castellan makes."""
    session = Session(barbican.caller(CALLER).get_auth_plugin())
    session.get_token()
    assert session.app_name == "ims_glance"
    assert session.additional_headers == {"X-OpenStack-Request-ID": CALLER.request_id}


@pytest.mark.parametrize("name", [None, "", "of its own"])
def test_a_key_is_asked_for_once(real_manager, barbican_server, stored_key, name):
    """Also one without a name, as most are that are made for one image."""
    secret = f"GET /v1/secrets/{KEY_ID}"
    barbican_server.secrets[KEY_ID]["name"] = name
    barbican_server.requests.clear()
    real_manager.present_key(KEY_ID)
    asked = [each for each in barbican_server.requests if "/secrets/" in each]
    assert asked == [secret, f"{secret}/payload"]
    barbican_server.requests.clear()
    assert (real_manager.key_name(KEY_ID) or None) == (name or None)
    assert barbican_server.requests.count(secret) == 1
