# SPDX-License-Identifier: Apache-2.0
"""A connection that is kept: who needs it next need not wait until it is made."""

import contextlib
import os
import threading
import time
from collections.abc import Callable
from types import TracebackType
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
        self._locks: dict[int, threading.RLock] = {}
        self._newest: _Use[Made] | None = None
        self._of_parents: list[_Use[Made]] = []
        # Not the newest any more, and still in use. Whoever uses one may become garbage, and then nothing but
        # that user is to end it.
        self._retired: set[_Use[Made]] = set()

    def use(self) -> "contextlib.AbstractContextManager[Made]":
        """The resource, for a block; others may use it at the same time.

        What making it raises passes through.
        """
        return _Block(self)

    def renew(self) -> None:
        """Have another one made for whoever comes next."""
        with self._lock:
            if self._newest is not None:
                self._retire_locked(self._newest)

    @property
    def _lock(self) -> threading.RLock:
        """That of this process: a fork may have come while another thread of the parent held its own.

        A thread that holds it may be made to collect garbage, and so to end somebody's use.
        """
        return self._locks.setdefault(os.getpid(), threading.RLock())

    def enter(self) -> "_Use[Made]":
        """Begin a use; see :meth:`use`."""
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

    def leave(self, use: "_Use[Made]", error: BaseException | None) -> None:
        """End a use.

        :param error: that ended it
        """
        # Who ends a download early, or has none to begin with, does no harm either.
        if isinstance(error, Exception) and not isinstance(error, self._harmless):
            self._retire(use)
        with self._lock:
            use.users -= 1
            is_over = use is not self._newest and not use.users
            if is_over:
                self._retired.discard(use)
        if is_over:
            use.resources.close()

    def _retire(self, use: "_Use[Made]") -> None:
        with self._lock:
            self._retire_locked(use)

    def _retire_locked(self, use: "_Use[Made]") -> None:
        if use is self._newest:
            self._newest = None
            # Its last use may end from here on, see _lock.
            self._retired.add(use)
            if not use.users:
                self._retired.discard(use)
                use.resources.close()


class _Block(contextlib.AbstractContextManager[Made]):
    """A use, and no generator: that would end by itself as garbage, before what its user made of the resource."""

    def __init__(self, kept: Kept[Made]) -> None:
        self._kept = kept

    def __enter__(self) -> Made:
        self._use = self._kept.enter()
        return self._use.made

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._kept.leave(self._use, error)


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
