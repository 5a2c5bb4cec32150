# SPDX-License-Identifier: Apache-2.0
"""Reading an image, or a range of it, segment by segment."""

from collections.abc import Iterable, Iterator

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
        end = plaintext_size if length is None else min(offset + length, plaintext_size)
        body = _OpenBody(reader, opener, object_id)
        # Nothing of it knows this object: one that nobody iterates over is then closed at once, and
        # not when the collector of cycles comes by.
        self._pieces = body.decrypt(stream.segments(plaintext_size, offset, length), offset, end)
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

    def __del__(self) -> None:
        # Whoever closes an answer before its first byte closes a generator that has never begun, and so
        # reaches nothing below it.
        self.close()

    def close(self) -> None:
        """Let go of the inner object; may be called twice."""
        self._reader.close()


class _OpenBody:
    """The body of an object that is open."""

    def __init__(self, reader: ObjectReader, opener: stream.Opener, object_id: str) -> None:
        self._reader = reader
        self._opener = opener
        self._object_id = object_id

    def decrypt(
        self, segments: Iterable[stream.SegmentPlace], start: int, end: int
    ) -> Iterator[bytes]:
        """The bytes of the image from *start* to *end*, which lie in *segments*."""
        for segment in segments:
            plaintext = self._opener.open(segment, self._ciphertext(segment))
            skip = max(0, start - segment.plaintext_offset)
            stop = end - segment.plaintext_offset
            if skip or stop < len(plaintext):
                plaintext = plaintext[skip:stop]
            if plaintext:
                yield plaintext

    def _ciphertext(self, segment: stream.SegmentPlace) -> stream.Buffer:
        # The prelude is read along with segment 0. The header's is the one that is used, but other
        # readers of the format go by the body's.
        before = stream.PRELUDE_SIZE if segment.index == 0 else 0
        start, size = segment.offset - before, before + segment.size
        read = memoryview(self._reader.read(start, size))
        if len(read) != size:
            raise self._damaged(f"ends in segment {segment.index}, at byte {start + len(read)}")
        if read[:before] != self._opener.prelude[:before]:
            raise self._damaged("does not begin with its prelude")
        return read[before:]

    def _damaged(self, what: str) -> exceptions.ObjectDamaged:
        return exceptions.ObjectDamaged(object_id=self._object_id, reason=f"its body {what}")
