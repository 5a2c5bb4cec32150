# SPDX-License-Identifier: Apache-2.0
"""Bodies: the same bytes as Tink's, and nothing but what was sealed for a place opens there."""

import itertools

import pytest
import tink
from hypothesis import given, settings
from hypothesis import strategies as st

from ims_glance import exceptions
from ims_glance.crypto import envelope, stream
from tests.base import pattern
from tests.unit.crypto import tink_streams

FIRST = stream.segment_capacity(0)
REST = stream.segment_capacity(1)
BORDERS = [FIRST, FIRST + REST, FIRST + 2 * REST]
SIZES = [0, 1, 15, 16, 17, *(border + step for border in BORDERS for step in (-1, 0, 1))]

DATA_KEY = envelope.new_data_key()
OBJECT_ID = envelope.new_object_id()

sizes = st.one_of(
    st.sampled_from(SIZES),
    st.integers(0, 3 * REST),
    st.integers(0, 1 << 45),
)


def seal(plaintext: bytes, data_key: bytes = DATA_KEY, object_id: str = OBJECT_ID) -> bytes:
    """A whole body."""
    sealer = stream.Sealer(data_key, object_id)
    body = sealer.prelude
    for segment in stream.segments(len(plaintext)):
        end = segment.plaintext_offset + segment.plaintext_size
        piece = plaintext[segment.plaintext_offset : end]
        body += sealer.seal(segment.index, piece, last=segment.last)
    return body


def open_all(body: bytes, size: int, data_key: bytes = DATA_KEY, object_id: str = OBJECT_ID):
    """The image of *size* bytes in a body."""
    opener = stream.Opener(data_key, object_id, body[: stream.PRELUDE_SIZE])
    return b"".join(
        opener.open(segment, body[segment.offset : segment.offset + segment.size])
        for segment in stream.segments(size)
    )


@pytest.mark.parametrize("size", SIZES)
def test_tink_opens_ours(size):
    plaintext = pattern(3, size)
    assert tink_streams.decrypt(DATA_KEY, OBJECT_ID, seal(plaintext)) == plaintext


@pytest.mark.parametrize("size", SIZES)
def test_we_open_tinks(size):
    plaintext = pattern(5, size)
    body = tink_streams.encrypt(DATA_KEY, OBJECT_ID, plaintext)
    assert len(body) == stream.ciphertext_size(size)
    assert open_all(body, size) == plaintext


def test_tink_binds_the_body_to_the_object_too():
    other = envelope.new_object_id()
    with pytest.raises(tink.TinkError):
        tink_streams.decrypt(DATA_KEY, other, seal(b"data"))
    with pytest.raises(exceptions.ObjectDamaged, match=other):
        open_all(tink_streams.encrypt(DATA_KEY, OBJECT_ID, b"data"), 4, object_id=other)


@given(size=sizes)
def test_segments_cover_the_image(size):
    count = stream.segment_count(size)
    found = [next(stream.segments(size)), *stream.segments(size, max(0, size - 2 * REST))]
    assert found[0].plaintext_offset == 0
    assert found[0].offset == stream.PRELUDE_SIZE
    for segment in found:
        assert segment.last == (segment.index == count - 1)
        assert segment.size == segment.plaintext_size + stream.TAG_SIZE
        assert segment.last or segment.plaintext_size == stream.segment_capacity(segment.index)
        assert segment.index == 0 or segment.offset == segment.index * stream.SEGMENT_SIZE
    last = found[-1]
    assert last.last
    assert last.plaintext_offset + last.plaintext_size == size
    assert last.offset + last.size == stream.ciphertext_size(size)
    # Only an empty image has an empty segment.
    assert last.plaintext_size or size == 0


@given(size=sizes, data=st.data())
def test_a_range_takes_the_segments_that_hold_it(size, data):
    offset = data.draw(st.integers(0, size))
    length = data.draw(st.integers(0, 3 * REST))
    found = list(stream.segments(size, offset, length))
    end = min(size, offset + length)
    if offset >= end and size:
        assert found == []
        return
    assert found[0].plaintext_offset <= offset
    assert found[-1].plaintext_offset + found[-1].plaintext_size >= end
    # No segment too many: each has a byte of the range.
    assert found[0].plaintext_offset + found[0].plaintext_size > offset or size == 0
    assert found[-1].plaintext_offset < end or size == 0
    for before, after in itertools.pairwise(found):
        assert after.index == before.index + 1
        assert after.plaintext_offset == before.plaintext_offset + before.plaintext_size


@settings(max_examples=20)
@given(size=st.sampled_from(SIZES))
def test_round_trip(size):
    assert open_all(seal(pattern(0, size)), size) == pattern(0, size)


def test_sealing_into_a_buffer_is_the_same():
    sealer = stream.Sealer(DATA_KEY, OBJECT_ID)
    buffer = memoryview(bytearray(stream.SEGMENT_SIZE))
    filled = sealer.seal_into(buffer, 0, b"image", last=True)
    assert len(filled) == 5 + stream.TAG_SIZE
    assert open_all(sealer.prelude + bytes(filled), 5) == b"image"
    assert bytes(filled) == sealer.seal(0, b"image", last=True)


@pytest.mark.parametrize(
    ("index", "size", "last"),
    [
        (0, FIRST + 1, True),
        (0, FIRST - 1, False),
        (0, 0, False),
        (1, REST + 1, True),
        (1, FIRST, False),
    ],
)
def test_a_segment_of_the_wrong_size_is_refused(index, size, last):
    sealer = stream.Sealer(DATA_KEY, OBJECT_ID)
    with pytest.raises(ValueError, match=f"cannot hold {size}"):
        sealer.seal(index, pattern(0, size), last=last)


def test_segment_numbers_do_not_wrap():
    sealer = stream.Sealer(DATA_KEY, OBJECT_ID)
    assert sealer.seal((1 << 32) - 2, b"x", last=True)
    for index in ((1 << 32) - 1, 1 << 32):
        with pytest.raises(ValueError, match="less than"):
            sealer.seal(index, b"x", last=True)


def test_two_bodies_have_nothing_in_common():
    one, two = seal(bytes(1000)), seal(bytes(1000))
    assert one[1 : stream.PRELUDE_SIZE] != two[1 : stream.PRELUDE_SIZE]
    assert one[stream.PRELUDE_SIZE :] != two[stream.PRELUDE_SIZE :]


@pytest.mark.parametrize(
    "prelude",
    [
        b"",
        b"\x28",
        b"\x28" + bytes(stream.PRELUDE_SIZE),
        b"\x29" + bytes(stream.PRELUDE_SIZE - 1),
        bytes(stream.PRELUDE_SIZE),
    ],
)
def test_a_malformed_prelude_is_refused(prelude):
    with pytest.raises(exceptions.ObjectDamaged, match="prelude"):
        stream.Opener(DATA_KEY, OBJECT_ID, prelude)


@pytest.mark.parametrize("byte", range(stream.PRELUDE_SIZE))
def test_a_flipped_prelude_opens_nothing(byte):
    body = bytearray(seal(b"image"))
    body[byte] ^= 1
    with pytest.raises(exceptions.ObjectDamaged):
        open_all(bytes(body), 5)


def test_every_flipped_bit_of_a_segment_is_found():
    body = seal(b"a short image")
    for bit in range(stream.PRELUDE_SIZE * 8, len(body) * 8):
        damaged = bytearray(body)
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises(exceptions.ObjectDamaged, match="segment 0"):
            open_all(bytes(damaged), 13)


@pytest.mark.parametrize(
    ("data_key", "object_id"),
    [(envelope.new_data_key(), OBJECT_ID), (DATA_KEY, envelope.new_object_id())],
    ids=["key", "object"],
)
def test_another_key_or_object_opens_nothing(data_key, object_id):
    with pytest.raises(exceptions.ObjectDamaged, match="does not authenticate") as caught:
        open_all(seal(b"image"), 5, data_key, object_id)
    # The library's own error says nothing more, and would only lengthen the log.
    assert caught.value.__suppress_context__


def test_a_segment_opens_in_its_own_place_only():
    size = FIRST + 2 * REST + 1
    body = seal(pattern(0, size))
    opener = stream.Opener(DATA_KEY, OBJECT_ID, body[: stream.PRELUDE_SIZE])
    places = list(stream.segments(size))
    pieces = [body[place.offset : place.offset + place.size] for place in places]
    opened = set()
    for place in places:
        for number, piece in enumerate(pieces):
            try:
                opener.open(place, piece)
                opened.add((place.index, number))
            except exceptions.ObjectDamaged:
                pass
    assert opened == {(number, number) for number in range(len(places))}


def test_the_end_is_sealed():
    """A body that was cut at a segment's border, for an image that fits what is left."""
    body = seal(pattern(0, FIRST + REST))
    with pytest.raises(exceptions.ObjectDamaged, match="segment 0"):
        open_all(body[: stream.SEGMENT_SIZE], FIRST)
    longer = seal(pattern(0, FIRST)) + bytes(stream.SEGMENT_SIZE)
    with pytest.raises(exceptions.ObjectDamaged, match="segment 0"):
        open_all(longer, FIRST + REST)
