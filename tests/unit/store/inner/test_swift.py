# SPDX-License-Identifier: Apache-2.0
"""What the stock driver does not do well: its configuration file, and the sizes of objects."""

import threading
from types import SimpleNamespace

import pytest
import swiftclient
from glance_store import exceptions as store_exceptions
from glance_store._drivers.swift import utils as swift_utils

from ims_glance.store.inner import swift

ACCOUNT = ["[ours]\n", "user = service:glance\n", "key = none\n"]


def test_a_thread_that_reads_the_accounts_disturbs_no_other(tmp_path):
    assert isinstance(swift_utils.CONFIG, swift._ParserOfEachThread)
    accounts = tmp_path / "swift.conf"
    accounts.write_text("".join(ACCOUNT))
    swift_utils.CONFIG.read(accounts)
    half_read, go_on = threading.Event(), threading.Event()

    def slowly():
        yield from ACCOUNT[:2]
        half_read.set()
        go_on.wait(240)
        yield ACCOUNT[2]

    reader = threading.Thread(target=swift_utils.CONFIG.read_file, args=(slowly(),))
    reader.start()
    try:
        assert half_read.wait(240)
        assert swift_utils.CONFIG.get("ours", "user") == "service:glance"
    finally:
        go_on.set()
        reader.join()


class Account:
    """A Swift that has one object, or refuses."""

    def __init__(self, status):
        self._status = status

    def create_location(self, name):
        return SimpleNamespace(container="c", obj=name)

    def get_connection(self, _location):
        return self

    def head_object(self, container, name):
        if self._status:
            raise swiftclient.ClientException("refused", http_status=self._status)
        return {"content-length": "77"} if (container, name) == ("c", "ims-1") else {}


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
