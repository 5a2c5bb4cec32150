# SPDX-License-Identifier: Apache-2.0
"""What becomes of the errors of the real libraries, as a key manager's users meet them."""

import pytest
from castellan.common import exception as castellan_exceptions
from oslo_context.context import RequestContext

from ims_glance import exceptions, keys
from tests.unit.clouds.silence import TIMEOUT, at_once, silence
from tests.unit.conftest import CALLER, KEY_ID

SECRET = f"GET /v1/secrets/{KEY_ID}"
UNAVAILABLE = exceptions.KeyManagerUnavailable
SERVICE = [
    (SECRET, 404, exceptions.KeyNotFound, KEY_ID),
    (SECRET, 403, exceptions.ServiceKeyDenied, "user add --user glance"),
    (SECRET, 401, UNAVAILABLE, "refuses the service's credentials"),
    (SECRET, 500, UNAVAILABLE, "HTTP 500"),
    (SECRET, 503, UNAVAILABLE, "HTTP 503"),
    (SECRET + "/payload", 404, exceptions.KeyNotFound, KEY_ID),
    (SECRET + "/payload", 403, exceptions.ServiceKeyDenied, KEY_ID),
    (SECRET + "/payload", 500, UNAVAILABLE, "HTTP 500"),
    ("POST /v3/auth/tokens", 401, UNAVAILABLE, "refuses the service's credentials"),
    ("POST /v3/auth/tokens", 404, UNAVAILABLE, "refuses the service's credentials"),
    ("POST /v3/auth/tokens", 500, UNAVAILABLE, "HTTP 500"),
    ("POST /v3/auth/tokens", 503, UNAVAILABLE, "HTTP 503"),
]
BY_CALLER = [
    (SECRET, 404, exceptions.KeyNotFound, KEY_ID),
    (SECRET, 403, exceptions.KeyDenied, KEY_ID),
    (SECRET, 401, exceptions.KeyDenied, KEY_ID),
    (SECRET, 500, UNAVAILABLE, "HTTP 500"),
    (SECRET + "/payload", 403, exceptions.KeyDenied, KEY_ID),
]


@pytest.mark.parametrize(("request_", "status", "error", "text"), SERVICE)
def test_errors_for_the_service(
    real_manager, barbican_server, stored_key, request_, status, error, text
):
    barbican_server.failures[request_] = status
    with pytest.raises(error, match=text) as caught:
        real_manager.wrapping_key(KEY_ID)
    assert caught.value.__suppress_context__
    # It was not remembered.
    barbican_server.failures.clear()
    assert real_manager.wrapping_key(KEY_ID) == stored_key


@pytest.mark.parametrize(("request_", "status", "error", "text"), BY_CALLER)
def test_errors_for_the_caller(
    real_manager, barbican_server, stored_key, request_, status, error, text
):
    barbican_server.failures[request_] = status
    with pytest.raises(error, match=text):
        real_manager.check_usable(CALLER, KEY_ID)


def test_the_callers_token_is_not_changed_for_another(real_manager, barbican_server, stored_key):
    """Keystone gives none for a token that was got with an access key."""
    barbican_server.failures["POST /v3/auth/tokens"] = 403
    real_manager.check_usable(CALLER, KEY_ID)
    assert not [each for each in barbican_server.requests if "auth/tokens" in each]


def test_a_caller_without_a_token(real_manager, stored_key):
    with pytest.raises(exceptions.KeyDenied):
        real_manager.check_usable(RequestContext(project_id="demo"), KEY_ID)


def test_nobody_answers(real_manager, barbican_server):
    barbican_server.close()
    with pytest.raises(UNAVAILABLE):
        real_manager.wrapping_key(KEY_ID)
    for call in (
        lambda: real_manager.check_usable(CALLER, KEY_ID),
        lambda: real_manager.default_key(CALLER),
    ):
        with pytest.raises(UNAVAILABLE):
            call()


def test_wrong_credentials_of_the_service(barbican_conf, stored_key):
    manager = keys.KeyManager(barbican_conf)
    barbican_conf.set_override("password", "wrong", group="key_manager")
    with pytest.raises(UNAVAILABLE, match="refuses the service's credentials"):
        manager.wrapping_key(KEY_ID)


def test_no_credentials_of_the_service(barbican_conf):
    manager = keys.KeyManager(barbican_conf)
    barbican_conf.set_override("auth_type", "token", group="key_manager")
    with pytest.raises(UNAVAILABLE, match="no usable credentials"):
        manager.wrapping_key(KEY_ID)


@pytest.mark.parametrize(
    ("error", "becomes"),
    [
        (castellan_exceptions.ManagedObjectNotFoundError(uuid=KEY_ID), exceptions.KeyNotFound),
        (castellan_exceptions.Forbidden(), exceptions.KeyDenied),
        (castellan_exceptions.KeyManagerError(reason="broken"), UNAVAILABLE),
        (ConnectionResetError(), UNAVAILABLE),
        (TimeoutError(), UNAVAILABLE),
        (exceptions.KeyUnusable(key_id=KEY_ID, reason="x"), exceptions.KeyUnusable),
    ],
    ids=lambda value: getattr(value, "__name__", type(value).__name__),
)
def test_errors_of_other_key_managers(manager, monkeypatch, error, becomes):
    def fail(*_arguments, **_options):
        raise error

    monkeypatch.setattr(manager._castellan, "get", fail)
    with pytest.raises(becomes):
        manager.check_usable(CALLER, KEY_ID)


def test_a_key_manager_that_never_answers(real_manager, barbican_conf):
    """Through Castellan, as the service and as the caller."""
    barbican_conf.set_override("timeout", TIMEOUT, group="barbican")
    with silence() as url:
        barbican_conf.set_override("barbican_endpoint", url, group="barbican")
        with at_once(), pytest.raises(UNAVAILABLE):
            real_manager.wrapping_key(KEY_ID)
        with at_once(), pytest.raises(UNAVAILABLE):
            real_manager.check_usable(CALLER, KEY_ID)
        with at_once(), pytest.raises(UNAVAILABLE):
            real_manager.default_key(CALLER)
