# SPDX-License-Identifier: Apache-2.0
"""Tables are read in slices, and their zeros are told at once."""

import struct

import pytest

from ims_glance.formats.refusals import FileCut
from ims_glance.formats.tables import entries
from tests.unit.formats.files import InMemory


@pytest.mark.parametrize(("order", "sign"), [("big", ">"), ("little", "<")])
@pytest.mark.parametrize(("width", "letter"), [(4, "I"), (8, "Q")])
def test_entries(order, sign, width, letter):
    data = b"head" + struct.pack(f"{sign}3{letter}", 1, 0, 7 << 20)
    told = entries(InMemory(data), 4, 3, width, order, "the table")
    assert list(told) == [(1, 1), (0, 1), (7 << 20, 1)]


def test_slices_of_zeros_are_one_step_each():
    source = InMemory(bytes(200_000) + b"\0\0\0\1")
    told = list(entries(source, 0, 50_001, 4, "big", "the table"))
    assert told[:3] == [(0, 16384)] * 3
    assert told[-1] == (1, 1)
    assert sum(count for _, count in told) == 50_001
    assert source.reads == 4


def test_a_table_lies_in_the_file():
    with pytest.raises(FileCut, match="the table should lie at byte 4"):
        list(entries(InMemory(bytes(10)), 4, 2, 4, "big", "the table"))
