# SPDX-License-Identifier: Apache-2.0
"""What operators see of workers, and of the jobs of all projects. IMS shows its customers neither."""

from typing import Any

from ims_glance.api.ims.operation import Access, Answer, Call, Operation
from ims_glance.db.job import JobNotFound
from ims_glance.db.supervision import SupervisedJob, Supervision
from ims_glance.model import job as model
from ims_glance.model.job import JobStatus

# Nobody reads more on one page.
_MOST = 500


def list_workers(call: Call) -> Answer:
    """``GET /v1/workers``: those that run, and those that died in the last day."""
    lease = float(call.service.conf.ims_jobs.lease_seconds)
    found = []
    for each in _supervision(call).workers():
        host, process = each.place
        found.append(
            {
                "name": each.name,
                "host": host,
                "process": process,
                "state": each.state,
                "threads": each.threads,
                "jobs": each.jobs,
                "lost_jobs": each.lost,
                "begun_seconds_ago": None if each.begun is None else round(max(0.0, each.begun), 1),
                "heard_of_seconds_ago": round(each.heard_of(lease), 1),
            }
        )
    return Answer({"workers": found})


def show_queue(call: Call) -> Answer:
    """``GET /v1/queue``: jobs of all projects, those that wait by type and project."""
    supervision = _supervision(call)
    waiting = [
        {
            "job_type": each.type,
            "project_id": each.project_id,
            "count": each.count,
            "oldest_seconds": round(each.oldest, 1),
        }
        for each in supervision.waiting(_MOST)
    ]
    return Answer(
        {"waiting": waiting, "running": [_shown(each) for each in supervision.held(_MOST)]}
    )


def cancel_queued_job(call: Call) -> Answer:
    """``DELETE /v1/queue/{job_id}``: as if its owner had cancelled it."""
    given = call.arguments["job_id"]
    # Not every database takes every text; and a part of a job is not cancelled by itself.
    found = model.split_id(given)
    if found is None:
        raise JobNotFound(job_id=given[:64])
    owner = _supervision(call).get(found[0]).job.project_id
    job = call.service.jobs.cancel(found[0], owner)
    return Answer(_shown(SupervisedJob(job)), job_id=job.id)


def _supervision(call: Call) -> Supervision:
    return Supervision(call.service.jobs.database)


def _shown(found: SupervisedJob) -> dict[str, Any]:
    """Of a job of anybody, what concerns the operator: not the names that its owner gives to things."""
    job = found.job
    return {
        "job_id": job.id,
        "job_type": job.type,
        "project_id": job.project_id,
        "status": str(job.status),
        "begin_time": model.timestamp(job.begin_time),
        "current_task": job.current_task,
        "process_percent": job.percent,
        "done_bytes": job.done_bytes,
        "total_bytes": job.total_bytes,
        "worker": job.worker,
        "attempts": job.attempts,
        "cancel_requested": job.cancel_requested,
    }


_TEXT, _COUNT, _SECONDS = {"type": "string"}, {"type": "integer"}, {"type": "number"}
_TEXT_OR_NONE = {"type": ["string", "null"]}
_JOB: dict[str, Any] = {
    "type": "object",
    "properties": {
        "job_id": _TEXT,
        "job_type": _TEXT,
        "project_id": _TEXT,
        "status": {"enum": [str(status) for status in JobStatus]},
        "begin_time": _TEXT_OR_NONE,
        "current_task": _TEXT_OR_NONE,
        "process_percent": {"type": ["number", "null"]},
        "done_bytes": _COUNT,
        "total_bytes": _COUNT,
        "worker": {**_TEXT_OR_NONE, "description": "the `name` of a worker"},
        "attempts": _COUNT,
        "cancel_requested": {"type": "boolean"},
    },
    "required": ["job_id", "job_type", "project_id", "status"],
}
_WORKER: dict[str, Any] = {
    "type": "object",
    "properties": {
        "name": _TEXT,
        "host": _TEXT,
        "process": _TEXT,
        "state": {
            "enum": ["busy", "idle", "stopping", "silent"],
            "description": "`stopping`: it lets its jobs go and takes none; `silent`: it was not heard of for a "
            "minute",
        },
        "threads": {"type": ["integer", "null"], "description": "jobs that it can run at once"},
        "jobs": _COUNT,
        "lost_jobs": {
            "type": "integer",
            "description": "those that it held when their leases ran out",
        },
        "begun_seconds_ago": {"type": ["number", "null"]},
        "heard_of_seconds_ago": _SECONDS,
    },
    "required": ["name", "host", "state", "jobs", "lost_jobs", "heard_of_seconds_ago"],
}
_WAITING: dict[str, Any] = {
    "type": "object",
    "properties": {
        "job_type": _TEXT,
        "project_id": _TEXT,
        "count": _COUNT,
        "oldest_seconds": {"type": "number", "description": "since the first of them was accepted"},
    },
    "required": ["job_type", "project_id", "count", "oldest_seconds"],
}

OPERATIONS = (
    Operation(
        "list_workers",
        "GET",
        "/v1/workers",
        list_workers,
        "List the workers that run, and those that died in the last day (an extension, for operators)",
        access=Access.ADMIN,
        answer={
            "type": "object",
            "properties": {"workers": {"type": "array", "items": _WORKER}},
            "required": ["workers"],
        },
    ),
    Operation(
        "show_queue",
        "GET",
        "/v1/queue",
        show_queue,
        "Show the unfinished jobs of all projects (an extension, for operators)",
        access=Access.ADMIN,
        answer={
            "type": "object",
            "properties": {
                "waiting": {"type": "array", "items": _WAITING, "maxItems": _MOST},
                "running": {"type": "array", "items": _JOB, "maxItems": _MOST},
            },
            "required": ["waiting", "running"],
        },
    ),
    Operation(
        "cancel_queued_job",
        "DELETE",
        "/v1/queue/{job_id}",
        cancel_queued_job,
        "Cancel a job of any project, and take back what it has made (an extension, for operators)",
        access=Access.ADMIN,
        answer=_JOB,
        audit="cancelJob",
    ),
)
