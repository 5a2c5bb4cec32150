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
from ims_glance.formats.source import PIECE
from tests.unit.formats.files import InMemory
from tests.unit.formats.readers.test_vhd import resealed
from tests.unit.formats.samples import SAMPLES, sample

MUTATIONS = 10_000
BOUNDS = Bounds(virtual_size=16 << 20)
# A disk of the bound has so many pieces, and its tables may be read in slices and blocks.
MOST_READS = 2_000
NUMBERS = (0, 1, 2, 0x7F, 0xFF, 0x1FF, 1 << 16, 1 << 31, 1 << 32, 1 << 62, 1 << 63)
SEALS = {"vhd": resealed, "vhd fixed": resealed}


def mutated(data: bytes, chance: random.Random, places: list[int]) -> bytes:
    """The file with one to four faults."""
    out = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        start = chance.choice(places) if chance.random() < 0.9 else chance.randrange(len(out))
        start = min(start + chance.randrange(-4, 5), len(out) - 9)
        kind = chance.random()
        if kind < 0.3:
            out[max(0, start)] ^= 1 << chance.randrange(8)
        elif kind < 0.8:
            number = chance.choice((*NUMBERS, len(out), len(out) // 512, chance.randrange(1 << 64)))
            form = chance.choice(("<I", ">I", "<Q", ">Q"))
            number -= chance.choice((0, 0, 1))
            struct.pack_into(
                form, out, max(0, start) // 4 * 4, number % (1 << 8 * struct.calcsize(form))
            )
        elif kind < 0.9:
            other = chance.choice(places)
            out[start : start + 16] = out[other : other + 16]
        else:
            del out[chance.choice((start, len(out) - 1, len(out) - 512)) :]
            out += bytes(chance.choice((0, 0, 512, 9)))
        if len(out) < 16:
            break
    return bytes(out)


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


def read_all(data: bytes) -> int:
    """Recognise and read a file; how many of its bytes are on its disk, or -1."""
    source = InMemory(data)
    end = 0
    try:
        found = formats.recognise(source, bounds=BOUNDS)
        for extent in formats.reader(source, found):
            assert extent.offset == end
            assert isinstance(extent, formats.ZeroRun) or extent.length <= PIECE
            end += extent.length
        assert end == found.virtual_size
    except formats.FileRefused as refusal:
        assert len(str(refusal)) < 500
        end = -1
    assert source.reads < MOST_READS
    return end


@pytest.mark.parametrize("name", SAMPLES)
def test_ten_thousand_mutations(name):
    logging.disable(logging.CRITICAL)
    data = sample(name)
    places = places_of(data)
    chance = random.Random(len(name))
    outcomes = set()
    count = MUTATIONS // sum(each.split()[0] == name.split()[0] for each in SAMPLES)
    for _ in range(count):
        file = mutated(data, chance, places)
        if name in SEALS and chance.random() < 0.5 and len(file) > 2048:
            file = SEALS[name](file)
        outcomes.add(read_all(file) >= 0)
    logging.disable(logging.NOTSET)
    assert outcomes == {True, False}
