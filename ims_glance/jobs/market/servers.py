# SPDX-License-Identifier: Apache-2.0
"""What Nova's servers of one region are made of: asked of Nova, Glance and Cinder as an administrator."""

import collections
import dataclasses
import logging
import threading
from collections.abc import Iterator
from typing import Any

from ims_glance import exceptions
from ims_glance.clouds import rest
from ims_glance.clouds.compute import ComputeApi
from ims_glance.clouds.image_api import ImageApi
from ims_glance.clouds.region import Region
from ims_glance.clouds.volume import VolumeApi
from ims_glance.db.market.uses import ServerUses
from ims_glance.model.image import kinds
from ims_glance.model.market import nova_server, usage
from ims_glance.model.market.usage import SeenServer

LOG = logging.getLogger(__name__)

# What was found out of so many servers and images is remembered.
_REMEMBERED = 20_000
_CREATED = "create"
# Of nothing that there is; to see whether a service answers.
_NAME = "ims-usage-nothing"
# With which a server begins to run what it runs.
_BEGINS = frozenset({_CREATED, "rebuild", "unshelve", "restore"})
# After which Nova says another moment than that.
_AGAIN = frozenset({"resize", "migrate", "revertResize", "rescue", "unrescue", "restore"})

Contents = tuple[frozenset[str] | None, str | None]
"""Codes of products, and the id of the image; ``None`` for codes that cannot be told."""

_NOTHING: Contents = (frozenset(), None)


class ServerNotTold(exceptions.Unavailable):
    """Nova cannot say how a server is: the database of its cell is away."""

    template = "Nova does not say how server {server_id} is: is its cell down?"


class RegionServers:
    """The servers of a region.

    Each method raises what :meth:`ims_glance.clouds.rest.Rest.request` raises, or ``DatabaseUnavailable``.

    :param region: as an administrator sees it
    """

    def __init__(self, region: Region, uses: ServerUses) -> None:
        self._compute = ComputeApi(region)
        self._images = ImageApi(region)
        self._volumes = VolumeApi(region)
        self._name = str(region.name)
        self._uses = uses
        # Two threads of a worker ask: the one that looks, and the one that listens.
        self._mutex = threading.Lock()
        self._remembered: collections.OrderedDict[Any, Contents] = collections.OrderedDict()

    def listed(self, seen: float, changed_since: float | None = None) -> Iterator[SeenServer]:
        """The servers that are there; or those that changed or went since then.

        What a server is made of cannot be told if its image or volume alone cannot be read.

        :param seen: when they are asked for
        """
        since = None if changed_since is None else usage.iso(changed_since)
        for server in self._compute.of_all_projects(since):
            if nova_server.is_told(server):
                yield self._seen(server, seen, is_alone=False)

    def one(self, server_id: str, seen: float) -> SeenServer | None:
        """One server; ``None`` if Nova has it no more.

        :raises ServerNotTold: if Nova cannot say how it is
        """
        try:
            server = self._compute.get(server_id)
        except rest.Missing:
            return None
        if not nova_server.is_told(server):
            raise ServerNotTold(server_id=server_id)
        return self._seen(server, seen)

    def first(self, server: SeenServer) -> SeenServer:
        """A server of which nothing was known, with the moment when it began to run what it runs.

        (``launched_at`` is another one after a resize, see ``nova/compute/manager.py``.) What it ran before it
        was rebuilt was something else, and while it was shelved it ran nothing.
        """
        try:
            actions = self._compute.actions(server.server_id)
        except rest.Refused:
            # Nova tells none of a server that is deleted to whoever may not see that.
            return server
        names = {str(each.get("action")) for each in actions}
        if not names & _AGAIN or _CREATED not in names:
            return server
        moments = [
            usage.moment_of(each.get("updated_at") or each.get("start_time"))
            for each in actions
            if each.get("action") in _BEGINS
        ]
        began = max((each for each in moments if each is not None), default=None)
        return server if began is None else dataclasses.replace(server, began=began)

    def _seen(self, server: dict[str, Any], seen: float, is_alone: bool = True) -> SeenServer:
        try:
            codes, image_id = self._contents(server)
        except (rest.Refused, rest.ServiceUnavailable) as error:
            if is_alone or not self._answers(server):
                raise
            LOG.warning("What server %s is made of cannot be told for now: %s", server["id"], error)
            codes, image_id = None, nova_server.image_of(server)
        return nova_server.of_api(server, codes, image_id, self._name, seen)

    def _answers(self, server: dict[str, Any]) -> bool:
        """Whether the service that has what a server boots from answers at all."""
        try:
            if nova_server.image_of(server) is None:
                self._volumes.named(_NAME)
            else:
                self._images.named(_NAME, _NAME)
        except (rest.Refused, rest.ServiceUnavailable):
            return False
        return True

    def _contents(self, server: dict[str, Any]) -> Contents:
        """What is in a server, asked for again once it has changed."""
        key = ("server", server["id"], server.get("updated"))
        known = self._recalled(key)
        if known is not None:
            return known
        image_id = nova_server.image_of(server)
        found = self._of_volumes(server) if image_id is None else self._of_image(image_id)
        return self._remember(key, found)

    def _of_image(self, image_id: str) -> Contents:
        known = self._recalled(("image", image_id))
        if known is not None:
            return known
        sold = self._uses.copies([image_id]).get(image_id)
        if sold is not None:
            return self._remember(("image", image_id), (frozenset({sold.product_code}), image_id))
        view = self._images.find(image_id)
        if view is None:
            # It was deleted: what was in it was seen before, or cannot be told.
            return None, image_id
        return self._remember(("image", image_id), (kinds.product_codes(view), image_id))

    def _of_volumes(self, server: dict[str, Any]) -> Contents:
        """What is on the volume that a server boots from."""
        ids = nova_server.volumes_of(server)
        if not ids:
            return None, None
        is_missing = False
        for volume_id in ids:
            try:
                volume = self._volumes.get(volume_id)
            except rest.Missing:
                is_missing = True
                continue
            if nova_server.is_first_disk(volume, server):
                attributes = volume.get("volume_image_metadata") or {}
                return kinds.product_codes(attributes), attributes.get("image_id")
        return (None, None) if is_missing else _NOTHING

    def _recalled(self, key: Any) -> Contents | None:
        with self._mutex:
            return self._remembered.get(key)

    def _remember(self, key: Any, found: Contents) -> Contents:
        with self._mutex:
            self._remembered[key] = found
            if len(self._remembered) > _REMEMBERED:
                self._remembered.popitem(last=False)
        return found
