# SPDX-License-Identifier: Apache-2.0
"""Waiting for a job to end."""

import logging
import time
from collections.abc import Callable

from keystoneauth1 import exceptions as keystone_exceptions
from openstack import exceptions

from ims_glance.client import errors
from ims_glance.client.resources import job as jobs

LOG = logging.getLogger(__name__)

# Seconds. Many jobs end within one; others take an hour, and need no more than a look now and then.
FIRST_PAUSE, LONGEST_PAUSE, SLOWER = 0.25, 3.0, 1.3
# The service may be away for that long while we wait: the job is not lost by that.
PATIENCE = 300.0

_AWAY = (
    keystone_exceptions.ConnectFailure,
    keystone_exceptions.RetriableConnectionFailure,
    keystone_exceptions.ConnectTimeout,
    exceptions.HttpException,
)


class JobFailed(exceptions.ResourceFailure):
    """The job ended in FAIL.

    :ivar job: as the service shows it
    """

    def __init__(self, job: jobs.Job) -> None:
        self.job = job
        reason = job.fail_reason or "the service gives no reason"
        coded = f"{job.error_code}: {reason}" if job.error_code else reason
        pairs = [
            f"\n  image {pair.get('image_id')}, project {pair.get('project_id')}: "
            f"{pair.get('status')}"
            for pair in job.results
        ]
        super().__init__(f"Job {job.id} failed: {coded}{''.join(pairs)}")


class StillRunning(exceptions.ResourceTimeout):
    """The job did not end in time. It goes on."""


def wait(
    fetch: Callable[[], jobs.Job],
    callback: Callable[[jobs.Job], None] | None = None,
    timeout: float | None = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> jobs.Job:
    """Ask for a job until it has ended in SUCCESS.

    :param fetch: asks once
    :param callback: called with every answer
    :param timeout: seconds; ``None`` waits as long as it takes
    :raises JobFailed: when it has ended in FAIL
    :raises StillRunning: when *timeout* is over
    """
    started = clock()
    pause = FIRST_PAUSE
    last_answer = started
    while True:
        job = _ask(fetch, clock() - last_answer)
        if job is not None:
            last_answer = clock()
            _tell(callback, job)
        if job is not None and job.is_finished:
            break
        if timeout is not None and clock() + pause - started > timeout:
            raise StillRunning(f"The job has not ended within {timeout:g} s. It goes on.")
        sleep(pause)
        pause = min(LONGEST_PAUSE, pause * SLOWER)
    if job.status == jobs.FAIL:
        raise JobFailed(job)
    return job


def _tell(callback: Callable[[jobs.Job], None] | None, job: jobs.Job) -> None:
    if callback is not None:
        callback(job)


def _ask(fetch: Callable[[], jobs.Job], silence: float) -> jobs.Job | None:
    """The job, or ``None`` when the service is away and may come back."""
    try:
        return fetch()
    except _AWAY as error:
        is_answer = isinstance(error, exceptions.HttpException)
        if silence > PATIENCE or (is_answer and not _is_failing(error)):
            raise
        LOG.debug("The service is away: %s", error)
        return None


def _is_failing(error: Exception) -> bool:
    status = error.status_code if isinstance(error, errors.ServiceRefused) else None
    return status is not None and status >= 500
