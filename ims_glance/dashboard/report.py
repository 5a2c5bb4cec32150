# SPDX-License-Identifier: Apache-2.0
"""What was found in the system of an image or of a file, as it is shown."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from ims_glance.client.resources.job import Job
from ims_glance.dashboard import connection, refusals, words


@dataclasses.dataclass(frozen=True)
class Check:
    """What is known of something that is looked into, or was.

    :ivar is_running: whether there is more to come
    :ivar lines: what was found
    :ivar steps: what the system lacks, and what there is to do
    """

    is_running: bool = False
    failure: str = ""
    lines: Sequence[tuple[Any, Any]] = ()
    steps: Sequence[Mapping[str, Any]] = ()


def of_job(request: Any, job_id: str, file: str) -> Check | None:
    """What the job says that looks into a file; ``None`` if it cannot be asked, or is about something else.

    :param file: ``bucket:object``
    """
    with refusals.shown(request):
        job: Job = connection.ims(request).get_job(job_id)
        if (job.entities or {}).get("file") != file:
            return None
        if not job.is_finished:
            return Check(is_running=True)
        return Check(failure=words.failure(job)) if job.report is None else of(job.report)
    return None


def of(found: Mapping[str, Any]) -> Check:
    """What was found in a system.

    :param found: as the service reports it
    """
    guest = found.get("guest") or {}
    notes = [*(guest.get("notes") or ()), *(found.get("notes") or ())]
    lines = [
        (_("System"), words.plain(guest.get("product_name")) or _("None that is known")),
        (_("Architecture"), guest.get("arch") or words.NOTHING),
        (_("Boot Mode"), guest.get("firmware") or words.NOTHING),
        ("cloud-init", _flag(guest.get("has_cloud_init"))),
        (_("virtio Drivers"), _flag(guest.get("has_virtio"))),
        *((_("Note"), words.plain(note)) for note in notes),
    ]
    steps = [
        {
            each: words.plain(str(step.get(each) or ""))
            for each in ("name", "state", "what", "advice")
        }
        for step in found.get("steps") or ()
    ]
    return Check(lines=lines, steps=steps)


def _flag(given: Any) -> Any:
    if given is None:
        return words.NOTHING
    return _("Yes") if given else _("No")
