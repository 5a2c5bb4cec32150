# SPDX-License-Identifier: Apache-2.0
"""What an image can be made of, a page at a time, as rows to choose from."""

import dataclasses
import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from horizon import exceptions as horizon_exceptions
from horizon.utils import functions
from openstack_dashboard.api import cinder, nova

from ims_glance.client.resources.backup import Backup
from ims_glance.dashboard import connection, refusals, words
from ims_glance.dashboard.wizard import ways

STATES: Mapping[str, Any] = {
    "ACTIVE": pgettext_lazy("state of a server", "Running"),
    "SHUTOFF": pgettext_lazy("state of a server", "Stopped"),
    "PAUSED": pgettext_lazy("state of a server", "Paused"),
    "SUSPENDED": pgettext_lazy("state of a server", "Suspended"),
    "ERROR": pgettext_lazy("state of a server", "Error"),
    "BUILD": pgettext_lazy("state of a server", "Being built"),
    "SHELVED": pgettext_lazy("state of a server", "Shelved"),
    "SHELVED_OFFLOADED": pgettext_lazy("state of a server", "Shelved"),
    "available": gettext_lazy("Available"),
    "in-use": gettext_lazy("In use"),
}
_OS = "__os_version"


@dataclasses.dataclass(frozen=True)
class Choice:
    """A row.

    :ivar os: what is on it, as far as somebody has said
    :ivar size: of all disks, GB
    """

    id: str
    name: str
    state: Any
    created: Any
    os: str = words.NOTHING
    size: Any = words.NOTHING


@dataclasses.dataclass(frozen=True)
class Page:
    """Rows, and where the list goes on.

    :ivar following: marker of the next page; empty if this is the last one
    """

    rows: Sequence[Choice] = ()
    following: str = ""


@dataclasses.dataclass(frozen=True)
class Sought:
    """What is looked for.

    :ivar marker: id of the last one of the page before
    """

    name: str = ""
    state: str = ""
    marker: str = ""

    def given(self, **names: str) -> dict[str, str]:
        """What is filled in, by the names that a service has for it."""
        return {
            names[each]: value
            for each, value in dataclasses.asdict(self).items()
            if value and each in names
        }


def servers(request: Any, sought: Sought) -> Page:
    """Those of the project; none, if Nova does not say."""
    query: dict[str, Any] = sought.given(state="status", marker="marker")
    if sought.name:
        # To Nova it is a regular expression.
        query["name"] = re.escape(sought.name)
    try:
        found, has_more, _before = nova.server_list_paged(
            request, search_opts={**query, "paginate": True}, detailed=True
        )
    except Exception:  # boundary: Horizon shows what Nova says
        horizon_exceptions.handle(request, _("The servers cannot be listed."))
        return Page()
    systems = _systems(request, found)
    rows = [
        Choice(
            each.id,
            words.plain(each.name),
            STATES.get(each.status, each.status),
            words.time(each.created),
            systems.get(each.id) or words.NOTHING,
        )
        for each in found
    ]
    return Page(rows, found[-1].id if has_more else "")


def _systems(request: Any, found: Iterable[Any]) -> dict[str, str]:
    """What is on servers, as their images or their volumes say it; nothing, if those are not to be had."""
    of_images = {each.id: str(each.image["id"]) for each in found if each.image}
    known: dict[str, str] = {}
    with refusals.ignored():
        images = connection.ims(request).images_of(set(of_images.values())) if of_images else {}
        known = {
            server: words.plain(images[image].os_version)
            for server, image in of_images.items()
            if image in images
        }
    if any(not each.image for each in found):
        known |= _systems_of_volumes(request)
    return known


def _systems_of_volumes(request: Any) -> dict[str, str]:
    known = {}
    for volume in _attached(request):
        system = (getattr(volume, "volume_image_metadata", None) or {}).get(_OS)
        for attachment in volume.attachments if system else ():
            known[str(attachment["server_id"])] = words.plain(str(system))
    return known


def _attached(request: Any) -> list[Any]:
    """The project's volumes that servers have."""
    try:
        return list(cinder.volume_list(request, search_opts={"status": "in-use"}))
    except Exception:  # boundary: what they are is only shown
        return []


def volumes(request: Any, sought: Sought) -> Page:
    """Those of the project that a system can be on."""
    query = sought.given(name="name", state="status")
    try:
        found, has_more, _before = cinder.volume_list_paged(
            request, search_opts=query, marker=sought.marker or None, paginate=True
        )
    except Exception:  # boundary: Horizon shows what Cinder says
        horizon_exceptions.handle(request, _("The volumes cannot be listed."))
        return Page()
    rows = [
        Choice(
            each.id,
            words.plain(each.name),
            STATES.get(each.status, each.status),
            words.time(each.created_at),
            words.plain((getattr(each, "volume_image_metadata", None) or {}).get(_OS))
            or words.NOTHING,
            each.size,
        )
        for each in found
        if each.is_bootable
    ]
    return Page(rows, found[-1].id if has_more else "")


def backups(request: Any, sought: Sought) -> Page:
    """The project's backups of servers of which no image was made yet."""
    size = functions.get_page_size(request)
    query = sought.given(name="name", state="status", marker="marker")
    with refusals.shown(request):
        listed = connection.ims(request).backups(max_items=size + 1, **query)
        found: list[Backup] = list(itertools.islice(listed, size + 1))
        page = found[:size]
        rows = [backup_row(each) for each in page if not each.image_id]
        return Page(rows, page[-1].id if len(found) > size else "")
    return Page()


def backup_row(backup: Backup) -> Choice:
    """A backup as a row."""
    return Choice(
        str(backup.id),
        words.plain(backup.name),
        STATES.get(backup.status, backup.status),
        words.time(backup.created_at),
        words.plain(backup.server_name) or words.NOTHING,
        backup.size,
    )


PAGES = {ways.SERVER: servers, ways.VOLUME: volumes, ways.BACKUP: backups}
