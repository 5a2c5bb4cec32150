# SPDX-License-Identifier: Apache-2.0
"""gzip and zstd are expanded a piece at a time, and only if they are whole."""

import gzip
import random
import tracemalloc
import zlib
from collections.abc import Callable

import pytest
import zstandard

from ims_glance.formats.packed import streams
from ims_glance.formats.refusals import FileRefused
from ims_glance.formats.source import PIECE, Cursor
from tests.unit.formats.files import MIB, InMemory, disk

PLAIN = disk(3 * MIB + 1536)


def zstd(data, **options):
    return zstandard.ZstdCompressor(**options).compress(data)


def zstd_stream(data):
    """As ``zstd`` does with a pipe: it does not know the size."""
    packer = zstandard.ZstdCompressor(write_checksum=True).compressobj()
    return packer.compress(data) + packer.flush()


PACK: dict[str, Callable[[bytes], bytes]] = {"gz": gzip.compress, "zst": zstd}
kinds = pytest.mark.parametrize("kind", PACK)


def expand(kind, data):
    out = []
    for piece in streams.EXPAND[kind](Cursor(InMemory(data))):
        assert 0 < len(piece) <= PIECE
        out.append(piece)
    return b"".join(out)


@kinds
@pytest.mark.parametrize("size", [0, 1, 65536, len(PLAIN)])
def test_all_of_it(kind, size):
    assert expand(kind, PACK[kind](PLAIN[:size])) == PLAIN[:size]


@pytest.mark.parametrize(
    "packed",
    [
        zstd(PLAIN, level=1),
        zstd(PLAIN, level=19),
        zstd(PLAIN, write_checksum=True),
        zstd(PLAIN, write_content_size=False),
        zstd(bytes(len(PLAIN))),
        zstd(random.Random(1).randbytes(300_000)),
        zstd_stream(PLAIN),
    ],
)
def test_kinds_of_zstd_frames(packed):
    assert expand("zst", packed) == zstandard.ZstdDecompressor().decompressobj().decompress(packed)


@kinds
def test_several_in_a_row(kind):
    pack = PACK[kind]
    assert expand(kind, pack(PLAIN) + pack(b"") + pack(b"abc")) == PLAIN + b"abc"


def test_what_is_passed_over():
    skipped = b"\x53\x2a\x4d\x18" + (5).to_bytes(4, "little") + b"hello"
    assert expand("zst", skipped + zstd(b"abc") + skipped) == b"abc"
    assert expand("gz", gzip.compress(b"abc") + bytes(5000)) == b"abc"
    with pytest.raises(FileRefused, match="end too early"):
        expand("zst", skipped[:-1])


@kinds
@pytest.mark.parametrize("keep", [5, 12, 1000, 60_000, -1, -4, -9])
def test_what_is_cut(kind, keep):
    packed = PACK[kind](PLAIN) if kind == "gz" else zstd(PLAIN, write_checksum=True)
    with pytest.raises(FileRefused):
        expand(kind, packed[:keep])


@kinds
def test_what_follows(kind):
    with pytest.raises(FileRefused, match=r"something else behind|not there as a whole"):
        expand(kind, PACK[kind](PLAIN) + b"evil!")
    with pytest.raises(FileRefused):
        expand(kind, PACK[kind](PLAIN) + PACK[kind](PLAIN)[:100])


@kinds
def test_each_byte_is_looked_at(kind):
    packed = (
        gzip.compress(PLAIN[:20_000]) if kind == "gz" else zstd(PLAIN[:20_000], write_checksum=True)
    )
    chance = random.Random(2)
    harmless = 0
    for _ in range(300):
        place = chance.randrange(10 if kind == "gz" else 9, len(packed))
        damaged = (
            packed[:place] + bytes([packed[place] ^ 1 << chance.randrange(8)]) + packed[place + 1 :]
        )
        # Some bits say nothing: those that fill up the last byte of a gzip member's data.
        try:
            assert expand(kind, damaged) == PLAIN[:20_000]
            harmless += 1
        except FileRefused:
            pass
    assert harmless < 10


def bomb(kind):
    if kind == "gz":
        packer = zlib.compressobj(9, wbits=31)
        return b"".join(packer.compress(bytes(MIB)) for _ in range(64)) + packer.flush()
    return zstd(bytes(64 * MIB))


@kinds
def test_a_bomb_takes_no_memory(kind):
    packed = bomb(kind)
    assert len(packed) < 100_000
    tracemalloc.start()
    assert sum(map(len, streams.EXPAND[kind](Cursor(InMemory(packed))))) == 64 * MIB
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 6 * MIB


def crumbs(kind):
    """200,000 bytes, packed one or two at a time."""
    if kind == "gz":
        return gzip.compress(b"x") * 200_000
    block = (2 << 3).to_bytes(3, "little") + b"xx"
    last = (2 << 3 | 1).to_bytes(3, "little") + b"xx"
    return b"\x28\xb5\x2f\xfd\x00\x58" + block * 99_999 + last


@kinds
def test_crumbs_are_gathered(kind):
    """Each of the last 8 MiB would be an object of its own, and be passed at each read."""
    pieces = list(streams.EXPAND[kind](Cursor(InMemory(crumbs(kind)))))
    assert b"".join(pieces) == b"x" * 200_000
    assert min(map(len, pieces[:-1])) >= 65_536


def test_zstd_that_wants_much_memory():
    parameters = zstandard.ZstdCompressionParameters(window_log=27)
    packer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    with pytest.raises(FileRefused, match="without '--long'"):
        expand("zst", packer.compress(PLAIN) + packer.flush())


def test_blocks_that_zstd_does_not_have():
    head = b"\x28\xb5\x2f\xfd\x00\x58"
    for block in (b"\x07\x00\x00", b"\xff\xff\xf0"):
        with pytest.raises(FileRefused, match="damaged"):
            expand("zst", head + block + bytes(200_000))
