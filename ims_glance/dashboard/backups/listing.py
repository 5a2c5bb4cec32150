# SPDX-License-Identifier: Apache-2.0
"""The list of backups, and what can be done to them."""

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy
from horizon import tables
from openstack_dashboard.api import base

from ims_glance.client.resources.backup import Backup
from ims_glance.dashboard import connection, pages, refusals, words
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


class BackupRow(tables.Row):
    """A backup; it is asked for again while something is done to it.

    While the service does not say how it is now, the row stands there as it was; after an error Horizon would ask no
    more.
    """

    ajax = True

    def get_ajax_update_url(self) -> str:
        """Where it is asked for: with what its columns show."""
        shown = {name: getattr(self.datum, name) for name in _SHOWN}
        kept = json.dumps({name: value for name, value in shown.items() if value})
        return f"{super().get_ajax_update_url()}&{urlencode({_KEPT: kept})}"

    def get_data(self, request: Any, backup_id: str) -> Backup:
        """As it is now."""
        try:
            with refusals.polled():
                backup: Backup = connection.ims(request).get_backup(backup_id)
        except refusals.RowNotRead:
            return _as_it_was(request, backup_id)
        return backup


_KEPT = "shown"
_SHOWN = ("name", "status", "server_id", "server_name", "size", "created_at")


def _as_it_was(request: Any, backup_id: str) -> Backup:
    """A backup as its row had it."""
    try:
        shown = dict(json.loads(request.GET[_KEPT]))
    except (KeyError, TypeError, ValueError):
        shown = {}
    known: dict[str, Any] = {
        name: str(shown[name]) for name in _SHOWN if isinstance(shown.get(name), str | int)
    }
    status = known.get("status")
    status = status if status in terms.UNDER_WAY else terms.UNDER_WAY[0]
    return Backup.existing(**{**known, "id": backup_id, "status": status})


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
