# SPDX-License-Identifier: Apache-2.0
"""What the service says of replications, in the words of the user."""

from collections.abc import Mapping
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from ims_glance.client.resources.replication import Replication
from ims_glance.dashboard import words

STATUSES: Mapping[str, Any] = {
    "active": pgettext_lazy("status of a replication", "Active"),
    "paused": pgettext_lazy("status of a replication", "Paused"),
    "ended": pgettext_lazy("status of a replication", "Ended"),
}
COPIES: Mapping[str, Any] = {
    "existing": gettext_lazy("Was there before: not copied"),
    "waiting": pgettext_lazy("state of a copy", "Waiting"),
    "running": pgettext_lazy("state of a copy", "Running"),
    "done": pgettext_lazy("state of a copy", "Copied"),
    "failed": pgettext_lazy("state of a copy", "Failed"),
    "passed over": gettext_lazy("Passed over: newer ones came first"),
    "removed": pgettext_lazy("state of a copy", "Removed"),
}


def which(replication: Replication) -> str:
    """The images that it copies."""
    known = ((_("Tag"), replication.tag), (_("Name"), replication.image_name))
    return ", ".join(f"{term}: {words.plain(value)}" for term, value in known if value)


def why(code: str | None, reason: str | None) -> str:
    """What the service says of a failure, with its code."""
    said = words.plain(reason)
    return f"{said} ({code})" if said and code else said or code or ""


def kept(replication: Replication) -> Any:
    """How many copies are kept there."""
    return replication.keep or _("All")


def facts(replication: Replication) -> list[tuple[Any, Any]]:
    """What stands on the page of one, line by line."""
    return [
        (_("Name"), words.plain(replication.name)),
        (_("ID"), replication.id),
        (_("Status"), STATUSES.get(replication.status, replication.status)),
        (_("Reason"), why(replication.error_code, replication.reason) or words.NOTHING),
        (_("Images"), which(replication)),
        (_("Target Region"), replication.region),
        (_("Target Project"), replication.target_project_id),
        (_("Copies Kept"), kept(replication)),
        (_("Key There"), replication.cmk_id or words.NOTHING),
        (_("IAM Agency"), words.plain(replication.agency_name) or words.NOTHING),
        (_("Created"), words.time(replication.created_at)),
    ]


def images(replication: Replication) -> list[dict[str, Any]]:
    """What became of each image, in which region."""
    return [_image(each) for each in replication.images or ()]


def _image(found: Mapping[str, Any]) -> dict[str, Any]:
    state, job_id = str(found.get("state")), found.get("job_id")
    percent = found.get("process_percent")
    return {
        "name": words.plain(found.get("image_name")) or found.get("image_id"),
        "address": reverse("horizon:project:ims:image", args=[found["image_id"]]),
        "region": found.get("region"),
        "state": COPIES.get(state, state),
        "percent": percent if state == "running" else None,
        "copy": found.get("copy_id") or words.NOTHING,
        "job": reverse("horizon:project:ims:job", args=[job_id]) if job_id else None,
        "why": why(found.get("error_code"), found.get("reason")),
        "again": words.time(found["try_again_at"]) if found.get("try_again_at") else None,
    }
