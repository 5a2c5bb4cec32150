# SPDX-License-Identifier: Apache-2.0
"""An export that is killed goes on with the next part."""

import itertools
import random
import tracemalloc

import pytest

from ims_glance.writers import factory
from ims_glance.writers.base import MIB
from ims_glance.writers.parts import S3_LEAST, FileParts
from tests.unit.writers import disks

NAMES = list(factory.WRITERS)
# With a state in the midst of a table, at its end, and where nothing but zeros follows.
_KINDS = disks.disks()
DISK = _KINDS["noise"] + bytes(3 * MIB) + _KINDS["a cluster"] + bytes(MIB) + _KINDS["an odd size"]


class Taken:
    """A part as a store has it."""

    def __init__(self, offset, data, state):
        self.offset, self.data, self.state = offset, data, state


def _parts(writer, disk, least, seed=0):
    """All parts, the head last."""
    file = FileParts(writer, lambda position: disks.pieces(disk[position:], seed), least)
    while not file.is_finished:
        offset, data = file.offset, b"".join(file.pieces())
        file.done()
        yield Taken(offset, data, file.state)
    if head := file.head():
        yield Taken(0, head, b"")


def _put(file, part):
    file[part.offset : part.offset + len(part.data)] = part.data


@pytest.mark.parametrize("name", NAMES)
def test_parts_are_the_file(name):
    expected = disks.write(name, DISK)
    file = bytearray(len(expected))
    found = list(_parts(factory.writer(name, len(DISK)), DISK, 300_000, 1))
    for part in random.Random(2).sample(found, len(found)):
        _put(file, part)
    assert bytes(file) == expected
    last = max((part for part in found if part.state), key=lambda part: part.offset)
    assert all(len(part.data) >= 300_000 for part in found if part.state and part is not last)
    assert sum(len(part.data) for part in found) == len(expected)


@pytest.mark.parametrize("name", NAMES)
def test_another_process_goes_on_after_any_part(name):
    """The same parts, whatever pieces the rest of the disk comes in."""
    expected = disks.write(name, DISK)
    states = [each.state for each in _parts(factory.writer(name, len(DISK)), DISK, 1, 3)]
    states = [state for state in states if state]
    assert len(states) > 3
    for number, state in enumerate(states):
        writer = factory.restore(state)
        file = bytearray(len(expected))
        file[writer.head_size : writer.offset] = expected[writer.head_size : writer.offset]
        for part in _parts(writer, DISK, 100_000, number):
            _put(file, part)
        assert bytes(file) == expected


@pytest.mark.parametrize("name", NAMES)
def test_a_part_is_made_again(name):
    """As a store wants it that did not take it, however much of it was taken."""
    made = [each.data for each in _parts(factory.writer(name, len(DISK)), DISK, 300_000)]
    seeds = itertools.count(1)
    file = FileParts(
        factory.writer(name, len(DISK)),
        lambda position: disks.pieces(DISK[position:], next(seeds)),
        300_000,
    )
    for number in itertools.count():
        if file.is_finished:
            break
        for _ in itertools.islice(file.pieces(), number):
            pass
        assert b"".join(file.pieces()) == b"".join(file.pieces()) == made[number]
        file.done()


def test_parts_for_s3():
    """Each but the last in the order of the file has 5 MiB at least, the head too."""
    for name in NAMES:
        writer = factory.writer(name, len(DISK), head_room=S3_LEAST)
        found = sorted(_parts(writer, DISK, S3_LEAST), key=lambda part: part.offset)
        assert all(len(part.data) >= S3_LEAST for part in found[:-1])


def test_a_long_run_of_zeros_of_raw_makes_many_parts():
    file = FileParts(factory.writer("raw", 40 * MIB), lambda _: [40 * MIB], 16 * MIB)
    sizes = []
    while not file.is_finished:
        sizes.append(sum(map(len, file.pieces())))
        file.done()
    assert sizes == [16 * MIB, 16 * MIB, 8 * MIB]


@pytest.mark.parametrize("name", ["raw", "qcow2", "vhd", "zvhd2"])
def test_a_part_of_any_size_takes_no_memory(name):
    """Of one that could not be held at all, a few pieces are in memory at once."""
    noise = random.Random(1).randbytes(MIB)
    size = 150 * MIB
    file = FileParts(factory.writer(name, size), lambda _: itertools.repeat(noise, 150), size)
    tracemalloc.start()
    try:
        assert sum(map(len, file.pieces())) >= size
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert file.is_finished
    assert peak < 16 * MIB
