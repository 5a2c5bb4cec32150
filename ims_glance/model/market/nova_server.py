# SPDX-License-Identifier: Apache-2.0
"""Nova's servers, as its API and its notifications tell of them, as :class:`SeenServer`.

Of both kinds of notifications (``[notifications] notification_format`` of Nova). Those without a version, which
are Nova's default, have all attributes of the image, so also of a volume that was made of one
(``nova/notifications/base.py``); those with one have the image's id (``nova/notifications/objects/instance.py``).
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

from ims_glance.model.image import kinds
from ims_glance.model.market.usage import SeenServer, moment_of

EVENTS = frozenset(
    f"{name}.end"
    for name in (
        "create", "delete", "finish_resize", "rebuild", "resize_finish", "resize.revert", "resize_revert",
        "restore", "shelve_offload", "soft_delete", "unshelve",
    )
)  # fmt: skip
"""After which a server may use another product, or more, or less of one."""

CREATED = "create.end"
_PREFIXES = ("compute.instance.", "instance.")
# On no host (by Nova's API, and by its database), and gone.
_AWAY = frozenset({"shelved_offloaded", "soft_deleted", "soft-delete", "deleted"})
# So much of an attribute Nova keeps; a list of codes that is as long was cut.
_MOST = 255


@dataclasses.dataclass(frozen=True)
class Told:
    """A server that a notification tells of.

    :ivar event: one of :data:`EVENTS`
    """

    event: str
    server: SeenServer


def of_notification(
    event_type: str, payload: Mapping[str, Any], sent: float, region: str
) -> Told | None:
    """The server of a notification; ``None`` if it does not matter.

    :param sent: when it was sent
    """
    name = next((event_type[len(each) :] for each in _PREFIXES if event_type.startswith(each)), "")
    if name not in EVENTS:
        return None
    if isinstance(versioned := payload.get("nova_object.data"), Mapping):
        flavor = versioned.get("flavor")
        inside = flavor.get("nova_object.data") if isinstance(flavor, Mapping) else None
        payload = {
            **versioned,
            "instance_id": versioned.get("uuid"),
            "instance_type": inside.get("name") if isinstance(inside, Mapping) else None,
        }
    words = [payload.get(each) for each in ("instance_id", "tenant_id", "instance_type")]
    if not all(isinstance(each, str) and each for each in words):
        return None
    is_gone = name == "delete.end" or str(payload.get("state")).lower() in _AWAY
    gone = moment_of(payload.get("terminated_at")) or moment_of(payload.get("deleted_at")) or sent
    server = SeenServer(
        server_id=str(words[0])[:36],
        region=region,
        project_id=str(words[1])[:64],
        flavor=str(words[2])[:255],
        seen=sent,
        changed=sent,
        codes=_codes(payload),
        image_id=_image(payload),
        began=moment_of(payload.get("launched_at")),
        ended=gone if is_gone else None,
    )
    return Told(name, server)


def _codes(payload: Mapping[str, Any]) -> frozenset[str] | None:
    attributes = payload.get("image_meta")
    if not isinstance(attributes, Mapping):
        return None
    if len(str(attributes.get(kinds.PRODUCT_CODE, ""))) >= _MOST:
        return None
    return kinds.product_codes(attributes)


def _image(payload: Mapping[str, Any]) -> str | None:
    attributes = payload.get("image_meta")
    named = payload.get("image_uuid")
    if isinstance(attributes, Mapping):
        # A server on a volume has none of its own; there Cinder says what the volume was made of.
        named = attributes.get("image_id") or attributes.get("base_image_ref")
        named = str(payload.get("image_ref_url") or "").rpartition("/")[2] or named
    return str(named)[:36] if named else None


def is_told(server: Mapping[str, Any]) -> bool:
    """Whether Nova says how a server of its API is.

    While the database of its cell is away it says little more than that there is one, with the status ``UNKNOWN``
    (``nova/api/openstack/compute/views/servers.py``, ``_show_from_down_cell``).
    """
    return bool(server.get("updated"))


def of_api(
    server: Mapping[str, Any],
    codes: frozenset[str] | None,
    image_id: str | None,
    region: str,
    seen: float,
) -> SeenServer:
    """A server of Nova's API.

    :param seen: when it was asked for
    """
    changed = min(seen, moment_of(server.get("updated")) or seen)
    is_away = str(server.get("status")).lower() in _AWAY
    gone = moment_of(server.get("OS-SRV-USG:terminated_at")) or changed
    return SeenServer(
        server_id=str(server["id"]),
        region=region,
        project_id=str(server["tenant_id"]),
        flavor=str(server["flavor"].get("original_name") or server["flavor"].get("id"))[:255],
        seen=seen,
        changed=changed,
        codes=codes,
        image_id=image_id,
        began=moment_of(server.get("OS-SRV-USG:launched_at")),
        ended=gone if is_away else None,
    )


def image_of(server: Mapping[str, Any]) -> str | None:
    """The image that a server of Nova's API was made of; ``None`` if its first disk is a volume."""
    image = server.get("image")
    return str(image["id"]) if isinstance(image, Mapping) and image.get("id") else None


def volumes_of(server: Mapping[str, Any]) -> list[str]:
    """Ids of the volumes of a server of Nova's API."""
    attached = server.get("os-extended-volumes:volumes_attached") or []
    return [str(each["id"]) for each in attached]


def is_first_disk(volume: Mapping[str, Any], server: Mapping[str, Any]) -> bool:
    """Whether a volume of Cinder's API is what a server boots from."""
    root = server.get("OS-EXT-SRV-ATTR:root_device_name")
    devices = {
        each.get("device")
        for each in volume.get("attachments") or []
        if each.get("server_id") == server.get("id")
    }
    if root and any(devices):
        return root in devices
    return str(volume.get("bootable")).lower() == "true"
