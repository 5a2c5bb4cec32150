# SPDX-License-Identifier: Apache-2.0
"""The pipeline: every byte to every lane, and the right error out of it when one breaks."""

import hashlib
import sys
import threading
import time
import tracemalloc

import glance_store
import pytest
from glance_store.common import utils as store_utils
from hypothesis import given, settings
from hypothesis import strategies as st

from ims_glance.crypto import stream
from ims_glance.store import upload
from tests.base import PatternSource, in_child, pattern
from tests.unit.store.stores import FIRST, REST, lanes

SIZES = [0, 1, FIRST - 1, FIRST, FIRST + 1, FIRST + REST, FIRST + 9 * REST + 1]


class Boom(Exception):
    """What a part of an upload fails with here."""


class Writer:
    """A lane's work that keeps what it is given.

    :param fail_at: number of the segment it fails at; -1 to fail before the first one
    """

    def __init__(self, fail_at: int | None = None, fail_at_end: bool = False) -> None:
        self.segments: list[upload.Segment] = []
        self.saw: BaseException | None = None
        self._fail_at = fail_at
        self._fail_at_end = fail_at_end

    def __call__(self, segments) -> None:
        if self._fail_at == -1:
            raise Boom("write")
        try:
            for segment in segments:
                self.segments.append(segment)
                if segment.number == self._fail_at:
                    raise Boom("write")
        except BaseException as error:
            self.saw = error
            raise
        if self._fail_at_end:
            raise Boom("write")

    @property
    def data(self) -> bytes:
        """All plaintext it was given."""
        return b"".join(segment.plaintext for segment in self.segments)


class Breaking:
    """A source that breaks off at a byte, as when the client is gone."""

    def __init__(self, fail_at: int) -> None:
        self._source = PatternSource(fail_at)

    def read(self, size: int) -> bytes:
        """At most *size* bytes."""
        piece = self._source.read(size)
        if not piece:
            raise Boom("source")
        return piece


class Verifier:
    """An image signature's verifier."""

    def __init__(self, fail_at: int | None = None) -> None:
        self.data = b""
        self._fail_at = fail_at
        self._updates = 0

    def update(self, data: bytes) -> None:
        """Take in more."""
        self.data += data
        self._updates += 1
        if self._updates == self._fail_at:
            raise Boom("verifier")


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("size", SIZES)
def test_every_byte_arrives(size, known):
    writer, verifier, expected = Writer(), Verifier(), pattern(0, size)
    digests = upload.move(PatternSource(size), size if known else 0, "sha512", writer, verifier)
    assert digests == (
        size,
        hashlib.md5(expected, usedforsecurity=False).hexdigest(),
        hashlib.sha512(expected).hexdigest(),
    )
    assert writer.data == expected
    assert verifier.data == expected
    assert [segment.number for segment in writer.segments] == list(
        range(stream.segment_count(size))
    )
    assert [segment.last for segment in writer.segments[:-1]] == [False] * (
        len(writer.segments) - 1
    )
    assert writer.segments[-1].last
    sizes = [len(segment.plaintext) for segment in writer.segments]
    assert sizes == [segment.plaintext_size for segment in stream.segments(size)]


@pytest.mark.parametrize("algorithm", ["sha256", "sha512", "sha3_256", "md5"])
def test_the_multihash_is_what_glance_is_set_to(algorithm):
    digests = upload.move(PatternSource(1000), 1000, algorithm, Writer())
    assert digests.multihash == hashlib.new(algorithm, pattern(0, 1000)).hexdigest()


def test_an_unknown_algorithm_starts_nothing():
    with pytest.raises(ValueError, match="sha0"):
        upload.move(PatternSource(10), 10, "sha0", Writer())
    assert lanes() == []


@settings(max_examples=30)
@given(
    size=st.sampled_from([0, 1, 5000, FIRST, FIRST + 1, FIRST + REST]),
    pieces=st.lists(st.integers(1000, 3_000_000), min_size=1, max_size=4),
)
def test_a_source_may_give_less_than_asked(size, pieces):
    writer = Writer()
    digests = upload.move(PatternSource(size, pieces), size, "sha256", writer)
    assert digests.size == size
    assert writer.data == pattern(0, size)


def test_a_source_may_give_single_bytes():
    writer = Writer()
    upload.move(PatternSource(3000, [1]), 3000, "sha256", writer)
    assert writer.data == pattern(0, 3000)


@pytest.mark.parametrize("size", SIZES[1:])
@pytest.mark.parametrize("difference", [-FIRST, -1, 1, REST, 100 * REST])
def test_another_size_than_announced_is_refused(size, difference):
    if size + difference <= 0:
        difference = 1
    writer = Writer()
    with pytest.raises(glance_store.Invalid, match=f"expected {size} bytes"):
        upload.move(PatternSource(size + difference), size, "sha256", writer)
    assert isinstance(writer.saw, upload.UploadAborted)
    assert lanes() == []


def test_an_endless_source_is_not_read_to_its_end():
    source = PatternSource(1 << 60)
    with pytest.raises(glance_store.Invalid, match="got more"):
        upload.move(source, 5, "sha256", Writer())
    assert source.read(1) == pattern(FIRST + REST, 1)


@pytest.mark.parametrize("fail_at", [0, 1, FIRST, FIRST + REST - 1, FIRST + 20 * REST])
@pytest.mark.parametrize("announced", [0, FIRST + 30 * REST])
def test_when_the_client_goes_away(fail_at, announced):
    writer = Writer()
    with pytest.raises(Boom, match="source"):
        upload.move(Breaking(fail_at), announced, "sha256", writer)
    assert isinstance(writer.saw, upload.UploadAborted)
    assert lanes() == []


@pytest.mark.parametrize("fail_at", [-1, 0, 1, 5, 30])
def test_when_writing_fails(fail_at):
    with pytest.raises(Boom, match="write"):
        upload.move(PatternSource(FIRST + 30 * REST), 0, "sha256", Writer(fail_at))
    assert lanes() == []


def test_when_writing_fails_at_the_very_end():
    """As fdatasync() does on a full disk."""
    with pytest.raises(Boom, match="write"):
        upload.move(PatternSource(10), 10, "sha256", Writer(fail_at_end=True))


@pytest.mark.parametrize("fail_at", [1, 2, 20])
def test_when_the_verifier_fails(fail_at):
    writer = Writer()
    with pytest.raises(Boom, match="verifier"):
        upload.move(PatternSource(FIRST + 19 * REST), 0, "sha256", writer, Verifier(fail_at))
    assert lanes() == []


@pytest.mark.parametrize("lane", ["md5", "sha256"])
def test_when_hashing_fails(monkeypatch, lane):
    class Broken:
        def update(self, _data):
            raise Boom(lane)

    real = store_utils.get_hasher
    monkeypatch.setattr(
        store_utils,
        "get_hasher",
        lambda name, _security: Broken() if name == lane else real(name, False),
    )
    writer = Writer()
    with pytest.raises(Boom, match=lane):
        upload.move(PatternSource(FIRST + 19 * REST), 0, "sha256", writer)
    assert lanes() == []


def test_a_writer_may_stop_early():
    """What a driver does not read does not hold up the others."""

    def write(segments):
        next(segments)

    digests = upload.move(PatternSource(FIRST + 20 * REST), 0, "sha256", write)
    assert digests.size == FIRST + 20 * REST


def test_a_writer_that_swallows_the_abort_gets_no_more():
    seen: list[int] = []

    def write(segments):
        try:
            for segment in segments:
                seen.append(segment.number)
        except upload.UploadAborted:
            seen.extend(segment.number for segment in segments)

    with pytest.raises(Boom, match="source"):
        upload.move(Breaking(FIRST + 2 * REST), 0, "sha256", write)
    assert seen == [0, 1]


def test_no_thread_is_left_when_there_are_too_many(monkeypatch):
    real = threading.Thread.start
    started: list[threading.Thread] = []

    def start(thread):
        if len(started) == 2:
            raise RuntimeError("can't start new thread")
        started.append(thread)
        real(thread)

    monkeypatch.setattr(threading.Thread, "start", start)
    with pytest.raises(RuntimeError, match="can't start"):
        upload.move(PatternSource(10), 10, "sha256", Writer())
    assert lanes() == []


def test_lanes_work_side_by_side():
    """Two lanes wait for each other at the second segment: one after the other could not go on."""
    barrier = threading.Barrier(2, timeout=240)

    def write(segments):
        for segment in segments:
            if segment.number == 1:
                barrier.wait()

    class Waiting(Verifier):
        def update(self, data):
            super().update(data)
            if self._updates == 2:
                barrier.wait()

    upload.move(PatternSource(FIRST + 3 * REST), 0, "sha256", write, Waiting())
    assert not barrier.broken


_PIECE = 256 << 10
_PIECES = -(-REST // _PIECE)  # of a segment
# While a lane works on a segment, others wait for it, one for room, and the one behind has been read.
_AHEAD = upload._DEPTH + 2


def _used(count: int, looked_at: set[int]) -> tuple[list[int], int]:
    """Bytes that an upload uses while its writer is at some segments, and the most that it ever does.

    :param count: of the segments
    :param looked_at: their numbers
    """
    reader = threading.get_ident()
    source = PatternSource(FIRST + (count - 1) * REST, [_PIECE])
    used = []

    def write(segments) -> None:
        """Let the reader get as far ahead as it can: what is held then is the same each time."""
        for segment in segments:
            if segment.number in looked_at:
                _wait_until_read(source, _PIECES * (segment.number + _AHEAD + 1), reader)
                used.append(tracemalloc.get_traced_memory()[0])

    tracemalloc.start()
    upload.move(source, 0, "sha256", write)
    return used, tracemalloc.get_traced_memory()[1]


def _wait_until_read(source: PatternSource, reads: int, reader: int) -> None:
    """Wait until so much was read, and the thread that does so waits for somebody itself."""
    end = time.monotonic() + 240
    while (
        source.reads < reads
        or sys._current_frames()[reader].f_code is not threading.Condition.wait.__code__
    ):
        assert time.monotonic() < end
        time.sleep(0.01)
    assert source.reads == reads, "it reads ahead further"


def test_memory_does_not_grow_with_the_image():
    """However the lanes take turns: beside what is held, one may not have let go of the segment before.

    And one is in pieces, and being put together.
    """
    (soon, late), most = in_child(_used, 300, {20, 280})
    assert abs(late - soon) < 64 << 10
    assert most < (_AHEAD + 4) * stream.SEGMENT_SIZE
