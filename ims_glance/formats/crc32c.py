# SPDX-License-Identifier: Apache-2.0
"""CRC-32C, the checksum of VHDX (RFC 3720, appendix B.4), quick where there are many zeros at the end."""

import functools

_POLYNOMIAL = 0x82F63B78
_ALL = 0xFFFFFFFF

# Many at once: one by one takes as long as the rest of it.
_ZEROS = bytes(4096)

_Matrix = tuple[int, ...]
"""What a step makes of each bit of the register."""


def _after_byte(index: int) -> int:
    for _ in range(8):
        index = index >> 1 ^ _POLYNOMIAL * (index & 1)
    return index


_TABLE = tuple(_after_byte(index) for index in range(256))


def crc32c(data: bytes) -> int:
    """Of all bytes."""
    end = len(data)
    while data.endswith(_ZEROS, 0, end):
        end -= len(_ZEROS)
    head = data[:end].rstrip(b"\0")
    register = _ALL
    for byte in head:
        register = register >> 8 ^ _TABLE[(register ^ byte) & 0xFF]
    return _apply(_zeros(len(data) - len(head)), register) ^ _ALL


def _apply(matrix: _Matrix, register: int) -> int:
    result = 0
    for column in matrix:
        if register & 1:
            result ^= column
        register >>= 1
    return result


@functools.lru_cache(maxsize=256)
def _zeros(count: int) -> _Matrix:
    """What so many bytes of zeros do to the register."""
    bits = tuple(1 << index for index in range(32))
    if count == 0:
        return bits
    if count == 1:
        return tuple(bit >> 8 ^ _TABLE[bit & 0xFF] for bit in bits)
    half, rest = _zeros(count // 2), _zeros(count - count // 2)
    return tuple(_apply(rest, column) for column in half)
