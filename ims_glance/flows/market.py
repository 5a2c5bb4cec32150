# SPDX-License-Identifier: Apache-2.0
"""``imsMarketCopyImageJob``: the service's own copy of an image that is to be sold.

The seller's rights read the image; the copy is made with the service's own, in a project of its own,
so the seller may change or delete the image afterwards, and nobody the copy. Its id is recorded with
the version of the product before it is made.
"""

import contextlib
import dataclasses
from collections.abc import Mapping
from typing import Any

from oslo_utils import uuidutils
from taskflow.flow import Flow
from taskflow.patterns import linear_flow

from ims_glance import exceptions
from ims_glance.db.market.copies import ProductCopies
from ims_glance.db.market.products import Products
from ims_glance.db.market.rows import VersionNotFound
from ims_glance.db.market.versions import ProductVersions
from ims_glance.flows import job_image
from ims_glance.flows.copy.data import DataCopy, ImageSource, SourceChanged
from ims_glance.flows.copy.in_region import EncryptedByCinder
from ims_glance.flows.market_scan import ScanProductImage
from ims_glance.jobs.context import JobContext
from ims_glance.jobs.task import Task
from ims_glance.model import copy
from ims_glance.model.copy import Digest
from ims_glance.model.image import rules
from ims_glance.model.market import image
from ims_glance.model.market.entitlement import ProductCopy, ProductCopyState
from ims_glance.model.market.product import (
    Actor,
    ProductStateWrong,
    ProductVersion,
    VersionStateWrong,
)


class CopyNotWanted(exceptions.Conflict):
    """The seller took the version back, or it was decided about, while its image was copied."""

    code = "IMG.0018"
    template = "Version {version_id} is not to be copied any more."


def flow(job: JobContext) -> Flow:
    """The flow of a job.

    Its arguments are ``image_id`` of the seller's image and ``version_id`` of the product's version.
    """
    return linear_flow.Flow("copy for the marketplace").add(
        ReadProductImage(job), CopyProductImage(job), ScanProductImage(job), OfferProductImage(job)
    )


class ProductTask(Task):
    """What all tasks of such a job have in common."""

    @property
    def region(self) -> str:
        """This region, as products name it."""
        return self.job.region.title

    @property
    def copies(self) -> ProductCopies:
        """The table of copies."""
        return ProductCopies(self.job.database)

    @property
    def actor(self) -> Actor:
        """The seller."""
        return Actor(self.job.user_id, self.job.project_id)

    def product_version(self) -> ProductVersion:
        """The version.

        :raises VersionNotFound: if it is gone
        """
        return ProductVersions(self.job.database).get_any(str(self.job.arguments["version_id"]))

    def row(self) -> ProductCopy | None:
        """What is recorded of the copy."""
        rows = self.copies.wanted(str(self.job.arguments["version_id"]))
        return next((row for row in rows if row.region == self.region), None)

    def image_id(self) -> str | None:
        """The id of the copy, which may not be there."""
        row = self.row()
        return row.image_id if row else None

    def body(self, source: Mapping[str, Any]) -> dict[str, Any]:
        """The body of ``POST /v2/images`` for a copy of an image.

        :raises CopyNotWanted: if the product is gone
        """
        version = self.product_version()
        product = Products(self.job.database).get_any(version.product_id)
        if product is None:
            raise CopyNotWanted(version_id=version.id)
        return image.body(source, product.product_code, self.job.conf.ims_kms.default_key_name)


class ReadProductImage(ProductTask):
    """Looks at the image that is to be sold."""

    default_provides = "source"

    def execute(self) -> dict[str, Any]:
        """Its digest.

        :raises Refused, NotTheirs: if it may not be sold (any more)
        :raises SourceChanged: if it has other data than when it was handed in
        """
        view = job_image.source(self.job)
        rules.check(rules.Action.PUBLISH, rules.Facts.of(view), self.job.project_id)
        if copy.CINDER_KEY in view:
            raise EncryptedByCinder(image_id=view["id"])
        known = self.product_version().source_digest
        if known and known != view.get("os_hash_value"):
            raise SourceChanged(image_id=view["id"])
        return dataclasses.asdict(Digest.of(view))

    def revert(self, **_: Any) -> None:
        """Give the version back to its seller, with the reason; the last thing that is undone."""
        with contextlib.suppress(VersionNotFound):
            self.copies.failed(self.product_version(), self.region, *self.job.failure, self.actor)


class CopyProductImage(ProductTask):
    """Makes the copy, and moves the data."""

    def __init__(self, job: JobContext) -> None:
        super().__init__(job)
        source = ImageSource(job, str(job.arguments["image_id"]))
        self._copy = DataCopy(job, source, self, lambda: job.market_image)

    def execute(self, source: Mapping[str, Any]) -> None:
        """Download and upload until the copy has the data."""
        self._copy.run(Digest(**source))

    def revert(self, **_: Any) -> None:
        """Delete it, unless it is reviewed or sold by now."""
        row = self.row()
        if row is not None and row.state is not ProductCopyState.READY:
            self._delete()

    # --- the target of the data ----------------------------------------------------------------

    def find(self) -> dict[str, Any] | None:
        """The copy, if there is one."""
        image_id = self.image_id()
        return self.job.market_image.find(image_id) if image_id else None

    def replace(self) -> dict[str, Any]:
        """Delete it, if there is one, and make it anew under another id.

        :raises CopyNotWanted: if nobody wants it any more
        """
        self._delete()
        version, wanted = self.product_version(), self.body(job_image.source(self.job))
        image_id = uuidutils.generate_uuid()
        if not self.copies.begun(version.id, self.region, image_id):
            raise CopyNotWanted(version_id=version.id)
        return self.job.market_image.create({**wanted, "id": image_id})

    def _delete(self) -> None:
        image_id = self.image_id()
        if image_id:
            self.job.market_image.delete(image_id)


class OfferProductImage(ProductTask):
    """Hands the copy to the reviewers, with its digest."""

    def execute(self, source: Mapping[str, Any]) -> None:
        """Record it.

        :raises CopyNotWanted: if nobody wants it any more
        """
        image_id, version = str(self.image_id()), self.product_version()
        size = {"__image_size": str(source["size"])}
        view = self.job.market_image.update(image_id, size)
        digest = str(view.get("os_hash_value") or "")
        if not self.copies.ready(version, self.region, image_id, digest, self.actor):
            raise CopyNotWanted(version_id=version.id)

    def revert(self, **_: Any) -> None:
        """Take it back from the reviewers; what they decided already stays."""
        with contextlib.suppress(VersionNotFound, VersionStateWrong, ProductStateWrong):
            ProductVersions(self.job.database).take_back(self.product_version(), self.actor)
