# SPDX-License-Identifier: Apache-2.0
"""Workers of the service, and the jobs of all projects (``GET /v1/workers``, ``GET /v1/queue``): for operators."""

from openstack import resource


class ServiceWorker(resource.Resource):
    """A process that runs jobs."""

    #: host, process and a random part
    name: str = resource.Body("name", alternate_id=True)
    host: str = resource.Body("host")
    process: str = resource.Body("process")
    #: busy, idle, stopping or silent
    state: str = resource.Body("state")
    #: jobs that it can run at once
    threads: int = resource.Body("threads", type=int)
    #: jobs that it has
    jobs: int = resource.Body("jobs", type=int)
    #: jobs that it had when their leases ran out
    lost_jobs: int = resource.Body("lost_jobs", type=int)
    begun_seconds_ago: float = resource.Body("begun_seconds_ago", type=float)
    heard_of_seconds_ago: float = resource.Body("heard_of_seconds_ago", type=float)


class WaitingJobs(resource.Resource):
    """Jobs of one type and one project that no worker has."""

    type: str = resource.Body("job_type")
    project_id: str = resource.Body("project_id")
    count: int = resource.Body("count", type=int)
    #: since the first of them was accepted
    oldest_seconds: float = resource.Body("oldest_seconds", type=float)


class QueuedJob(resource.Resource):
    """A job of some project, as operators see it."""

    job_id: str = resource.Body("job_id", alternate_id=True)
    type: str = resource.Body("job_type")
    project_id: str = resource.Body("project_id")
    #: INIT, RUNNING, SUCCESS or FAIL
    status: str = resource.Body("status")
    begin_time: str = resource.Body("begin_time")
    #: what it is doing
    current_task: str = resource.Body("current_task")
    #: how much is done, 0 to 100
    percent: float = resource.Body("process_percent", type=float)
    done_bytes: int = resource.Body("done_bytes", type=int)
    total_bytes: int = resource.Body("total_bytes", type=int)
    #: name of the worker that has it
    worker: str = resource.Body("worker")
    #: how often workers have begun it
    attempts: int = resource.Body("attempts", type=int)
    is_cancelled: bool = resource.Body("cancel_requested", type=bool)
