# SPDX-License-Identifier: Apache-2.0
"""One job: how far it is, what it is about, its parts, and why it failed."""

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from horizon import tables

from ims_glance.client.resources.job import Job
from ims_glance.dashboard import connection, pages, refusals, uploads, words
from ims_glance.dashboard.images import jobs_table
from ims_glance.dashboard.jobs import listing, tasks


def facts(job: Job) -> list[tuple[Any, Any]]:
    """What stands on the page, line by line; nothing that the job has nothing of."""
    known = [
        (_("ID"), job.id),
        (_("Job"), words.job_type(job)),
        (_("For"), jobs_table.subject(job)),
        (_("Image ID"), job.image_id),
        (_("Server Backup"), job.backup_id),
        (_("Begun"), words.time(job.begin_time)),
        (_("Ended"), words.time(job.end_time) if job.end_time else None),
        (_("Error Code"), job.error_code),
        (_("Reason"), words.plain(job.fail_reason)),
        (_("Waits for"), words.plain(job.waiting_for)),
        (_("Does now"), tasks.task(job.current_task or "") if not job.is_finished else None),
        (_("Target Region"), job.region),
        (_("Target Project"), job.target_project_id),
        (_("Job There"), job.target_job_id),
        (_("Source Region"), job.source_region),
        (_("Sent"), words.size(job.received_bytes) if job.received_bytes else None),
        (
            _("Not Sent, Because It Was There"),
            words.size(job.saved_bytes) if job.saved_bytes else None,
        ),
        (_("Server Was Paused, Because"), words.plain(job.quiesce_refused)),
    ]
    return [(term, value) for term, value in known if value]


def parts(job: Job) -> list[dict[str, Any]]:
    """Its jobs for single disks."""
    found = []
    for each in job.sub_jobs:
        about = each.get("entities") or {}
        found.append(
            {
                "type": words.JOB_TYPES.get(str(each.get("job_type")), each.get("job_type")),
                "image": about.get("image_id") or words.NOTHING,
                "status": words.JOB_STATUSES.get(str(each.get("status")), each.get("status")),
                "percent": about.get("process_percent"),
                "code": each.get("error_code") or "",
                "reason": words.plain(each.get("fail_reason")),
            }
        )
    return found


def results(job: Job) -> list[dict[str, Any]]:
    """Of a job about members: each image and project."""
    return [
        {
            name: words.plain(str(each.get(name) or ""))
            for name in ("image_id", "project_id", "status")
        }
        for each in job.results
    ]


class OneJob(listing.ProjectJobs):
    """Its row, which changes by itself."""

    class Meta(jobs_table.JobsOptions):
        name = "job"
        verbose_name = gettext_lazy("Job")
        hidden_title = True


class JobView(tables.MultiTableView):
    """The page of a job."""

    template_name = "ims/job.html"
    page_title = "{{ name }}"
    table_classes = (OneJob,)

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Any method: there must be such a job.

        :raises Http404: if there is none in the project
        :raises Http302: to the list, if the service does not show it now
        """
        pages.required(request, "show_job")
        with refusals.needed(request):
            self._job = connection.ims(request).get_job(str(kwargs["job_id"]))
        uploads.ended(request, self._job)
        return super().dispatch(request, *args, **kwargs)

    def get_job_data(self) -> list[Job]:
        """It alone."""
        return [self._job]

    def get_context_data(self, **kwargs: Any) -> Any:
        """For the page."""
        context = super().get_context_data(**kwargs)
        return context | {
            "name": words.job_type(self._job),
            "row": self.get_tables()["job"],
            "facts": facts(self._job),
            "parts": parts(self._job),
            "results": results(self._job),
            "list": reverse("horizon:project:ims:jobs"),
        }
