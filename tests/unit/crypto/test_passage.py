# SPDX-License-Identifier: Apache-2.0
"""The checksum of what is on its way."""

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.base import checksum, pattern

DATA = pattern(0, 70_001)


def test_it_is_gmac():
    assert checksum(DATA) == AESGCM(bytes(32)).encrypt(bytes(12), b"", DATA).hex()


@pytest.mark.parametrize("size", [1, 15, 16, 17, 65_536, 70_000])
def test_in_whatever_pieces_it_comes(size):
    pieces = [DATA[at : at + size] for at in range(0, len(DATA), size)]
    assert checksum(*pieces) == checksum(DATA)
    assert checksum(b"", *pieces, b"") == checksum(DATA)


def test_what_differs_has_another_one():
    others = [
        b"",
        bytes(1),
        bytes(16),
        bytes(17),
        DATA,
        DATA[:-1],
        DATA + bytes(1),
        bytes(1) + DATA,
        DATA[16:32] + DATA[:16] + DATA[32:],
        *(bytes([*DATA[:at], DATA[at] ^ 1, *DATA[at + 1 :]]) for at in (0, 15, 16, 35_000, 70_000)),
    ]
    assert len({checksum(each) for each in others}) == len(others)
