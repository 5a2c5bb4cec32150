# SPDX-License-Identifier: Apache-2.0
"""An object as formats read it: few requests, each byte about once, and patience for a moment."""

import random

import pytest

from ims_glance.clouds import rest
from ims_glance.clouds.objects import source as module
from ims_glance.clouds.objects.base import FileChanged, FileUnreadable, FoundFile, ObjectStore
from ims_glance.clouds.objects.source import BLOCK, SMALL_BLOCK, ObjectSource
from ims_glance.model.bucket import BucketFile
from tests.base import pattern

DATA = pattern(0, 30 * BLOCK + 12_345)


class Store(ObjectStore):
    """Has the one object."""

    def __init__(self):
        self.failures = []

    def head(self, file):
        """It is there."""
        return FoundFile(file, len(DATA), "e")

    def read(self, found, offset, length):
        """A range of it, all within."""
        assert 0 <= offset < offset + length <= len(DATA)
        if self.failures:
            raise self.failures.pop(0)
        return DATA[offset : offset + length]

    def large_file(self, file, owner, pause):
        """Nothing is written here."""
        raise NotImplementedError


@pytest.fixture
def store():
    return Store()


@pytest.fixture
def pauses():
    return []


@pytest.fixture
def source(store, pauses):
    return ObjectSource(store, store.head(BucketFile("b", "o")), pauses.append)


def test_in_order(source):
    read = b"".join(source.read(at, 100_000) for at in range(0, len(DATA), 100_000))
    assert read == DATA
    assert source.received == len(DATA)
    assert source.requests == 9


def test_tables_are_looked_at_again_and_again(source):
    for at in range(10 * BLOCK):
        if at % 50_021 == 0:
            assert source.read(3, 8) == DATA[3:11]
            assert source.read(20 * BLOCK + 5, 8) == DATA[20 * BLOCK + 5 :][:8]
            assert source.read(at, 512) == DATA[at : at + 512]
    # Two tables, and what was asked for in advance.
    assert source.received <= 18 * BLOCK
    assert source.requests <= 8


def test_a_few_bytes_do_not_cost_many(source):
    source.read(0, 512)
    source.read(len(DATA) - 512, 512)
    assert source.received < 2 * BLOCK


def test_where_little_is_read_little_comes(store):
    source = ObjectSource(store, store.head(BucketFile("b", "o")), block=SMALL_BLOCK)
    for at in range(0, len(DATA) - 9, 3 * BLOCK):
        assert source.read(at + 5, 4) == DATA[at + 5 : at + 9]
    assert source.requests == 11
    assert source.received <= 11 * SMALL_BLOCK


def test_small_blocks_in_order_are_large_ranges_too(store):
    source = ObjectSource(store, store.head(BucketFile("b", "o")), block=SMALL_BLOCK)
    read = b"".join(source.read(at, 100_000) for at in range(0, len(DATA), 100_000))
    assert read == DATA
    assert source.received == len(DATA)
    assert source.requests < 14


def test_anywhere(source):
    chance = random.Random(5)
    for _ in range(300):
        at, length = chance.randrange(len(DATA)), chance.randrange(3 * BLOCK)
        assert source.read(at, length) == DATA[at : at + length]


def test_at_the_end(source):
    assert source.size == len(DATA)
    assert source.read(len(DATA) - 5, 100) == DATA[-5:]
    assert source.read(len(DATA), 1) == source.read(len(DATA) + BLOCK, 1) == b""
    assert source.read(0, 0) == b""


def _away():
    return rest.ServiceUnavailable(service="Object Storage", reason="503")


def test_a_storage_that_is_away_for_a_moment(source, store, pauses):
    store.failures = [_away(), _away()]
    assert source.read(0, 9) == DATA[:9]
    assert pauses == [1, 2]


def test_a_storage_that_is_away(source, store, pauses):
    store.failures = [_away() for _ in range(9)]
    with pytest.raises(rest.ServiceUnavailable):
        source.read(0, 9)
    assert sum(pauses) < 10


def test_what_was_changed_is_not_asked_for_again(source, store, pauses):
    store.failures = [FileChanged(file="b:o")]
    with pytest.raises(FileChanged):
        source.read(0, 9)
    assert pauses == []


def test_a_file_that_jumps_is_not_read_for_ever(source, monkeypatch):
    """Of clusters of 512 bytes in the worst order each would cost a MiB."""
    monkeypatch.setattr(module, "_TIMES", 4)
    with pytest.raises(FileUnreadable, match="was read 4 times over") as refused:
        for turn in range(50):
            for number in reversed(range(30)):
                source.read(number * BLOCK + turn * 512, 512)
    assert refused.value.code == "IMG.0057"
    assert 3 * len(DATA) < source.received <= 4 * len(DATA)


def test_who_reads_may_be_stopped(store):
    looks = []
    stopped = ObjectSource(store, store.head(BucketFile("b", "o")), check=lambda: looks.append(1))
    stopped.read(0, 5)
    stopped.read(0, 5)
    assert len(looks) == 2
