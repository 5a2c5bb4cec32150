# SPDX-License-Identifier: Apache-2.0
"""The workers, what waits for them, and what they have."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from horizon import tables
from horizon.utils import memoized

from ims_glance.client.operations.job import Queue
from ims_glance.client.resources.worker import QueuedJob, ServiceWorker, WaitingJobs
from ims_glance.dashboard import connection, pages, refusals, words
from ims_glance.dashboard.images import batch, jobs_table
from ims_glance.dashboard.jobs import tasks
from ims_glance.dashboard.workers import places

STATES: Mapping[str, Any] = {
    "busy": pgettext_lazy("state of a worker", "Busy"),
    "idle": pgettext_lazy("state of a worker", "Idle"),
    "stopping": pgettext_lazy("state of a worker", "Draining"),
    "silent": pgettext_lazy("state of a worker", "Not heard of"),
}


def _ago(seconds: float | None) -> Any:
    return words.NOTHING if seconds is None else words.duration(int(seconds))


def percent(job: QueuedJob) -> str:
    """How much of it is done; nobody knows of one that moves no bytes."""
    return f"{int(job.percent or 0)}%" if job.total_bytes else words.NOTHING


def _state(job: QueuedJob) -> Any:
    if job.is_cancelled:
        return pgettext_lazy("status of a job", "Being cancelled")
    return words.JOB_STATUSES.get(job.status, job.status)


class CancelOfAnybody(jobs_table.CancelChosen):
    """Ask for the end of a job of any project."""

    policy_rules = (("ims", "ims:cancel_queued_job"),)

    def allowed(self, request: Any, job: Any = None) -> bool:
        """Once."""
        return job is None or not job.is_cancelled

    def handle(self, table: Any, request: Any, job_ids: list[str]) -> Any:
        """Cancel each; what the service says against it is shown."""
        act = connection.ims(request).cancel_queued_job
        return batch.each(self, table, request, job_ids, act)


class WorkersTable(tables.DataTable):
    """Processes of ims-worker, by host."""

    host = tables.WrappingColumn(lambda each: words.plain(each.host), verbose_name=_("Host"))
    process = tables.Column(lambda each: words.plain(each.process), verbose_name=_("Process"))
    state = tables.Column(
        lambda each: STATES.get(each.state, words.plain(each.state)), verbose_name=_("Status")
    )
    jobs = tables.Column(lambda each: each.jobs, verbose_name=_("Jobs"))
    threads = tables.Column(
        lambda each: words.NOTHING if each.threads is None else each.threads,
        verbose_name=_("Jobs at Once"),
    )
    lost = tables.Column(lambda each: each.lost_jobs, verbose_name=_("Lost Jobs"))
    runs = tables.Column(lambda each: _ago(each.begun_seconds_ago), verbose_name=_("Runs for"))
    heard = tables.Column(
        lambda each: _ago(each.heard_of_seconds_ago), verbose_name=_("Last Heartbeat, Ago")
    )

    class Meta:
        name = "workers"
        verbose_name = _("Workers")
        multi_select = False
        footer = False


class Waiting(tables.DataTable):
    """Jobs that no worker has, by type and project."""

    type = tables.Column(words.job_type, verbose_name=_("Job"))
    project = tables.Column(lambda each: each.project_id, verbose_name=_("Project"))
    count = tables.Column(lambda each: each.count, verbose_name=_("Jobs"))
    oldest = tables.Column(
        lambda each: _ago(each.oldest_seconds), verbose_name=_("The Oldest Waits for")
    )

    class Meta:
        name = "waiting"
        verbose_name = _("Waiting Jobs")
        multi_select = False
        footer = False

    def get_object_id(self, waiting: WaitingJobs) -> str:
        """What tells it from the others."""
        return f"{waiting.type}-{waiting.project_id}"


class Running(tables.DataTable):
    """Jobs that workers have, the oldest first."""

    type = tables.Column(words.job_type, verbose_name=_("Job"))
    id = tables.WrappingColumn(lambda each: each.id, verbose_name=_("ID"))
    project = tables.Column(lambda each: each.project_id, verbose_name=_("Project"))
    state = tables.Column(_state, verbose_name=_("Status"))
    task = tables.WrappingColumn(
        lambda each: tasks.task(each.current_task or "") or words.NOTHING,
        verbose_name=_("Does now"),
    )
    percent = tables.Column(percent, verbose_name=_("Progress"))
    begun = tables.Column(lambda each: words.time(each.begin_time), verbose_name=_("Begun"))
    attempts = tables.Column(lambda each: each.attempts, verbose_name=_("Attempts"))
    worker = tables.WrappingColumn(
        lambda each: words.plain(each.worker).rpartition(":")[0] or words.NOTHING,
        verbose_name=_("Worker"),
    )

    class Meta:
        name = "running"
        verbose_name = _("Running Jobs")
        row_actions = (CancelOfAnybody,)
        multi_select = False
        footer = False

    def get_object_display(self, job: QueuedJob) -> str:
        """What it is called in messages."""
        return f"{words.JOB_TYPES.get(job.type, job.type)} ({job.id})"


class WorkersView(tables.MultiTableView):
    """The panel's page."""

    template_name = "ims/workers.html"
    page_title = _("Image Workers and Queue")
    table_classes = (WorkersTable, Waiting, Running)

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Any method.

        :raises NotAuthorized: if the user may not see the panel
        """
        pages.required(request, "list_workers")
        return super().dispatch(request, *args, **kwargs)

    def get_workers_data(self) -> list[ServiceWorker]:
        """Those that run, and those that died in the last day."""
        with refusals.shown(self.request):
            return list(connection.ims(self.request).workers())
        return []

    def get_waiting_data(self) -> list[WaitingJobs]:
        """What waits, the oldest first."""
        queue: Queue = self._queue()
        return queue.waiting

    def get_running_data(self) -> list[QueuedJob]:
        """What they have."""
        queue: Queue = self._queue()
        return queue.running

    @memoized.memoized_method
    def _queue(self) -> Queue:
        with refusals.shown(self.request):
            return Queue(*connection.ims(self.request).queue())
        return Queue([], [])

    def get_context_data(self, **kwargs: Any) -> Any:
        """For the page."""
        context = super().get_context_data(**kwargs)
        return context | {
            "tabs": pages.tabs(self.request, places.TABS),
            "tab": "workers",
            "address": self.request.path,
        }
