# SPDX-License-Identifier: Apache-2.0
"""Reading: exactly the range, no more of the body than it takes, and never a wrong byte."""

import dataclasses
import gc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ims_glance import exceptions
from ims_glance.crypto import stream
from ims_glance.store import download
from ims_glance.store.objects import EncryptedObjects
from tests.base import pattern
from tests.unit.crypto.test_stream import DATA_KEY, OBJECT_ID, seal
from tests.unit.store import stores
from tests.unit.store.stores import FIRST, IMAGE_ID, KEY_ID, NEW_KEY_ID, REST, changed, flipped

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


@settings(max_examples=150)
@given(offset=places, length=st.one_of(st.none(), places))
def test_any_range_is_the_slice(offset, length):
    reader = Reader(BODY)
    end = None if length is None else offset + length
    assert b"".join(open_range(reader, offset=offset, length=length)) == IMAGE[offset:end]
    assert reader.closed


@settings(max_examples=150)
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
    # The client is gone, and Glance lets go of the iterator.
    del pieces
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


@pytest.mark.parametrize("is_begun", [True, False])
def test_a_reader_that_nobody_reads_to_its_end_is_closed_at_once(is_begun):
    """Glance wraps it in a generator, which reaches nothing below it as long as it has not begun."""

    def notifying(data):
        yield from data

    reader = Reader(BODY)
    gc.disable()
    try:
        answer = notifying(open_range(reader))
        if is_begun:
            next(answer)
        answer.close()
        del answer
        assert reader.closed
    finally:
        gc.enable()


def test_what_the_inner_store_fails_with_passes():
    class Failing(Reader):
        def read(self, offset, size):
            raise ConnectionError("gone")

    reader = Failing(BODY)
    with pytest.raises(ConnectionError):
        open_range(reader)
    assert reader.closed


# --- damage, done to files -------------------------------------------------------------------

SEGMENTS = 4
BYTES = FIRST + 2 * REST + 1000
BODY_SIZE = stream.ciphertext_size(BYTES)
BORDERS_OF_BODY = [n * stream.SEGMENT_SIZE for n in range(SEGMENTS)]
CUTS = sorted(
    border + step
    for border in (*BORDERS_OF_BODY, stream.PRELUDE_SIZE, BODY_SIZE)
    for step in (-1, 0, 1)
    if 0 <= border + step < BODY_SIZE
)
# First and last bytes of every segment and of every tag, and the prelude.
PLACES = sorted(
    {0, 1, 33}
    | {place.offset + step for place in stream.segments(BYTES) for step in (0, 1)}
    | {place.offset + place.size - step for place in stream.segments(BYTES) for step in (1, 16, 17)}
)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Objects with two images, which are put right again after each damage."""
    key_ring = stores.KeyRing()
    inner = stores.file_inner(tmp_path_factory.mktemp("damage") / "inner")
    objects = EncryptedObjects(inner, key_ring.read, key_ring.ask)
    return objects, stores.write(objects, BYTES), stores.write(objects, BYTES, NEW_KEY_ID)


@pytest.fixture
def image(store):
    """Objects, the id of one of them, its body and its header; it must be whole afterwards."""
    objects, object_id, _other = store
    yield objects, object_id, stores.body_path(*store[:2]), stores.header_path(*store[:2])
    assert stores.read(objects, object_id) == pattern(0, BYTES)
    *_rest, done = objects.verify(object_id, IMAGE_ID)
    assert done == BYTES


def refused(objects, object_id, offset=0, length=None) -> bool:
    """Whether reading ends with an error, after nothing but a true beginning of the range."""
    received = b""
    try:
        reader, _header = objects.read(object_id, offset, length)
        for piece in reader:
            received += piece
    except (exceptions.ObjectDamaged, exceptions.HeaderMissing, exceptions.KeyGone):
        assert received == pattern(offset, len(received))
        return True
    assert received == pattern(offset, length or BYTES - offset)
    return False


@pytest.mark.parametrize("size", CUTS)
def test_a_body_that_was_cut(image, size):
    objects, object_id, body, _header = image
    with changed(body, body.read_bytes()[:size]):
        assert refused(objects, object_id)
        assert refused(objects, object_id, BYTES - 1, 1)
        # What is still there can be read.
        whole_segments = size // stream.SEGMENT_SIZE
        for n in range(whole_segments):
            assert not refused(objects, object_id, n * REST, 100)


@pytest.mark.parametrize("byte", PLACES)
def test_a_body_with_one_bit_flipped(image, byte):
    objects, object_id, body, _header = image
    hit = min(byte // stream.SEGMENT_SIZE, SEGMENTS - 1)
    for bit in (0, 7):
        with flipped(body, byte, bit):
            assert refused(objects, object_id)
            for place in stream.segments(BYTES):
                inside = place.plaintext_offset + place.plaintext_size // 2
                assert refused(objects, object_id, inside, 1) == (place.index == hit)


@settings(max_examples=100)
@given(byte=st.integers(0, BODY_SIZE - 1), bit=st.integers(0, 7))
def test_a_bit_flipped_anywhere(store, byte, bit):
    objects, object_id, _other = store
    with flipped(stores.body_path(objects, object_id), byte, bit):
        assert refused(objects, object_id)


def _cut_up(body: bytes) -> list[bytes]:
    size = stream.SEGMENT_SIZE
    return [body[start : start + size] for start in range(0, len(body), size)]


@pytest.mark.parametrize(
    "order",
    [
        (1, 0, 2, 3), (0, 2, 1, 3), (0, 1, 3, 2), (0, 1, 1, 3), (0, 0, 2, 3), (0, 2, 2, 3),
        (0, 1, 3), (0, 2, 3), (1, 2, 3), (0, 1, 2), (0, 1, 1, 2, 3), (0, 1, 2, 2), (3, 2, 1, 0),
    ],
)  # fmt: skip
def test_segments_out_of_their_order(image, order):
    objects, object_id, body, _header = image
    pieces = _cut_up(body.read_bytes())
    with changed(body, b"".join(pieces[number] for number in order)):
        assert refused(objects, object_id)


def test_the_body_of_another_image(store, image):
    objects, object_id, body, _header = image
    other = stores.body_path(objects, store[2]).read_bytes()
    mine = body.read_bytes()
    with changed(body, other):
        assert refused(objects, object_id)
        assert refused(objects, object_id, REST + 5, 1)
    # Not even one segment, with the right prelude before it.
    for number in range(SEGMENTS):
        mixed = _cut_up(mine)
        mixed[number] = _cut_up(other)[number]
        mixed[0] = mine[: stream.PRELUDE_SIZE] + mixed[0][stream.PRELUDE_SIZE :]
        with changed(body, b"".join(mixed)):
            assert refused(objects, object_id)


@pytest.mark.parametrize("tail", [b"x", bytes(stream.SEGMENT_SIZE)])
def test_more_behind_the_end(image, tail):
    """It is no part of the image, so it can be read; ``verify`` tells."""
    objects, object_id, body, _header = image
    with changed(body, body.read_bytes() + tail):
        assert not refused(objects, object_id)
        with pytest.raises(exceptions.ObjectDamaged, match="behind the end"):
            list(objects.verify(object_id, IMAGE_ID))


def test_the_image_of_somebody_else(image):
    objects, object_id, *_paths = image
    with pytest.raises(exceptions.ObjectDamaged, match=f"belongs to image {IMAGE_ID}"):
        list(objects.verify(object_id, KEY_ID))


def test_a_missing_part(image):
    objects, object_id, body, header = image
    with changed(body, None), pytest.raises(exceptions.ObjectDamaged, match="body is missing"):
        objects.read(object_id)
    with changed(header, None), pytest.raises(exceptions.HeaderMissing):
        objects.read(object_id)


def test_a_header_with_one_bit_flipped(image):
    """Each bit of it, as a reader of the store meets it."""
    objects, object_id, _body, header = image
    for byte in range(header.stat().st_size):
        with flipped(header, byte, byte % 8):
            assert refused(objects, object_id, 0, 1)


def test_a_header_that_is_none(store, image):
    objects, object_id, _body, header = image
    stored = header.read_bytes()
    others = stores.header_path(objects, store[2]).read_bytes()
    for content in (
        b"",
        b"\0",
        stored[:-1],
        stored + b"\n",
        stored * 2,
        others,
        b"x" * 10_000_000,
        stored[:10] + b" " * (1 << 20) + stored[10:],
        stored.replace(b'"plaintext_size":', b'"plaintext_size":9'),
        stored.replace(b'"plaintext_size":', b'"plaintext_size":' + b"9" * 30),
        stored.replace(KEY_ID.encode(), NEW_KEY_ID.encode()),
        others.replace(store[2].encode(), object_id.encode()),
    ):
        with changed(header, content):
            assert refused(objects, object_id, 0, 1)


def test_a_genuine_header_of_another_size(image):
    """The end of the body is sealed: a header for a shorter image would not fit it."""
    objects, object_id, _body, header = image
    genuine = stores.header_of(header)
    data_key = genuine.unwrap(KEY_ID, objects._read_key(KEY_ID))
    for size in (0, FIRST, FIRST + REST, BYTES - 1, BYTES + 1, 1 << 50):
        shorter = dataclasses.replace(genuine, plaintext_size=size)
        with changed(header, shorter.to_bytes(data_key)):
            assert refused(objects, object_id)
