# SPDX-License-Identifier: Apache-2.0
"""The two JSON patch formats of the Image API, read exactly as Glance reads them.

Whoever judges a patch must see the same paths as the one who carries it out, so this follows
``RequestDeserializer`` of ``glance/api/v2/images.py`` to the letter, its leniency about leading
slashes and blanks included. Of a patch that Glance refuses as a whole, what can be read is read.
"""

import dataclasses
import re
from collections.abc import Callable, Iterator
from typing import Any

_OPERATIONS = ("add", "remove", "replace")


@dataclasses.dataclass(frozen=True)
class Change:
    """One operation of a patch.

    :ivar operation: ``add``, ``remove`` or ``replace``
    :ivar path: the parts of its JSON pointer, unescaped; never empty
    :ivar value: ``None`` also if there is none
    """

    operation: str
    path: tuple[str, ...]
    value: Any = None


def changes(content_type: str, patch: Any) -> list[Change]:
    """The operations of a patch.

    :param content_type: of the request, without parameters
    :param patch: the body, from JSON
    :returns: nothing if *content_type* is none that Glance takes
    """
    read = _FORMATS.get(content_type)
    if read is None or not isinstance(patch, list):
        return []
    return [change for raw in patch if isinstance(raw, dict) for change in read(raw)]


def without(content_type: str, patch: Any, unwanted: Callable[[Change], bool]) -> Any:
    """A patch without some of its operations.

    One that Glance refuses for its form stays, so that Glance refuses the patch.

    :param unwanted: whether an operation on a property is to be left out
    """
    if not isinstance(patch, list):
        return patch
    return [raw for raw in patch if not _is_left_out(content_type, raw, unwanted)]


def _is_left_out(content_type: str, raw: Any, unwanted: Callable[[Change], bool]) -> bool:
    found = changes(content_type, [raw])
    # Two of them: the older format with two operations in one object.
    if len(found) != 1 or len(found[0].path) != 1:
        return False
    (change,) = found
    pointer = raw.get("path") if content_type == _V21 else raw.get(change.operation)
    has_value = change.operation == "remove" or "value" in raw
    return has_value and bool(_POINTER.fullmatch(pointer)) and unwanted(change)


# Of a property whose name needs no escapes. Glance forgives one slash too many, and no more.
_POINTER = re.compile(r"//?[^/~]*")


def operation(content_type: str, kind: str, name: str, value: str) -> dict[str, str]:
    """An operation on a property, as a patch of that format has it.

    :param kind: ``add`` or ``replace``
    :param name: needs no escapes
    """
    if content_type == _V21:
        return {"op": kind, "path": f"/{name}", "value": value}
    return {kind: f"/{name}", "value": value}


def _read_v21(raw: dict[str, Any]) -> Iterator[Change]:
    """``{"op": "add", "path": "/name", "value": 1}``"""
    operation = raw.get("op")
    if operation in _OPERATIONS:
        yield from _change(operation, raw.get("path"), raw)


def _read_v20(raw: dict[str, Any]) -> Iterator[Change]:
    """``{"add": "/name", "value": 1}``"""
    for operation in _OPERATIONS:
        if operation in raw:
            yield from _change(operation, raw[operation], raw)


def _change(operation: str, pointer: Any, raw: dict[str, Any]) -> Iterator[Change]:
    if isinstance(pointer, str):
        yield Change(operation, _parts(pointer), raw.get("value"))


def _parts(pointer: str) -> tuple[str, ...]:
    return tuple(
        part.replace("~1", "/").replace("~0", "~").strip()
        for part in pointer.lstrip("/").split("/")
    )


_V20, _V21 = (f"application/openstack-images-v2.{minor}-json-patch" for minor in (0, 1))
_FORMATS: dict[str, Callable[[dict[str, Any]], Iterator[Change]]] = {
    _V20: _read_v20,
    _V21: _read_v21,
}
