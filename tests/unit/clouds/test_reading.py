# SPDX-License-Identifier: Apache-2.0
"""Reading has an end, however slowly and however much comes; what is asked of regions is in ``test_rest``."""

import pytest

from ims_glance.clouds import reading
from tests.unit.clouds.still_clock import StillClock


class Answer:
    """Bytes that come part by part, each after a while by a clock of the test's."""

    def __init__(self, *parts, clock=None, seconds=0.0, status=200):
        self.raw, self.status_code, self.reason, self.headers = self, status, "said", {"a": "b"}
        self._parts, self._clock, self._seconds = list(parts), clock, seconds
        self.is_closed = False

    def read1(self, most):
        if self._clock is not None:
            self._clock.now += self._seconds
        if not self._parts:
            return b""
        part = self._parts.pop(0)
        if isinstance(part, Exception):
            raise part
        self._parts[:0] = [part[most:]] if len(part) > most else []
        return part[:most]

    def close(self):
        self.is_closed = True


@pytest.mark.parametrize("parts", [[], [b"abcde"], [b"a", b"bcd", b"e"], [b"abc", b"de"]])
def test_chunks_are_full_but_for_the_last(parts):
    found = list(reading.chunks(Answer(*parts), 3))
    assert b"".join(found) == b"".join(parts)
    assert all(len(each) == 3 for each in found[:-1])


def test_a_chunk_that_takes_too_long(monkeypatch):
    clock, seconds = StillClock(monkeypatch, reading), 0.4 * reading.CHUNK_SECONDS
    chunks = reading.chunks(Answer(b"abc", *[b"x"] * 9, clock=clock, seconds=seconds), 3)
    assert next(chunks) == b"abc"
    # Nobody asked for it meanwhile.
    clock.now += 2 * reading.CHUNK_SECONDS
    with pytest.raises(reading.TooSlow, match="bytes came in"):
        list(reading.chunks(Answer(*[b"x"] * 9, clock=clock, seconds=seconds), 30))
    assert next(chunks) == b"xxx"


def test_an_answer_is_read_and_closed():
    answer = Answer(b"ab", b"c")
    found = reading.contents(answer)
    assert found == reading.Contents(200, "said", {"a": "b"}, b"abc")
    assert answer.is_closed


@pytest.mark.parametrize("error", [reading.TooLong, reading.TooSlow, OSError])
def test_of_a_refusal_the_beginning_does(monkeypatch, error):
    monkeypatch.setattr(reading, "_MOST", 5)
    monkeypatch.setattr(reading, "_MOST_OF_REFUSAL", 5)
    monkeypatch.setattr(reading, "_SECONDS", 60.0 if error is not reading.TooSlow else 0.0)
    parts: dict[type[Exception], list[bytes | OSError]] = {
        reading.TooLong: [b"abcd", b"efgh"],
        reading.TooSlow: [b"a", b"b"],
        OSError: [b"abc", OSError("gone")],
    }
    with pytest.raises(error):
        reading.contents(Answer(*parts[error]))
    refusal = reading.contents(Answer(*parts[error], status=403))
    assert b"abcde".startswith(refusal.content)
    assert refusal.content
