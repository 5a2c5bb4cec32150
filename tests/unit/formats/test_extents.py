# SPDX-License-Identifier: Apache-2.0
"""Runs of a format become zeros and data in rising order, each byte of the disk once."""

import pytest

from ims_glance.formats import extents
from ims_glance.formats.extents import DataPiece, Hole, Stored, Unpacked, ZeroRun
from ims_glance.formats.refusals import FileCut
from tests.unit.formats.files import MIB, InMemory, Sparse, joined

ONES = b"\1" * (4 * MIB)


def assemble(data, size, *runs):
    return list(extents.assemble(InMemory(data), runs, size))


def test_holes_data_and_what_was_packed():
    told = assemble(b"abcdef", 12, Hole(4), Stored(2, 3), Unpacked(b"xy"), Hole(3))
    assert told == [ZeroRun(0, 4), DataPiece(4, b"cde"), DataPiece(7, b"xy"), ZeroRun(9, 3)]


def test_zeros_that_follow_each_other_are_one_run():
    assert assemble(bytes(100), 100, Hole(10), Stored(0, 50), Unpacked(bytes(10)), Hole(30)) == [
        ZeroRun(0, 100)
    ]


def test_nobody_waits_until_many_zeros_are_read():
    """Else an upload of them stands still for as long as that takes."""
    source = Sparse(b"", 1 << 40)
    told = extents.assemble(source, [Stored(0, 1 << 40)], 1 << 40)
    assert next(told) == ZeroRun(0, 16 * MIB)
    assert next(told) == ZeroRun(16 * MIB, 16 * MIB)
    assert source.got == 32 * MIB


def test_nobody_waits_until_all_is_known_of_what_follows():
    asked = []

    def runs():
        for start in range(0, 1 << 40, 1 << 26):
            asked.append(start)
            yield Stored(start, 1 << 26)

    told = extents.assemble(Sparse(b"\1" * MIB, 1 << 40), runs(), 1 << 40)
    assert next(told) == DataPiece(0, b"\1" * MIB)
    assert len(asked) == 17


def test_what_follows_in_the_file_is_read_at_once():
    source = InMemory(ONES)
    runs = [Stored(start, 65536) for start in range(0, MIB, 65536)]
    assert joined(extents.assemble(source, runs, MIB)) == ONES[:MIB]
    assert source.reads == 1


def test_pieces_are_of_1_mib_at_most():
    told = assemble(ONES, 3 * MIB, Stored(0, 3 * MIB // 2), Unpacked(ONES[: 3 * MIB // 2]))
    assert [len(piece.data) for piece in told] == [MIB, MIB // 2, MIB, MIB // 2]
    assert joined(told) == ONES[: 3 * MIB]


def test_zeros_among_data_are_told():
    data = ONES[:65536] + bytes(2 * 65536) + ONES[:100] + bytes(65436) + bytes(65536) + ONES[:10]
    told = assemble(data, len(data), Stored(0, len(data)))
    assert [(type(each), each.length) for each in told] == [
        (DataPiece, 65536),
        (ZeroRun, 131072),
        (DataPiece, 65536),
        (ZeroRun, 65536),
        (DataPiece, 10),
    ]
    assert joined(told) == data


def test_what_is_behind_the_end_of_the_disk_is_left_out():
    assert assemble(b"abc", 2, Stored(0, 3)) == [DataPiece(0, b"ab")]
    assert assemble(b"abc", 2, Unpacked(b"xyz"), Stored(9, 9)) == [DataPiece(0, b"xy")]
    assert assemble(b"abc", 5, Stored(0, 3), Hole(9)) == [DataPiece(0, b"abc"), ZeroRun(3, 2)]


def test_what_is_behind_the_end_is_looked_at():
    """A stream has its end mark there."""

    def runs():
        yield Hole(7)
        raise FileCut("no end mark")

    with pytest.raises(FileCut, match="no end mark"):
        list(extents.assemble(InMemory(b""), runs(), 7))


@pytest.mark.parametrize("runs", [[], [Hole(5)], [Stored(0, 3)], [Unpacked(b"abc")]])
def test_runs_that_end_too_early_are_a_file_that_is_cut(runs):
    with pytest.raises(FileCut, match="ends at byte"):
        assemble(b"abc", 9, *runs)


def test_data_that_the_file_has_not():
    with pytest.raises(FileCut, match="data of the disk"):
        assemble(b"abc", 9, Stored(0, 9))


@pytest.mark.parametrize(
    ("data", "expected"), [(b"", True), (bytes(9), True), (b"\0\1", False), (b"\1\0", False)]
)
def test_zeros(data, expected):
    assert extents.is_zero(data) is expected
