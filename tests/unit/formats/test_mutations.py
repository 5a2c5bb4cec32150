# SPDX-License-Identifier: Apache-2.0
"""10,000 damaged files of each format: refused or read, never a crash, a hang or much memory.

What is changed is mostly headers and tables, and mostly to numbers that harm: none, one, the largest, the
size of the file. Checksums are made right again in half of the files that have them, so that what is
behind them is reached. The seeds are fixed.
"""

import logging
import random
import struct

import pytest

from ims_glance import formats
from ims_glance.formats.found import Bounds
from ims_glance.formats.layout import zvhd
from ims_glance.formats.source import PIECE
from tests.unit.formats.files import InMemory
from tests.unit.formats.readers import test_vhd, test_vhdx
from tests.unit.formats.samples import BLOCK, SAMPLES, sample

MUTATIONS = 10_000
BOUNDS = Bounds(virtual_size=16 << 20)
# A disk of the bound has so many pieces, and its tables may be read in slices and blocks.
MOST_READS = 2_000
NUMBERS = (0, 1, 2, 0x7F, 0xFF, 0x1FF, 1 << 16, 1 << 31, 1 << 32, 1 << 62, 1 << 63)
SEALS = {"vhd": test_vhd.seals, "vhdx": test_vhdx.seals}


class Faulty(InMemory):
    """A file with faults, which are not copies of it: some files have megabytes."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self._size = len(data)
        self._faults: list[tuple[int, bytes]] = []

    @property
    def size(self) -> int:
        return self._size

    def read(self, offset: int, length: int) -> bytes:
        assert offset >= 0
        assert 0 < length <= PIECE
        self.reads += 1
        end = min(offset + length, self._size)
        if end <= offset:
            return b""
        part = self.data[offset:end].ljust(end - offset, b"\0")
        hits = [(at, fault) for at, fault in self._faults if at < end and at + len(fault) > offset]
        if not hits:
            return part
        spoilt = bytearray(part)
        for at, fault in hits:
            first, last = max(at, offset), min(at + len(fault), end)
            spoilt[first - offset : last - offset] = fault[first - at : last - at]
        return bytes(spoilt)

    def write(self, offset: int, fault: bytes) -> None:
        """Put a fault there."""
        self._faults.append((offset, fault))

    def cut(self, size: int) -> None:
        """Let it end elsewhere; what is new is zeros."""
        self._size = size


def mutate(file: Faulty, chance: random.Random, places: list[int]) -> None:
    """Put one to four faults into it."""
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        start = chance.choice(places) if chance.random() < 0.9 else chance.randrange(len(file.data))
        start = max(0, start + chance.randrange(-4, 5))
        kind = chance.random()
        if kind < 0.3:
            old = file.data[start : start + 1] or b"\0"
            file.write(start, bytes([old[0] ^ 1 << chance.randrange(8)]))
        elif kind < 0.8:
            size = len(file.data)
            number = chance.choice((*NUMBERS, size, size // 512, chance.randrange(1 << 64)))
            number -= chance.choice((0, 0, 1))
            form = chance.choice(("<I", ">I", "<Q", ">Q"))
            number %= 1 << 8 * struct.calcsize(form)
            file.write(start // 4 * 4, struct.pack(form, number))
        elif kind < 0.9:
            other = chance.choice(places)
            file.write(start, file.data[other : other + 16])
        else:
            file.cut(chance.choice((start, file.size - 1, file.size - 512, file.size + 512)))


def places_of(data: bytes) -> list[int]:
    """Where something is written that is no data of the disk, as far as one can guess: small numbers."""
    step = max(1, len(data) // 65536) * 4
    first = [index for index in range(0, min(len(data), 4096), 4)]
    last = [index for index in range(max(0, len(data) - 1024), len(data), 4)]
    among = [
        index
        for index in range(0, len(data) - 8, step)
        if any(data[index : index + 8]) and data[index : index + 8].count(0) >= 3
    ]
    return first + last + among


def read_all(source: Faulty) -> int:
    """Recognise and read a file; how many bytes its disk has, or -1."""
    end = 0
    try:
        found = formats.recognise(source, bounds=BOUNDS)
        for extent in formats.reader(source, found, bounds=BOUNDS):
            assert extent.offset == end
            assert isinstance(extent, formats.ZeroRun) or extent.length <= PIECE
            end += extent.length
        assert found.virtual_size in (end, None)
    except formats.FileRefused as refusal:
        assert len(str(refusal)) < 500
        end = -1
    assert source.reads < MOST_READS
    return end


@pytest.mark.parametrize("name", SAMPLES)
def test_ten_thousand_mutations(name, monkeypatch):
    monkeypatch.setattr(zvhd, "BLOCK", BLOCK)
    logging.disable(logging.CRITICAL)
    data = sample(name)
    places = places_of(data)
    chance = random.Random(len(name))
    outcomes = set()
    count = MUTATIONS // sum(each.split()[0] == name.split()[0] for each in SAMPLES)
    for _ in range(count):
        file = Faulty(data)
        mutate(file, chance, places)
        if name in SEALS and chance.random() < 0.5 and file.size > 400_000:
            for place, seal in SEALS[name](file):
                file.write(place, seal)
        outcomes.add(read_all(file) >= 0)
    logging.disable(logging.NOTSET)
    assert outcomes == {True, False}
