# SPDX-License-Identifier: Apache-2.0
"""Sealed images as files, for tests of whoever reads them."""

from ims_glance.crypto import envelope, sealed_file, stream
from ims_glance.crypto.sealed_file import DataFacts

IMAGE_ID = "3b9c2f0e-60c5-4a4e-9d55-0a2e7c7a4b10"
DATA_KEY = bytes(range(100, 132))
OBJECT_ID = "0123456789abcdef" * 2


class Bytes:
    """A file in memory, read by ranges.

    :ivar most: bytes of the largest range that was read
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.most = 0

    @property
    def size(self) -> int:
        """In bytes."""
        return len(self._data)

    def read(self, offset: int, length: int) -> bytes:
        """A range."""
        self.most = max(self.most, length)
        return self._data[offset : offset + length]


def body(data: bytes) -> tuple[bytes, bytes]:
    """The body of an object, and its prelude."""
    sealer = stream.Sealer(DATA_KEY, OBJECT_ID)
    sealed = sealer.prelude
    for each in stream.segments(len(data)):
        piece = data[each.plaintext_offset : each.plaintext_offset + each.plaintext_size]
        sealed += sealer.seal(each.index, piece, last=each.last)
    return sealed, sealer.prelude


def make(data: bytes, keys: dict[str, bytes], facts: DataFacts | None = None) -> bytes:
    """A file.

    :param keys: of the key manager, by id, of which each opens it
    """
    sealed, prelude = body(data)
    header = envelope.Header(OBJECT_ID, IMAGE_ID, len(data), prelude)
    slots = [header.with_key(DATA_KEY, key_id, key).slots[0] for key_id, key in keys.items()]
    header = envelope.Header(OBJECT_ID, IMAGE_ID, len(data), prelude, tuple(slots))
    facts = facts or DataFacts(len(data), "raw")
    return sealed_file.head(header.to_bytes(DATA_KEY), DATA_KEY, facts) + sealed
