# SPDX-License-Identifier: Apache-2.0
"""The sender's side: what a stream holds is what its description says, and no more than has to travel."""

import random
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ims_glance.transfer import cuts, frames, held, writer
from tests.unit.transfer import independent_reader, streams
from tests.unit.transfer.streams import SMALL, SMALL_CONTENT

MIB = 1 << 20


def summary(stream: bytes, piece: int = SMALL.piece) -> list[tuple[bytes, int, int]]:
    """Kind, offset and length of each frame, as a reader finds them that is not ours."""
    return [each[:3] for each in independent_reader.read(stream, piece)]


@settings(max_examples=100)
@given(
    pieces=st.text("0rt", max_size=30),
    last=st.integers(1, SMALL.piece),
    offset=st.integers(0, 100),
    size=st.integers(1, 300),
    compress=st.booleans(),
    sizes=st.sampled_from([SMALL, SMALL_CONTENT]),
)
def test_another_reader_finds_the_image(pieces, last, offset, size, compress, sizes):
    data = streams.image(1, pieces, last)
    offset = min(offset, len(data))
    chunks = streams.chunks(data[offset:], size)
    made = writer.write(chunks, offset, held.NOTHING, len(data), compress, sizes=sizes)
    piece = None if sizes.tells_count else sizes.piece
    found = list(independent_reader.read(b"".join(made), piece))
    content = b"".join(bytes(e[2]) if e[0] == b"Z" else e[3] for e in found if e[0] != b"E")
    assert content == data[offset:]
    assert found[-1][:3] == (b"E", len(data) - offset, len(data))


def test_pieces_of_one_kind_make_a_frame():
    data = streams.image(2, "00000rrrrrr0rr0", last=10)
    has = streams.holding(streams.pieces(data)[12:14])
    assert summary(streams.write(data, has)) == [
        (b"Z", 0, 320),
        (b"D", 320, 256),
        (b"D", 576, 128),
        (b"Z", 704, 64),
        (b"H", 768, 128),
        (b"Z", 896, 10),
        (b"E", 906, 906),
    ]


def test_what_is_held_is_found_wherever_it_lies():
    data = streams.image(3, "rrrr", last=20)
    pieces = streams.pieces(data)
    moved = pieces[2] + pieces[0] + streams.image(4, "r") + pieces[3]
    found = list(
        independent_reader.read(streams.write(moved, streams.holding(pieces)), SMALL.piece)
    )
    assert [each[:3] for each in found] == [
        (b"H", 0, 128),
        (b"D", 128, 64),
        (b"H", 192, 20),
        (b"E", 212, 212),
    ]
    digest = frames.digest(pieces[2] + pieces[0])
    assert found[0][3] == digest + held.piece_prefix(pieces[2]) + held.piece_prefix(pieces[0])


def test_of_pieces_by_content_it_is_told_how_many_they_are():
    data = streams.image(3, "rr0r", last=20)
    own = streams.pieces(data, SMALL_CONTENT)
    stream = streams.write(data, streams.holding(own), sizes=SMALL_CONTENT)
    first, zeros, last, end = independent_reader.read(stream, None)
    assert [first[:3], zeros[:3], last[:3], end[:3]] == [
        (b"H", 0, 128),
        (b"Z", 128, 64),
        (b"H", 192, 20),
        (b"E", 212, 212),
    ]
    at = next(number for number, piece in enumerate(own) if not piece.strip(b"\0"))
    assert first[3] == frames.digest(data[:128]) + b"".join(map(held.piece_prefix, own[:at]))


def test_a_range_that_begins_within_a_piece():
    data = streams.image(5, "rr0r")
    assert summary(streams.write(data, offset=70))[0] == (b"D", 70, 58)
    part = writer.write([data[70:100]], 70, held.NOTHING, len(data), length=30, sizes=SMALL)
    assert summary(b"".join(part)) == [(b"D", 70, 30), (b"E", 30, 256)]


@pytest.mark.parametrize("size", [1, 3, 100])
@pytest.mark.parametrize(
    ("skip", "length", "expected"),
    [(0, None, b"0123456789"), (4, None, b"456789"), (4, 3, b"456"), (0, 10, b"0123456789"),
     (9, 5, b"9"), (10, None, b""), (0, 1, b"0")],
)  # fmt: skip
def test_a_part_of_what_comes(size, skip, length, expected):
    chunks = streams.chunks(b"0123456789", size)
    assert b"".join(writer.part(chunks, skip, length)) == expected


def test_no_more_is_read_than_a_part_needs():
    chunks = streams.chunks(b"0123456789", 2)
    assert b"".join(writer.part(chunks, 1, 3)) == b"123"
    assert b"".join(chunks) == b"456789"


def test_an_empty_image_is_an_end():
    assert summary(streams.write(b"")) == [(b"E", 0, 0)]


def test_the_first_bytes_are_sent_before_the_image_is_read():
    def never():
        raise AssertionError("it was read")
        yield b""

    assert next(writer.write(never(), 0, held.NOTHING, 64)) == b"IMSFRM1\n" + bytes(8)


@pytest.mark.parametrize("size", [1, SMALL.piece - 1, SMALL.piece, SMALL.run - 3, SMALL.run])
def test_zeros_that_come_in_chunks_of_any_size(size):
    """What begins and ends them is in the same pieces as ever."""
    data = bytes(7 * SMALL.run + 5) + b"x" + bytes(9 * SMALL.run)
    found = writer.write(streams.chunks(data, size), 0, held.NOTHING, len(data), sizes=SMALL)
    assert b"".join(found) == streams.write(data)


def test_zeros_are_sent_now_and_then_so_that_nobody_waits_for_ever():
    found = summary(streams.write(bytes(64 * SMALL.run)))
    assert [each[0] for each in found] == [b"Z"] * 4 + [b"E"]


def test_a_run_of_zeros_costs_next_to_nothing():
    size = 256 * MIB
    chunk = bytes(MIB)
    stream = writer.write((chunk for _ in range(256)), 0, held.NOTHING, size)
    assert len(b"".join(stream)) < 1024


@pytest.mark.parametrize("given_size", [255, 257])
def test_a_download_of_another_size_has_no_end(given_size):
    data = streams.image(6, "rrrr") + b"x"
    made: list[bytes] = []
    with pytest.raises(writer.SizeChanged):
        made.extend(writer.write([data[:given_size]], 0, held.NOTHING, 256, sizes=SMALL))
    assert not any(each.startswith(b"E") and len(each) == 25 for each in made)


def test_what_the_download_raises_is_raised():
    def broken():
        yield streams.image(7, "rrrr")
        raise OSError("the store is away")

    with pytest.raises(OSError, match="the store is away"):
        list(writer.write(broken(), 0, held.NOTHING, 512, sizes=SMALL))


@pytest.mark.parametrize("wrong", [(-1, None), (5, None), (0, 5), (3, 2), (0, -1)])
def test_a_range_outside_of_the_image_is_a_mistake_of_ours(wrong):
    offset, length = wrong
    with pytest.raises(ValueError, match="no"):
        list(writer.write([], offset, held.NOTHING, 4, length=length))


def test_text_is_compressed_and_noise_is_not():
    text = b"all work and no play " * (MIB // 10)
    assert len(streams_of(text)) < len(text) // 50
    noise = random.Random(8).randbytes(2 * MIB)
    assert 0 < len(streams_of(noise)) - len(noise) < 1024
    assert len(streams_of(text, compress=False)) > len(text)


def streams_of(data: bytes, compress: bool = True) -> bytes:
    """The stream with real sizes."""
    return b"".join(writer.write([data], 0, held.NOTHING, len(data), compress))


def test_compression_is_given_up_and_tried_again(monkeypatch):
    tried = []
    packer = writer._Packer(1)
    real = packer._zstd

    class Counting:
        def compress(self, run):
            tried.append(run)
            return real.compress(run)

    monkeypatch.setattr(packer, "_zstd", Counting())
    noise, text = random.Random(9).randbytes(1000), b"t" * 1000
    assert [packer.pack(noise) for _ in range(100)] == [None] * 100
    # Runs 0, 2, 5, 8, ...: after 1, 2, 2 ... that were not tried.
    assert len(tried) == 34
    while packer.pack(text) is None:
        pass
    tried.clear()
    assert all(packer.pack(text) for _ in range(5))
    assert len(tried) == 5


def test_a_level_costs_time_and_saves_bytes():
    chance = random.Random(12)
    words = [chance.randbytes(chance.randrange(3, 12)) for _ in range(2000)]
    data = b"".join(chance.choices(words, k=60_000))
    sizes = [
        len(b"".join(writer.write([data], 0, held.NOTHING, len(data), level=level)))
        for level in (1, 6)
    ]
    assert sizes[1] < sizes[0] < len(data)


def test_a_saving_of_less_than_a_twentieth_is_none():
    run = random.Random(10).randbytes(9700) + b"t" * 300
    assert writer._Packer(1).pack(run) is None
    run = random.Random(10).randbytes(9300) + b"t" * 700
    assert writer._Packer(1).pack(run) is not None


@pytest.mark.parametrize("sizes", cuts.CUTS.values(), ids=cuts.CUTS)
@pytest.mark.parametrize("size", [1000, 65536, 3 * MIB])
def test_memory_does_not_grow_with_the_image(size, sizes):
    noise = random.Random(11).randbytes(3 * MIB)
    chunks = (noise[at : at + size] for _ in range(4) for at in range(0, len(noise), size))
    tracemalloc.start()
    try:
        for _ in writer.write(chunks, 0, held.NOTHING, 4 * len(noise), sizes=sizes):
            pass
        _kept, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # Two runs, a chunk that came, and one that is being sent.
    assert peak < 3 * frames.RUN + size + MIB // 2
