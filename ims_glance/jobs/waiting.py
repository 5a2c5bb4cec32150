# SPDX-License-Identifier: Apache-2.0
"""Waiting for what a neighbour does: looks with growing pauses, until a deadline of the job's own."""

import time
from collections.abc import Callable
from typing import TypeVar

from ims_glance import exceptions
from ims_glance.jobs.context import JobContext
from ims_glance.jobs.lease import clock

T = TypeVar("T")

POLL = 1.0
"""The first pause between two looks, where nobody is held up meanwhile; seconds."""
SOON = 0.05
"""The same while a server may be paused."""
LONGEST = 10.0
"""No pause is longer; seconds."""

# A look comes too late by at most this part of what was waited for...
_SHARE = 0.05
# ... and by at most so many first pauses: a server stays paused for no second longer than it has to.
_MOST = 20
# Shorter waits are not recorded: a server may be paused meanwhile, and writing takes time.
_WORTH_RECORDING = 5.0


class Wait:
    """One wait of a job.

    The job records when it began, so that the deadline stays where it is when another worker goes on.
    That one has a while all the same: perhaps nobody has looked since long before the deadline.

    :param what: is waited for; unique in the job
    :param seconds: how long at most
    :param first: the first pause; seconds
    """

    def __init__(self, job: JobContext, what: str, seconds: float, first: float = POLL) -> None:
        self._job = job
        self.seconds = seconds
        self._first = first
        self._begun = clock()
        self._what = what
        self._is_recorded = what in job.waits
        self._since = job.waits.get(what, time.time())
        least = self._least = min(seconds, float(job.conf.ims_jobs.patience_seconds))
        left = seconds - max(0.0, time.time() - self._since) if self._is_recorded else seconds
        self._end = self._begun + max(left, least)

    @property
    def is_over(self) -> bool:
        """Whether the deadline has passed."""
        return clock() > self._end

    def has_lasted(self, seconds: float) -> bool:
        """Whether a shorter deadline has passed, of what turned out to be waited for."""
        return self.waited > seconds and clock() - self._begun > min(seconds, self._least)

    @property
    def waited(self) -> float:
        """For how long the job has been waiting, with whichever workers; seconds."""
        return max(clock() - self._begun, time.time() - self._since)

    def pause(self) -> None:
        """Wait for the next look; see :meth:`JobContext.pause`."""
        # Whoever was asked has answered: a neighbour that goes away now is waited for all the same.
        self._job.last_look = clock()
        waited = clock() - self._begun
        if waited > _WORTH_RECORDING and not self._is_recorded:
            self._is_recorded = True
            self._job.record_wait(self._what, self._since)
        longest = min(LONGEST, self._first * _MOST)
        self._job.pause(min(longest, max(self._first, waited * _SHARE)))

    def asked(self, look: Callable[[], T], is_worth: Callable[[], bool]) -> T:
        """What *look* gives, asked for again while a neighbour is away, as long as the job has patience.

        For where it would cost more to begin anew than to look again. The deadline is not looked at.

        :param is_worth: whether that is still so
        """
        begun = clock()
        while True:
            try:
                return look()
            except exceptions.Unavailable:
                if clock() - begun > self._job.patience or not is_worth():
                    raise
            self.pause()

    def until(self, look: Callable[[], T]) -> T:
        """What *look* gives as soon as that is true, or after the deadline, whatever it is then."""
        while not (found := look()) and not self.is_over:
            self.pause()
        return found
