# SPDX-License-Identifier: Apache-2.0
"""What works with any stock driver, tried with the stock ``file`` driver."""

import contextlib

import pytest
from glance_store import capabilities
from glance_store import exceptions as store_exceptions
from hypothesis import given, settings
from hypothesis import strategies as st

from ims_glance.store.inner import base
from ims_glance.store.inner.file import FileInner
from ims_glance.store.objects import EncryptedObjects
from tests.base import pattern
from tests.unit.store import stores
from tests.unit.store.stores import FIRST, REST

SIZE = 300_000
NAME = "ims-" + "0" * 32


class StockInner(base.InnerStore):
    """Over the stock ``file`` driver, with nothing of our own but the names."""

    uri = FileInner.uri
    objects = FileInner.objects
    _find = FileInner._find
    _directories = FileInner._directories


@pytest.fixture(scope="module")
def inner(tmp_path_factory):
    """One inner store."""
    directory = tmp_path_factory.mktemp("base") / "inner"
    ours = stores.file_inner(directory)
    return StockInner(ours.conf, "file", ours.group)


class Streams(base.InnerStore):
    """One object of :func:`pattern`; begins where it is asked to, or at 0 like most drivers.

    :ivar opened: offsets that streams were asked for
    :ivar open_streams: how many of them are open
    :ivar pieces: how many pieces were taken
    """

    def __init__(self, anywhere: bool, piece: int) -> None:
        self._anywhere = anywhere
        self._piece = piece
        self.opened: list[int] = []
        self.open_streams = 0
        self.pieces = 0

    def uri(self, name):
        raise NotImplementedError

    def objects(self, prefix=base.NAME_PREFIX):
        raise NotImplementedError

    def stream(self, name, offset):
        self.opened.append(offset)
        start = offset if self._anywhere else 0
        return self._pieces(start), start

    def _pieces(self, start):
        self.open_streams += 1
        try:
            for begin in range(start, SIZE, self._piece):
                self.pieces += 1
                yield pattern(begin, min(self._piece, SIZE - begin))
        finally:
            self.open_streams -= 1


ranges = st.lists(
    st.tuples(st.integers(0, SIZE + 10), st.integers(0, 100_000)), min_size=1, max_size=6
)


@pytest.mark.parametrize("size", [0, 1, SIZE])
def test_size(inner, size):
    name = f"ims-a{size:031d}"
    inner.put(name, [pattern(0, size)], size)
    assert inner.size(name) == size
    inner.delete(name)
    with pytest.raises(store_exceptions.NotFound):
        inner.size(name)


@settings(max_examples=100)
@given(anywhere=st.booleans(), piece=st.integers(1000, 200_000), reads=ranges)
def test_reading_one_after_the_other(anywhere, piece, reads):
    streams = Streams(anywhere, piece)
    with contextlib.closing(streams.open(NAME)) as reader:
        for offset, size in reads:
            expected = pattern(offset, max(0, min(size, SIZE - offset)))
            assert reader.read(offset, size) == expected
            assert streams.open_streams <= 1
    assert streams.open_streams == 0


@pytest.mark.parametrize("anywhere", [True, False])
def test_reading_on_opens_nothing_anew(anywhere):
    streams = Streams(anywhere, 777)
    reader = streams.open(NAME)
    for offset in range(0, SIZE, 10_000):
        assert reader.read(offset, 10_000) == pattern(offset, 10_000)
    assert streams.opened == [0]
    reader.read(SIZE, 10)
    assert streams.opened == [0]
    reader.read(5, 10)
    assert streams.opened == [0, 5]
    reader.close()
    reader.close()


def test_only_what_is_needed_is_taken():
    streams = Streams(True, 1000)
    reader = streams.open(NAME)
    reader.read(100_000, 1500)
    assert streams.pieces == 2


@settings(max_examples=100)
@given(
    sizes=st.lists(st.integers(0, 30_000), max_size=6),
    reads=st.lists(st.integers(1, 40_000), min_size=1, max_size=4),
)
def test_chunks_as_a_file(sizes, reads):
    buffer = bytearray(30_000)

    def chunks():
        done = 0
        for size in sizes:
            buffer[:size] = pattern(done, size)
            done += size
            yield memoryview(buffer)[:size]
        buffer[:] = bytes(len(buffer))

    file = base.file_of(chunks())
    received = b""
    while piece := file.read(reads[len(received) % len(reads)]):
        received += piece
    assert received == pattern(0, sum(sizes))
    assert file.read(1) == b""


def test_what_the_chunks_fail_with_passes():
    def chunks():
        yield b"abc"
        raise ConnectionError("gone")

    file = base.file_of(chunks())
    with pytest.raises(ConnectionError):
        file.read(100)


@pytest.mark.parametrize("known", [True, False])
def test_the_stock_driver_stores(inner, known):
    data = pattern(0, SIZE)
    inner.put(NAME, [data[:1000], data[1000:]], SIZE if known else 0)
    with contextlib.closing(inner.open(NAME)) as reader:
        assert reader.read(0, SIZE + 1) == data
        assert reader.read(100, 5) == data[100:105]
    with pytest.raises(store_exceptions.Duplicate):
        inner.put(NAME, [b"x"], 1)
    inner.delete(NAME)
    for call in (inner.open, inner.delete):
        with pytest.raises(store_exceptions.NotFound):
            call(NAME)


def test_encrypted_objects_over_any_driver(inner):
    key_ring = stores.KeyRing()
    objects = EncryptedObjects(inner, key_ring.read, key_ring.ask)
    size = FIRST + 2 * REST + 3
    object_id = stores.write(objects, size)
    assert stores.read(objects, object_id) == pattern(0, size)
    for offset, length in [(0, 1), (FIRST - 1, 2), (FIRST + REST, REST), (size - 1, 1)]:
        assert stores.read(objects, object_id, offset, length) == pattern(offset, length)
    assert list(objects.verify(object_id, stores.IMAGE_ID))[-1] == size
    objects.rekey(object_id, stores.NEW_KEY_ID)
    assert stores.read(objects, object_id, 5, 5) == pattern(5, 5)
    objects.delete(object_id)
    assert stores.names(objects) == []


def test_locations_are_the_stock_drivers(inner):
    where = inner.location(NAME)
    assert where.get_store_uri() == inner.uri(NAME)
    assert where.backend_group == "kms_inner"


def test_a_driver_that_is_not_reusable_is_made_anew(inner, monkeypatch):
    assert inner._stock_driver() is inner._stock_driver()
    monkeypatch.setattr(
        inner._shared,
        "is_capable",
        lambda *wanted: capabilities.BitMasks.DRIVER_REUSABLE not in wanted,
    )
    assert inner._stock_driver() is not inner._stock_driver()


def test_what_the_driver_refuses(tmp_path):
    with pytest.raises(store_exceptions.BadStoreConfiguration, match="file_perm"):
        stores.file_inner(tmp_path / "inner", filesystem_store_file_perm=177)
