# SPDX-License-Identifier: Apache-2.0
"""Parts on their way into a bucket; how files are written of them is in ``test_large_swift``."""

from ims_glance.clouds.objects.large import NewPart, PartBody


def test_a_part_in_memory_tells_its_length():
    part = NewPart.held(7, [b"ab", memoryview(b"c")])
    body = PartBody(part)
    assert (part.size, body.len) == (3, 3)
    assert b"".join(body) == b"abc"
    assert body.sent == 3


def test_it_is_sent_again_from_its_beginning():
    """As keystoneauth does with another token: not what is left of it."""
    body = PartBody(NewPart(0, lambda: iter([b"a", b"b"]), None))
    assert not hasattr(body, "len")
    assert next(iter(body)) == b"a"
    assert b"".join(body) == b"ab"
    assert body.sent == 2
