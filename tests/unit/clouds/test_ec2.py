# SPDX-License-Identifier: Apache-2.0
"""Secrets and tokens of EC2 credentials: asked for seldom, forgotten in time, never shown."""

import hashlib
import json
import logging
import time
import traceback
from concurrent.futures import ThreadPoolExecutor

import pytest
from keystoneauth1 import loading, session

from ims_glance import conf as ims_conf
from ims_glance.clouds import ec2
from tests.base import Clock
from tests.unit.clouds import ec2_server
from tests.unit.clouds.silence import PATIENCE, at_once, silence
from tests.unit.conftest import make_conf

ACCESS, SECRET = "a" * 32, "the-secret-key"
ID = hashlib.sha256(ACCESS.encode()).hexdigest()
FIND, ISSUE = f"GET /v3/credentials/{ID}", "POST /v3/ec2tokens"


@pytest.fixture
def server():
    made = ec2_server.Ec2Server()
    blob = json.dumps({"access": ACCESS, "secret": SECRET})
    made.credentials[ID] = {"type": "ec2", "user_id": "u", "project_id": "p", "blob": blob}
    yield made
    made.close()


@pytest.fixture
def conf(tmp_path, server):
    options = {
        "auth_url": f"{server.url}/v3",
        "username": "reader",
        "password": ec2_server.PASSWORD,
        "user_domain_name": "Default",
        "system_scope": "all",
    }
    return make_conf(tmp_path / "glance.conf", {"ims_signature": options})


@pytest.fixture
def credentials(conf):
    return ec2.Ec2Credentials(conf)


def test_a_credential_and_its_token(credentials):
    found = credentials.find(ACCESS)
    assert (found.secret, found.user_id, found.project_id) == (SECRET, "u", "p")
    grant = credentials.grant(found)
    assert (grant.auth_token, grant.user_id) == ("token of u", "u")


def test_keystone_is_asked_once(credentials, server):
    for _ in range(5):
        credentials.grant(credentials.find(ACCESS))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: credentials.grant(credentials.find(ACCESS)), range(50)))
    assert (server.requests.count(FIND), server.requests.count(ISSUE)) == (1, 1)
    credentials.forget(ACCESS)
    credentials.grant(credentials.find(ACCESS))
    assert (server.requests.count(FIND), server.requests.count(ISSUE)) == (2, 2)


def test_one_token_for_many_at_once(credentials, server):
    found = credentials.find(ACCESS)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: credentials.grant(found), range(50)))
    assert server.requests.count(ISSUE) == 1


def test_a_token_is_not_used_to_its_end(credentials, server):
    server.seconds = 100
    found = credentials.find(ACCESS)
    credentials.grant(found)
    credentials.grant(found)
    assert server.requests.count(ISSUE) == 2


def test_a_deleted_credential_ends_in_time(conf, server):
    conf.set_override("cache_seconds", 60, group="ims_signature")
    credentials = ec2.Ec2Credentials(conf)
    clock = Clock(credentials._known)
    credentials.grant(credentials.find(ACCESS))
    server.credentials.clear()
    clock.now += 59
    assert credentials.find(ACCESS)
    clock.now += 1
    with pytest.raises(ec2.AccessDenied):
        credentials.find(ACCESS)


def test_a_deleted_credential_gets_no_token(credentials, server):
    found = credentials.find(ACCESS)
    server.credentials.clear()
    with pytest.raises(ec2.AccessDenied):
        credentials.grant(found)
    with pytest.raises(ec2.AccessDenied):
        credentials.find(ACCESS)


def test_a_changed_secret_gets_no_token(credentials, server):
    found = credentials.find(ACCESS)
    server.credentials[ID]["blob"] = json.dumps({"access": ACCESS, "secret": "new"})
    with pytest.raises(ec2.AccessDenied):
        credentials.grant(found)
    assert credentials.grant(credentials.find(ACCESS))


@pytest.mark.parametrize(
    "change",
    [
        {"type": "totp"},
        {"project_id": None},
        {"blob": json.dumps({"access": "b" * 32, "secret": SECRET})},
        {"blob": json.dumps({"access": ACCESS, "secret": ""})},
        {"blob": json.dumps({"access": ACCESS, "secret": 5})},
        {"blob": json.dumps({"access": ACCESS, "secret": [SECRET]})},
        {"blob": json.dumps({"access": ACCESS, "secret": None})},
        {"blob": json.dumps({"access": ACCESS, "secret": "\ud800"})},
        {"blob": json.dumps({"access": [ACCESS], "secret": SECRET})},
        {"blob": json.dumps({"access": ACCESS})},
        {"blob": ""},
        {"blob": "no JSON"},
        {"blob": "[]"},
        {"blob": "[" * 9999},
        {"blob": None},
    ],
)
def test_what_is_no_ec2_credential(credentials, server, change):
    server.credentials[ID] |= change
    with pytest.raises(ec2.AccessDenied):
        credentials.find(ACCESS)


@pytest.mark.parametrize("name", ["type", "blob", "user_id", "project_id"])
def test_an_answer_that_says_too_little(credentials, server, name):
    del server.credentials[ID][name]
    with pytest.raises(ec2.SignatureUnchecked):
        credentials.find(ACCESS)


@pytest.mark.parametrize("status", [401, 403, 500, 503])
@pytest.mark.parametrize("request_name", [FIND, ISSUE])
def test_the_service_is_refused(credentials, server, request_name, status):
    server.failures[request_name] = status
    expected = ec2.AccessDenied if (request_name, status) == (ISSUE, 401) else None
    with pytest.raises(expected or ec2.SignatureUnchecked) as caught:
        credentials.grant(credentials.find(ACCESS))
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_only_a_repeated_refusal_is_believed(credentials, server, monkeypatch):
    """Keystone 30 now and then takes the service's token for a delegated one."""
    server.failures[FIND] = 403
    waited = []

    def sleep(seconds):
        waited.append(seconds)
        if len(waited) == 3:
            server.failures.clear()

    monkeypatch.setattr(time, "sleep", sleep)
    assert credentials.find(ACCESS).secret == SECRET
    assert (server.requests.count(FIND), len(waited)) == (4, 3)


def test_keystone_is_away(credentials, server):
    server.close()
    with pytest.raises(ec2.SignatureUnchecked):
        credentials.find(ACCESS)


def test_a_wrong_password_of_the_service(credentials, monkeypatch):
    monkeypatch.setattr(ec2_server, "PASSWORD", "another")
    with pytest.raises(ec2.SignatureUnchecked):
        credentials.find(ACCESS)


def test_nothing_is_shown(credentials, caplog):
    caplog.set_level(logging.DEBUG)
    found = credentials.find(ACCESS)
    credentials.grant(found)
    shown = caplog.text + repr(found) + str(vars(credentials)["_known"])
    assert "auth/tokens" in caplog.text
    assert SECRET not in shown
    assert "token of u" not in shown


def test_a_session_of_the_owner(credentials, server):
    """It ends with the credential, though the token would go on."""
    owner = session.Session(ec2.Ec2Auth(credentials, ACCESS))
    assert owner.get_token() == "token of u"
    assert owner.get_user_id() == "u"
    server.credentials.clear()
    owner.invalidate()
    with pytest.raises(ec2.AccessDenied):
        owner.get_token()


def test_nothing_connects_before_it_is_asked(conf, server):
    ec2.Ec2Credentials(conf)
    ims_conf.register_opts(conf)
    assert server.requests == []


def test_keystone_never_answers(conf):
    """However many wait for one credential."""
    with silence() as url:
        loading.load_auth_from_conf_options(conf, "ims_signature")
        conf.set_override("timeout", PATIENCE / 20, "ims_signature")
        conf.set_override("auth_url", f"{url}/v3", "ims_signature")
        credentials = ec2.Ec2Credentials(conf)

        def wait(_number):
            with pytest.raises(ec2.SignatureUnchecked):
                credentials.find(ACCESS)

        with at_once(), ThreadPoolExecutor(30) as pool:
            assert len(list(pool.map(wait, range(30)))) == 30


def test_keystone_does_not_answer_for_the_token(conf, credentials, server, monkeypatch):
    conf.set_override("timeout", PATIENCE / 20, "ims_signature")
    found = credentials.find(ACCESS)
    monkeypatch.setattr(server, "silent_about", ISSUE)

    def wait(_number):
        with pytest.raises(ec2.SignatureUnchecked):
            credentials.grant(found)

    with at_once(), ThreadPoolExecutor(30) as pool:
        assert len(list(pool.map(wait, range(30)))) == 30
