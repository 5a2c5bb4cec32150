# SPDX-License-Identifier: Apache-2.0
"""What both sides of a stream share: how ranges are cut, and checks that depend on all before them."""

import blake3
import pytest

from ims_glance.transfer import frames


@pytest.mark.parametrize(
    ("offset", "length", "expected"),
    [
        (0, 1, [(0, 1)]),
        (0, 64, [(0, 64)]),
        (0, 65, [(0, 64), (64, 1)]),
        (63, 2, [(63, 1), (64, 1)]),
        (10, 200, [(10, 54), (64, 64), (128, 64), (192, 18)]),
    ],
)
def test_pieces_end_at_multiples_of_their_size(offset, length, expected):
    sizes = frames.Sizes(piece=64, run=256)
    assert list(sizes.pieces(offset, length)) == expected
    assert sizes.count(offset, length) == len(expected)


def test_a_digest_is_blake3():
    # From the test vectors of BLAKE3's authors: of the one byte 0.
    expected = "2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213"
    assert frames.digest(b"\0").hex() == expected


def test_a_check_depends_on_what_was_before():
    one, other = frames.Chain(b"a"), frames.Chain(b"b")
    assert one.check(b"x", b"y") != other.check(b"x", b"y")
    before = frames.Chain(b"a").check(b"xy")
    assert one.check(b"z") == blake3.blake3(before + b"z").digest()[:8]


def test_a_frame_knows_where_it_ends():
    assert frames.Frame(frames.FrameKind.ZERO, 64, 128).end == 192
