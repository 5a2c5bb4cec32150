# SPDX-License-Identifier: Apache-2.0
"""The marketplace as handlers use it: its tables, the regions of it, and who makes images follow."""

import dataclasses
from typing import Any, Protocol

from oslo_config import cfg
from oslo_utils import uuidutils

from ims_glance import exceptions
from ims_glance.conf import ims_service
from ims_glance.db.database import Database
from ims_glance.db.market.copies import ProductCopies
from ims_glance.db.market.entitlements import Entitlements
from ims_glance.db.market.listing import ProductListing
from ims_glance.db.market.products import Products
from ims_glance.db.market.scans import ProductScans
from ims_glance.db.market.versions import ProductVersions
from ims_glance.model.market import document as documents
from ims_glance.model.market.product import Actor, Product, ProductVersion


class ProductIncomplete(exceptions.Invalid):
    """A draft lacks something."""

    template = "Product {product_id} lacks: {missing}."


class RegionNotOffered(exceptions.Invalid):
    """A product is to be offered where nothing is."""

    code = "IMG.0058"
    template = (
        "Products are not offered in region '{region}', but in: {regions} ([ims_market] regions)."
    )


class HomeNotOffered(exceptions.Invalid):
    """A product is to be offered elsewhere alone."""

    code = "IMG.0058"
    template = (
        "The marketplace is in region '{region}', where the service keeps the copy that all others are made "
        "of: offer the product there as well."
    )


class CopiesNotMade(exceptions.Conflict):
    """This service makes no copies of sellers' images."""

    code = "IMG.0105"
    template = (
        "Products cannot be submitted: this service makes no copies of its own of their images yet."
    )


@dataclasses.dataclass(frozen=True)
class SourceImage:
    """An image that may be published.

    :ivar digest: see :func:`ims_glance.model.market.image.digest`
    :ivar facts: what buyers choose by; see :class:`ims_glance.model.market.product.ProductVersion`
    """

    image_id: str
    digest: str | None
    facts: dict[str, Any]


class MarketImageDoor(Protocol):
    """Who looks at sellers' images, copies them, and makes memberships follow what is recorded."""

    def check_source(self, context: Any, image_id: str) -> SourceImage:
        """See whether an image may be published.

        :raises ImsError: why not, and what to do about it
        """

    def copy(self, context: Any, version: ProductVersion) -> str:
        """Have the service's copies of a version's image made; the id of the job."""

    def scan(self, context: Any, image_id: str) -> str:
        """Have a seller's image scanned as a version's copy would be; the id of the job."""

    def settle(self, project_id: str | None = None, product_id: str | None = None) -> None:
        """Make memberships of a project follow at once; what fails is done later, by workers."""


class NoMarketImages:
    """There are no copies yet: nothing is submitted, so that nothing is there to be subscribed."""

    def check_source(self, context: Any, image_id: str) -> SourceImage:
        """Refuse it.

        :raises CopiesNotMade: always
        """
        raise CopiesNotMade

    def copy(self, context: Any, version: ProductVersion) -> str:
        """Refuse it, in the same way."""
        raise CopiesNotMade

    def scan(self, context: Any, image_id: str) -> str:
        """Refuse it, in the same way."""
        raise CopiesNotMade

    def settle(self, project_id: str | None = None, product_id: str | None = None) -> None:
        """Do nothing."""


class Market:
    """The marketplace. Nothing is connected before the first use.

    :param images: who copies images and makes memberships follow
    """

    def __init__(self, conf: cfg.ConfigOpts, images: MarketImageDoor) -> None:
        self._conf = conf
        database = Database(conf)
        self.images = images
        self.products = Products(database)
        self.versions = ProductVersions(database)
        self.copies = ProductCopies(database)
        self.scans = ProductScans(database)
        self.entitlements = Entitlements(database)
        self.listing = ProductListing(database)

    @property
    def drafts(self) -> int:
        """Products that are not listed yet, which a project may have."""
        return int(self._conf.ims_market.drafts)

    @property
    def certificates_kib(self) -> int:
        """Size of all certificates of a product."""
        return int(self._conf.ims_market.certificates_kib)

    @property
    def takes_uninspected(self) -> bool:
        """Whether a reviewer may approve what nobody could look into."""
        return bool(self._conf.ims_market.uninspected == "acknowledge")

    @property
    def regions(self) -> list[str]:
        """Where products may be offered: here first."""
        here = ims_service.region_name(self._conf)
        return list(dict.fromkeys([here, *self._conf.ims_market.regions]))

    def check(self, context: Any, product: Product) -> SourceImage:
        """Make sure that a draft can be submitted; its image.

        :raises ProductIncomplete: with all that it lacks
        :raises RegionNotOffered, HomeNotOffered: if it is to be offered where nothing is, or not here
        :raises ImsError: why its image may not be published
        """
        lacking = documents.missing(product.document)
        if lacking:
            said = "; ".join(f"{each['what']} ({each['field']})" for each in lacking)
            raise ProductIncomplete(product_id=product.id, missing=said)
        for region in product.document["business"]["regions"]:
            if region not in self.regions:
                raise RegionNotOffered(region=region[:64], regions=", ".join(self.regions))
        if self.regions[0] not in product.document["business"]["regions"]:
            raise HomeNotOffered(region=self.regions[0])
        return self.images.check_source(context, product.document["version"]["image_id"])

    def submit(self, context: Any, product: Product) -> None:
        """Hand a draft in: record it as it is now, and have its image copied.

        :raises: as :meth:`check`; ProductStateWrong, SubmissionUnderWay, ProductChanged if it is not to be
            submitted now
        """
        source = self.check(context, product)
        version = product.document["version"]
        made = ProductVersion(
            id=uuidutils.generate_uuid(dashed=False),
            product_id=product.id,
            project_id=product.project_id,
            name=version["name"],
            release_notes=version.get("release_notes"),
            source_image_id=source.image_id,
            source_digest=source.digest,
            source=source.facts,
            document=dict(product.document),
        )
        actor = actor_of(context)
        self.versions.submit(product, made, product.document["business"]["regions"], actor)
        try:
            job_id = self.images.copy(context, made)
        except exceptions.ImsError as refused:
            self.versions.fail(made, actor, refused.code, str(refused))
            raise
        self.versions.set_job(made.id, job_id)


def actor_of(context: Any) -> Actor:
    """Who asks."""
    return Actor(str(context.user_id), str(context.project_id))
