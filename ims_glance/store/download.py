# SPDX-License-Identifier: Apache-2.0
"""Reading an image, or a range of it, segment by segment."""

from collections.abc import Iterator

from ims_glance import exceptions
from ims_glance.crypto import stream
from ims_glance.store.inner.base import ObjectReader


class PlaintextReader:
    """Iterates over the bytes of a range of an image, once.

    The first segment is decrypted right away: an error there can still become an answer of its
    own, where later the answer has begun and can only be cut off.

    :param plaintext_size: of the whole image, in bytes
    :param offset: where the range begins, in bytes
    :param length: of the range, in bytes; ``None`` for all that follows
    :raises ObjectDamaged: if the first segment is
    """

    def __init__(
        self,
        reader: ObjectReader,
        opener: stream.Opener,
        object_id: str,
        plaintext_size: int,
        offset: int = 0,
        length: int | None = None,
    ) -> None:
        self._reader = reader
        self._opener = opener
        self._object_id = object_id
        self._start = offset
        self._end = plaintext_size if length is None else min(offset + length, plaintext_size)
        self._segments = stream.segments(plaintext_size, offset, length)
        self._pieces = self._decrypt()
        try:
            self._first = next(self._pieces, b"")
        except BaseException:
            self.close()
            raise

    def __iter__(self) -> Iterator[bytes]:
        try:
            if self._first:
                yield self._first
            yield from self._pieces
        finally:
            self.close()

    def close(self) -> None:
        """Let go of the inner object; may be called twice."""
        self._reader.close()

    def _decrypt(self) -> Iterator[bytes]:
        for segment in self._segments:
            ciphertext = self._reader.read(segment.offset, segment.size)
            if len(ciphertext) != segment.size:
                raise exceptions.ObjectDamaged(
                    object_id=self._object_id,
                    reason=f"its body ends in segment {segment.index}, at byte "
                    f"{segment.offset + len(ciphertext)}",
                )
            plaintext = self._opener.open(segment, ciphertext)
            skip = max(0, self._start - segment.plaintext_offset)
            stop = self._end - segment.plaintext_offset
            if skip or stop < len(plaintext):
                plaintext = plaintext[skip:stop]
            if plaintext:
                yield plaintext
