# SPDX-License-Identifier: Apache-2.0
"""What a worker does for the marketplace: what there is follows what is recorded.

Who may boot a product, and which copies are kept, is decided in the database alone, in one transaction
each. A worker makes the memberships and deletes the copies, in each region, whenever there are some to do;
whoever dies leaves them for the next one. A region that is away is left alone for a while, and the others
are served.
"""

import logging
import threading
from collections.abc import Callable

from keystoneauth1.session import Session
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
from ims_glance.db.market.regions import ProductRegions
from ims_glance.jobs.lease import clock
from ims_glance.jobs.market.door import ImageDoor
from ims_glance.jobs.market.regions import AWAY, RegionCopies
from ims_glance.model.image import attributes
from ims_glance.model.market import membership
from ims_glance.model.market.entitlement import ProductCopy, ProductMember

LOG = logging.getLogger(__name__)

# So many rows are read at once; of copies, so many are looked after at a time.
_PAGE, _COPIES = 500, 100


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
        self._regions = ProductRegions(database)
        self._elsewhere = RegionCopies(conf, database, identity, stopping)
        self._session: Session | None = None
        self._away: dict[str, float] = {}
        self._unwanted = _Turns(self._copies.unwanted)
        self._withdrawn = _Turns(self._regions.to_offshelve)

    def look(self) -> None:
        """Do what is to be done; what cannot be done now is left for the next time.

        :raises DatabaseUnavailable: if the database is away
        """
        if not self._conf.ims_market.enabled:
            return
        self._entitlements.end_due()
        try:
            self._session = self._session or self._identity.session_in(market_project(self._conf))
            self._serve_all(self._session)
            self._elsewhere.look(self._session)
        except DatabaseUnavailable:
            raise
        except exceptions.ImsError as error:
            LOG.warning("What is sold is left as it is for now: %s", error)

    def _serve_all(self, session: Session) -> None:
        """Serve this region, and then each other one that has something to do and is not away."""
        here = Region.of(self._conf, session)
        own = here.title
        busy = self._regions.busy()
        for name in sorted(busy, key=lambda each: (each != own, each)):
            if self._stopping.is_set() or clock() < self._away.get(name, 0.0):
                continue
            region = here if name == own else here.elsewhere(name)
            try:
                self._serve(name, ImageDoor(ImageApi(region)), session)
            except DatabaseUnavailable:
                raise
            except exceptions.ImsError as error:
                LOG.warning("What is sold in %s is left as it is for now: %s", name, error)
                if name != own:
                    self._away[name] = clock() + AWAY

    def _serve(self, region: str, door: ImageDoor, session: Session) -> None:
        # First: with a copy that nobody wants go all its members, of whom there may be thousands.
        self._forget(region, door, session)
        while members := self._members.to_do(_PAGE, region=region):
            if not self._follow(members, door):
                break
        self._offshelve(region, door)

    def _forget(self, region: str, door: ImageDoor, session: Session) -> None:
        """Delete the copies that nobody wants.

        One that its store keeps, since volumes are clones of it, delays no other.
        """
        for copy in self._unwanted.next(region):
            if self._stopping.is_set():
                return
            is_stopped, image_ids = self._elsewhere.stop(copy, session, door.images)
            if not is_stopped:
                continue
            try:
                for image_id in image_ids:
                    door.delete(image_id)
            except rest.Refused as refused:
                LOG.warning("Copies %s are not all deleted for now: %s", image_ids, refused)
                continue
            self._copies.gone(copy.version_id, copy.region)

    def _offshelve(self, region: str, door: ImageDoor) -> None:
        """Have copies say that their product is withdrawn; one that is gone, or refuses it, delays no other."""
        for copy in self._withdrawn.next(region):
            if self._stopping.is_set():
                return
            try:
                door.images.update(str(copy.image_id), {attributes.IS_OFFSHELVED: "true"})
            except rest.Refused as refused:
                LOG.warning("Copy %s does not say that it is withdrawn: %s", copy.image_id, refused)
                continue
            self._regions.offshelved(copy)

    def _follow(self, members: list[ProductMember], door: ImageDoor) -> bool:
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


class _Turns:
    """Copies with something to do, so many a time: those that it cannot be done with keep no turn from others.

    :param find: reads a page of those of a region, after the last one of the page before
    """

    def __init__(self, find: Callable[..., list[ProductCopy]]) -> None:
        self._find = find
        self._last: dict[str, ProductCopy] = {}

    def next(self, region: str) -> list[ProductCopy]:
        """Those whose turn it is in a region; after the last ones the first ones are again."""
        found = self._find(region=region, limit=_COPIES, after=self._last.pop(region, None))
        if len(found) == _COPIES:
            self._last[region] = found[-1]
        return found
