# SPDX-License-Identifier: Apache-2.0
"""Export as raw: the disk's own bytes."""

import itertools

import pytest

from ims_glance.writers import factory
from ims_glance.writers.base import MIB
from tests.unit.writers import disks


@pytest.mark.parametrize("name", disks.disks())
def test_the_file_is_the_disk(name):
    assert disks.write("raw", disks.disks()[name]) == disks.disks()[name]


def test_zeros_of_a_terabyte_are_not_in_memory():
    writer = factory.writer("raw", 1 << 40)
    made = writer.skip(1 << 40)
    assert {len(piece) for piece in itertools.islice(made, 1000)} == {MIB}
    assert (writer.position, writer.offset) == (1 << 40, 1 << 40)
