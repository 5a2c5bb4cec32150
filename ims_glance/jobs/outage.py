# SPDX-License-Identifier: Apache-2.0
"""A database that somebody has to repair: what a worker says of it, and how seldom it looks then."""

import logging
import threading

from ims_glance.db.database import DatabaseBroken
from ims_glance.jobs.lease import clock

LOG = logging.getLogger(__name__)

LONGEST = 120.0
"""No pause between two looks is longer; seconds."""


class Outage:
    """What a worker knows of it.

    :param first: the first pause before the next look, twice as long each time; seconds
    """

    def __init__(self, first: float) -> None:
        self._first = first
        self._lock = threading.Lock()
        self._said: str | None = None
        self._count = 0
        self._until = 0.0
        self._is_met_by_jobs = False

    @property
    def is_on(self) -> bool:
        """Whether it is not known to be over."""
        return self._said is not None

    @property
    def left(self) -> float:
        """How long to leave the database alone now; seconds."""
        return max(0.0, self._until - clock())

    def meet(self, error: DatabaseBroken, by_job: bool = False) -> None:
        """Say what is wrong, once, and wait for longer than the last time.

        :param by_job: whether a job met it, which was begun because all looked well
        """
        with self._lock:
            if str(error) != self._said:
                LOG.error("The worker waits until this is mended: %s", error)
                self._said = str(error)
            self._is_met_by_jobs |= by_job
            # Of all that meet it at once, one counts.
            if not self.left:
                pause = min(LONGEST, self._first * 2**self._count)
                self._count += 1
                self._until = clock() + pause

    def look_well(self) -> None:
        """All looks well: what was met in a look is over; what jobs met is known by a job alone."""
        if not self._is_met_by_jobs:
            self.end()

    def end(self) -> None:
        """It is over."""
        with self._lock:
            if self._said is not None:
                LOG.warning("The database can be used again")
            self._said, self._count, self._until = None, 0, 0.0
            self._is_met_by_jobs = False
