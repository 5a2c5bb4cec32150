# SPDX-License-Identifier: Apache-2.0
"""What a worker does for the marketplace: what there is follows what is recorded.

Who may boot a product, and which copies are kept, is decided in the database alone, in one transaction
each. A worker makes the memberships and deletes the copies, whenever there are some to do; whoever dies
leaves them for the next one.
"""

import logging
import threading

from oslo_config import cfg

from ims_glance import exceptions
from ims_glance.clouds import rest
from ims_glance.clouds.identity import Identity, market_project
from ims_glance.clouds.image_api import ImageApi
from ims_glance.clouds.region import Region
from ims_glance.db.database import Database, DatabaseUnavailable
from ims_glance.db.market.copies import ProductCopies
from ims_glance.db.market.entitlements import Entitlements
from ims_glance.db.market.members import ProductMembers
from ims_glance.model.market import image, membership
from ims_glance.model.market.entitlement import ProductMember

LOG = logging.getLogger(__name__)

# So many rows are read at once.
_PAGE = 500
_THERE = 409


class MarketWork:
    """What one worker does for it.

    :param stopping: set when the worker stops
    """

    def __init__(
        self,
        conf: cfg.ConfigOpts,
        database: Database,
        identity: Identity,
        stopping: threading.Event,
    ) -> None:
        self._conf = conf
        self._identity = identity
        self._stopping = stopping
        self._members = ProductMembers(database)
        self._copies = ProductCopies(database)
        self._entitlements = Entitlements(database)
        self._door: ImageDoor | None = None

    def look(self) -> None:
        """Do what is to be done; what cannot be done now is left for the next time.

        :raises DatabaseUnavailable: if the database is away
        """
        if not self._conf.ims_market.enabled:
            return
        self._entitlements.end_due()
        region = self._conf.ims_service.region_name or image.REGION
        try:
            door = self._door = self._door or self._opened()
            while members := membership.of_region(self._members.to_do(_PAGE), region):
                if not self._follow(members, door):
                    break
            self._forget(region, door.images)
        except DatabaseUnavailable:
            raise
        except exceptions.ImsError as error:
            LOG.warning("What is sold is left as it is for now: %s", error)

    def _opened(self) -> "ImageDoor":
        session = self._identity.session_in(market_project(self._conf))
        return ImageDoor(ImageApi(Region.of(self._conf, session)))

    def _forget(self, region: str, images: ImageApi) -> None:
        """Delete the copies that nobody wants.

        One that its store keeps, since volumes are clones of it, delays no other.
        """
        for copy in self._copies.unwanted():
            if copy.region != region or self._stopping.is_set():
                continue
            try:
                if copy.image_id:
                    images.delete(copy.image_id)
            except rest.Refused as refused:
                LOG.warning("Copy %s is not deleted for now: %s", copy.image_id, refused)
                continue
            self._copies.gone(copy.version_id, copy.region)

    def _follow(self, members: list[ProductMember], door: "ImageDoor") -> bool:
        """Make some follow; whether all of them do."""
        left = 0
        for member in members:
            if self._stopping.is_set():
                return False
            try:
                is_done = membership.follow(member, self._members, door)
            except rest.Refused as refused:
                LOG.warning(
                    "Project %s and product %s: %s", member.project_id, member.product_id, refused
                )
                is_done = False
            left += not is_done
        return not left


class ImageDoor:
    """Memberships by the Image API.

    :param images: as the service itself
    """

    def __init__(self, images: ImageApi) -> None:
        self.images = images

    def add(self, image_id: str, project_id: str) -> None:
        """Let a project have an image; the guard accepts it for the project."""
        try:
            self.images.add_member(image_id, project_id)
        except rest.Refused as refused:
            if refused.status != _THERE:
                raise

    def remove(self, image_id: str, project_id: str) -> None:
        """Take it away."""
        self.images.delete_member(image_id, project_id)
