# SPDX-License-Identifier: Apache-2.0
"""Keys: asked for seldom, opened to the service, made once, and never shown."""

import datetime
import json
import logging
import multiprocessing
import os
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor

import pytest
from oslo_concurrency import lockutils
from oslo_context.context import RequestContext

from ims_glance import exceptions, keys
from tests.base import Clock, spellings
from tests.unit.clouds import barbican_server as barbican_server_module
from tests.unit.clouds.barbican_server import SERVICE_PASSWORD, SERVICE_USER_ID
from tests.unit.conftest import CALLER, KEY_ID

UNAVAILABLE = exceptions.KeyManagerUnavailable
OTHER = RequestContext(auth_token="token", project_id="other", user_id="d" * 32)
SECRET = f"GET /v1/secrets/{KEY_ID}"
LOGIN = "POST /v3/auth/tokens"


@pytest.fixture
def calls(manager, monkeypatch):
    """Ids of the keys that the key manager was asked for."""
    asked = []
    get = manager._castellan.get

    def counted(context, key_id, **options):
        asked.append(key_id)
        return get(context, key_id, **options)

    monkeypatch.setattr(manager._castellan, "get", counted)
    return asked


# --- reading ---------------------------------------------------------------------------------


def test_one_call_for_many_reads(manager, vault, calls):
    key_id = vault.make("demo")
    for _ in range(20):
        assert manager.wrapping_key(key_id) == bytes.fromhex(vault.get(key_id).secret)
    assert calls == [key_id]


def test_a_key_is_asked_for_again_after_its_time(manager, vault):
    clock = Clock(manager._cache)
    key_id = vault.make("demo")
    manager.wrapping_key(key_id)
    vault.delete(key_id)
    clock.now += 59
    manager.wrapping_key(key_id)
    clock.now += 1
    with pytest.raises(exceptions.KeyNotFound):
        manager.wrapping_key(key_id)


def test_a_key_that_is_remembered_need_not_be_present(manager, vault, calls):
    key_id = vault.make("demo")
    secret = bytes.fromhex(vault.get(key_id).secret)
    assert manager.present_key(key_id) == manager.wrapping_key(key_id) == secret
    assert calls == [key_id]
    vault.delete(key_id)
    for _again in range(2):
        with pytest.raises(exceptions.KeyNotFound):
            manager.present_key(key_id)
        assert manager.wrapping_key(key_id) == secret


def test_the_callers_key_is_never_taken_from_the_cache(manager, vault, calls):
    """What the service may read, the caller may not read for that reason."""
    key_id = vault.make("demo")
    manager.wrapping_key(key_id)
    manager.check_usable(CALLER, key_id)
    with pytest.raises(exceptions.KeyDenied):
        manager.check_usable(OTHER, key_id)
    assert len(calls) == 3


def test_the_service_does_not_get_what_the_caller_read(manager, vault):
    key_id = vault.make("demo")
    vault.change(key_id, service=False)
    manager.check_usable(CALLER, key_id)
    with pytest.raises(exceptions.ServiceKeyDenied, match="user add --user service"):
        manager.wrapping_key(key_id)


def test_a_refusal_is_not_remembered(manager, vault):
    key_id = vault.make("demo")
    vault.change(key_id, service=False)
    with pytest.raises(exceptions.ServiceKeyDenied):
        manager.wrapping_key(key_id)
    vault.change(key_id, service=True)
    assert manager.wrapping_key(key_id)


@pytest.mark.parametrize(
    ("error", "answer"),
    [
        (ValueError("unable to load certificate"), exceptions.KeyUnusable),
        (json.JSONDecodeError("no JSON", "<html>", 0), exceptions.KeyManagerUnavailable),
    ],
)
def test_what_cannot_be_read(manager, monkeypatch, error, answer):
    """A broken certificate is no key; a broken answer is none at all."""

    def get(_context, _key_id):
        raise error

    monkeypatch.setattr(manager._castellan, "get", get)
    with pytest.raises(answer):
        manager.wrapping_key(KEY_ID)


@pytest.mark.parametrize(
    "key",
    [{"bits": 128}, {"bits": 512}, {"bits": 0}, {"algorithm": "opaque"}, {"algorithm": "HMAC"}],
    ids=str,
)
def test_a_key_of_another_kind_is_unusable(manager, vault, key):
    key_id = vault.make("demo", **key)
    for call in (
        lambda: manager.wrapping_key(key_id),
        lambda: manager.check_usable(CALLER, key_id),
    ):
        with pytest.raises(exceptions.KeyUnusable) as caught:
            call()
        shown = "".join(traceback.format_exception(caught.value))
        secret = vault.get(key_id).secret
        assert not secret or secret not in shown


@pytest.mark.parametrize(
    "key_id",
    [
        "",
        "ims/default",
        "../" * 11,
        "0" * 31,
        "0" * 37,
        KEY_ID + "\n",
        KEY_ID.replace("-", "/"),
        f"{KEY_ID}?",
        f"{KEY_ID}/payload",
        f"http://127.0.0.1/{KEY_ID}",
        "%2e%2e%2f" * 4,
        "\u0660" * 36,
        "a" * 10_000,
    ],
)
def test_what_is_no_id_is_not_asked_for(manager, calls, key_id):
    for call in (
        lambda: manager.wrapping_key(key_id),
        lambda: manager.check_usable(CALLER, key_id),
    ):
        with pytest.raises(exceptions.KeyNotFound):
            call()
    assert calls == []


def test_one_key_manager_for_a_configuration(conf, tmp_path, barbican_conf):
    assert keys.of_process(conf) is keys.of_process(conf)
    assert keys.of_process(conf) is not keys.of_process(barbican_conf)


def test_reading_through_barbican(real_manager, barbican_server, stored_key):
    assert real_manager.wrapping_key(KEY_ID) == stored_key
    real_manager.check_usable(CALLER, KEY_ID)
    asked = len(barbican_server.requests)
    assert real_manager.wrapping_key(KEY_ID) == stored_key
    assert len(barbican_server.requests) == asked


class UntilTheNextLogin(dict):
    """Failures of a server until the service logs in a second time."""

    def __init__(self, server, **failures):
        super().__init__(**failures)
        self._server = server

    def items(self):
        return {}.items() if self._server.requests.count(LOGIN) > 1 else super().items()


def test_one_login_for_many_keys(real_manager, barbican_server, stored_key):
    """Whoever writes an image asks for its key; a login costs Keystone the hash of a password."""
    for _ in range(3):
        assert real_manager.present_key(KEY_ID) == stored_key
    assert barbican_server.requests.count(LOGIN) == 1


def test_a_login_that_is_not_accepted_any_more(real_manager, barbican_server, stored_key):
    """As after a change of the user's roles."""
    real_manager.present_key(KEY_ID)
    barbican_server.failures = UntilTheNextLogin(barbican_server, **{SECRET: 401})
    assert real_manager.present_key(KEY_ID) == stored_key
    assert barbican_server.requests.count(LOGIN) == 2


# --- opening a key to the service ------------------------------------------------------------


def test_open_to_service(real_manager, barbican_server, stored_key):
    real_manager.open_to_service(CALLER, KEY_ID)
    assert not [each for each in barbican_server.requests if "/acl" in each]


def test_open_to_service_grants_what_is_missing(
    real_manager, barbican_server, stored_key, monkeypatch
):
    barbican_server.failures[f"{SECRET}/payload"] = 403
    allow = real_manager._barbican.allow_read

    def allow_read(*arguments):
        allow(*arguments)
        barbican_server.failures.clear()

    monkeypatch.setattr(real_manager._barbican, "allow_read", allow_read)
    real_manager.open_to_service(CALLER, KEY_ID)
    assert barbican_server.secrets[KEY_ID]["acl"]["read"]["users"] == [SERVICE_USER_ID]
    assert real_manager.wrapping_key(KEY_ID) == stored_key


def test_opening_a_key_does_not_go_by_memory(real_manager, barbican_server, stored_key):
    """Access was withdrawn, or the key deleted, after the service had read it."""
    real_manager.wrapping_key(KEY_ID)
    barbican_server.failures[f"{SECRET}/payload"] = 403
    with pytest.raises(exceptions.ServiceKeyDenied):
        real_manager.open_to_service(CALLER, KEY_ID)
    assert barbican_server.secrets[KEY_ID]["acl"]["read"]["users"] == [SERVICE_USER_ID]
    barbican_server.failures.clear()
    del barbican_server.secrets[KEY_ID]
    with pytest.raises(exceptions.KeyNotFound):
        real_manager.open_to_service(CALLER, KEY_ID)


@pytest.mark.parametrize("granted", [True, False])
def test_a_key_that_stays_closed(real_manager, barbican_server, stored_key, granted):
    barbican_server.failures[f"{SECRET}/payload"] = 403
    if not granted:
        barbican_server.failures[f"GET /v1/secrets/{KEY_ID}/acl"] = 403
    with pytest.raises(exceptions.ServiceKeyDenied):
        real_manager.open_to_service(CALLER, KEY_ID)


def test_other_key_managers_have_no_access_lists(manager, vault):
    key_id = vault.make("demo")
    vault.change(key_id, service=False)
    with pytest.raises(exceptions.ServiceKeyDenied):
        manager.open_to_service(CALLER, key_id)
    with pytest.raises(exceptions.KeyNotFound):
        manager.open_to_service(CALLER, KEY_ID)


# --- the default key -------------------------------------------------------------------------


def test_a_project_has_one_default_key(manager, vault):
    made = manager.default_key(CALLER)
    assert vault.get(made).name == "ims/default"
    assert vault.get(made).project == "demo"
    assert manager.default_key(CALLER) == made
    assert manager.default_key(OTHER) != made
    assert manager.wrapping_key(made)


def test_the_oldest_of_that_name_is_it(manager, vault):
    vault.make("demo", "another")
    oldest = vault.make("demo", "ims/default")
    vault.make("demo", "ims/default")
    assert manager.default_key(CALLER) == oldest


def test_the_name_can_be_configured(conf, vault):
    conf.set_override("default_key_name", "house key", group="ims_kms")
    assert vault.get(keys.KeyManager(conf).default_key(CALLER)).name == "house key"


def test_the_service_reads_the_name_of_a_key(manager, vault):
    assert manager.key_name(vault.make("demo", "ims/default")) == "ims/default"
    assert manager.key_name(vault.make("demo")) is None
    for gone in (KEY_ID, "no id"):
        with pytest.raises(exceptions.KeyNotFound):
            manager.key_name(gone)


def test_a_name_that_the_service_may_not_read(manager, vault):
    key_id = vault.make("demo")
    vault.change(key_id, service=False)
    with pytest.raises(exceptions.ServiceKeyDenied):
        manager.key_name(key_id)


def test_the_name_of_a_key_in_barbican(real_manager):
    assert real_manager.key_name(real_manager.default_key(CALLER)) == "ims/default"


def test_the_default_key_in_barbican(real_manager, barbican_server):
    with ThreadPoolExecutor(4) as pool:
        made = set(pool.map(lambda _: real_manager.default_key(CALLER), range(4)))
    assert set(barbican_server.secrets) == made
    assert len(made) == 1
    assert barbican_server.requests.count("POST /v1/orders") == 1


@pytest.mark.parametrize("request_", ["GET /v1/secrets", "POST /v1/orders"])
@pytest.mark.parametrize(
    ("status", "error"),
    [(403, exceptions.KeyDenied), (401, exceptions.KeyDenied), (500, UNAVAILABLE)],
)
def test_the_default_key_cannot_be_made(real_manager, barbican_server, request_, status, error):
    barbican_server.failures[request_] = status
    with pytest.raises(error):
        real_manager.default_key(CALLER)


@pytest.fixture
def slowly(manager, monkeypatch):
    """Making a key takes long enough for all others to look before it is there."""
    create = manager._castellan.create_key

    def create_key(*arguments, **options):
        time.sleep(0.1)
        return create(*arguments, **options)

    monkeypatch.setattr(manager._castellan, "create_key", create_key)


def test_threads_make_one_default_key(manager, vault, slowly):
    barrier = threading.Barrier(8)

    def ask(_number: int) -> str:
        barrier.wait()
        return manager.default_key(CALLER)

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(ask, range(8)))) == 1
    assert len(vault.keys("demo")) == 1


def test_processes_make_one_default_key(manager, vault, slowly):
    context = multiprocessing.get_context("fork")
    barrier, found = context.Barrier(6), context.SimpleQueue()

    def ask() -> None:
        barrier.wait()
        found.put(manager.default_key(CALLER))

    workers = [context.Process(target=ask) for _ in range(6)]
    for worker in workers:
        worker.start()
    assert len({found.get() for _ in workers}) == 1
    for worker in workers:
        worker.join()
    assert len(vault.keys("demo")) == 1


def test_projects_do_not_wait_for_each_other(manager, vault, monkeypatch):
    inside, done = threading.Event(), threading.Event()
    create = manager._castellan.create_key

    def create_key(context, *arguments, **options):
        if context is CALLER:
            inside.set()
            assert done.wait(240)
        return create(context, *arguments, **options)

    monkeypatch.setattr(manager._castellan, "create_key", create_key)
    slow = threading.Thread(target=manager.default_key, args=[CALLER])
    slow.start()
    assert inside.wait(240)
    assert manager.default_key(OTHER)
    done.set()
    slow.join()
    assert len(vault.keys()) == 2


@pytest.mark.parametrize("url", ["mysql://user:secret@127.0.0.1:1/ims", "file:///proc/ims"])
def test_no_lock_no_key(conf, vault, url):
    conf.set_override("coordination_url", url, group="ims_kms")
    with pytest.raises(exceptions.Unavailable, match="coordination") as caught:
        keys.KeyManager(conf).default_key(CALLER)
    assert vault.keys() == []
    assert "secret" not in "".join(traceback.format_exception(caught.value))


def test_locks_lie_where_the_service_has_its_own(conf, tmp_path):
    conf.set_override("coordination_url", None, group="ims_kms")
    lockutils.get_lock_path(conf)
    conf.set_override("lock_path", str(tmp_path / "glance-locks"), group="oslo_concurrency")
    keys.KeyManager(conf).default_key(CALLER)
    assert os.listdir(tmp_path / "glance-locks") == ["ims-glance-locks"]


# --- rehearsing --------------------------------------------------------------------------------


def test_a_rehearsal_leaves_nothing(real_manager, barbican_server):
    assert real_manager.rehearse()
    assert barbican_server.secrets == {}
    words = " ".join(barbican_server.requests)
    asked = ["GET /v1/secrets ", "POST /v1/secrets", "PUT /v1/secrets/", "/payload", "DELETE "]
    assert [word for word in asked if word not in words] == []


def test_keys_that_would_be_opened_to_somebody_else(barbican_conf, barbican_server):
    """The user of the service was made anew, say, and has another id."""
    barbican_conf.set_override("service_user_id", SERVICE_USER_ID, group="ims_kms")
    assert keys.KeyManager(barbican_conf).rehearse()
    barbican_conf.set_override("service_user_id", "somebody else", group="ims_kms")
    with pytest.raises(keys.OpenedToSomebodyElse, match=SERVICE_USER_ID):
        keys.KeyManager(barbican_conf).rehearse()


def test_what_a_killed_rehearsal_leaves_expires(real_manager, barbican_server):
    barbican_server.failures["DELETE .*"] = 500
    with pytest.raises(UNAVAILABLE):
        real_manager.rehearse()
    (secret,) = barbican_server.secrets.values()
    assert secret["name"] == "ims-manage status"
    left = datetime.datetime.fromisoformat(secret["expiration"]) - datetime.datetime.now(
        datetime.UTC
    ).replace(tzinfo=None)
    assert datetime.timedelta(minutes=8) < left <= datetime.timedelta(minutes=10)


def test_who_may_make_no_keys_need_not(real_manager, barbican_server):
    barbican_server.failures["(GET|POST) /v1/secrets"] = 403
    assert not real_manager.rehearse()


@pytest.mark.parametrize(
    "request_", ["GET /v1/secrets", "POST /v1/secrets", "PUT .*/acl", ".*load"]
)
def test_a_rehearsal_finds_what_fails(real_manager, barbican_server, request_):
    barbican_server.failures[request_] = 500
    with pytest.raises(UNAVAILABLE):
        real_manager.rehearse()
    assert barbican_server.secrets == {}


def test_a_rehearsal_in_another_key_manager(conf, vault):
    manager = keys.KeyManager(conf)
    assert not manager.rehearse()
    conf.set_override("project_id", "service", group="key_manager")
    assert manager.rehearse()
    assert vault.keys() == []


def test_without_an_endpoint_of_barbican_the_catalogue_is_asked_at_once(
    barbican_conf, barbican_server, monkeypatch
):
    """Before anything made Castellan register the options that say as whom."""
    manager = keys.KeyManager(barbican_conf)
    barbican_conf.set_override("barbican_endpoint", None, group="barbican")
    endpoint = {"interface": "public", "region_id": "one", "url": barbican_server.url, "id": "1"}
    service = {"type": "key-manager", "name": "barbican", "id": "2", "endpoints": [endpoint]}
    monkeypatch.setitem(barbican_server_module._TOKEN["token"], "catalog", [service])
    assert manager.find_default_key(CALLER) is None


# --- nothing is shown ------------------------------------------------------------------------


def test_no_log_and_no_error_shows_a_key(real_manager, barbican_server, stored_key, caplog):
    caplog.set_level(logging.DEBUG)
    shown = []
    real_manager.wrapping_key(KEY_ID)
    real_manager.check_usable(CALLER, KEY_ID)
    real_manager.open_to_service(CALLER, KEY_ID)
    short = barbican_server.make(stored_key[:31])
    for failure in ({}, {f"{SECRET}/payload": 500}, {SECRET: 403}):
        barbican_server.failures = failure
        for key_id in (KEY_ID, short):
            try:
                real_manager.check_usable(CALLER, key_id)
            except exceptions.ImsError as error:
                shown += traceback.format_exception(error)
                shown.append(repr(error) + str(error.details))
    assert len(shown) > 2
    text = caplog.text + "".join(shown)
    assert KEY_ID in text
    for secret in (stored_key, stored_key[:31], SERVICE_PASSWORD.encode(), b"fresh token"):
        assert [each for each in spellings(secret) if each in text] == []


def test_barbican_finds_a_key_without_dashes_so_that_is_the_same_key(real_manager, manager):
    assert real_manager.canonical(KEY_ID.replace("-", "")) == KEY_ID
    assert real_manager.canonical(KEY_ID) == KEY_ID
    # Another key manager may make such ids itself.
    assert manager.canonical(KEY_ID.replace("-", "")) == KEY_ID.replace("-", "")
