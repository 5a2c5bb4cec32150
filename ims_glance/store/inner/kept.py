# SPDX-License-Identifier: Apache-2.0
"""A connection that is kept: who needs it next need not wait until it is made."""

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

Made = TypeVar("Made")


class Kept(Generic[Made]):
    """A resource that many threads of a process use at once, made when it is first needed.

    What was made in another process is left alone here: its threads are not in a process that was
    forked, so it could not even be closed.

    :param make: gives a context manager of a new one
    :param seconds: for which one is used; then another is made
    :param harmless: exceptions that say nothing against the resource; after any other, another is made
    """

    def __init__(
        self,
        make: Callable[[], contextlib.AbstractContextManager[Made]],
        seconds: float,
        harmless: tuple[type[BaseException], ...] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._make = make
        self._seconds = seconds
        self._harmless = harmless
        self._clock = clock
        self._locks: dict[int, threading.Lock] = {}
        self._newest: _Use[Made] | None = None
        self._of_parents: list[_Use[Made]] = []

    @contextlib.contextmanager
    def use(self) -> Iterator[Made]:
        """The resource, for a block; others may use it at the same time.

        What making it raises passes through.
        """
        use = self._enter()
        try:
            yield use.made
        except BaseException as error:
            # Who ends a download early, or has none to begin with, does no harm either.
            if isinstance(error, Exception) and not isinstance(error, self._harmless):
                self._retire(use)
            raise
        finally:
            self._leave(use)

    def renew(self) -> None:
        """Have another one made for whoever comes next."""
        with self._lock:
            if self._newest is not None:
                self._retire_locked(self._newest)

    @property
    def _lock(self) -> threading.Lock:
        """That of this process: a fork may have come while another thread of the parent held its own."""
        return self._locks.setdefault(os.getpid(), threading.Lock())

    def _enter(self) -> "_Use[Made]":
        with self._lock:
            newest = self._newest
            if newest is not None and newest.process != os.getpid():
                self._of_parents.append(newest)
                self._newest = None
            elif newest is not None and self._clock() >= newest.until:
                self._retire_locked(newest)
            if self._newest is None:
                self._newest = _Use(self._make, self._clock() + self._seconds)
            self._newest.users += 1
            return self._newest

    def _leave(self, use: "_Use[Made]") -> None:
        with self._lock:
            use.users -= 1
            is_over = use is not self._newest and not use.users
        if is_over:
            use.resources.close()

    def _retire(self, use: "_Use[Made]") -> None:
        with self._lock:
            self._retire_locked(use)

    def _retire_locked(self, use: "_Use[Made]") -> None:
        if use is self._newest:
            self._newest = None
            if not use.users:
                use.resources.close()


class _Use(Generic[Made]):
    """One that was made, and how many use it."""

    def __init__(
        self, make: Callable[[], contextlib.AbstractContextManager[Made]], until: float
    ) -> None:
        self.resources = contextlib.ExitStack()
        self.made = self.resources.enter_context(make())
        self.process = os.getpid()
        self.until = until
        self.users = 0
