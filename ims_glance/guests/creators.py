# SPDX-License-Identifier: Apache-2.0
"""How large the disk in a dynamic VHD is: as all of our reading has it, and not as QEMU guesses by its maker.

QEMU takes the geometry, which is up to 8 MiB too small, unless the maker is one of a few (``block/vpc.c``).
"""

import struct

from ims_glance.formats.source import Source

_FOOTER = 512
_MAKER, _MAKER_AT = b"win ", 28
_SUM_AT = 64


class MadeByWindows:
    """A dynamic VHD, of which the first 512 bytes say that Windows made it."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._head: bytes | None = None

    @property
    def size(self) -> int:
        """Of the file, in bytes."""
        return self._source.size

    def read(self, offset: int, length: int) -> bytes:
        """As the source's."""
        data = self._source.read(offset, length)
        if offset >= _FOOTER:
            return data
        if self._head is None:
            self._head = _patched(self._source.read(0, _FOOTER))
        part = self._head[offset : offset + len(data)]
        return part + data[len(part) :]


def _patched(footer: bytes) -> bytes:
    changed = bytearray(footer)
    changed[_MAKER_AT : _MAKER_AT + len(_MAKER)] = _MAKER
    changed[_SUM_AT : _SUM_AT + 4] = bytes(4)
    struct.pack_into(">I", changed, _SUM_AT, ~sum(changed) & 0xFFFFFFFF)
    return bytes(changed)
