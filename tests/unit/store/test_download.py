# SPDX-License-Identifier: Apache-2.0
"""Reading: exactly the range, no more of the body than it takes, and never a wrong byte."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ims_glance import exceptions
from ims_glance.crypto import stream
from ims_glance.store import download
from tests.base import pattern
from tests.unit.crypto.test_stream import DATA_KEY, OBJECT_ID, seal
from tests.unit.store.stores import FIRST, REST

SIZE = FIRST + 4 * REST + 12345
IMAGE = pattern(0, SIZE)
BODY = seal(IMAGE)
BORDERS = [0, FIRST, FIRST + REST, FIRST + 2 * REST, FIRST + 4 * REST, SIZE]

places = st.one_of(
    st.sampled_from(BORDERS).flatmap(lambda border: st.integers(border - 2, border + 2)),
    st.integers(0, SIZE),
).filter(lambda place: 0 <= place <= SIZE)


class Reader:
    """A body in memory that counts what is read of it, in one buffer that each read overwrites."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._buffer = bytearray()
        self.reads: list[tuple[int, int]] = []
        self.closed = 0

    def read(self, offset: int, size: int) -> memoryview:
        """As an inner store does it."""
        self.reads.append((offset, size))
        self._buffer[:] = bytes(len(self._buffer))
        piece = self._body[offset : offset + size]
        self._buffer = bytearray(max(size, len(self._buffer)))
        self._buffer[: len(piece)] = piece
        return memoryview(self._buffer)[: len(piece)]

    def close(self) -> None:
        """Count it."""
        self.closed += 1


def open_range(reader, size=SIZE, offset=0, length=None) -> download.PlaintextReader:
    """A reader of an image's range."""
    opener = stream.Opener(DATA_KEY, OBJECT_ID, BODY[: stream.PRELUDE_SIZE])
    return download.PlaintextReader(reader, opener, OBJECT_ID, size, offset, length)


@settings(max_examples=150, deadline=None)
@given(offset=places, length=st.one_of(st.none(), places))
def test_any_range_is_the_slice(offset, length):
    reader = Reader(BODY)
    end = None if length is None else offset + length
    assert b"".join(open_range(reader, offset=offset, length=length)) == IMAGE[offset:end]
    assert reader.closed


@settings(max_examples=150, deadline=None)
@given(offset=places, length=places)
def test_a_range_reads_no_more_than_it_takes(offset, length):
    reader = Reader(BODY)
    wanted = len(b"".join(open_range(reader, offset=offset, length=length)))
    # At most what is left of one segment at each end.
    assert sum(size for _offset, size in reader.reads) <= wanted + 2 * stream.SEGMENT_SIZE
    assert len(reader.reads) <= wanted // REST + 2
    assert len(set(reader.reads)) == len(reader.reads)


def test_one_byte_takes_one_segment():
    reader = Reader(BODY)
    assert b"".join(open_range(reader, offset=3 * REST, length=1)) == pattern(3 * REST, 1)
    assert len(reader.reads) == 1


def test_a_body_is_read_once_from_end_to_end():
    reader = Reader(BODY)
    list(open_range(reader))
    position = 0
    for offset, size in reader.reads:
        assert offset == position
        position += size
    assert position == len(BODY)


def test_an_empty_image_is_authenticated_too():
    body = seal(b"")
    opener = stream.Opener(DATA_KEY, OBJECT_ID, body[: stream.PRELUDE_SIZE])
    reader = Reader(body)
    assert list(download.PlaintextReader(reader, opener, OBJECT_ID, 0)) == []
    assert reader.reads == [(0, stream.PRELUDE_SIZE + stream.TAG_SIZE)]
    damaged = body[:-1] + bytes([body[-1] ^ 1])
    with pytest.raises(exceptions.ObjectDamaged):
        download.PlaintextReader(Reader(damaged), opener, OBJECT_ID, 0)


def test_the_first_segment_is_read_at_once():
    """What is wrong with it can still become an answer of its own."""
    reader = Reader(BODY[: stream.SEGMENT_SIZE - 1])
    with pytest.raises(exceptions.ObjectDamaged, match="ends in segment 0, at byte 1048575"):
        open_range(reader)
    assert reader.closed


def test_a_later_segment_is_not_read_before_it_is_needed():
    reader = Reader(BODY)
    pieces = iter(open_range(reader))
    next(pieces)
    assert len(reader.reads) <= 2
    assert not reader.closed
    pieces.close()
    assert reader.closed


def test_what_fails_in_the_middle_follows_true_bytes_only():
    damaged = bytearray(BODY)
    damaged[2 * stream.SEGMENT_SIZE + 7] ^= 1
    reader = Reader(bytes(damaged))
    received = b""
    with pytest.raises(exceptions.ObjectDamaged, match="segment 2"):
        for piece in open_range(reader, offset=10):
            received += piece
    assert received == IMAGE[10 : FIRST + REST]
    assert reader.closed


@pytest.mark.parametrize("byte", [0, 1, 20, stream.PRELUDE_SIZE - 1])
def test_the_prelude_of_the_body_is_compared(byte):
    damaged = bytearray(BODY)
    damaged[byte] ^= 1
    with pytest.raises(exceptions.ObjectDamaged, match="begin with its prelude"):
        open_range(Reader(bytes(damaged)))


def test_reading_twice_gives_nothing_twice():
    reader = open_range(Reader(BODY), length=10)
    assert b"".join(reader) == IMAGE[:10]
    reader.close()
    reader.close()


def test_an_abandoned_reader_is_closed():
    reader = Reader(BODY)
    open_range(reader).close()
    assert reader.closed


def test_what_the_inner_store_fails_with_passes():
    class Failing(Reader):
        def read(self, offset, size):
            raise ConnectionError("gone")

    reader = Failing(BODY)
    with pytest.raises(ConnectionError):
        open_range(reader)
    assert reader.closed
