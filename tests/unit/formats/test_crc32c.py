# SPDX-License-Identifier: Apache-2.0
"""CRC-32C, with the test vectors of RFC 3720."""

import pytest

from ims_glance.formats.crc32c import crc32c


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", 0),
        (b"123456789", 0xE3069283),
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(range(31, -1, -1)), 0x113FDB5C),
    ],
)
def test_vectors(data, expected):
    assert crc32c(data) == expected


@pytest.mark.parametrize("zeros", [1, 2, 3, 255, 4096, 65_519])
def test_zeros_at_the_end(zeros):
    register = crc32c(b"abc") ^ 0xFFFFFFFF
    for _ in range(zeros * 8):
        register = register >> 1 ^ 0x82F63B78 * (register & 1)
    assert crc32c(b"abc" + bytes(zeros)) == register ^ 0xFFFFFFFF
