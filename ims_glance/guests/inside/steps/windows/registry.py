# SPDX-License-Identifier: Apache-2.0
"""A hive of the registry of Windows: keys and values by their path, through libguestfs (hivex(3)).

A hive that is written keeps its old content beside it, as any file does.
"""

import contextlib
import posixpath
import struct
from collections.abc import Iterator
from typing import Any

from ims_glance.guests.inside.handle import Node
from ims_glance.guests.inside.steps.step import Work
from ims_glance.guests.inside.tree import GuestFileTooLarge, old_name

SZ, EXPAND_SZ, BINARY, DWORD, MULTI_SZ = 1, 2, 3, 4, 7
_MOST_BYTES = 512 << 20
_MOST_CHILDREN = 4096
_MOST_VALUE = 1 << 16
_FOLDER = "system32/config"


def text_of(value: str) -> bytes:
    """A string as a hive has it."""
    return (value + "\0").encode("utf-16-le")


def texts_of(*values: str) -> bytes:
    """Several strings as a hive has them."""
    return "".join(f"{each}\0" for each in [*values, ""]).encode("utf-16-le")


def number_of(value: int) -> bytes:
    """A number as a hive has it."""
    return struct.pack("<I", value)


class Hive:
    """An open hive.

    :ivar is_changed: whether a value was set
    """

    def __init__(self, g: Any, *, is_dry: bool) -> None:
        self._g = g
        self._is_dry = is_dry
        self.is_changed = False

    def key(self, *path: str) -> Node:
        """The key of a path; 0 if there is none."""
        node = self._g.hivex_root()
        for name in path:
            node = self._g.hivex_node_get_child(node, name) if node else 0
        return int(node)

    def names(self, *path: str) -> list[str]:
        """The keys in a key.

        :raises GuestFileTooLarge: if they are more than any has
        """
        node = self.key(*path)
        children = self._g.hivex_node_children(node) if node else []
        if len(children) > _MOST_CHILDREN:
            raise GuestFileTooLarge(f"A key of the registry has {len(children)} keys")
        return [self._g.hivex_node_name(child["hivex_node_h"]) for child in children]

    def value(self, path: tuple[str, ...], name: str) -> bytes | None:
        """A value; ``None`` if it is not there, or longer than any that is asked for."""
        node = self.key(*path)
        value = self._g.hivex_node_get_value(node, name) if node else 0
        found = self._g.hivex_value_value(value) if value else None
        return found if found is not None and len(found) <= _MOST_VALUE else None

    def values(self, *path: str) -> dict[str, bytes]:
        """The values in a key, of those that are no longer than any that is asked for."""
        node = self.key(*path)
        values = self._g.hivex_node_values(node) if node else []
        if len(values) > _MOST_CHILDREN:
            raise GuestFileTooLarge(f"A key of the registry has {len(values)} values")
        handles = [each["hivex_value_h"] for each in values]
        found = {
            self._g.hivex_value_key(handle): self._g.hivex_value_value(handle) for handle in handles
        }
        return {name: value for name, value in found.items() if len(value) <= _MOST_VALUE}

    def number(self, path: tuple[str, ...], name: str) -> int | None:
        """A number; ``None`` if there is none."""
        value = self.value(path, name)
        return int.from_bytes(value, "little") if value is not None and len(value) == 4 else None

    def set(self, path: tuple[str, ...], name: str, kind: int, value: bytes) -> bool:
        """Set a value, in keys that are made if they are not there.

        :returns: whether it was another before
        """
        if self.value(path, name) == value:
            return False
        self.is_changed = True
        if self._is_dry:
            return True
        node = self._g.hivex_root()
        for part in path:
            child = self._g.hivex_node_get_child(node, part)
            node = child or self._g.hivex_node_add_child(node, part)
        self._g.hivex_node_set_value(node, name, kind, value)
        return True


@contextlib.contextmanager
def opened(work: Work, name: str) -> Iterator[Hive]:
    """A hive, written back if something was set and nothing failed.

    :param name: ``SYSTEM`` or ``SOFTWARE``
    :raises GuestFileTooLarge: if it is larger than any
    """
    g = work.tree.g
    path = g.case_sensitive_path(posixpath.join(work.guest.systemroot or "", _FOLDER, name))
    if g.filesize(path) > _MOST_BYTES:
        raise GuestFileTooLarge(f"{path} has more than {_MOST_BYTES} bytes")
    g.hivex_open(path, write=not work.is_dry)
    try:
        hive = Hive(g, is_dry=work.is_dry)
        yield hive
        if hive.is_changed and not work.is_dry:
            if not g.exists(old_name(path)):
                g.cp_a(path, old_name(path))
            g.hivex_commit(None)
            work.tree.changed.append(path)
    finally:
        g.hivex_close()
