# SPDX-License-Identifier: Apache-2.0
"""What a receiver says that it has: looked up in little memory, and refused if it is not in order."""

import tracemalloc

import blake3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ims_glance import exceptions
from ims_glance.transfer import held

prefixes = st.binary(min_size=8, max_size=8)


@given(st.sets(prefixes, max_size=50), prefixes)
def test_what_was_named_is_found_and_nothing_else(named, other):
    found = held.Held.of(b"".join(sorted(named)))
    assert len(found) == len(named)
    assert all(prefix in found for prefix in named)
    assert (other in found) == (other in named)


def test_a_prefix_is_the_beginning_of_the_hash():
    assert held.piece_prefix(b"abc") == blake3.blake3(b"abc").digest()[:8]


def test_nothing_is_held():
    assert not held.NOTHING
    assert not held.Held.of(b"")
    assert bytes(8) not in held.NOTHING


@pytest.mark.parametrize(
    "packed",
    [
        b"1234567",
        b"123456789",
        b"b" * 8 + b"a" * 8,
        b"a" * 8 + b"a" * 8,
        b"\x00" * 7 + b"\x02" + b"\x01" + b"\x00" * 7 + b"\x00" * 7 + b"\x03",
    ],
)
def test_what_is_not_in_order_is_refused(packed):
    with pytest.raises(held.HeldMalformed) as refused:
        held.Held.of(packed)
    assert isinstance(refused.value, exceptions.Invalid)
    assert str(held.HELD_LIMIT) in str(refused.value)


def test_the_most_that_may_be_held_is_four_mebibytes_of_memory():
    packed = b"".join(number.to_bytes(8, "big") for number in range(held.HELD_LIMIT))
    tracemalloc.start()
    try:
        found = held.Held.of(packed)
        kept, _peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (held.HELD_LIMIT - 1).to_bytes(8, "big") in found
    assert held.HELD_LIMIT.to_bytes(8, "big") not in found
    assert kept <= 8 * held.HELD_LIMIT + 65536
    with pytest.raises(held.HeldMalformed, match=str(held.HELD_LIMIT + 1)):
        held.Held.of(packed + b"\xff" * 8)
