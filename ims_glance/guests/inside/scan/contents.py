# SPDX-License-Identifier: Apache-2.0
"""What in a file is a secret: whether there is one is told, and nothing of it."""

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping

from ims_glance.guests.inside.scan.places import Places
from ims_glance.model.market.scan.rules import Look

_MOST_KEY = 64 << 10
_MOST_SECRET = 1 << 20
# PEM (RFC 7468, and what OpenSSL and OpenSSH wrote before it), and PuTTY's own.
_PRIVATE_KEY = re.compile(
    rb"-----BEGIN ([A-Z0-9]+ )*PRIVATE KEY( BLOCK)?-----|^PuTTY-User-Key-File-", re.MULTILINE
)
# A name that a secret stands behind, and something behind it that is no variable and no reference.
_SECRET = re.compile(
    rb"""((secret|passw(or)?d|passphrase|private_?key|client-key-data|token)(_?(access|key|hash|text|value|data))*"""
    rb"""|_auth|\bauth|\bsk)["']?(?:[ \t]*[:=][ \t]*|[ \t]+)["']?(?![$<#{\[|>\s])[^\s"']""",
    re.IGNORECASE,
)
_IN_URL = re.compile(rb"://[^/\s:@]+:[^/\s:@]+@")
_PGPASS = re.compile(rb"^[^#:\n][^:\n]*(:[^:\n]*){3}:[^\n]", re.MULTILINE)
_IN_DATABASE = re.compile(rb"refresh_token|private_key|access_token")
_BY_NAME = {".pgpass": _PGPASS, "credentials.db": _IN_DATABASE, "access_tokens.db": _IN_DATABASE}

# The beginnings and ends of such elements: each is looked for once, as a stranger's file may have a megabyte of them.
_TAG = re.compile(
    r"<(?:(?P<end>/)(?:\w+:)?\w*Password|(?:\w+:)?(?:Administrator|Auto)?[Ll]?o?g?o?n?Password\b[^<>]*)>"
)
_VALUE = re.compile(r"<(?:\w+:)?Value>\s*([^<\s][^<]*)</|^\s*([^<\s][^<]*)\Z", re.DOTALL)
_INI = re.compile(r"^[ \t]*AdminPassword\s*=\s*\"?(?!\*)[^\s\"]", re.MULTILINE | re.IGNORECASE)
_TAKEN_OUT = "*SENSITIVE*DATA*DELETED*"


def has_lines(places: Places, path: str) -> bool:
    """Whether a file has a line that is no comment."""
    lines = (line.strip() for line in places.lines(path))
    return any(line and not line.startswith("#") for line in lines)


def has_private_key(places: Places, path: str) -> bool:
    """Whether there is a private key in a file that is no larger than such files are."""
    return bool(_PRIVATE_KEY.search(places.content(path, _MOST_KEY, is_small=True)))


def has_secret(places: Places, path: str) -> bool:
    """Whether there is a secret in a file that is there for secrets."""
    content = places.content(path, _MOST_SECRET)
    name = posixpath.basename(path)
    if name.lower().endswith((".xml", ".inf")):
        return _has_password(_text(content))
    if name in _BY_NAME:
        return bool(_BY_NAME[name].search(content))
    return bool(_SECRET.search(content) or _IN_URL.search(content))


def is_filled(places: Places, path: str) -> bool:
    """Whether a file is not empty."""
    return places.size(path) > 0


def _text(content: bytes) -> str:
    is_utf16 = content[:2] in (b"\xff\xfe", b"\xfe\xff")
    return content.decode("utf-16" if is_utf16 else "utf-8-sig", "replace")


def _elements(text: str) -> Iterator[str]:
    """What is in the elements of passwords."""
    begin = None
    for tag in _TAG.finditer(text):
        if tag["end"] is None:
            begin = tag.end() if begin is None else begin
        elif begin is not None:
            yield text[begin : tag.start()]
            begin = None


def _has_password(text: str) -> bool:
    """Whether an answer file has a password that Setup has not taken out of it."""
    for element in _elements(text):
        value = _VALUE.search(element)
        given = (value[1] or value[2] or "").strip() if value else ""
        if given and given != _TAKEN_OUT:
            return True
    return bool(_INI.search(text))


LOOKS: Mapping[Look, Callable[[Places, str], bool]] = {
    Look.LINES: has_lines,
    Look.PRIVATE_KEY: has_private_key,
    Look.SECRET: has_secret,
    Look.FILLED: is_filled,
}
"""How a place is looked at -> whether there is what is not to be there."""
