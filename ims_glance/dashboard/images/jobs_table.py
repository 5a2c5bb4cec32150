# SPDX-License-Identifier: Apache-2.0
"""Jobs, whose rows change by themselves."""

from collections.abc import Mapping
from typing import Any

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy
from horizon import tables

from ims_glance.client.resources.job import Job
from ims_glance.dashboard import connection, rows, uploads, words
from ims_glance.dashboard.images import batch

DONE = "done"
UNDER_WAY = "under_way"


def bar(job: Job) -> Any:
    """How far it is, as a bar, with its rate and what is left."""
    return render_to_string(
        "ims/_progress.html",
        {
            "job": job,
            "guest_step": _step(job),
            "percent": int(job.percent or 0),
            "rate": words.size(job.bytes_per_second),
            "done": words.amount(job.done_bytes),
            "total": words.size(job.total_bytes),
            "left": None
            if job.remaining_seconds is None
            else words.duration(job.remaining_seconds),
            "status": words.JOB_STATUSES.get(job.status, job.status),
        },
    )


def _step(job: Job) -> str:
    """What is being done to the system in an image; empty, if nothing is."""
    step = (job.entities or {}).get("guest_step")
    if not isinstance(step, dict):
        return ""
    named = {name: words.plain(str(step.get(name))) for name in ("name", "number", "of")}
    return str(_("%(name)s (%(number)s of %(of)s)") % named)


def subject(job: Job) -> str:
    """What it makes, or changes."""
    named = words.plain(job.image_name or job.backup_name)
    return named or job.image_id or job.backup_id or words.NOTHING


def place(job: Job) -> str | None:
    """Where that is shown."""
    is_here = job.image_id and not job.region and job.status != "FAIL"
    return reverse("horizon:project:ims:image", args=[job.image_id]) if is_here else None


class JobRow(rows.KeptRow):
    """A job; it is asked for again while it is under way."""

    shown = ("type", "begin_time", "image_name", "backup_name", "image_id", "backup_id", "region")

    def fetch(self, request: Any, job_id: str) -> Job:
        """As it is now."""
        job: Job = connection.ims(request).get_job(job_id)
        uploads.ended(request, job)
        return job

    def as_it_was(self, job_id: str, shown: Mapping[str, Any], why: str) -> Job:
        """As its row had it, and why nobody knows more."""
        about = dict(shown)
        own = {name: about.pop(name) for name in ("type", "begin_time") if name in about}
        entities = {**about, "waiting_for": why}
        return Job.existing(**own, job_id=job_id, status="RUNNING", entities=entities)


class CancelChosen(tables.BatchAction):
    """Ask for the end of a job, which then takes back what it has made."""

    name = "cancel"
    icon = "ban"
    action_type = "danger"
    policy_rules = (("ims", "ims:cancel_job"),)
    help_text = _("What the job has made so far is taken back.")

    @staticmethod
    def action_present(count: int) -> Any:
        """What it is called before."""
        return ngettext_lazy("Cancel Job", "Cancel Jobs", count)

    @staticmethod
    def action_past(count: int) -> Any:
        """What it is called afterwards."""
        return ngettext_lazy("Cancelling Job", "Cancelling Jobs", count)

    def allowed(self, request: Any, job: Job | None = None) -> bool:
        """Whether there is anything to cancel."""
        return job is None or not job.is_finished

    def handle(self, table: Any, request: Any, job_ids: list[str]) -> Any:
        """Cancel each; what the service says against it is shown."""
        return batch.each(self, table, request, job_ids, connection.ims(request).cancel_job)


class JobsOptions:
    """What all tables of jobs have."""

    row_class = JobRow
    status_columns = ("state",)
    row_actions = (CancelChosen,)
    hidden_title = False
    multi_select = False
    footer = False


class RunningJobs(tables.DataTable):
    """Those under way, above the images that they make."""

    type = tables.Column(words.job_type, verbose_name=_("Job"))
    subject = tables.Column(subject, verbose_name=_("For"), link=place)
    begun = tables.Column(lambda job: words.time(job.begin_time), verbose_name=_("Begun"))
    progress = tables.Column(bar, verbose_name=_("Progress"))
    state = tables.Column(
        lambda job: DONE if job.is_finished else UNDER_WAY,
        hidden=True,
        status=True,
        status_choices=((DONE, True), (UNDER_WAY, None)),
    )

    class Meta(JobsOptions):
        name = "running_jobs"
        verbose_name = _("Jobs under way")

    def get_object_display(self, job: Job) -> str:
        """What it is called in messages."""
        return f"{words.job_type(job)} ({subject(job)})"
