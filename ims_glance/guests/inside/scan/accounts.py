# SPDX-License-Identifier: Apache-2.0
"""Accounts with passwords: of Linux by its tables (passwd(5), shadow(5)), of Windows by its SAM.

What is told is the name of an account. No hash leaves the machine that reads it.
"""

import re
from collections.abc import Iterator

from ims_glance.guests.inside.scan.places import UNREADABLE, Places
from ims_glance.guests.inside.steps.windows.registry import Hive
from ims_glance.guests.inside.tree import GuestFileTooLarge

Found = tuple[str, str]
"""Name of a row, and of an account."""

PASSWORD, EMPTY, LOCKED, OLD, ROOT = (
    "preset password", "empty password", "locked password", "old password", "further root",
)  # fmt: skip
_MOST = 2000
_ELSEWHERE = ("x", "*", "!", "!!", "*LK*", "*NP*")
# What crypt(3) makes: $id$..., DES of BSD, and the 13 characters of DES.
_HASH = re.compile(r"\$.+|_[./0-9A-Za-z]{19}|[./0-9A-Za-z]{13}", re.DOTALL)

_USERS = ("SAM", "Domains", "Account", "Users")
_MOST_HIVE = 64 << 20
# Of the values F and V of an account (MS-SAMR; as samdump2 and impacket read them).
_FLAGS_AT, _DISABLED = 0x38, 0x0001
_NAME_AT, _HASH_AT, _TABLE = 0x0C, 0xA8, 0xCC
# A head of a hash and nothing behind it: 4 bytes of RC4, 24 of AES.
_NO_HASH = (0, 4, 24)


def of_linux(places: Places, path: str) -> Iterator[Found]:
    """The accounts of a table that are not as they should be."""
    is_old = path.endswith("-")
    is_shadow = "shadow" in path
    for line in _lines(places, path):
        name, *fields = line.split(":")
        if not name or not fields or name.startswith(("#", "+", "-")):
            continue
        row = _row_of(fields[0], is_shadow=is_shadow)
        if is_old:
            if row in (PASSWORD, LOCKED):
                yield OLD, name
            continue
        if row is not None:
            yield row, name
        if not is_shadow and len(fields) > 1 and fields[1] == "0" and name != "root":
            yield ROOT, name


def homes(places: Places) -> list[str]:
    """The home folders that passwd(5) names."""
    fields = [line.split(":") for line in _lines(places, "/etc/passwd")]
    return [each[5] for each in fields if len(each) >= 6]


def _lines(places: Places, path: str) -> list[str]:
    """Those of a table, within a bound; what is beyond it was not looked at, and that is said."""
    found = places.lines(path)
    lack = f"Only the first {_MOST} lines of {path} were looked at."
    if len(found) > _MOST and lack not in places.lacks:
        places.lacks.append(lack)
    return found[:_MOST]


def _row_of(password: str, *, is_shadow: bool) -> str | None:
    if not password:
        return EMPTY
    if password in _ELSEWHERE:
        return None
    if _HASH.fullmatch(password):
        return PASSWORD
    is_locked = is_shadow and _HASH.fullmatch(password.lstrip("!*"))
    return LOCKED if is_locked else None


def of_windows(places: Places, path: str) -> Iterator[Found]:
    """The accounts of a SAM that are enabled."""
    g = places.g
    if places.size(path) > _MOST_HIVE:
        places.lacks.append("The table of accounts (SAM) is larger than any, and was not read.")
        return
    try:
        g.hivex_open(path, write=False)
        try:
            yield from _enabled(Hive(g, is_dry=True))
        finally:
            g.hivex_close()
    except (*UNREADABLE, GuestFileTooLarge):
        places.lacks.append("The table of accounts (SAM) could not be read.")


def _enabled(hive: Hive) -> Iterator[Found]:
    for key in hive.names(*_USERS):
        values = hive.values(*_USERS, key)
        fixed, variable = values.get("F", b""), values.get("V", b"")
        if len(fixed) < _FLAGS_AT + 2 or len(variable) < _TABLE:
            # Of "Names", which has no such values.
            continue
        if int.from_bytes(fixed[_FLAGS_AT : _FLAGS_AT + 2], "little") & _DISABLED:
            continue
        at, length = (_number(variable, _NAME_AT + each) for each in (0, 4))
        name = variable[_TABLE + at : _TABLE + at + length].decode("utf-16-le", "replace")
        has_hash = _number(variable, _HASH_AT + 4) not in _NO_HASH
        yield (PASSWORD if has_hash else EMPTY), name or key


def _number(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 4], "little")
