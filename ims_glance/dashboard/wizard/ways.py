# SPDX-License-Identifier: Apache-2.0
"""Which images can be made of what; what each of these ways asks for."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _
from openstack_dashboard.api import base, cinder

from ims_glance.dashboard import uploads, words

SERVER, VOLUME, BACKUP, FILE = "server", "volume", "backup", "file"
UPLOAD = "upload"
"""Leads to :data:`FILE`."""
SOURCES: Mapping[str, Any] = {
    SERVER: _("Server"),
    VOLUME: _("Volume"),
    BACKUP: _("Server backup"),
    FILE: _("File in a bucket"),
    UPLOAD: _("File of this computer"),
}
KINDS: Mapping[str, Any] = {
    "system": _(
        "The system disk, with the operating system and what is installed. Servers are made of it."
    ),
    "data": _("One data disk, without an operating system. Volumes are made of it."),
    "whole": _(
        "The system disk and all data disks, as they are at one moment. Servers with all disks are made of it."
    ),
}


@dataclasses.dataclass(frozen=True)
class Way:
    """A kind of image of a kind of source.

    :ivar fields: of the settings, besides those that all ways have
    :ivar needs: which service has to be there besides
    """

    kind: str
    source: str
    fields: tuple[str, ...]
    needs: str

    @property
    def title(self) -> str:
        """What it is called."""
        return f"{words.KINDS[self.kind]} / {SOURCES[self.source]}"

    def is_there(self, request: Any) -> bool:
        """Whether the cloud has what it takes."""
        if self.source == UPLOAD:
            return uploads.are_possible(request)
        if self.needs == "volume":
            return bool(cinder.is_volume_service_enabled(request))
        return not self.needs or bool(base.is_service_enabled(request, self.needs))


_KEY = ("encrypt", "key")
_OF_FILE = ("min_disk", *_KEY)
WAYS: tuple[Way, ...] = (
    Way("system", SERVER, ("prepare", *_KEY), "compute"),
    Way("system", VOLUME, ("os_version", "prepare"), "volume"),
    Way("system", FILE, ("os_version", "prepare", *_OF_FILE), ""),
    Way("system", UPLOAD, (), "object-store"),
    Way("data", SERVER, ("disks",), "compute"),
    Way("data", FILE, ("os_type", *_OF_FILE), ""),
    Way("data", UPLOAD, (), "object-store"),
    Way("whole", SERVER, ("no_pause", "with_backup", *_KEY), "compute"),
    Way("whole", BACKUP, _KEY, "volume"),
    Way("whole", FILE, ("os_version", *_OF_FILE), ""),
    Way("whole", UPLOAD, (), "object-store"),
)


def find(kind: str, source: str) -> Way | None:
    """The way of a kind and a source; ``None`` if there is none."""
    return next((way for way in WAYS if (way.kind, way.source) == (kind, source)), None)
