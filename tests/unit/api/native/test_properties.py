# SPDX-License-Identifier: Apache-2.0
"""What is made of a patch before Glance gets it; what it then does, a real Glance shows."""

import json
import types
from typing import Any

import pytest
from glance.common import wsgi

from ims_glance import exceptions
from ims_glance.api.common.image import ShownImage
from ims_glance.api.native import properties
from ims_glance.model.text import json_patch

V20 = "application/openstack-images-v2.0-json-patch"
V21 = "application/openstack-images-v2.1-json-patch"
KEY = "0f6c6f3e-1d7b-4a4b-8f0e-6a1f5c1f9d3a"
VIEW = {
    "id": "i",
    "owner": "demo",
    "visibility": "private",
    "name": "n",
    "mine": "1",
    "__isregistered": "true",
    "__os_version": "CentOS 7.3 64bit",
    "__os_type": "Linux",
    "__os_bit": "64",
    "__platform": "CentOS",
    "__system__cmkid": KEY,
}
NAME = {"op": "replace", "path": "/name", "value": "new"}


class Keys:
    """Knows one key by ``mine``, too; counts how often it was asked."""

    asked = 0

    @classmethod
    def is_named(cls, _context: Any, value: Any, key_id: str, owner: str) -> bool:
        assert owner == "demo"
        cls.asked += 1
        return value in {"mine", key_id}


@pytest.fixture(autouse=True)
def allowed(monkeypatch):
    """What Glance's policy says; ``allowed.clear()`` forbids it."""
    found = {"modify_image"}
    monkeypatch.setattr(properties, "may", lambda _context, rule, _image: rule in found)
    return found


def settle(*patch: Any, kind: str = V21, service: bool = False, **view: Any) -> Any:
    """What Glance gets: the patch, and the caller's roles."""
    roles = ["ims_service"] if service else []
    context = types.SimpleNamespace(roles=["member"], service_roles=roles, project_id="demo")
    request = wsgi.Request.blank("/", method="PATCH", content_type=kind)
    request.body = json.dumps(patch).encode()
    request.context = context
    keys: Any = Keys()
    left = properties.settle(request, context, keys, ShownImage("/v2/images/i", {**VIEW, **view}))
    sent = json.loads(request.body)
    assert left == json_patch.changes(kind, sent)[: len(left)]
    return sent, request.context.roles


@pytest.mark.parametrize(
    "kept",
    [
        {"op": "remove", "path": "/__isregistered"},
        {"op": "remove", "path": "// __isregistered"},
        {"op": "remove", "path": "/__imagetype"},
        {"op": "remove", "path": "/__system__cmkid"},
        {"op": "add", "path": "/__os_type", "value": "Linux"},
        {"op": "replace", "path": "/__imagetype", "value": "private"},
        {"op": "replace", "path": "/__system__cmkid", "value": "mine"},
        {"op": "add", "path": "/__system__cmkid", "value": KEY},
    ],
)
def test_what_is_answered_as_done(kept):
    assert settle(kept, NAME) == ([NAME], ["member"])
    assert settle(kept) == ([], ["member"])


def test_a_key_that_is_named_many_times_is_looked_for_once(monkeypatch):
    """The word for the default key costs a request."""
    monkeypatch.setattr(Keys, "asked", 0)
    named = {"op": "add", "path": "/__system__cmkid", "value": "mine"}
    assert settle(*[named] * 50, NAME) == ([NAME], ["member"])
    assert Keys.asked == 1


def test_for_who_may_not_change_the_image_no_key_is_looked_for(monkeypatch, allowed):
    monkeypatch.setattr(Keys, "asked", 0)
    allowed.clear()
    named = {"op": "add", "path": "/__system__cmkid", "value": "mine"}
    with pytest.raises(exceptions.KeyNotChangeable):
        settle(*[named] * 50)
    assert Keys.asked == 0


@pytest.mark.parametrize("value", [None, 5, ["x"], {"a": "b"}])
def test_what_is_no_key_at_all(value):
    with pytest.raises(exceptions.KeyNotChangeable):
        settle({"op": "add", "path": "/__system__cmkid", "value": value})


@pytest.mark.parametrize(
    "other",
    [
        {"op": "remove", "path": "/mine"},
        {"op": "replace", "path": "/mine", "value": "1"},
        {"op": "remove", "path": "/__description"},
        {"op": "remove", "path": "/__data_origin"},
        {"op": "replace", "path": "/__os_version", "value": "CentOS 7.3 64bit"},
        {"op": "replace", "path": "/__os_version", "value": 5},
        {"op": "add", "path": "/hw_firmware_type", "value": "x"},
    ],
)
def test_what_glance_carries_out_or_refuses(other):
    assert settle(other, NAME) == ([other, NAME], ["member"])


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"op": "replace", "path": "/__os_type", "value": "Windows"}, properties.AttributeReadOnly),
        ({"op": "add", "path": "/__data_origin", "value": None}, properties.AttributeReadOnly),
        ({"op": "remove", "path": "__isregistered"}, properties.AttributeReadOnly),
        ({"op": "remove", "path": "/image_id"}, properties.AttributeReadOnly),
        ({"op": "replace", "path": "/__system__cmkid", "value": "x"}, exceptions.KeyNotChangeable),
        ({"op": "remove", "path": "///__system__cmkid"}, exceptions.KeyNotChangeable),
    ],
)
def test_refusals(change, error):
    with pytest.raises(error):
        settle(NAME, change)


def test_no_key_is_taken_away_that_there_may_be_by_then():
    with pytest.raises(exceptions.KeyNotChangeable):
        settle({"op": "remove", "path": "/__system__cmkid"}, __system__cmkid=None)


def test_who_may_not_change_it_is_told_so(allowed):
    allowed.clear()
    with pytest.raises(properties.AttributeReadOnly):
        settle({"op": "remove", "path": "/__isregistered"})


def test_what_nova_reads_of_a_whole_machine_stays():
    whole: dict[str, Any] = {
        "__whole_image": "true",
        "block_device_mapping": "[]",
        "bdm_v2": "true",
    }
    remove = {"op": "remove", "path": "/block_device_mapping"}
    assert settle(remove, NAME, **whole) == ([NAME], ["member"])
    assert settle(remove, NAME, block_device_mapping="[]") == ([remove, NAME], ["member"])
    with pytest.raises(properties.AttributeReadOnly):
        settle({**remove, "op": "add", "value": "x"}, **whole)


class TestSystem:
    def test_what_follows(self):
        windows = {"op": "replace", "path": "/__os_version", "value": "Other Windows(32 bit)"}
        sent, roles = settle(windows, {"op": "remove", "path": "/__os_type"}, NAME)
        assert sent == [
            windows,
            NAME,
            {"op": "replace", "path": "/__os_type", "value": "Windows"},
            {"op": "replace", "path": "/__os_bit", "value": "32"},
            {"op": "replace", "path": "/__platform", "value": "Other"},
        ]
        assert roles == ["member", "ims_service"]

    def test_in_the_older_format(self):
        removed = {"remove": "/__os_version"}
        sent, _roles = settle(removed, kind=V20)
        assert sent == [
            removed,
            {"add": "/__os_version", "value": "Other Linux(64 bit)"},
            {"replace": "/__platform", "value": "Other"},
        ]

    def test_the_last_one_counts(self):
        first, last = (
            {"op": "replace", "path": "/__os_version", "value": value}
            for value in ("Other Windows(32 bit)", VIEW["__os_version"])
        )
        assert settle(first, last) == ([first, last], ["member"])

    def test_nothing_follows_for_who_is_refused(self):
        """With the service's role Glance might do what it refuses to the caller."""
        changes = [
            {"op": "replace", "path": "/__os_version", "value": "Other Windows(32 bit)"},
            {"op": "remove", "path": "/__backup_id"},
        ]
        assert settle(*changes) == (changes, ["member"])


def test_our_worker_writes_what_it_likes():
    changes = [
        {"op": "remove", "path": "/__isregistered"},
        {"op": "replace", "path": "/__os_version", "value": "x" * 200},
        {"op": "add", "path": "/__data_origin", "value": "x"},
    ]
    assert settle(*changes, service=True) == (changes, ["member", "ims_service"])
