# SPDX-License-Identifier: Apache-2.0
"""Pieces of an image by its content: the same ones for the same content, in every version and wherever it lies."""

import itertools
import random
import tracemalloc

import blake3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ims_glance.transfer import cuts, frames
from ims_glance.transfer.held import HELD_LIMIT, piece_prefix
from tests.unit.transfer import streams
from tests.unit.transfer.streams import SMALL_CONTENT

MIB = 1 << 20
BLOCK, MOST = SMALL_CONTENT.block, SMALL_CONTENT.piece
NOISE = random.Random(1).randbytes(4 * MIB)
images = st.builds(
    streams.image, st.integers(0, 5), st.text("0rt", max_size=30), st.integers(1, 64)
)


def by_the_text(data, offset, block, most, below):
    """The pieces as the text of the format has them, written without its code."""
    ends = [*range(block - offset % block, len(data), block), len(data)]
    blocks = [data[begin:end] for begin, end in itertools.pairwise([0, *ends])] if data else []
    pieces, is_zeros, has_ended = [b""], False, False
    for each in blocks:
        zeros = not each.strip(b"\0")
        before = pieces[-1]
        if before and (
            zeros != is_zeros or (not zeros and (len(before) + block > most or has_ended))
        ):
            pieces.append(b"")
        pieces[-1] += each
        is_zeros, has_ended = zeros, blake3.blake3(each).digest()[0] < below
    return pieces if data else []


def joined_zeros(pieces):
    """The same with all zeros that follow each other in one piece, as they are sent."""
    for is_zeros, group in itertools.groupby(pieces, lambda piece: not piece.strip(b"\0")):
        found = list(group)
        yield from [b"".join(found)] if is_zeros else found


@given(data=images, offset=st.integers(0, 70), size=st.integers(1, 300))
def test_pieces_are_those_of_the_text(data, offset, size):
    chunks = streams.chunks(data[offset:], size)
    found = list(SMALL_CONTENT.cut(chunks, offset))
    assert b"".join(found) == data[offset:]
    assert all(0 < len(each) <= MOST for each in found if each.strip(b"\0"))
    assert list(joined_zeros(found)) == by_the_text(data[offset:], offset, BLOCK, MOST, 128)


@pytest.mark.parametrize(("name", "below"), [("content-32768", 32), ("content-65536", 16)])
def test_the_cuts_that_there_are(name, below):
    data = NOISE[: 2 * MIB] + bytes(300_000) + b"text " * 100_000 + NOISE[2 * MIB :]
    found = list(cuts.CUTS[name].cut(streams.chunks(data, 100_000), 0))
    most = {"content-32768": 65_536, "content-65536": 126_976}[name]
    assert list(joined_zeros(found)) == by_the_text(data, 0, 4096, most, below)


@pytest.mark.parametrize(
    ("name", "count", "digest"),
    [
        ("fixed-65536", 64, "c23d48b17b98056e"),
        ("content-32768", 154, "adff6d99bf4844f9"),
        ("content-65536", 91, "8749379aa14bea4c"),
    ],
)
def test_they_stay_as_they_are(name, count, digest):
    """Another region may have another version: these are never to be changed, but get new names."""
    lengths = [len(each) for each in cuts.CUTS[name].cut([NOISE], 0)]
    assert len(lengths) == count
    assert frames.digest(repr(lengths).encode()).hex()[:16] == digest


@given(images, st.integers(1, 20))
def test_pieces_do_not_depend_on_where_one_began_before(data, number):
    pieces = list(SMALL_CONTENT.cut([data], 0))
    at = len(b"".join(pieces[:number]))
    assert list(joined_zeros(SMALL_CONTENT.cut([data[at:]], at))) == list(
        joined_zeros(pieces[number:])
    )


def test_what_moves_is_found_again():
    """All but the pieces that the change is in, and those beside them."""
    sizes = cuts.CONTENT[0]
    before = {piece_prefix(each) for each in sizes.cut([NOISE], 0)}
    moved = NOISE[: MIB + 4096] + b"new" + bytes(4093) + NOISE[MIB + 4096 :]
    new = [each for each in sizes.cut([moved], 0) if piece_prefix(each) not in before]
    assert 0 < len(b"".join(new)) <= 2 * sizes.piece + 4096
    fixed = {piece_prefix(each) for each in cuts.FIXED.cut([NOISE], 0)}
    lost = [each for each in cuts.FIXED.cut([moved], 0) if piece_prefix(each) not in fixed]
    assert len(b"".join(lost)) > 2 * MIB


@pytest.mark.parametrize("data", [b"\1" * 4096, bytes(range(256)) * 16])
def test_what_repeats_makes_no_piece_longer(data):
    for sizes in cuts.CONTENT:
        found = [len(each) for each in sizes.cut(itertools.repeat(data, 1000), 0)]
        assert sum(found) == 1000 * 4096
        assert max(found) <= sizes.piece < 1 << 17


def test_pieces_are_of_the_length_that_the_name_says_about():
    fine, coarse = (NOISE.__len__() / len(list(each.cut([NOISE], 0))) for each in cuts.CONTENT)
    assert 24_000 < fine < 34_000
    assert 45_000 < coarse < 66_000


def test_all_pieces_of_what_is_there_can_be_named():
    fine, coarse = cuts.CONTENT
    assert cuts.by_content(0) is fine
    assert cuts.by_content(HELD_LIMIT * 32768) is fine
    assert cuts.by_content(HELD_LIMIT * 32768 + 1) is coarse
    assert cuts.by_content(1 << 50) is coarse


def test_a_cut_is_known_by_its_name():
    assert list(cuts.CUTS) == ["fixed-65536", "content-32768", "content-65536"]
    assert all(cut.name == name for name, cut in cuts.CUTS.items())


@pytest.mark.parametrize("sizes", cuts.CONTENT, ids=lambda sizes: sizes.name)
@pytest.mark.parametrize("data", [NOISE[:MIB], bytes(MIB), b"\1" * MIB])
def test_memory_is_that_of_a_few_pieces(sizes, data):
    tracemalloc.start()
    try:
        for _piece in sizes.cut(itertools.repeat(data, 8), 0):
            pass
        _kept, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 6 * sizes.piece
