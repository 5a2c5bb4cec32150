# SPDX-License-Identifier: Apache-2.0
"""What an image was made of, and where copies of it are."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from openstack_dashboard import exceptions as horizons
from openstack_dashboard.api import nova

from ims_glance.client.operations.copy import Origin
from ims_glance.client.resources.image import Image
from ims_glance.dashboard import connection, refusals, words

_SERVER = ("instance", "server")
_ORIGINS: Mapping[str, Any] = {
    "instance": gettext_lazy("Server"),
    "server": gettext_lazy("Server"),
    "volume": gettext_lazy("Volume"),
    "file": gettext_lazy("File"),
    "image": gettext_lazy("Image"),
    "backup": gettext_lazy("Server backup"),
}


def origin(request: Any, image: Image) -> str:
    """What it was made of; of a server also whether that is still there."""
    kind, _comma, rest = str(image.data_origin or "").partition(",")
    if not kind:
        return words.NOTHING
    rest = words.plain(rest.strip(","))
    if kind in _SERVER:
        # What was made of it is there, so its id is; the rest of the line names a backup.
        rest = f"{rest} ({_server(request, rest.partition(',')[0])})" if rest else rest
    return f"{_ORIGINS.get(kind, kind)}: {rest}"


def _server(request: Any, server_id: str) -> Any:
    """Its name, if it is there."""
    try:
        return words.plain(nova.server_get(request, server_id).name) or _("still there")
    except horizons.NOT_FOUND:
        return _("deleted")
    except Exception:  # boundary: an image is shown whatever Nova does
        return _("whether it is still there is not known")


def copies(request: Any, image: Image) -> list[dict[str, Any]]:
    """Copies of it in the user's project, region by region; why a region is not known."""
    here, found = request.user.services_region, []
    for region in request.user.available_services_regions:
        try:
            ims = connection.ims_in(request, region)
            found += [
                {
                    "region": region,
                    "id": copy.id,
                    "name": words.name(copy),
                    "status": words.status(copy),
                    "created": words.time(copy.created_at),
                }
                for copy in ims.copies_of(Origin(here, image.id))
            ]
        except refusals.FAILURES as error:
            found.append({"region": region, "away": refusals.sentence(error)})
    return found
