# SPDX-License-Identifier: Apache-2.0
"""What will happen when an image is made: said before it is done."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ims_glance.client.resources.quota import Quota
from ims_glance.dashboard import connection, refusals
from ims_glance.dashboard.wizard import ways
from ims_glance.dashboard.wizard.chosen import Chosen
from ims_glance.dashboard.wizard.forms import SettingsForm


@dataclasses.dataclass(frozen=True)
class Outlook:
    """What is foreseen.

    :ivar lines: term and sentence
    :ivar is_over: whether there is no room for it
    """

    lines: Sequence[tuple[Any, Any]]
    is_over: bool = False


def of(request: Any, way: ways.Way, source: Chosen, form: SettingsForm) -> Outlook:
    """What will happen.

    :param form: valid
    """
    count = max(1, len(form.chosen_disks))
    quota = _quota(request)
    lines = [
        (_("Standstill"), standstill(way, source, form.cleaned_data)),
        (_("Left out"), left_out(way, source, form)),
        (_("Quota"), _room(quota, count)),
    ]
    if way.source == ways.SERVER:
        lines.append(
            (_("Meanwhile"), _("Leave the server and its disks alone until the job has ended."))
        )
    if form.key_name is None and "encrypt" in form.fields:
        lines.append((_("KMS Encryption"), _unencrypted(way)))
    return Outlook(
        [line for line in lines if line[1]], is_over=quota is not None and quota.remaining < count
    )


def _unencrypted(way: ways.Way) -> str:
    if way.source == ways.FILE:
        return str(
            _("The image is not encrypted, unless the file is sealed: then it keeps its key.")
        )
    return str(_("The image is not encrypted."))


def standstill(way: ways.Way, source: Chosen, data: Mapping[str, Any]) -> str:
    """What becomes of a running server; empty, if the image is of none."""
    if way.source != ways.SERVER or not source.is_running:
        return ""
    if way.kind != "whole":
        return str(_("None: the server goes on. Its disk is taken as after a sudden power cut."))
    if data.get("no_pause"):
        return str(_("None: the server goes on, and its disks are not of one moment."))
    if source.is_on_host:
        said = _(
            "The server is paused while its system disk is read, some seconds for each GB in use."
        )
    elif source.is_quiesced:
        said = _(
            "None, if its guest agent answers: it holds the disks still, and the server goes on. Otherwise the server "
            "is paused for about a second."
        )
    else:
        said = _("The server is paused for about a second.")
    return str(said)


def left_out(way: ways.Way, source: Chosen, form: SettingsForm) -> str:
    """Which disks of a server are not in the image; empty, if the image is of none."""
    if way.source != ways.SERVER:
        return ""
    missing = {
        "system": source.data_disks,
        "data": [disk for disk in source.disks if disk.id not in form.chosen_disks],
        "whole": [],
    }[way.kind]
    titles = [str(disk.title) for disk in missing]
    if way.kind == "data" and source.is_on_host:
        # It is no volume, and so none of the server's disks that Cinder knows.
        titles.insert(0, str(_("System disk")))
    if not titles:
        return str(_("Nothing: all disks of the server are in it."))
    return str(_("These disks of the server: %s") % ", ".join(titles))


def _quota(request: Any) -> Quota | None:
    with refusals.ignored():
        quotas = connection.ims(request).quotas()
        return next((each for each in quotas if each.type == "image"), None)
    return None


def _room(quota: Quota | None, count: int) -> str:
    if quota is None:
        return ""
    numbers = {"remaining": quota.remaining, "count": count}
    said = ngettext(
        "%(count)d private image of the %(remaining)d that you can still create.",
        "%(count)d private images of the %(remaining)d that you can still create.",
        count,
    )
    return str(said % numbers)
