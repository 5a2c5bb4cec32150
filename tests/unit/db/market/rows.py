# SPDX-License-Identifier: Apache-2.0
"""Products in a database of a test."""

import dataclasses
import itertools
import threading
from collections.abc import Callable, Sequence
from typing import Any

from ims_glance import exceptions
from ims_glance.db.database import Database
from ims_glance.db.market.copies import ProductCopies
from ims_glance.db.market.entitlements import Entitlements
from ims_glance.db.market.members import ProductMembers
from ims_glance.db.market.products import Products
from ims_glance.db.market.scans import ProductScans
from ims_glance.db.market.versions import ProductVersions, Publication
from ims_glance.model.market.entitlement import Entitlement
from ims_glance.model.market.product import Actor, Product, ProductState, ProductVersion
from ims_glance.model.market.scan.report import Finding, Scanned, ScanReport

SELLER, REVIEWER = Actor("seller", "sellers"), Actor("reviewer", "operators")
AGREEMENT = "a" * 64
PUBLICATION = Publication(
    {"name": "Database"}, {"name": "Database"}, AGREEMENT, "Be kind.", [("word", "database")]
)
REGIONS = ("RegionOne", "RegionTwo")


class MarketTables:
    """The tables of a market, and what a test does with them again and again."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.products = Products(database)
        self.versions = ProductVersions(database)
        self.copies = ProductCopies(database)
        self.scans = ProductScans(database)
        self.members = ProductMembers(database)
        self.entitlements = Entitlements(database)
        self._numbers = itertools.count(1)

    def draft(self, **values: Any) -> Product:
        """A new draft."""
        number = next(self._numbers)
        product = Product(
            **{
                "id": f"{number:032x}",
                "product_code": f"{number + 10**6:032x}",
                "project_id": "sellers",
                "user_id": "seller",
                "state": ProductState.DRAFT,
                "access_type": "image",
                "name": "Database",
                "document": {"name": "Database", "secret": "certificate"},
                **values,
            }
        )
        self.products.create(product, {"d" * 64: b"logo"}, 100)
        return self.products.get(product.id, product.project_id)

    def submitted(
        self, product: Product | None = None, regions: Sequence[str] = REGIONS, **values: Any
    ) -> ProductVersion:
        """A version whose image is copied."""
        product = self.draft() if product is None else self.again(product)
        number = next(self._numbers)
        given = {"source_image_id": "1" * 36, "source_digest": "digest", **values}
        version = ProductVersion(
            f"{number:032x}", product.id, product.project_id, f"V{number}",
            source={"os_type": "linux"}, document=product.document, **given,
        )  # fmt: skip
        self.versions.submit(product, version, regions, SELLER)
        return self.versions.get_any(version.id)

    def copied(self, version: ProductVersion, *regions: str) -> None:
        """Let copies of it be there."""
        for region in regions or REGIONS:
            image_id = f"{version.id[-3:]}-{region}"
            assert self.copies.begun(version.id, region, image_id)
            assert self.copies.ready(version, region, image_id, "digest", SELLER)
        self.scan(version)

    def scan(self, version: ProductVersion, *findings: Finding) -> None:
        """Let somebody have looked into it."""
        scanned = Scanned(("Debian",), findings, is_whole=True)
        self.scans.keep(version, scanned, ScanReport.of(scanned), "")

    def in_review(self, product: Product | None = None) -> ProductVersion:
        """A version that waits for a reviewer."""
        version = self.submitted(product)
        self.copied(version)
        return self.versions.get_any(version.id)

    def listed(self, product: Product | None = None) -> Product:
        """A product that is listed."""
        version = self.in_review(product)
        self.approve(version)
        return self.of(version)

    def approve(self, version: ProductVersion) -> None:
        """Have it sold."""
        if self.scans.get(version.id) is None:
            self.scan(version)
        self.versions.approve(version, REVIEWER, PUBLICATION, None)

    def of(self, version: ProductVersion) -> Product:
        """The product of a version."""
        return self.products.get(version.product_id, version.project_id)

    def again(self, product: Product) -> Product:
        """A product as it is now."""
        return self.products.get(product.id, product.project_id)

    def subscribe(self, product: Product, project_id: str = "buyers", **values: Any) -> Entitlement:
        """Let a project have a product."""
        wanted = Entitlement(
            f"{next(self._numbers):032x}", project_id, "buyer", product.id, "", AGREEMENT
        )
        return self.entitlements.subscribe(dataclasses.replace(wanted, **values))


def at_once(*works: Callable[[], Any]) -> list[Any]:
    """What works return that begin together, in their order; a refusal for one that is refused."""
    barrier = threading.Barrier(len(works))
    results: list[Any] = [None] * len(works)

    def call(place: int) -> None:
        barrier.wait()
        try:
            results[place] = works[place]()
        except exceptions.ImsError as refused:
            results[place] = refused

    threads = [threading.Thread(target=call, args=(place,)) for place in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(240)
    return results


def refusals(results: list[Any]) -> list[str]:
    """The names of the refusals among results."""
    return [type(each).__name__ for each in results if isinstance(each, exceptions.ImsError)]
