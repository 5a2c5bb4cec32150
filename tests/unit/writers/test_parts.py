# SPDX-License-Identifier: Apache-2.0
"""An export that is killed goes on with the next part."""

import random

import pytest

from ims_glance.writers import factory
from ims_glance.writers.base import MIB
from ims_glance.writers.parts import S3_LEAST, parts
from tests.unit.writers import disks

NAMES = list(factory.WRITERS)
# With a state in the midst of a table, at its end, and where nothing but zeros follows.
_KINDS = disks.disks()
DISK = _KINDS["noise"] + bytes(3 * MIB) + _KINDS["a cluster"] + bytes(MIB) + _KINDS["an odd size"]


def _rest(disk, position, seed):
    return disks.pieces(disk[position:], seed)


def _put(file, part):
    at = part.offset
    for piece in part.pieces:
        file[at : at + len(piece)] = piece
        at += len(piece)
    assert at == part.offset + part.size


@pytest.mark.parametrize("name", NAMES)
def test_parts_are_the_file(name):
    expected = disks.write(name, DISK)
    writer = factory.writer(name, len(DISK))
    file = bytearray(len(expected))
    found = list(parts(writer, _rest(DISK, 0, 1), 300_000))
    for part in random.Random(2).sample(found, len(found)):
        _put(file, part)
    assert bytes(file) == expected
    assert all(part.size >= 300_000 for part in found if part.state and part is not _last(found))
    assert sum(part.size for part in found) == len(expected)


def _last(found):
    return max((part for part in found if part.state), key=lambda part: part.offset)


@pytest.mark.parametrize("name", NAMES)
def test_another_process_goes_on_after_any_part(name):
    """The same parts, whatever pieces the rest of the disk comes in."""
    expected = disks.write(name, DISK)
    found = list(parts(factory.writer(name, len(DISK)), _rest(DISK, 0, 3), 1))
    states = [part.state for part in found if part.state]
    assert len(states) > 3
    for number, state in enumerate(states):
        writer = factory.restore(state)
        file = bytearray(len(expected))
        file[writer.head_size : writer.offset] = expected[writer.head_size : writer.offset]
        for part in parts(writer, _rest(DISK, writer.position, number), 100_000):
            _put(file, part)
        assert bytes(file) == expected


def test_parts_for_s3():
    """Each but the last in the order of the file has 5 MiB at least, the head too."""
    for name in NAMES:
        writer = factory.writer(name, len(DISK), head_room=S3_LEAST)
        found = sorted(parts(writer, [DISK], S3_LEAST), key=lambda part: part.offset)
        assert all(part.size >= S3_LEAST for part in found[:-1])


def test_a_long_run_of_zeros_of_raw_makes_many_parts():
    writer = factory.writer("raw", 40 * MIB)
    assert [part.size for part in parts(writer, [40 * MIB], 16 * MIB)] == [
        16 * MIB,
        16 * MIB,
        8 * MIB,
    ]
