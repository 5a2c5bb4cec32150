# SPDX-License-Identifier: Apache-2.0
"""All jobs of a project, those that have ended too."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from horizon import tables

from ims_glance.client.resources.job import FAIL, Job
from ims_glance.dashboard import connection, pages, uploads, words
from ims_glance.dashboard.images import jobs_table


def outcome(job: Job) -> Any:
    """How far it is, or what became of it: why it failed, with its code."""
    if not job.is_finished:
        return jobs_table.bar(job)
    if job.status != FAIL:
        return words.JOB_STATUSES[job.status]
    why = words.plain(job.fail_reason) or words.JOB_STATUSES[FAIL]
    return f"{why} ({job.error_code})" if job.error_code else why


# Of a part, which is in no list.
_OF_PARTS = "imsCopyVolumeToImageJob"


class JobFilter(pages.KeptForm):
    """Which jobs."""

    status = forms.ChoiceField(
        label=_("Status"), required=False, choices=[pages.ALL, *words.JOB_STATUSES.items()]
    )
    type = forms.ChoiceField(
        label=_("Job"),
        required=False,
        choices=[pages.ALL, *(each for each in words.JOB_TYPES.items() if each[0] != _OF_PARTS)],
    )


class ProjectJobs(pages.KeptTable):
    """Jobs, the newest first."""

    type = tables.Column(
        words.job_type,
        verbose_name=_("Job"),
        link=lambda job: reverse("horizon:project:ims:job", args=[job.id]),
    )
    subject = tables.WrappingColumn(
        jobs_table.subject, verbose_name=_("For"), link=jobs_table.place
    )
    status = tables.Column(
        lambda job: words.JOB_STATUSES.get(job.status, job.status), verbose_name=_("Status")
    )
    outcome = tables.WrappingColumn(outcome, verbose_name=_("Progress"))
    begun = tables.Column(lambda job: words.time(job.begin_time), verbose_name=_("Begun"))
    ended = tables.Column(lambda job: words.time(job.end_time), verbose_name=_("Ended"))
    state = tables.Column(
        lambda job: jobs_table.DONE if job.is_finished else jobs_table.UNDER_WAY,
        hidden=True,
        status=True,
        status_choices=((jobs_table.DONE, True), (jobs_table.UNDER_WAY, None)),
    )

    class Meta(jobs_table.JobsOptions):
        name = "jobs"
        verbose_name = _("Jobs")
        hidden_title = True
        footer = True

    def get_object_display(self, job: Job) -> str:
        """What it is called in messages."""
        return f"{words.job_type(job)} ({jobs_table.subject(job)})"


class JobsView(pages.ListPage):
    """The tab."""

    known_tabs = pages.IMAGES
    tab = "jobs"
    page_title = _("Image Management")
    table_classes = (ProjectJobs,)
    form_class = JobFilter

    def get_jobs_data(self) -> Sequence[Job]:
        """A page of them."""
        given = self.filter.given
        wanted = {"status": given.get("status"), "job_type": given.get("type")}
        found = self.page(connection.ims(self.request).jobs, **wanted)
        uploads.ended(self.request, *found)
        return found
