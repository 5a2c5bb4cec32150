# SPDX-License-Identifier: Apache-2.0
"""The list of replications, and what can be done to them."""

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy
from horizon import tables

from ims_glance.client.resources.replication import Replication
from ims_glance.dashboard import connection, pages, refusals, words
from ims_glance.dashboard.images import batch, jobs_table
from ims_glance.dashboard.replications import terms


class BeginReplication(tables.LinkAction):
    """Make one."""

    name = "create"
    verbose_name = _("Create Replication")
    url = "horizon:project:ims:create_replication"
    classes = ("ajax-modal",)
    icon = "plus"
    policy_rules = (("ims", "ims:create_replication"),)


class ChangeReplication(tables.LinkAction):
    """Change its name, and how many copies are kept."""

    name = "change"
    verbose_name = _("Modify")
    url = "horizon:project:ims:change_replication"
    classes = ("ajax-modal",)
    icon = "pencil"
    policy_rules = (("ims", "ims:update_replication"),)


class PauseChosen(tables.BatchAction):
    """Begin no more copies."""

    name = "pause"
    icon = "pause"
    policy_rules = (("ims", "ims:update_replication"),)
    help_text = _("Copies that are under way come to their end.")

    @staticmethod
    def action_present(count: int) -> Any:
        """What it is called before."""
        return ngettext_lazy("Pause Replication", "Pause Replications", count)

    @staticmethod
    def action_past(count: int) -> Any:
        """What it is called afterwards."""
        return ngettext_lazy("Paused Replication", "Paused Replications", count)

    def allowed(self, request: Any, replication: Replication | None = None) -> bool:
        """Of what goes on."""
        return replication is None or replication.status == "active"

    def handle(self, table: Any, request: Any, chosen: list[str]) -> Any:
        """Pause each."""
        act = connection.ims(request).pause_replication
        return batch.each(self, table, request, chosen, act)


class ResumeChosen(tables.BatchAction):
    """Go on."""

    name = "resume"
    icon = "play"
    policy_rules = (("ims", "ims:update_replication"),)
    help_text = _("What became active meanwhile is copied, too.")

    @staticmethod
    def action_present(count: int) -> Any:
        """What it is called before."""
        return ngettext_lazy("Resume Replication", "Resume Replications", count)

    @staticmethod
    def action_past(count: int) -> Any:
        """What it is called afterwards."""
        return ngettext_lazy("Resumed Replication", "Resumed Replications", count)

    def allowed(self, request: Any, replication: Replication | None = None) -> bool:
        """Of what is paused."""
        return replication is None or replication.status == "paused"

    def handle(self, table: Any, request: Any, chosen: list[str]) -> Any:
        """Resume each."""
        act = connection.ims(request).resume_replication
        return batch.each(self, table, request, chosen, act)


class EndReplication(tables.DeleteAction):
    """Delete them, each by itself."""

    policy_rules = (("ims", "ims:delete_replication"),)
    help_text = _("Copies stay, and one that is under way comes to its end.")

    @staticmethod
    def action_present(count: int) -> Any:
        """What it is called before."""
        return ngettext_lazy("Delete Replication", "Delete Replications", count)

    @staticmethod
    def action_past(count: int) -> Any:
        """What it is called afterwards."""
        return ngettext_lazy("Deleted Replication", "Deleted Replications", count)

    def handle(self, table: Any, request: Any, chosen: list[str]) -> Any:
        """Delete those that are chosen."""
        act = connection.ims(request).delete_replication
        return batch.each(self, table, request, chosen, act)


class Replications(pages.KeptTable):
    """Replications, the oldest first."""

    name = tables.WrappingColumn(
        lambda each: words.plain(each.name) or each.id,
        verbose_name=_("Name"),
        link=lambda each: reverse("horizon:project:ims:replication", args=[each.id]),
    )
    status = tables.Column(
        lambda each: terms.STATUSES.get(each.status, each.status), verbose_name=_("Status")
    )
    which = tables.WrappingColumn(terms.which, verbose_name=_("Images"))
    region = tables.Column(lambda each: each.region, verbose_name=_("Target Region"))
    kept = tables.Column(terms.kept, verbose_name=_("Copies Kept"))
    reason = tables.WrappingColumn(
        lambda each: terms.why(each.error_code, each.reason) or words.NOTHING,
        verbose_name=_("Reason"),
    )
    created = tables.Column(lambda each: words.time(each.created_at), verbose_name=_("Created"))

    class Meta:
        name = "replications"
        verbose_name = _("Replications")
        table_actions = (BeginReplication, EndReplication)
        row_actions = (PauseChosen, ResumeChosen, ChangeReplication, EndReplication)
        hidden_title = True

    def get_object_display(self, replication: Replication) -> str:
        """What it is called in messages."""
        return words.plain(replication.name) or str(replication.id)


class ReplicationsView(pages.ListPage):
    """The tab."""

    known_tabs = pages.IMAGES
    tab = "replications"
    page_title = _("Image Management")
    table_classes = (jobs_table.RunningJobs, Replications)
    explanation = _(
        "A replication copies images of the project to another region as they become active: those that have a tag, "
        "or whose name fits a pattern."
    )

    def get_replications_data(self) -> list[Replication]:
        """All of them."""
        with refusals.shown(self.request):
            return list(connection.ims(self.request).replications())
        return []
