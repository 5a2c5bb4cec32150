# SPDX-License-Identifier: Apache-2.0
"""``show_job``, ``show_job_progress``; and of our own: the list of jobs, and cancelling one."""

from collections.abc import Callable
from typing import Any

from ims_glance.api.ims import schemas
from ims_glance.api.ims.operation import Access, Answer, Call, Operation
from ims_glance.db.job import JobNotFound
from ims_glance.model import job as model
from ims_glance.model.job import JobStatus, StoredJob
from ims_glance.model.text import patterns

_DEFAULT_LIMIT = 100
_JOB = {
    "type": "object",
    "properties": {
        "status": {"enum": [str(status) for status in JobStatus]},
        "job_id": {"type": "string"},
        "job_type": {"type": "string"},
        "begin_time": {"type": ["string", "null"]},
        "end_time": {"type": ["string", "null"]},
        "error_code": {"type": ["string", "null"]},
        "fail_reason": {"type": ["string", "null"]},
        "entities": {
            "type": "object",
            "description": "`image_id` or `backup_id` of what it makes (none of a job that failed), "
            "how far it is (`process_percent`, `current_task`, `done_bytes`, `total_bytes`), its "
            "jobs for single disks (`sub_jobs_list`, `sub_jobs_result`), and what it is about. Of a copy "
            "between regions also `received_bytes` (over the link), `saved_bytes` (those that did not "
            "have to), `bytes_per_second`; where the image is, `region`, `target_project_id`, "
            "`target_job_id` and `target_status` of the job that it follows, `remaining_seconds`, and "
            "`waiting_for` while that region is away; where the copy is, `source_region` and "
            "`source_image_id`",
        },
    },
    "required": ["status", "job_id", "job_type", "entities"],
}
_JOBS = {
    "type": "object",
    "properties": {"jobs": {"type": "array", "items": _JOB}, "page_info": schemas.PAGE_INFO},
    "required": ["jobs"],
}


def show_job(call: Call) -> Answer:
    """``GET /v1/{project_id}/jobs/{job_id}``."""
    return Answer(_view(call, model.view))


def show_job_progress(call: Call) -> Answer:
    """``GET /v1/cloudimages/job/{job_id}``."""
    return Answer(_view(call, model.progress_view))


def list_jobs(call: Call) -> Answer:
    """``GET /v1/{project_id}/jobs``: the newest first."""
    status = call.query.get("status")
    limit = int(call.query.get("limit", _DEFAULT_LIMIT))
    found = call.service.jobs.find(
        call.project_id,
        JobStatus(status) if status else None,
        limit,
        call.query.get("marker"),
        call.query.get("job_type"),
    )
    page: dict[str, object] = {"current_count": len(found)}
    if len(found) == limit:
        page["next_marker"] = found[-1].id
    return Answer({"jobs": [model.view(job) for job in found], "page_info": page})


def cancel_job(call: Call) -> Answer:
    """``DELETE /v1/{project_id}/jobs/{job_id}``: what it has made so far is taken back."""
    job_id, _number = _job_id(call)
    job = call.service.jobs.cancel(job_id, call.project_id)
    return Answer(model.view(job), job_id=job.id)


def _view(call: Call, view: Callable[[StoredJob], dict[str, Any]]) -> dict[str, Any]:
    """A job, or a sub-job, which is a part of a job's record."""
    job_id, number = _job_id(call)
    job = call.service.jobs.get(job_id, call.project_id)
    if number is None:
        return view(job)
    sub_job = model.sub_view(job, number)
    if sub_job is None:
        raise JobNotFound(job_id=call.arguments["job_id"])
    return sub_job


def _job_id(call: Call) -> tuple[str, int | None]:
    given = call.arguments["job_id"]
    # Not every database takes every text.
    found = model.split_id(given)
    if found is None:
        raise JobNotFound(job_id=given[:64])
    return found


OPERATIONS = (
    Operation(
        "show_job",
        "GET",
        "/v1/{project_id}/jobs/{job_id}",
        show_job,
        "Show a job",
        answer=_JOB,
    ),
    Operation(
        "show_job_progress",
        "GET",
        "/v1/cloudimages/job/{job_id}",
        show_job_progress,
        "Show how far a job is",
        answer=_JOB,
    ),
    Operation(
        "list_jobs",
        "GET",
        "/v1/{project_id}/jobs",
        list_jobs,
        "List the jobs of the project (an extension)",
        query={
            "status": {"enum": [str(status) for status in JobStatus]},
            "job_type": {"type": "string", "pattern": patterns.whole("[A-Za-z]{1,64}")},
            "limit": {"type": "string", "pattern": patterns.whole("[1-9][0-9]{0,2}|1000")},
            "marker": {"type": "string", "pattern": patterns.whole("[0-9a-f]{32}")},
        },
        answer=_JOBS,
    ),
    Operation(
        "cancel_job",
        "DELETE",
        "/v1/{project_id}/jobs/{job_id}",
        cancel_job,
        "Cancel a job, and take back what it has made (an extension)",
        access=Access.WRITE,
        answer=_JOB,
    ),
)
