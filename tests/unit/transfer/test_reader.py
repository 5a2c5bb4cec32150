# SPDX-License-Identifier: Apache-2.0
"""The receiver's side believes nothing: what is wrong in a stream is found before any of it is used."""

import random
import struct
import tracemalloc
from collections.abc import Callable

import blake3
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from ims_glance import exceptions
from ims_glance.transfer import frames, held
from ims_glance.transfer import reader as transfer_reader
from ims_glance.transfer.frames import BadFrame, Frame, FrameKind, StreamCut
from tests.unit.transfer import independent_reader, streams
from tests.unit.transfer.streams import SMALL, SMALL_CONTENT

MIB = 1 << 20


@settings(max_examples=150)
@given(
    pieces=st.text("0rt", max_size=30),
    last=st.integers(1, SMALL.piece),
    has=st.sets(st.integers(0, 29)),
    offset=st.integers(0, 500),
    size=st.integers(1, 400),
    sizes=st.sampled_from([SMALL, SMALL_CONTENT]),
)
def test_what_was_written_is_read(pieces, last, has, offset, size, sizes):
    data = streams.image(1, pieces, last)
    offset = min(offset, len(data))
    own = [piece for place, piece in enumerate(streams.pieces(data, sizes)) if place in has]
    stream = streams.write(data, streams.holding(own), offset, sizes=sizes)
    chunks = streams.chunks(stream, size)
    found = list(streams.read(chunks, len(data) - offset, offset, sizes))
    assert streams.assemble(found, own) == data[offset:]
    assert [each.digest for each in found if each.kind is not FrameKind.ZERO] == [
        frames.digest(data[each.offset : each.end])
        for each in found
        if each.kind is not FrameKind.ZERO
    ]
    assert all(own or each.kind is not FrameKind.HELD for each in found)


def test_frames_come_as_soon_as_they_are_complete():
    data = streams.image(2, "rrrr0000")
    first, rest = streams.write(data)[:-33], streams.write(data)[-33:]
    asked = []

    def slow():
        yield first
        asked.append("more")
        yield rest

    found = streams.read(slow(), len(data))
    assert next(found).kind is FrameKind.DATA
    assert asked == []


# --- faults ------------------------------------------------------------------------------------


def spoilt(made: random.Random, stream: bytes, borders: list[int]) -> bytes:
    """The stream with one fault: bits that are flipped, or parts that are lost, moved, doubled."""
    if made.random() < 0.4:
        flipped = bytearray(stream)
        for _ in range(made.choice((1, 1, 2, 8))):
            flipped[made.randrange(len(flipped))] ^= 1 << made.randrange(8)
        return bytes(flipped)
    points = borders if made.random() < 0.5 else range(len(stream) + 1)
    one, two, three, four = sorted(made.choices(points, k=4))
    if made.random() < 0.3:
        # As much as it is, elsewhere: digests in the place of digests, data in the place of data.
        size = made.choice((8, 16, 32, 64, 256))
        two, four = min(one + size, three), min(three + size, len(stream))
    parts = (stream[:one], stream[one:two], stream[two:three], stream[three:four], stream[four:])
    head, first, middle, second, tail = parts
    change: Callable[[], bytes] = made.choice(
        [
            lambda: head + second + middle + first + tail,
            lambda: head + middle + second + tail,
            lambda: head + first + first + middle + second + tail,
            lambda: head + bytes(len(first)) + middle + second + tail,
            lambda: head,
            lambda: head + second + middle + second + tail,
        ]
    )
    return change()


@pytest.mark.parametrize("sizes", [SMALL, SMALL_CONTENT], ids=["fixed", "by content"])
def test_of_ten_thousand_faults_none_gets_through(sizes):
    data = streams.image(3, "rr00tttttrr0rrrr00000rtrrr0t", last=30)
    own = streams.pieces(data[14 * SMALL.piece :], sizes)
    has = streams.holding(own[:4] if sizes is SMALL else own[:10])
    stream = streams.write(data, has, sizes=sizes)
    borders = [16]
    for *_, whole in independent_reader.read(stream, None if sizes.tells_count else SMALL.piece):
        begin = borders[-1]
        borders += [begin + part for part in (1, 9, 17, 49, 54, 62) if part < len(whole)]
        borders.append(begin + len(whole))
    true = list(streams.read([stream], len(data), sizes=sizes))
    assert {frame.kind for frame in true} == {FrameKind.ZERO, FrameKind.HELD, FrameKind.DATA}
    made = random.Random(4)
    spoils = 0
    while spoils < 10_000:
        wrong = spoilt(made, stream, borders)
        if wrong == stream:
            continue
        spoils += 1
        found: list[Frame] = []
        try:
            found.extend(streams.read([wrong], len(data), sizes=sizes))
        except BadFrame:
            # What came before is right, and the range is not complete.
            assert found == true[: len(found)]
        else:
            # zstd forgives bits that stand for nothing, and the data is right.
            assert found == true
            assert len(wrong) == len(stream)


def test_a_cut_is_told_apart():
    data = streams.image(5, "rr00rr")
    stream = streams.write(data)
    for size in range(len(stream)):
        with pytest.raises(StreamCut, match="cut"):
            list(streams.read([stream[:size], b""], len(data)))


def test_a_refusal_has_a_code_and_tells_where():
    data = streams.image(6, "rrrr0r")
    stream = bytearray(streams.write(data))
    stream[-1] ^= 1
    with pytest.raises(BadFrame, match=f"at byte {len(data)} of the image") as refused:
        list(streams.read([bytes(stream)], len(data)))
    assert refused.value.code == "IMG.0057"
    assert not isinstance(refused.value, StreamCut)
    assert isinstance(refused.value, exceptions.ImsError)


# --- hostile senders: every hash and every check is right ----------------------------------------


class Sender:
    """Writes what it is told to, as the description of the format says."""

    def __init__(self, offset: int = 0, magic: bytes = b"IMSFRM1\n") -> None:
        self.stream = magic + offset.to_bytes(8, "big")
        self._check = blake3.blake3(self.stream).digest()[:8]

    def frame(self, kind: bytes, first: int, second: int, body: bytes = b"", tail: bytes = b""):
        part = kind + struct.pack(">QQ", first, second) + body
        self._check = blake3.blake3(self._check + part).digest()[:8]
        self.stream += part + self._check + tail
        return self

    def data(
        self, offset: int, length: int, content: bytes, codec: int = 0, size: int = -1, **more
    ):
        digest = blake3.blake3(more.get("digested", content)).digest()
        body = struct.pack(">BI", codec, len(content) if size < 0 else size)
        return self.frame(b"D", offset, length, digest + body, content)

    def held(self, offset: int, length: int, prefixes: bytes):
        return self.frame(b"H", offset, length, bytes(32) + prefixes)

    def end(self, length: int, size: int):
        return self.frame(b"E", length, size)


RUN = bytes(range(1, 65))
PACKED = zstandard.ZstdCompressor().compress(bytes(256))
GROWN = zstandard.ZstdCompressor().compress(RUN)
LIES = {
    "a gap": Sender().data(64, 64, RUN),
    "an overlap": Sender().data(0, 64, RUN).data(32, 64, RUN),
    "the same again": Sender().data(0, 64, RUN).data(0, 64, RUN),
    "an offset of another stream": Sender(64).data(64, 64, RUN),
    "a length of nothing": Sender().frame(b"Z", 0, 0),
    "zeros beyond the range": Sender().frame(b"Z", 0, 513),
    "zeros without end": Sender().frame(b"Z", 0, (1 << 64) - 1),
    "zeros byte by byte": Sender().frame(b"Z", 0, 1),
    "data that ends within a piece": Sender().data(0, 63, RUN[:63]),
    "held pieces that end within one": Sender().held(0, 65, bytes(16)),
    "data beyond the range": Sender().frame(b"Z", 0, 448).data(448, 128, RUN + RUN),
    "a run that is too long": Sender().data(0, 257, bytes(257)),
    "held pieces in a run that is too long": Sender().held(0, 257, bytes(40)),
    "too few prefixes": Sender().held(0, 128, bytes(8)).end(512, 512),
    "too many prefixes": Sender().held(0, 64, bytes(16)).end(512, 512),
    "no such kind": Sender().frame(b"X", 0, 64),
    "no such codec": Sender().data(0, 64, RUN, 2),
    "more bytes than the run has": Sender().data(0, 64, RUN + RUN),
    "fewer bytes than the run has": Sender().data(0, 128, RUN),
    "packed without being smaller": Sender().data(0, 64, GROWN, 1, digested=RUN),
    "packed into gigabytes": Sender().data(0, 64, RUN, 1, size=(1 << 32) - 1),
    "packed into nothing": Sender().data(0, 64, b"", 1),
    "packed as noise": Sender().data(0, 64, RUN[:32], 1),
    "a bomb": Sender().data(0, 64, PACKED, 1, digested=bytes(64)),
    "packed data that is longer": Sender().data(0, 192, PACKED, 1, digested=bytes(192)),
    "something behind the packed data": Sender().data(
        0, 256, PACKED + b"x", 1, digested=bytes(256)
    ),
    "another digest": Sender().data(0, 64, RUN, digested=RUN[::-1]),
    "an end that comes too early": Sender().data(0, 64, RUN).end(64, 512),
    "an end that knows better": Sender().frame(b"Z", 0, 512).end(511, 512),
    "an image that is smaller than the range": Sender().frame(b"Z", 0, 512).end(512, 511),
    "an image of another size": Sender().frame(b"Z", 0, 512).end(512, 513),
    "frames behind the end": Sender().frame(b"Z", 0, 512).end(512, 512).frame(b"Z", 512, 1),
    "another format": type("Other", (), {"stream": b"IMSFRM2\n" + bytes(8)}),
    "a page of HTML": type("Page", (), {"stream": b"<html><body>Welcome</body></html>"}),
}


@pytest.mark.parametrize("lie", LIES)
@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_lies_are_refused(lie, size):
    with pytest.raises(BadFrame) as refused:
        list(streams.read(streams.chunks(LIES[lie].stream, size), 512, size=512))
    assert type(refused.value) is BadFrame or lie == "too few prefixes"


def counted(offset: int, length: int, count: int, prefixes: int, told: bytes = b"") -> Sender:
    """Says that pieces are held, and how many."""
    sender = Sender(magic=b"IMSFRM2\n")
    if offset:
        sender.frame(b"Z", 0, offset)
    return sender.held(offset, length, (told or struct.pack(">I", count)) + bytes(8 * prefixes))


# Pieces of 1 to 3 blocks of 16 bytes, runs of 256.
COUNTED_LIES = {
    "pieces that are too long": counted(0, 64, 1, 1).end(512, 512),
    "pieces that are too short": counted(0, 64, 5, 5).end(512, 512),
    "no pieces": counted(0, 16, 0, 0).end(512, 512),
    "billions of pieces": counted(0, 256, (1 << 32) - 1, 4),
    "fewer prefixes than it says": counted(0, 64, 4, 2).frame(b"Z", 64, 448).end(512, 512),
    "more prefixes than it says": counted(0, 64, 2, 4).frame(b"Z", 64, 448).end(512, 512),
    "an end within a block": counted(0, 65, 2, 2),
    "a run that is too long": counted(0, 272, 16, 16),
    "beyond the range": counted(496, 32, 1, 1),
    "no length": counted(0, 0, 0, 0),
    "data within a block": Sender(magic=b"IMSFRM2\n").data(0, 63, RUN[:63]),
    "zeros within a block": Sender(magic=b"IMSFRM2\n").frame(b"Z", 0, 8),
    "the format of fixed pieces": Sender().frame(b"Z", 0, 512).end(512, 512),
}


@pytest.mark.parametrize("lie", COUNTED_LIES)
@pytest.mark.parametrize("size", [1, 10_000])
def test_lies_of_pieces_by_content_are_refused(lie, size):
    chunks = streams.chunks(COUNTED_LIES[lie].stream, size)
    with pytest.raises(BadFrame) as refused:
        list(streams.read(chunks, 512, sizes=SMALL_CONTENT, size=512))
    assert type(refused.value) is BadFrame


@pytest.mark.parametrize("count", [2, 3, 4])
def test_as_many_pieces_as_there_may_be(count):
    stream = counted(0, 64, count, count).frame(b"Z", 64, 448).end(512, 512).stream
    frame, _zeros = streams.read([stream], 512, sizes=SMALL_CONTENT)
    assert frame.pieces == (bytes(8),) * count


def test_a_range_may_begin_within_a_block():
    stream = Sender(8, b"IMSFRM2\n").held(8, 40, struct.pack(">I", 3) + bytes(24)).end(40, 48)
    [frame] = streams.read([stream.stream], 40, 8, SMALL_CONTENT)
    assert (frame.offset, len(frame.pieces)) == (8, 3)


def test_the_truth_is_not():
    sender = (
        Sender()
        .data(0, 64, RUN)
        .frame(b"Z", 64, 192)
        .data(256, 256, PACKED, 1, digested=bytes(256))
    )
    found = list(streams.read([sender.end(512, 512).stream], 512, size=512))
    assert streams.assemble(found) == RUN + bytes(448)


def test_nothing_is_held_unless_it_was_said():
    stream = Sender().held(0, 512 // 2, bytes(32)).held(256, 256, bytes(32)).end(512, 512).stream
    assert len(list(streams.read([stream], 512))) == 2
    with pytest.raises(BadFrame, match="held"):
        list(streams.read([stream], 512, held=False))


def test_the_size_of_the_image_may_be_unknown():
    stream = Sender().frame(b"Z", 0, 512).end(512, 100_000).stream
    assert len(list(streams.read([stream], 512))) == 1


def test_the_end_of_the_stream_is_waited_for():
    data = streams.image(7, "r")
    stream = streams.write(data)
    with pytest.raises(BadFrame, match="behind its end"):
        list(streams.read([stream, b"", b"x"], len(data)))
    assert len(list(streams.read([stream, b"", b""], len(data)))) == 1


def windowed() -> bytes:
    """A frame of zstd that wants to look back on 128 MiB, and is cut so that all of it is allotted."""
    settings = zstandard.ZstdCompressionParameters(window_log=27)
    packed = zstandard.ZstdCompressor(compression_params=settings).compressobj(size=MIB)
    whole = packed.compress(random.Random(8).randbytes(MIB)) + packed.flush()
    # Flag "single segment" out, and a byte for the window in: RFC 8878, 3.1.1.1.
    descriptor = whole[4] & ~0x20
    return whole[:4] + bytes([descriptor, (27 - 10) << 3]) + whole[5 : -MIB // 2]


BOMBS = {
    "content": (zstandard.ZstdCompressor().compress(bytes(50 * MIB)), "announced as 52428800"),
    "window": (windowed(), "too much memory"),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_takes_no_memory(bomb):
    packed, reason = BOMBS[bomb]
    stream = Sender().data(0, MIB, packed, 1).stream
    tracemalloc.start()
    try:
        with pytest.raises(BadFrame, match=reason):
            list(transfer_reader.read([stream], 0, MIB))
        _kept, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 3 * MIB


@pytest.mark.parametrize("size", [50, 65_536, 8 * MIB])
def test_memory_is_that_of_two_runs(size):
    noise = random.Random(9).randbytes(MIB)
    sender = Sender()
    for place in range(0, 8 * MIB, MIB):
        sender.data(place, MIB, noise)
    total = place + MIB
    stream = sender.end(total, total).stream
    del noise
    chunks = (stream[at : at + size] for at in range(0, len(stream), size))
    tracemalloc.start()
    try:
        for _frame in transfer_reader.read(chunks, 0, total):
            del _frame
        _kept, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2 * frames.RUN + size + 65_536


def test_prefixes_are_told_one_by_one():
    data = streams.image(10, "rrr", last=9)
    (frame,) = streams.read([streams.write(data, streams.holding(streams.pieces(data)))], len(data))
    assert frame.pieces == tuple(map(held.piece_prefix, streams.pieces(data)))
    assert (frame.digest, frame.data) == (frames.digest(data), b"")
