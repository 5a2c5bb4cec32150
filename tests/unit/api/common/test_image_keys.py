# SPDX-License-Identifier: Apache-2.0
"""Names of keys, and what is asked about a key before it is used."""

import types
import uuid
from typing import Any

import pytest

from ims_glance import exceptions
from ims_glance.api.common import image_keys

KEY = "0f6c6f3e-1d7b-4a4b-8f0e-6a1f5c1f9d3a"
CONTEXT = types.SimpleNamespace(project_id="demo")


class Keys:
    """A key manager in which all keys are fine but those that are told to fail."""

    def __init__(self, **failures: exceptions.ImsError) -> None:
        self.failures = failures
        self.asked: list[tuple[str, str]] = []

    def check_usable(self, context: Any, key_id: str) -> None:
        self._ask("check_usable", key_id)

    def caller_key(self, context: Any, key_id: str) -> bytes:
        self._ask("caller_key", key_id)
        return b"secret"

    def open_to_service(self, context: Any, key_id: str) -> None:
        self._ask("open_to_service", key_id)

    def default_key(self, context: Any) -> str:
        self._ask("default_key", context.project_id)
        return KEY

    def find_default_key(self, context: Any) -> str | None:
        self._ask("find_default_key", context.project_id)
        return KEY

    def key_name(self, key_id: str) -> str | None:
        self._ask("key_name", key_id)
        return "ims/default"

    def _ask(self, what: str, subject: str) -> None:
        self.asked.append((what, subject))
        if what in self.failures:
            raise self.failures[what]


def make(keys: Keys) -> image_keys.ImageKeys:
    return image_keys.ImageKeys(lambda: keys, "ims/default")


@pytest.mark.parametrize(
    ("value", "key_id"),
    [
        (KEY, KEY),
        (KEY.upper(), KEY),
        (KEY.replace("-", ""), KEY.replace("-", "")),
        (f"https://kms:9311/v1/secrets/{KEY}", KEY),
        (f"http://kms/secrets/{KEY}/", KEY),
        (f"http://kms/key-manager/v1/secrets/{KEY.upper()}", KEY),
    ],
)
def test_named_key(value: str, key_id: str) -> None:
    keys = Keys()
    assert make(keys).named(CONTEXT, value, "demo") == key_id
    assert keys.asked == [("check_usable", key_id), ("open_to_service", key_id)]


def test_a_key_that_is_read_is_opened_to_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = Keys()
    assert make(keys).read(CONTEXT, KEY.upper()) == (KEY, b"secret")
    assert make(keys).read(CONTEXT, "ims/default") == (KEY, b"secret")
    assert keys.asked == [("caller_key", KEY), ("find_default_key", "demo"), ("caller_key", KEY)]
    with pytest.raises(image_keys.KeyIdInvalid):
        make(keys).read(CONTEXT, "../x")
    monkeypatch.setattr(keys, "find_default_key", lambda _context: None)
    with pytest.raises(exceptions.KeyNotFound):
        make(keys).read(CONTEXT, "ims/default")


def test_foreseeing_a_key_makes_and_opens_none() -> None:
    keys = Keys()
    made = make(keys)
    assert made.foreseen(CONTEXT, KEY.upper(), "demo") == KEY
    assert made.foreseen(CONTEXT, made.default_name, "demo") == KEY
    assert keys.asked == [("check_usable", KEY), ("find_default_key", "demo")]
    with pytest.raises(image_keys.KeyIdInvalid):
        made.foreseen(CONTEXT, "x", "demo")
    with pytest.raises(image_keys.ForeignDefaultKey):
        made.foreseen(CONTEXT, made.default_name, "other")


@pytest.mark.parametrize(
    "value",
    [
        "", " ", "x", "ims/Default", "IMS/DEFAULT", f" {KEY}", f"{KEY}\n", f"{KEY}0", KEY[:-1],
        "-" * 36, KEY.replace("-", "", 1), f"ftp://kms/v1/secrets/{KEY}", f"//kms/secrets/{KEY}",
        f"http://kms/v1/secrets/{KEY}/payload", f"http://kms/v1/containers/{KEY}",
        f"http://kms/v1/secrets/{KEY}?x", f"../{KEY}", "\uff10" * 32,
    ],
)  # fmt: skip
def test_no_name_of_a_key(value: str) -> None:
    keys = Keys()
    with pytest.raises(image_keys.KeyIdInvalid, match="'ims/default'"):
        make(keys).named(CONTEXT, value, "demo")
    assert keys.asked == []


def test_long_values_are_not_repeated() -> None:
    with pytest.raises(image_keys.KeyIdInvalid) as caught:
        make(Keys()).named(CONTEXT, "x" * 100_000, "demo")
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize("owner", ["demo", None, ""])
def test_default_key(owner: str | None) -> None:
    keys = Keys()
    assert make(keys).named(CONTEXT, "ims/default", owner) == KEY
    assert keys.asked == [
        ("default_key", "demo"),
        ("check_usable", KEY),
        ("open_to_service", KEY),
    ]


def test_default_key_of_another_project() -> None:
    keys = Keys()
    with pytest.raises(image_keys.ForeignDefaultKey, match="someone"):
        make(keys).default(CONTEXT, "someone")
    assert keys.asked == []


@pytest.mark.parametrize(
    ("key_id", "is_default"), [(KEY, True), ("5b1f0a52-4c1e-4f7e-9a53-1de0b7c2a8d4", False)]
)
def test_a_member_s_keys_say_which_is_the_default_one(key_id: str, is_default: bool) -> None:
    keys = Keys()
    assert make(keys).is_default(CONTEXT, key_id, "demo") == is_default
    assert keys.asked == [("find_default_key", "demo")]


def test_for_others_its_name_says_which_is_the_default_one() -> None:
    keys = Keys()
    assert make(keys).is_default(CONTEXT, KEY, "someone")
    assert not image_keys.ImageKeys(lambda: keys, "another").is_default(CONTEXT, KEY, "someone")
    assert keys.asked == 2 * [("key_name", KEY)]


OTHER_KEY = "5b1f0a52-4c1e-4f7e-9a53-1de0b7c2a8d4"


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        (KEY, True),
        (KEY.upper(), True),
        (f"https://kms:9311/v1/secrets/{KEY.upper()}", True),
        ("ims/default", True),
        (OTHER_KEY, False),
        (f"https://kms:9311/v1/secrets/{OTHER_KEY}", False),
        ("ims/Default", False),
        ("", False),
        (None, False),
        (5, False),
        ([KEY], False),
    ],
)
def test_a_key_in_all_its_spellings(value: Any, meant: bool) -> None:
    keys = Keys()
    assert make(keys).is_named(CONTEXT, value, KEY, "demo") is meant
    assert keys.asked == ([("find_default_key", "demo")] if value == "ims/default" else [])


def test_one_key_does_not_look_like_two() -> None:
    """Barbican finds a key without the dashes of its id, too; then nothing would be promised of it."""
    keys = Keys()
    bare, canonical = KEY.replace("-", ""), lambda key_id: str(uuid.UUID(key_id))
    made = image_keys.ImageKeys(lambda: keys, "ims/default", canonical)
    for value in (bare, bare.upper(), f"https://kms:9311/v1/secrets/{bare}"):
        assert made.named(CONTEXT, value, "demo") == KEY
        assert made.sought(CONTEXT, value) == KEY
        assert made.is_named(CONTEXT, value, KEY, "demo")
        assert made.is_named(CONTEXT, KEY, bare, "demo")
    assert made.is_default(CONTEXT, bare, "demo")
    # Another key manager makes such ids, and only knows them as they are.
    assert make(keys).sought(CONTEXT, bare) == bare


def test_ids_of_another_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    """What spells no id is nobody's default key but that of whose id it is."""
    made = make(Keys())
    monkeypatch.setattr(Keys, "find_default_key", lambda *_: "key-7")
    assert made.is_default(CONTEXT, "key-7", "demo")
    assert not made.is_named(CONTEXT, "key-8", "key-7", "demo")
    monkeypatch.setattr(Keys, "find_default_key", lambda *_: None)
    assert not made.is_default(CONTEXT, "key-7", "demo")


def test_the_word_for_another_default_key() -> None:
    assert not make(Keys()).is_named(CONTEXT, "ims/default", OTHER_KEY, "demo")


@pytest.mark.parametrize(
    ("value", "sought"),
    [
        ("ims/default", KEY),
        (KEY.upper(), KEY),
        (f"http://kms/secrets/{OTHER_KEY}/", OTHER_KEY),
        ("x", "x"),
        ("", ""),
    ],
)
def test_a_key_that_is_sought(value: str, sought: str) -> None:
    assert make(Keys()).sought(CONTEXT, value) == sought


def test_no_image_has_a_default_key_that_was_never_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Keys, "find_default_key", lambda *_: None)
    assert make(Keys()).sought(CONTEXT, "ims/default") == "ims/default"


def test_a_key_that_is_gone_is_no_default_key() -> None:
    keys = Keys(key_name=exceptions.KeyNotFound(key_id=KEY))
    assert not make(keys).is_default(CONTEXT, KEY, "someone")


def test_without_a_look_at_a_key_it_is_not_said_to_be_another() -> None:
    keys = Keys(key_name=exceptions.ServiceKeyDenied(key_id=KEY, service_user="u"))
    with pytest.raises(exceptions.ServiceKeyDenied):
        make(keys).is_default(CONTEXT, KEY, "someone")


@pytest.mark.parametrize(
    "failure",
    [
        {"check_usable": exceptions.KeyDenied(key_id=KEY)},
        {"open_to_service": exceptions.ServiceKeyDenied(key_id=KEY, service_user="u")},
    ],
)
def test_unusable_key(failure: dict[str, exceptions.ImsError]) -> None:
    (error,) = failure.values()
    with pytest.raises(type(error)):
        make(Keys(**failure)).named(CONTEXT, KEY, "demo")


def test_key_is_alive_if_the_service_can_read_it() -> None:
    keys = Keys(check_usable=exceptions.KeyDenied(key_id=KEY))
    make(keys).check_alive(CONTEXT, "i", KEY)
    assert keys.asked == [("open_to_service", KEY)]


def test_key_is_gone() -> None:
    keys = Keys(open_to_service=exceptions.KeyNotFound(key_id=KEY))
    with pytest.raises(exceptions.KeyGone) as caught:
        make(keys).check_alive(CONTEXT, "i", KEY)
    assert caught.value.details == {"key_id": KEY, "image_id": "i"}


def test_key_manager_is_made_when_it_is_needed() -> None:
    def fail() -> Keys:
        raise AssertionError

    keys = image_keys.ImageKeys(fail, "ims/default")
    with pytest.raises(image_keys.KeyIdInvalid):
        keys.named(CONTEXT, "x", "demo")
    with pytest.raises(AssertionError):
        keys.named(CONTEXT, str(uuid.uuid4()), "demo")
