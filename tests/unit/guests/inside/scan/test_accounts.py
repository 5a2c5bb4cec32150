# SPDX-License-Identifier: Apache-2.0
"""Accounts with passwords."""

import struct
from typing import Any

import pytest

from ims_glance.guests.inside.scan import accounts
from ims_glance.guests.inside.scan.places import Places
from ims_glance.model.guest.found import Guest
from tests.unit.guests.inside.guests import DEBIAN
from tests.unit.guests.inside.memory_guest import MemoryGuest, MemoryHive

DES = "ab" + "c" * 11


def found(path: str, text: str) -> list[tuple[str, str]]:
    return list(accounts.of_linux(Places(MemoryGuest({path: text}), DEBIAN, []), path))


@pytest.mark.parametrize(
    ("field", "row"),
    [
        ("$6$salt$hash", accounts.PASSWORD),
        ("$y$j9T$salt$hash", accounts.PASSWORD),
        (DES, accounts.PASSWORD),
        ("_" + "a" * 19, accounts.PASSWORD),
        ("", accounts.EMPTY),
        ("!$6$salt$hash", accounts.LOCKED),
        ("!!$6$salt$hash", accounts.LOCKED),
        ("*", None),
        ("!", None),
        ("!!", None),
        ("!*", None),
        ("x", None),
        ("*LK*", None),
        ("NP", None),
    ],
)
def test_shadow(field: str, row: str | None) -> None:
    expected = [(row, "ann")] if row else []
    assert found("/etc/shadow", f"ann:{field}:19000:0:99999:7:::\n") == expected


@pytest.mark.parametrize(
    ("line", "row"),
    [
        ("root:x:0:0::/root:/bin/sh", None),
        (f"ann:{DES}:1000:1000::/home/ann:/bin/sh", accounts.PASSWORD),
        ("ann::1000:1000::/home/ann:/bin/sh", accounts.EMPTY),
        ("toor:x:0:0::/root:/bin/sh", accounts.ROOT),
        ("+@ldap::0:0:::", None),
        ("# ann::0", None),
        ("nonsense", None),
        ("", None),
    ],
)
def test_passwd(line: str, row: str | None) -> None:
    expected = [(row, line.split(":", maxsplit=1)[0])] if row else []
    assert found("/etc/passwd", f"{line}\n") == expected


def test_copies_of_the_table_have_passwords_too() -> None:
    text = "root:$6$a$b:1::::::\nann::1::::::\npg:!:1::::::\n"
    assert found("/etc/shadow-", text) == [(accounts.OLD, "root")]


def test_there_need_be_no_table() -> None:
    assert list(accounts.of_linux(Places(MemoryGuest({}), DEBIAN, []), "/etc/shadow")) == []


def test_homes_are_those_of_the_table() -> None:
    table = "root:x:0:0::/root:/bin/sh\npg:x:99:99:Postgres:/var/lib/pg:/bin/sh\nshort:x:1\n"
    assert accounts.homes(Places(MemoryGuest({"/etc/passwd": table}), DEBIAN, [])) == [
        "/root",
        "/var/lib/pg",
    ]


def test_lines_beyond_the_bound_are_said_not_passed_over() -> None:
    table = "#\n" * 2000 + "root:$6$a$b:1::::::\n"
    places = Places(MemoryGuest({"/etc/shadow": table, "/etc/passwd": table}), DEBIAN, [])
    assert list(accounts.of_linux(places, "/etc/shadow")) == []
    assert places.lacks == ["Only the first 2000 lines of /etc/shadow were looked at."]
    accounts.homes(places)
    assert len(places.lacks) == 2


# --- Windows -----------------------------------------------------------------------------------

SAM = "/Windows/System32/config/SAM"


def values(name: str, flags: int, hash_length: int) -> dict[str, Any]:
    fixed = bytearray(0x50)
    struct.pack_into("<H", fixed, 0x38, flags)
    table = bytearray(0xCC)
    text = name.encode("utf-16-le")
    struct.pack_into("<II", table, 0x0C, 0, len(text))
    struct.pack_into("<II", table, 0xA8, len(text), hash_length)
    return {"F": (3, bytes(fixed)), "V": (3, bytes(table) + text)}


class SamGuest(MemoryGuest):
    """A guest with one hive."""

    def __init__(self, users: dict[str, Any]) -> None:
        super().__init__({SAM: "regf"})
        hive = MemoryHive({"SAM": {"Domains": {"Account": {"Users": users}}}})
        for name in dir(hive):
            if name.startswith("hivex_"):
                setattr(self, name, getattr(hive, name))


def of_windows(g: MemoryGuest) -> tuple[list[tuple[str, str]], list[str]]:
    places = Places(g, Guest("windows"), [])
    return list(accounts.of_windows(places, SAM)), places.lacks


def test_enabled_accounts_of_windows() -> None:
    users = {
        "000001F4": values("Administrator", 0x0010, 56),
        "000001F5": values("Guest", 0x0015, 0),
        "000003E8": values("ann", 0x0210, 20),
        "000003E9": values("bob", 0x0214, 24),
        "000003EA": values("old", 0x0010, 4),
        "Names": {"Administrator": {}},
    }
    found, lacks = of_windows(SamGuest(users))
    assert found == [
        (accounts.PASSWORD, "Administrator"),
        (accounts.PASSWORD, "ann"),
        (accounts.EMPTY, "bob"),
        (accounts.EMPTY, "old"),
    ]
    assert lacks == []


def test_a_table_that_cannot_be_read_is_said() -> None:
    g = SamGuest({})

    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("hivex_open: Not supported")

    g.hivex_open = broken  # type: ignore[attr-defined]
    assert of_windows(g) == ([], ["The table of accounts (SAM) could not be read."])


def test_a_table_larger_than_any_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts, "_MOST_HIVE", 3)
    found, lacks = of_windows(SamGuest({}))
    assert (found, len(lacks)) == ([], 1)
