# SPDX-License-Identifier: Apache-2.0
"""In which regions a product is listed: those in which it is offered, and has a copy by now."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ims_glance.db.schema import MARKET_IMAGES, MARKET_PRODUCTS, MARKET_TERMS, MARKET_VERSIONS
from ims_glance.model.market import publication
from ims_glance.model.market.entitlement import ProductCopyState
from ims_glance.model.market.product import VersionState

_REGION = "region"


def relist(connection: Connection, product_id: str) -> None:
    """Have a product that was taken be listed where it has copies now, and nowhere else."""
    product = MARKET_PRODUCTS.c.id == product_id
    query = sa.select(MARKET_PRODUCTS.c.published, MARKET_PRODUCTS.c.summary).where(product)
    row = connection.execute(query).first()
    offered = _offered(connection, product_id)
    if row is None or row.published is None or offered is None:
        return
    there = _with_copies(connection, product_id)
    regions = [each for each in offered if each in there]
    values = publication.in_regions(row.published, row.summary or {}, regions)
    connection.execute(sa.update(MARKET_PRODUCTS).where(product).values(**values))
    terms = MARKET_TERMS.c
    connection.execute(
        sa.delete(MARKET_TERMS).where(terms.product_id == product_id, terms.kind == _REGION)
    )
    for term in publication.region_terms(regions):
        row_of = {"kind": _REGION, "term": term, "product_id": product_id}
        connection.execute(sa.insert(MARKET_TERMS).values(**row_of))


def _offered(connection: Connection, product_id: str) -> Sequence[str] | None:
    """The regions that the version names which was listed last; ``None`` if it names none."""
    table = MARKET_VERSIONS.c
    query = (
        sa.select(table.document)
        .where(table.product_id == product_id, table.state == str(VersionState.LISTED))
        .order_by(table.changed_at.desc(), table.id.desc())
        .limit(1)
    )
    document: Any = connection.scalar(query) or {}
    business = document.get("business") or {}
    return business.get("regions")


def _with_copies(connection: Connection, product_id: str) -> set[str]:
    images = MARKET_IMAGES.c
    query = (
        sa.select(images.region)
        .join_from(MARKET_IMAGES, MARKET_VERSIONS, MARKET_VERSIONS.c.id == images.version_id)
        .where(
            images.product_id == product_id,
            images.state == str(ProductCopyState.READY),
            MARKET_VERSIONS.c.state == str(VersionState.LISTED),
        )
    )
    return set(connection.scalars(query))
