# SPDX-License-Identifier: Apache-2.0
"""A job that was claimed, for tests of tasks and flows."""

from typing import Any

from ims_glance.clouds.identity import Identity
from ims_glance.jobs.context import JobContext
from ims_glance.jobs.lease import Lease, clock


def context(tables: Any, number: int = 1, **values: Any) -> JobContext:
    """A new job, claimed."""
    claimed = tables.claimed(number, **values)
    return JobContext(
        tables.conf, claimed, tables.jobs, Identity(tables.conf), Lease(clock() + 60), "trust"
    )


def again(tables: Any, job: JobContext) -> JobContext:
    """The job, let go by its worker and claimed by another."""
    tables.jobs.release(tables.jobs.get(job.id))
    return claimed_again(tables, job)


def claimed_again(tables: Any, job: JobContext) -> JobContext:
    """The job, which nobody has, claimed by another worker."""
    claimed = tables.jobs.claim(job.id, "other", 60)
    return JobContext(
        tables.conf, claimed, tables.jobs, Identity(tables.conf), Lease(clock() + 60), "trust"
    )
