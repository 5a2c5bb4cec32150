# SPDX-License-Identifier: Apache-2.0
"""What a receiver has already: hashes of pieces, wherever in its images they lie."""

import array
import bisect
import itertools
import operator
from typing import Self

from ims_glance import exceptions
from ims_glance.transfer import frames

HELD_LIMIT = 1 << 19
"""Prefixes that a receiver may name: 4 MiB, for 32 GiB of pieces."""

_SIZE = frames.PREFIX_SIZE
# Numbers in an array are in the machine's order; ours have to be in that of the bytes.
_IS_LITTLE = array.array("Q", (1).to_bytes(_SIZE, "little"))[0] == 1


class HeldMalformed(exceptions.Invalid):
    """What should be the prefixes of pieces is something else."""

    template = (
        "The pieces that are held are not as they should be: {reason}. Send the first 8 bytes of "
        f"the BLAKE3-256 of each, at most {HELD_LIMIT} of them, sorted, each once."
    )


def piece_prefix(piece: frames.Buffer) -> bytes:
    """By which a piece is looked up: the first 8 bytes of its BLAKE3-256."""
    return frames.digest(piece)[:_SIZE]


class Held:
    """A set of prefixes, of 8 bytes of memory each.

    :param numbers: the prefixes as big-endian numbers, sorted
    """

    def __init__(self, numbers: "array.array[int]") -> None:
        self._numbers = numbers

    @classmethod
    def of(cls, packed: frames.Buffer) -> Self:
        """The set whose members stand one behind the other, sorted as bytes.

        :raises HeldMalformed: if they do not
        """
        if len(packed) % _SIZE:
            raise HeldMalformed(reason=f"{len(packed)} bytes are no multiple of {_SIZE}")
        if len(packed) > HELD_LIMIT * _SIZE:
            raise HeldMalformed(reason=f"there are {len(packed) // _SIZE} of them")
        # Made in its size: an array that grows takes more than it needs.
        numbers = array.array("Q", bytes(_SIZE)) * (len(packed) // _SIZE)
        memoryview(numbers).cast("B")[:] = packed
        if _IS_LITTLE:
            numbers.byteswap()
        if not all(map(operator.lt, numbers, itertools.islice(numbers, 1, None))):
            raise HeldMalformed(reason="they are not sorted, or one is there twice")
        return cls(numbers)

    def __contains__(self, prefix: bytes) -> bool:
        number = int.from_bytes(prefix, "big")
        place = bisect.bisect_left(self._numbers, number)
        return place < len(self._numbers) and self._numbers[place] == number

    def __len__(self) -> int:
        return len(self._numbers)


NOTHING = Held(array.array("Q"))
"""Of a receiver that has nothing."""
