# SPDX-License-Identifier: Apache-2.0
"""Tables of a file, read in slices of 64 KiB: none of them is ever in memory as a whole."""

import struct
from collections.abc import Iterator

from ims_glance.formats.extents import is_zero
from ims_glance.formats.source import Source, read

_SLICE = 1 << 16
_ORDERS = {"big": ">", "little": "<"}
_WIDTHS = {4: "I", 8: "Q"}


def entries(
    source: Source, offset: int, count: int, width: int, order: str, what: str
) -> Iterator[tuple[int, int]]:
    """The numbers of a table, each with how often it follows itself.

    Only zeros are counted so, a whole slice of them at once: sparse disks have many.

    :param count: of the entries
    :param width: bytes of each, 4 or 8
    :param order: ``big`` or ``little``
    :raises FileCut: if the table does not lie in the file
    """
    step = _SLICE // width
    for first in range(0, count, step):
        number = min(step, count - first)
        data = read(source, offset + first * width, number * width, what)
        if is_zero(data):
            yield 0, number
            continue
        for entry in struct.unpack(f"{_ORDERS[order]}{number}{_WIDTHS[width]}", data):
            yield entry, 1
