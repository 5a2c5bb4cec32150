# SPDX-License-Identifier: Apache-2.0
"""The one thing that an image is to be made of, and what is known of it."""

import contextlib
import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from django import http
from django.utils.translation import gettext as _
from horizon import exceptions as horizon_exceptions
from openstack_dashboard.api import cinder, nova

from ims_glance.client.shell.pause import needs_quiesce
from ims_glance.dashboard import connection, refusals, uploads, words
from ims_glance.dashboard.wizard import ways

# What a bucket and a file in it may be called is the service's to say; so much fits into an address.
_MOST = 1024
_MOST_NAME = 128


@dataclasses.dataclass(frozen=True)
class ServerDisk:
    """A volume of a server.

    :ivar size: GB
    """

    id: str
    name: str
    size: Any
    is_system: bool

    @property
    def title(self) -> str:
        """What the user knows it by."""
        return f"{self.name} ({self.size} GB)"


@dataclasses.dataclass(frozen=True)
class Chosen:
    """A source.

    :ivar query: what names it in an address
    :ivar name: that the image gets, unless the user says otherwise
    :ivar facts: what is shown of it
    :ivar disks: of a server, as far as they are volumes
    :ivar is_running: of a server
    :ivar is_on_host: whether its system disk is no volume
    :ivar is_quiesced: whether its guest agent holds its disks still
    """

    query: Mapping[str, str]
    name: str
    facts: Sequence[tuple[Any, Any]]
    disks: Sequence[ServerDisk] = ()
    is_running: bool = False
    is_on_host: bool = False
    is_quiesced: bool = False

    @property
    def address(self) -> str:
        """What an address that keeps the choice ends with."""
        return urlencode(self.query)

    @property
    def data_disks(self) -> list[ServerDisk]:
        """Those without the system."""
        return [disk for disk in self.disks if not disk.is_system]


def of(request: Any, way: ways.Way) -> Chosen:
    """What the address of a step names.

    :raises Http404: if it names nothing, or what is not there
    :raises Http302: to the list of images, if that cannot be known now
    """
    if way.source == ways.FILE:
        return _file(request)
    named = request.GET.get(way.source, "")
    if way.source not in _LOADED or not named or len(named) > _MOST_NAME:
        raise http.Http404
    return _LOADED[way.source](request, named)


def _server(request: Any, server_id: str) -> Chosen:
    with _needed(request, _("The server cannot be shown.")):
        server = nova.server_get(request, server_id)
        disks, system = _disks(request, server)
    name = words.plain(server.name)
    return Chosen(
        {ways.SERVER: str(server.id)},
        name,
        [(ways.SOURCES[ways.SERVER], name)],
        disks,
        is_running=server.status == "ACTIVE",
        is_on_host=bool(server.image),
        is_quiesced=not server.image and needs_quiesce(system),
    )


def _disks(request: Any, server: Any) -> tuple[list[ServerDisk], Mapping[str, Any]]:
    """The volumes of a server, its system disk first; and what is known of the system on that."""
    volumes = {
        each.volumeId: cinder.volume_get(request, each.volumeId)
        for each in nova.instance_volumes_list(request, server.id)
    }
    # Only administrators are told which of them is the root device: it is the first.
    devices = {
        each.id: str(attachment["device"])
        for each in volumes.values()
        for attachment in each.attachments
        if attachment["server_id"] == server.id
    }
    ordered = sorted(
        volumes.values(), key=lambda each: (len(devices.get(each.id, "")), devices.get(each.id, ""))
    )
    system = None if server.image or not ordered else ordered[0]
    disks = [
        ServerDisk(
            each.id, words.plain(each.name) or str(each.id), each.size, is_system=each is system
        )
        for each in ordered
    ]
    return disks, (getattr(system, "volume_image_metadata", None) or {}) if system else {}


def _volume(request: Any, volume_id: str) -> Chosen:
    with _needed(request, _("The volume cannot be shown.")):
        volume = cinder.volume_get(request, volume_id)
    name = words.plain(volume.name) or str(volume.id)
    facts = [(ways.SOURCES[ways.VOLUME], name), (_("Disk (GB)"), volume.size)]
    return Chosen({ways.VOLUME: str(volume.id)}, name, facts)


def _backup(request: Any, backup_id: str) -> Chosen:
    with refusals.needed(request):
        backup = connection.ims(request).get_backup(backup_id)
    name = words.plain(backup.name)
    facts = [
        (ways.SOURCES[ways.BACKUP], name),
        (ways.SOURCES[ways.SERVER], words.plain(backup.server_name) or words.NOTHING),
        (_("Created"), words.time(backup.created_at)),
        (_("Disk (GB)"), backup.size),
    ]
    return Chosen({ways.BACKUP: str(backup.id)}, name, facts)


def file_url(query: Mapping[str, str]) -> str:
    """A file as the service has it (``bucket:object``)."""
    return f"{query['bucket']}:{query['file']}"


def _file(request: Any) -> Chosen:
    query = {name: request.GET.get(name, "") for name in ("bucket", "file", "check")}
    if (
        not query["bucket"]
        or not query["file"]
        or any(len(each) > _MOST for each in query.values())
    ):
        raise http.Http404
    url = file_url(query)
    name = uploads.title(query["file"]).rpartition("/")[2].partition(".")[0]
    kept = {name: value for name, value in query.items() if value}
    return Chosen(kept, name[:_MOST_NAME], [(ways.SOURCES[ways.FILE], words.plain(url))])


_LOADED = {ways.SERVER: _server, ways.VOLUME: _volume, ways.BACKUP: _backup}


@contextlib.contextmanager
def _needed(request: Any, what: str) -> Any:
    """Around what Nova or Cinder is asked.

    :raises Http302: to the list of images, with what they say
    """
    try:
        yield
    except Exception:  # boundary: Horizon shows what they say
        horizon_exceptions.handle(request, what, redirect=refusals.home())
        raise
