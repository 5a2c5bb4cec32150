# SPDX-License-Identifier: Apache-2.0
"""Whether the job of the other region is there that a copy was asked for by.

That region asks first, and records its own job when it has the answer. If the answer is lost, or who
waited for it died, the caller was told that there is no copy: so none is made.
"""

import logging

from ims_glance import exceptions
from ims_glance.clouds import rest
from ims_glance.clouds.ims_api import ImsApi, NoImsThere
from ims_glance.jobs.context import JobContext
from ims_glance.jobs.waiting import Wait
from ims_glance.model.job import JobStatus

LOG = logging.getLogger(__name__)

SECONDS = 300.0
"""After so long it is not recorded any more: who asks waits for two answers, and for Keystone."""

_FIRST_PAUSE = 0.25


class NotFollowed(exceptions.Conflict):
    """Nobody knows of the copy any more (IMS: "job not submitted")."""

    code = "IMG.0018"
    template = (
        "Region {region} has no unfinished job {job_id}, for which this copy was to be made: its caller "
        "was told that there is none. Ask for the copy again."
    )


def check_followed(job: JobContext) -> None:
    """Wait until the job is there that this one was asked for by.

    A region that tells nothing of its jobs, or asked without naming one, is trusted to have it.

    :raises NotFollowed: if it is not, or has failed
    :raises ServiceUnavailable: if its region is away
    """
    job_id = job.arguments.get("source_job_id")
    if job_id is None:
        return
    region, project_id = job.arguments["source_region"], job.arguments["source_project_id"]
    api = ImsApi(job.source_region)
    wait = Wait(job, f"job in {region}", SECONDS, _FIRST_PAUSE)
    while True:
        try:
            seen = api.show_job(project_id, job_id)
        except rest.Missing:
            if wait.is_over:
                raise NotFollowed(region=region, job_id=job_id) from None
        except (rest.Refused, rest.DelegationEnded, NoImsThere) as error:
            # What it lets the job read is found out next.
            LOG.warning("Job %s: nobody says whether job %s is there: %s", job.id, job_id, error)
            return
        else:
            if seen["status"] is JobStatus.FAIL:
                raise NotFollowed(region=region, job_id=job_id)
            return
        wait.pause()
