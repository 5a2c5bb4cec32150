# SPDX-License-Identifier: Apache-2.0
"""What is done beside an upload changes no byte, and ends with it."""

import itertools
import threading

import pytest

from ims_glance.flows.copy import beside

CHUNKS = [bytes([number]) * (number + 1) for number in range(50)]


def began():
    """What the thread that reads ahead does first."""


def test_chunks_that_are_read_ahead_come_in_their_order():
    with beside.ahead(iter(CHUNKS), began) as read:
        assert list(read) == CHUNKS


def test_a_few_are_read_before_anybody_asks_and_no_more():
    asked, enough = [], threading.Event()

    def chunks():
        for number in itertools.count():
            asked.append(number)
            if number == 3:
                enough.set()
            yield b"x"

    with beside.ahead(chunks(), began) as read:
        assert enough.wait(10)
        assert next(read) == b"x"
    assert len(asked) <= 6


def test_the_thread_says_that_it_begins():
    seen = []
    with beside.ahead(iter([b"x"]), lambda: seen.append(threading.current_thread())) as read:
        assert list(read) == [b"x"]
    assert seen != [threading.current_thread()]


class _Ended(BaseException):
    """No exception that somebody catches."""


@pytest.mark.parametrize("error", [OSError, _Ended])
def test_what_reading_raises_comes_behind_what_was_read(error):
    def chunks():
        yield b"one"
        raise error

    with beside.ahead(chunks(), began) as read:
        assert next(read) == b"one"
        with pytest.raises(error):
            next(read)


def test_nothing_is_read_when_the_upload_has_broken():
    source = iter(CHUNKS)
    with pytest.raises(ZeroDivisionError), beside.ahead(source, began) as read:
        next(read)
        raise ZeroDivisionError
    left = len(list(source))
    assert left >= len(CHUNKS) - 6


@pytest.mark.parametrize("size", [50, 64, 1000, 10_000])
def test_gathered_chunks_are_the_same_bytes(size):
    found = list(beside.gathered(CHUNKS, size))
    assert b"".join(found) == b"".join(CHUNKS)
    assert max(map(len, found)) <= size
    # No two of them would have gone together.
    assert all(len(a) + len(b) > size for a, b in itertools.pairwise(found))


def test_nothing_is_gathered_to_nothing():
    assert list(beside.gathered([], 10)) == []
