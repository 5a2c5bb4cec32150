# SPDX-License-Identifier: Apache-2.0
"""What is expanded has the size that it should have, and never more."""

import tracemalloc
import zlib

import pytest
import zstandard

from ims_glance.formats import deflated
from ims_glance.formats.refusals import FileRefused

PLAIN = b"abc" * 10_000
BOMB = bytes(64 << 20)


def _raw(data):
    packer = zlib.compressobj(wbits=-12)
    return packer.compress(data) + packer.flush()


WAYS = {
    "zlib": (zlib.compress, deflated.inflate),
    "deflate": (_raw, deflated.inflate_raw),
    "zstd": (zstandard.compress, deflated.unzstd),
}
ways = pytest.mark.parametrize("way", WAYS)


@ways
def test_all_of_it(way):
    pack, expand = WAYS[way]
    assert expand(pack(PLAIN), len(PLAIN), "it") == PLAIN


@ways
def test_what_follows_is_not_looked_at(way):
    pack, expand = WAYS[way]
    assert expand(pack(PLAIN) + b"\xffrest", len(PLAIN), "it") == PLAIN
    assert expand(pack(PLAIN), 100, "it") == PLAIN[:100]


@ways
@pytest.mark.parametrize("data", [b"", b"\xff" * 100, b"\0" * 100])
def test_what_is_damaged(way, data):
    with pytest.raises(FileRefused, match="the block"):
        WAYS[way][1](data, 100, "the block")


@ways
def test_what_is_cut_or_too_short(way):
    pack, expand = WAYS[way]
    with pytest.raises(FileRefused, match="the block expands to"):
        expand(pack(PLAIN)[:-10], len(PLAIN), "the block")
    with pytest.raises(FileRefused, match="the block expands to 30000 bytes instead of 30001"):
        expand(pack(PLAIN), 30_001, "the block")


@ways
def test_a_bomb_is_expanded_no_further_than_asked(way):
    pack, expand = WAYS[way]
    bomb = pack(BOMB)
    tracemalloc.start()
    assert expand(bomb, 65536, "it") == bytes(65536)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 << 20


def test_zstd_that_wants_much_memory():
    parameters = zstandard.ZstdCompressionParameters(window_log=27)
    packer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    bomb = packer.compress(BOMB) + packer.flush()
    with pytest.raises(FileRefused, match="cannot be expanded"):
        deflated.unzstd(bomb, 65536, "it")
