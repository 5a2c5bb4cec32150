# SPDX-License-Identifier: Apache-2.0
"""What is typed in a form, and the fields of a product that it stands for; and back.

Lists are typed on lines of their own. What a line has to say is the service's to judge; here it is only taken apart.
"""

import base64
import dataclasses
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

# Bytes: what the service takes at most, whatever its operator says ([ims_market] certificates_kib).
MAX_LOGO = 128 * 1024
MAX_CERTIFICATES = 10240 * 1024
MOST_CERTIFICATES = 10

_PORT = re.compile(r"(\d{1,5})(?:/(\w+))?(?:\s+(.*))?")
_BETWEEN = "|"


def of_lines(text: str | None) -> list[str]:
    """Lines that are not empty."""
    return [line.strip() for line in (text or "").splitlines() if line.strip()]


def read_ports(text: str | None) -> list[dict[str, Any]]:
    """``5432/tcp SQL``, one a line.

    :raises ValueError: with the line that is none
    """
    found = []
    for line in of_lines(text):
        match = _PORT.fullmatch(line)
        if match is None:
            raise ValueError(line)
        number, protocol, purpose = match.groups()
        more = {"protocol": protocol and protocol.lower(), "purpose": purpose}
        found.append({"port": int(number), **{name: each for name, each in more.items() if each}})
    return found


def write_ports(ports: Iterable[Mapping[str, Any]] | None) -> str:
    """The same as it is typed."""
    return "\n".join(
        f"{each.get('port')}/{each.get('protocol', 'tcp')} {each.get('purpose', '')}".strip()
        for each in ports or ()
    )


def read_pairs(text: str | None) -> dict[str, str]:
    """``engine = quick``, one a line.

    :raises ValueError: with the line that is none
    """
    found = {}
    for line in of_lines(text):
        name, sign, value = (part.strip() for part in line.partition("="))
        if not (name and sign):
            raise ValueError(line)
        found[name] = value
    return found


def write_pairs(pairs: Mapping[str, str] | None) -> str:
    """The same as it is typed."""
    return "\n".join(f"{name} = {value}" for name, value in (pairs or {}).items())


_SPECIFICATION = ("sku", "name", "description", "price")


def read_specifications(text: str | None) -> list[dict[str, str]]:
    """``small | Small | for a few users | 1 an hour``, one a line; all but the first may be left out.

    :raises ValueError: with the line that is none
    """
    found = []
    for line in of_lines(text):
        parts = [part.strip() for part in line.split(_BETWEEN)]
        if not parts[0] or len(parts) > len(_SPECIFICATION):
            raise ValueError(line)
        named = zip(_SPECIFICATION, parts, strict=False)
        found.append({name: part for name, part in named if part})
    return found


def write_specifications(known: Iterable[Mapping[str, str]] | None) -> str:
    """The same as it is typed."""
    rows = [[each.get(name, "") for name in _SPECIFICATION] for each in known or ()]
    return "\n".join(f" {_BETWEEN} ".join(row).rstrip(f" {_BETWEEN}") for row in rows)


def read_words(text: str | None) -> list[str]:
    """With commas between them."""
    return [each.strip() for each in (text or "").split(",") if each.strip()]


def write_words(known: Iterable[str] | None) -> str:
    """The same as they are typed."""
    return ", ".join(known or ())


@dataclasses.dataclass(frozen=True)
class TypedList:
    """How a list is typed, and back."""

    read: Callable[[str | None], Any]
    write: Callable[[Any], str]


LISTS: Mapping[str, TypedList] = {
    "ports": TypedList(read_ports, write_ports),
    "specifications": TypedList(read_specifications, write_specifications),
    "attributes": TypedList(read_pairs, write_pairs),
    "keywords": TypedList(read_words, write_words),
}


def written(name: str, stored: Any) -> str:
    """A list as it is typed."""
    return LISTS[name].write(stored)


def can_be_typed(name: str, stored: Any) -> bool:
    """Whether a list that the service has is the same after it was typed."""
    kind = LISTS[name]
    known = [{"protocol": "tcp", **each} for each in stored or ()] if name == "ports" else stored
    try:
        again = kind.read(kind.write(stored))
    except ValueError:
        return False
    return bool(_bare(again) == _bare(known or type(again)()))


def _bare(value: Any) -> Any:
    """Without blanks around texts, and without what is empty."""
    if isinstance(value, Mapping):
        return {name: _bare(each) for name, each in value.items() if each not in (None, "")}
    if isinstance(value, list):
        return [_bare(each) for each in value]
    return value.strip() if isinstance(value, str) else value


def one_end(text: str) -> str:
    """A text with one kind of line ends."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def is_same(one: str, other: str) -> bool:
    """Whether two texts are the same to a browser, and to what takes the blanks off their ends."""
    return one_end(one).strip() == one_end(other).strip()


def upload(file: Any, kind: str | None = None) -> dict[str, str]:
    """A file as the service takes it.

    :param file: that came with the form
    """
    found = {"name": str(file.name), "content": base64.b64encode(file.read()).decode()}
    return found | ({"kind": kind} if kind else {})


def kept(file: Mapping[str, Any]) -> dict[str, Any]:
    """One that the service has already: its digest is enough."""
    return {name: file[name] for name in ("name", "kind", "digest") if file.get(name)}
