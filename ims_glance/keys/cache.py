# SPDX-License-Identifier: Apache-2.0
"""Keys that were read, for the short time that they may be used again."""

import threading
from collections.abc import Iterable

import cachetools


class _Key(bytearray):
    """A key in the cache; *until* is when it is to be wiped, in seconds of the cache's timer."""

    until: float

    def __repr__(self) -> str:
        return "<key>"

    __str__ = __repr__


class KeyCache(cachetools.TTLCache[str, _Key]):
    """Keys by id: at most *size*, each for *seconds*, overwritten with zeros when they leave.

    A timer wipes them on time even if nobody asks again. (Copies that Python or OpenSSL made of
    a key cannot be reached from here.)
    """

    def __init__(self, size: int, seconds: float) -> None:
        super().__init__(maxsize=size, ttl=seconds)
        self._seconds = seconds
        self._lock = threading.RLock()
        self._sweeper: threading.Timer | None = None

    def find(self, key_id: str) -> bytes | None:
        """A copy of the key, or ``None``."""
        with self._lock:
            key = self.get(key_id)
            return None if key is None else bytes(key)

    def remember(self, key_id: str, key: bytes) -> None:
        """Keep a copy of the key."""
        if not self._seconds:
            return
        kept = _Key(key)
        with self._lock:
            self.forget(key_id)
            kept.until = self.timer() + self._seconds
            self[key_id] = kept
            # The timer of the process that this one was forked from does not run here.
            if self._sweeper is None or not self._sweeper.is_alive():
                self._sweep_after(self._seconds)

    def forget(self, key_id: str) -> None:
        """Wipe the key, if it is there."""
        # The time is held, for pop() looks at it twice.
        with self._lock, self.timer:
            _wipe([self.pop(key_id, _Key())])

    def popitem(self) -> tuple[str, _Key]:
        """Evict an entry (called when the cache is full)."""
        key_id, key = super().popitem()
        _wipe([key])
        return key_id, key

    def expire(self, time: float | None = None) -> list[tuple[str, _Key]]:
        """Drop what is past its time."""
        expired = list(super().expire(time))
        _wipe(key for _key_id, key in expired)
        return expired

    def _sweep_after(self, seconds: float) -> None:
        # A little later, so that one sweep clears what ends at nearly the same time.
        self._sweeper = threading.Timer(seconds + 0.1, self._sweep)
        self._sweeper.daemon = True
        self._sweeper.start()

    def _sweep(self) -> None:
        with self._lock, self.timer as now:
            self.expire(now)
            self._sweeper = None
            if self:
                self._sweep_after(min(key.until for key in self.values()) - now)


def _wipe(keys: Iterable[bytearray]) -> None:
    for key in keys:
        key[:] = bytes(len(key))
