# SPDX-License-Identifier: Apache-2.0
"""What becomes of a running server while its disks are captured."""

from collections.abc import Mapping
from typing import Any

from ims_glance.client.shell.base import REFUSALS

_YES = ("1", "t", "true", "on", "y", "yes")


def announced(cloud: Any, server: Any, no_pause: bool) -> str:
    """What will happen to a server, in a sentence; ``""`` if it does not run.

    :param cloud: an ``openstack.connection.Connection``
    :param server: as the SDK has it
    """
    if server.status != "ACTIVE":
        return ""
    if no_pause:
        return "The server goes on: its disks will not be of one instant."
    if server.image and server.image.id:
        return (
            f"Server {server.name} will be paused while Nova makes an image of its root disk, which "
            "is on its host: seconds for each GiB that is used."
        )
    if needs_quiesce(_root(cloud, server)):
        return (
            f"The guest agent of server {server.name} will hold its disks still, and the server goes "
            "on. If the agent does not answer, the server will be paused for about a second."
        )
    return f"Server {server.name} will be paused for about a second."


def _root(cloud: Any, server: Any) -> Mapping[str, Any]:
    """Properties of the image that the root volume of a server was made of."""
    found: list[tuple[int, str, Mapping[str, Any]]] = []
    for attached in server.attached_volumes or ():
        try:
            volume = cloud.block_storage.get_volume(attached["id"])
        except REFUSALS:
            # This is only said: what cannot be done is the service's to refuse.
            return {}
        for attachment in volume.attachments or ():
            if attachment["server_id"] == server.id:
                # Only administrators are told which of them is the root device: it is the first.
                device = str(attachment["device"])
                found.append((len(device), device, volume.volume_image_metadata or {}))
    return min(found, key=lambda each: each[:2])[2] if found else {}


def needs_quiesce(properties: Mapping[str, Any]) -> bool:
    """Whether the guest is sure to be frozen for the snapshots; otherwise it is not asked."""
    wanted = ("hw_qemu_guest_agent", "os_require_quiesce")
    return all(str(properties.get(name)).strip().lower() in _YES for name in wanted)
