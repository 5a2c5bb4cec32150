# SPDX-License-Identifier: Apache-2.0
"""The grains of a streamOptimized VMDK, whose tables are never looked at."""

import struct
import zlib

import pytest

from ims_glance.formats.extents import Hole, Unpacked
from ims_glance.formats.readers import vmdk_stream
from ims_glance.formats.refusals import FileRefused
from tests.unit.formats.files import InMemory

GRAIN = 4096
SIZE = 5 * GRAIN + 512
ONE, TWO = b"\1" * GRAIN, bytes(range(256)) * 16
START = b"\7" * 1024
END = bytes(512)


def grain(place, data, packed=None):
    packed = zlib.compress(data) if packed is None else packed
    head = struct.pack("<QI", place * 8, len(packed)) + packed
    return head + bytes(-len(head) % 512)


def table(kind, sectors):
    return struct.pack("<QII", sectors, 0, kind).ljust(512, b"\0") + b"\xff" * 512 * sectors


def runs(*parts, size=SIZE):
    return list(vmdk_stream.runs(InMemory(START + b"".join(parts)), len(START), size, GRAIN))


def test_grains_holes_and_tables():
    noise = bytes(range(1, 255)) * 16
    told = runs(
        grain(1, ONE),
        table(1, 4),
        grain(3, noise.ljust(GRAIN, b"x")),
        grain(5, TWO[:512]),
        table(2, 1),
        table(3, 1),
        END,
    )
    assert told == [
        Hole(GRAIN),
        Unpacked(ONE),
        Hole(GRAIN),
        Unpacked(noise.ljust(GRAIN, b"x")),
        Hole(GRAIN),
        Unpacked(TWO[:512]),
    ]


def test_a_disk_without_data():
    assert runs(END) == [Hole(SIZE)]


def test_the_last_grain_may_be_whole():
    assert runs(grain(5, TWO), END)[-1] == Unpacked(TWO[:512])


def test_zeros_behind_the_end():
    assert runs(END, bytes(60_000)) == [Hole(SIZE)]
    with pytest.raises(FileRefused, match="behind its end mark"):
        runs(END, bytes(70_000))
    with pytest.raises(FileRefused, match="behind its end mark"):
        runs(END, b"\0\1")


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        ([grain(1, ONE), grain(1, ONE)], "not in rising order"),
        ([grain(2, ONE), grain(1, ONE)], "not in rising order"),
        ([grain(6, ONE)], "no place of the disk"),
        ([grain(1 << 50, ONE)], "no place of the disk"),
        ([struct.pack("<QI", 1, 10).ljust(512, b"\0")], "no place of the disk"),
        ([grain(1, ONE[:-1])], "expands to 4095"),
        ([grain(1, ONE, b"\xff" * 100)], "cannot be expanded"),
        ([grain(1, ONE, zlib.compress(bytes(range(256)) * 100)[:-40])], "expands|not there"),
        ([struct.pack("<QI", 0, 9000).ljust(512, b"\0")], "cannot have 9000 bytes"),
        ([struct.pack("<QI", 0, 1 << 31).ljust(512, b"\0")], "cannot have"),
        ([struct.pack("<QI", 0, 5000).ljust(512, b"\0")], "not there as a whole"),
        ([struct.pack("<QII", 1, 0, 9).ljust(512, b"\0")], "no known kind"),
        ([struct.pack("<QII", 1 << 60, 0, 1).ljust(512, b"\0")], "not there as a whole"),
        ([], "not there as a whole"),
        ([grain(1, ONE)], "not there as a whole"),
        ([table(1, 1)], "not there as a whole"),
    ],
)
def test_what_is_damaged(parts, why):
    with pytest.raises(FileRefused, match=why):
        runs(*parts)


def test_a_look_at_the_end():
    vmdk_stream.check_end(InMemory(START + END))
    for data in (START, START + END[:-1], START + END + b"x"):
        with pytest.raises(FileRefused, match="no end mark"):
            vmdk_stream.check_end(InMemory(data))
