# SPDX-License-Identifier: Apache-2.0
"""What a worker knows about its claim on a job, and the clock by which it ends."""

import threading
import time


def clock() -> float:
    """Seconds on a clock that goes on while the machine is suspended."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Lease:
    """What a worker knows about its claim; written by the heartbeat, read by the tasks.

    :param until: when the claim runs out unless it is renewed, by :func:`clock`
    """

    def __init__(self, until: float) -> None:
        self.until = until
        self.is_cancelled = False
        self._is_over = False
        self._changed = threading.Event()

    @property
    def holds(self) -> bool:
        """Whether the worker may go on."""
        return not self._is_over and clock() < self.until

    def end(self) -> None:
        """Stop: another worker has the job, or this one is told to let it go."""
        self._is_over = True
        self._changed.set()

    def cancel(self) -> None:
        """The job is to be undone."""
        self.is_cancelled = True
        self._changed.set()

    def wait(self, seconds: float) -> None:
        """Wait, but not when there is news."""
        self._changed.wait(seconds)
        if self.is_cancelled and not self._is_over:
            # Old news from now on: while it is undone, waiting has to take its time.
            self._changed.clear()
