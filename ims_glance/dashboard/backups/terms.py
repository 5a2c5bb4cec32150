# SPDX-License-Identifier: Apache-2.0
"""What the service says of backups, in the words of the user."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from ims_glance.client.resources.backup import Backup
from ims_glance.dashboard import words

STATUSES: Mapping[str, Any] = {
    "available": pgettext_lazy("status of a backup", "Available"),
    "creating": gettext_lazy("Creating"),
    "restoring": pgettext_lazy("status of a backup", "In use"),
    "deleting": pgettext_lazy("status of a backup", "Deleting"),
    "error": pgettext_lazy("status of a backup", "Error"),
    "incomplete": pgettext_lazy("status of a backup", "Incomplete"),
}
CAPTURES: Mapping[str, Any] = {
    "paused": pgettext_lazy("how a server was", "Paused"),
    "quiesced": pgettext_lazy("how a server was", "Held still by its guest agent"),
    "stopped": pgettext_lazy("how a server was", "Stopped"),
    "running": pgettext_lazy("how a server was", "Running"),
}
UNDER_WAY = ("creating", "restoring", "deleting")


def name(backup: Backup) -> str:
    """The name of a backup, or its id."""
    return words.plain(backup.name) or str(backup.id)


def server(backup: Backup) -> str:
    """The server that it is of, as it was called then."""
    return words.plain(backup.server_name) or backup.server_id or words.NOTHING


def facts(backup: Backup) -> list[tuple[Any, Any]]:
    """What stands on the page of one, line by line."""
    still = backup.standstill_ms
    return [
        (_("Name"), name(backup)),
        (_("ID"), backup.id),
        (_("Status"), STATUSES.get(backup.status, backup.status)),
        (_("Server"), server(backup)),
        (_("Server ID"), backup.server_id or words.NOTHING),
        (_("Server Was"), CAPTURES.get(backup.capture, backup.capture) or words.NOTHING),
        (_("Stood Still (ms)"), words.NOTHING if still is None else still),
        (_("Size (GB)"), backup.size),
        (_("Made by the Service"), _("Yes") if backup.is_verified else _("No")),
        (_("Image"), backup.image_id or words.NOTHING),
        (_("Created"), words.time(backup.created_at)),
        (_("Description"), words.plain(backup.description) or words.NOTHING),
    ]


def disks(backup: Backup) -> list[dict[str, Any]]:
    """Its disks, the system disk first."""
    return [
        {
            "is_system": str(each.get("number")) == "0",
            "size": each.get("size") or words.NOTHING,
            "type": each.get("volume_type") or words.NOTHING,
            "id": each.get("backup_id") or each.get("id") or words.NOTHING,
        }
        for each in backup.disks or ()
    ]
