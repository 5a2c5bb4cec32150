# SPDX-License-Identifier: Apache-2.0
"""The list of backups, and what can be done to them."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy
from horizon import tables
from openstack_dashboard.api import base

from ims_glance.client.resources.backup import Backup
from ims_glance.dashboard import connection, pages, rows, words
from ims_glance.dashboard.backups import terms
from ims_glance.dashboard.images import batch, jobs_table


class BackUpServer(tables.LinkAction):
    """Make one."""

    name = "create"
    verbose_name = _("Create Server Backup")
    url = "horizon:project:ims:create_backup"
    classes = ("ajax-modal",)
    icon = "plus"
    policy_rules = (("ims", "ims:create_server_backup"),)

    def allowed(self, request: Any, backup: Backup | None = None) -> bool:
        """Where there are servers."""
        return bool(base.is_service_enabled(request, "compute"))


class MakeImage(tables.LinkAction):
    """Make a whole-machine image of one."""

    name = "image"
    verbose_name = _("Create Image")
    url = "horizon:project:ims:image_of_backup"
    classes = ("ajax-modal",)
    icon = "camera"
    policy_rules = (("ims", "ims:create_whole_image"),)

    def allowed(self, request: Any, backup: Backup | None = None) -> bool:
        """One makes one image."""
        return backup is None or (backup.status == "available" and not backup.image_id)


class DeleteBackup(tables.DeleteAction):
    """Delete them, each by itself."""

    policy_rules = (("ims", "ims:delete_server_backup"),)
    help_text = _("A deleted backup cannot be restored. Images that were made of it stay.")

    @staticmethod
    def action_present(count: int) -> Any:
        """What it is called before."""
        return ngettext_lazy("Delete Backup", "Delete Backups", count)

    @staticmethod
    def action_past(count: int) -> Any:
        """What it is called afterwards."""
        return ngettext_lazy("Deleting Backup", "Deleting Backups", count)

    def handle(self, table: Any, request: Any, backup_ids: list[str]) -> Any:
        """Delete those that are chosen."""
        return batch.each(self, table, request, backup_ids, connection.ims(request).delete_backup)


class BackupRow(rows.KeptRow):
    """A backup; it is asked for again while something is done to it."""

    shown = ("name", "status", "server_id", "server_name", "size", "created_at")

    def fetch(self, request: Any, backup_id: str) -> Backup:
        """As it is now."""
        backup: Backup = connection.ims(request).get_backup(backup_id)
        return backup

    def as_it_was(self, backup_id: str, shown: Mapping[str, Any], why: str) -> Backup:
        """As its row had it, and under way still."""
        status = shown.get("status")
        status = status if status in terms.UNDER_WAY else terms.UNDER_WAY[0]
        return Backup.existing(**{**shown, "id": backup_id, "status": status})


class BackupFilter(pages.KeptForm):
    """Which backups."""

    name = forms.CharField(label=_("Name"), required=False, max_length=255)
    server_id = forms.CharField(label=_("Server ID"), required=False, max_length=64)
    status = forms.ChoiceField(
        label=_("Status"), required=False, choices=[pages.ALL, *terms.STATUSES.items()]
    )


class ProjectBackups(pages.KeptTable):
    """Backups, the newest first."""

    name = tables.WrappingColumn(
        terms.name,
        verbose_name=_("Name"),
        link=lambda backup: reverse("horizon:project:ims:backup", args=[backup.id]),
    )
    status = tables.Column(
        lambda backup: backup.status,
        verbose_name=_("Status"),
        status=True,
        display_choices=tuple(terms.STATUSES.items()),
        status_choices=tuple(
            (each, None if each in terms.UNDER_WAY else each != "error") for each in terms.STATUSES
        ),
    )
    server = tables.WrappingColumn(terms.server, verbose_name=_("Server"))
    disks = tables.Column(lambda backup: len(backup.disks or ()), verbose_name=_("Disks"))
    size = tables.Column(lambda backup: backup.size, verbose_name=_("Size (GB)"))
    image = tables.Column(
        lambda backup: _("Yes") if backup.image_id else words.NOTHING,
        verbose_name=_("Image"),
        link=lambda backup: (
            reverse("horizon:project:ims:image", args=[backup.image_id])
            if backup.image_id
            else None
        ),
    )
    created = tables.Column(lambda backup: words.time(backup.created_at), verbose_name=_("Created"))

    class Meta:
        name = "backups"
        verbose_name = _("Server Backups")
        row_class = BackupRow
        status_columns = ("status",)
        table_actions = (BackUpServer, DeleteBackup)
        row_actions = (MakeImage, DeleteBackup)
        hidden_title = True

    def get_object_display(self, backup: Backup) -> str:
        """What it is called in messages."""
        return terms.name(backup)


class BackupsView(pages.ListPage):
    """The tab."""

    known_tabs = pages.IMAGES
    tab = "backups"
    page_title = _("Image Management")
    table_classes = (jobs_table.RunningJobs, ProjectBackups)
    form_class = BackupFilter

    def get_backups_data(self) -> Sequence[Backup]:
        """A page of them."""
        return self.page(connection.ims(self.request).backups, **self.filter.given)
