# SPDX-License-Identifier: Apache-2.0
"""What the stock driver does not do well: its configuration file, and the sizes of objects."""

import contextlib
import sys
from types import SimpleNamespace

import pytest
import swiftclient
from glance_store import exceptions as store_exceptions
from glance_store._drivers.swift import utils as swift_utils

from ims_glance.store.inner import base, swift
from tests.unit.store import stores

ACCOUNT = "[ours]\nuser = service:glance\nkey = secret\nauth_address = http://keystone:5000/v3\n"


@pytest.fixture
def inner(tmp_path):
    """An inner store whose account stands in a file of its own, which is gone by now."""
    accounts = tmp_path / "swift.conf"
    accounts.write_text(ACCOUNT)
    options = [f"swift_store_config_file = {accounts}", "default_swift_reference = ours"]
    found = stores.inner_of("swift", tmp_path / "kms", *options)
    accounts.unlink()
    return found


def test_nothing_of_glance_store_is_replaced(inner):
    assert type(swift_utils.CONFIG) is swift_utils.SwiftConfigParser
    assert swift_utils.CONFIG is sys.modules["glance_store._drivers.swift.utils"].CONFIG


def test_the_accounts_are_read_once_and_not_again(inner):
    """The stock driver reads them into a parser that all threads share, and disturbs the others."""
    swift_utils.CONFIG.clear()
    assert inner._stock_driver() is inner._stock_driver()
    where = inner.location("ims-1").store_location
    assert (where.user, where.key) == ("service:glance", "secret")
    assert where.swift_url == "http://keystone:5000/v3"
    assert (where.container, where.obj) == ("glance", "ims-1")
    assert inner.uri("ims-1").endswith("/glance/ims-1")
    assert swift_utils.CONFIG.sections() == []


def test_an_application_credential_is_in_the_location(tmp_path):
    options = ["swift_store_auth_address = http://keystone:5000/v3"]
    options += ["swift_store_application_credential_id = someone"]
    options += ["swift_store_application_credential_secret = secret"]
    where = stores.inner_of("swift", tmp_path / "kms", *options).location("ims-1").store_location
    assert where.application_credential_id == "someone"


class Account:
    """A Swift that has one object, or refuses."""

    def __init__(self, status):
        self._status = status

    def create_location(self, name):
        return SimpleNamespace(container="c", obj=name)

    def get_connection(self, _location):
        return self

    def get_container(self, container, **_options):
        raise swiftclient.ClientException("refused", http_status=self._status)

    def head_object(self, container, name):
        if self._status:
            raise swiftclient.ClientException("refused", http_status=self._status)
        return {"content-length": "77"} if (container, name) == ("c", "ims-1") else {}


@pytest.mark.parametrize(
    ("status", "makes", "fails"), [(404, True, 0), (404, False, 1), (500, True, 1)]
)
def test_a_container_that_the_first_upload_makes(status, makes, fails):
    """Until then there is none, and nothing is in it."""
    store = object.__new__(swift.SwiftInner)
    store._shared = Account(status)
    store._shared.store_conf = SimpleNamespace(swift_store_create_container_on_put=makes)
    with pytest.raises(swiftclient.ClientException) if fails else contextlib.nullcontext():
        assert list(store.objects()) == []


def size(status=0):
    store = object.__new__(swift.SwiftInner)
    store._shared = Account(status)
    return store.size("ims-1")


def test_the_size_of_an_object():
    assert size() == 77


def test_a_size_that_cannot_be_had_is_not_taken_for_none():
    with pytest.raises(store_exceptions.NotFound):
        size(404)
    with pytest.raises(swiftclient.ClientException):
        size(503)


@pytest.mark.parametrize(("status", "refused"), [(0, True), (404, False)])
def test_nothing_is_written_over(monkeypatch, status, refused):
    """Swift itself would, and the stock driver does not look."""
    written = []
    monkeypatch.setattr(base.InnerStore, "put", lambda *arguments: written.append(arguments[1:]))
    store = object.__new__(swift.SwiftInner)
    store._shared = Account(status)
    with pytest.raises(store_exceptions.Duplicate) if refused else contextlib.nullcontext():
        store.put("ims-1", [b"data"], 4)
    assert written == ([] if refused else [("ims-1", [b"data"], 4)])
