# SPDX-License-Identifier: Apache-2.0
"""The two JSON patch formats of the Image API, read exactly as Glance reads them.

Whoever judges a patch must see the same paths as the one who carries it out, so this follows
``RequestDeserializer`` of ``glance/api/v2/images.py`` to the letter, its leniency about leading
slashes and blanks included. Of a patch that Glance refuses as a whole, what can be read is read.
"""

import dataclasses
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


_FORMATS: dict[str, Callable[[dict[str, Any]], Iterator[Change]]] = {
    "application/openstack-images-v2.0-json-patch": _read_v20,
    "application/openstack-images-v2.1-json-patch": _read_v21,
}
