# SPDX-License-Identifier: Apache-2.0
"""Keys in memory: gone on time, never shown."""

import pickle
import secrets
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from ims_glance.keys.cache import KeyCache
from tests.base import Clock, in_child, spellings

SECONDS = 0.3
PATIENCE = 240.0


class Aging(KeyCache):
    """Keeps keys for so long as the test says; its sweeper looks every few tenths of a second."""

    def __init__(self) -> None:
        super().__init__(2, SECONDS)
        self.clock = Clock(self)


def stop(cache: KeyCache) -> None:
    """Do not wait for the end of the keys' time."""
    with cache._lock:
        if cache._sweeper is not None:
            cache._sweeper.cancel()


def until(look: Callable[[], bool]) -> None:
    """Wait for the sweeper."""
    end = time.monotonic() + PATIENCE
    while not look():
        assert time.monotonic() < end
        time.sleep(0.02)


def wiped(*kept: bytearray) -> bool:
    """Whether nothing but zeros is left of keys of three bytes."""
    return all(bytes(key) == bytes(3) for key in kept)


def test_a_key_is_kept_for_its_time():
    cache = Aging()
    cache.remember("a", b"key")
    kept = cache["a"]
    cache.clock.now += SECONDS / 2
    assert cache.find("a") == b"key"
    assert cache.find("b") is None
    cache.clock.now += SECONDS
    # Nobody asked for it in the meantime.
    until(lambda: wiped(kept))
    assert len(cache) == 0
    assert cache.find("a") is None


def test_a_later_key_is_wiped_on_its_own_time():
    cache = Aging()
    cache.remember("a", b"one")
    cache.clock.now += SECONDS * 2 / 3
    cache.remember("b", b"two")
    kept = cache["b"]
    cache.clock.now += SECONDS * 2 / 3
    assert cache.find("a") is None
    assert cache.find("b") == b"two"
    cache.clock.now += SECONDS
    until(lambda: wiped(kept))


def test_a_key_is_wiped_on_time_after_a_fork():
    cache = Aging()
    cache.remember("a", b"one")

    def in_a_worker() -> bytes:
        cache.remember("b", b"two")
        kept = cache["b"]
        cache.clock.now += 2 * SECONDS
        until(lambda: wiped(kept))
        return bytes(kept)

    assert in_child(in_a_worker) == bytes(3)
    stop(cache)


def test_reading_a_key_does_not_prolong_its_time():
    cache = Aging()
    cache.remember("a", b"key")
    for _ in range(4):
        cache.find("a")
        cache.clock.now += SECONDS / 3
    assert cache.find("a") is None
    stop(cache)


def test_the_sweeper_ends_when_there_is_nothing_to_sweep():
    cache = KeyCache(2, SECONDS)
    cache.remember("a", b"key")
    until(lambda: cache._sweeper is None)


def test_no_more_keys_than_allowed():
    cache = KeyCache(2, 60)
    kept = []
    for n in range(5):
        cache.remember(str(n), b"key")
        kept.append(cache[str(n)])
    assert len(cache) == 2
    assert [wiped(key) for key in kept] == [True, True, True, False, False]
    assert cache.find("4") == b"key"
    stop(cache)


def test_a_key_that_is_replaced_or_forgotten_is_wiped():
    cache = KeyCache(2, 60)
    cache.remember("a", b"old")
    old = cache["a"]
    cache.remember("a", b"new")
    new = cache["a"]
    assert wiped(old)
    assert bytes(new) == b"new"
    cache.forget("a")
    assert wiped(new)
    cache.forget("a")
    stop(cache)


def test_callers_get_copies():
    cache = KeyCache(2, 60)
    cache.remember("a", b"key")
    found = cache.find("a")
    cache.forget("a")
    assert found == b"key"
    stop(cache)


def test_zero_seconds_keep_nothing():
    cache = KeyCache(2, 0)
    cache.remember("a", b"key")
    assert cache.find("a") is None
    assert len(cache) == 0


def test_many_threads_and_a_short_life():
    cache = KeyCache(3, 0.001)
    wrong = []

    def use(number: int) -> None:
        for n in range(500):
            name = str((n + number) % 5)
            cache.remember(name, name.encode() * 32)
            if cache.find(name) not in (None, name.encode() * 32):
                wrong.append(name)
            cache.forget(name)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(use, range(4)))
    assert wrong == []


def test_the_cache_shows_no_key():
    cache, key = KeyCache(2, 60), secrets.token_bytes(32)
    cache.remember("a", key)
    shown = f"{cache} {cache!r} {cache['a']!r} {cache['a']} {dict(cache)}"
    assert not any(each in shown for each in spellings(key))
    with pytest.raises(TypeError):
        pickle.dumps(cache)
    stop(cache)
