# SPDX-License-Identifier: Apache-2.0
"""Listed products as buyers look for them: by the words and filters that index what is published."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from ims_glance.db.database import Database
from ims_glance.db.market.rows import ProductNotFound, product_of
from ims_glance.db.schema import MARKET_ENTITLEMENTS, MARKET_PRODUCTS, MARKET_TERMS
from ims_glance.model.market.entitlement import EntitlementState
from ims_glance.model.market.product import Product, ProductState

_LISTED = MARKET_PRODUCTS.c.state == str(ProductState.LISTED)


@dataclasses.dataclass(frozen=True)
class Wish:
    """What a buyer looks for.

    :ivar words: beginnings of words that it has
    :ivar terms: pairs of kind and term that it has
    """

    words: tuple[str, ...] = ()
    terms: tuple[tuple[str, str], ...] = ()


class ProductListing:
    """The products that there are for buyers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, wish: Wish, limit: int, marker: str | None = None) -> list[dict[str, Any]]:
        """Listed products that fit, the newest first: ``id``, ``summary``, ``agreement``, ``listed_at``.

        :param marker: id of the last one of the page before
        :raises ProductNotFound: if there is none of that id
        """
        table = MARKET_PRODUCTS.c
        columns = table.id, table.product_code, table.summary, table.agreement, table.listed_at
        query = sa.select(*columns).where(_LISTED, *(_has(each) for each in _conditions(wish)))
        if marker is not None:
            last = self._last(marker)
            query = query.where(
                table.listed_at <= last,
                sa.or_(table.listed_at < last, table.id < marker),
            )
        query = query.order_by(table.listed_at.desc(), table.id.desc()).limit(limit)
        rows: Sequence[Any] = self._database.read(
            lambda connection: connection.execute(query).mappings().all()
        )
        return [dict(row) for row in rows]

    def get(self, product_id: str, project_id: str) -> Product:
        """One that is listed, or that a project has.

        :raises ProductNotFound: if it is neither
        """
        has_it = sa.select(MARKET_ENTITLEMENTS.c.id).where(
            MARKET_ENTITLEMENTS.c.project_id == project_id,
            MARKET_ENTITLEMENTS.c.product_id == product_id,
            MARKET_ENTITLEMENTS.c.state == str(EntitlementState.ACTIVE),
        )
        query = sa.select(MARKET_PRODUCTS).where(
            MARKET_PRODUCTS.c.id == product_id, sa.or_(_LISTED, sa.exists(has_it))
        )
        row = self._database.read(lambda connection: connection.execute(query).mappings().first())
        if row is None or row["published"] is None:
            raise ProductNotFound(product_id=product_id)
        return product_of(row)

    def _last(self, marker: str) -> Any:
        """When a product was listed; one that is not listed any more has its place still."""
        table = MARKET_PRODUCTS.c
        query = sa.select(table.listed_at).where(table.id == marker, table.listed_at.is_not(None))
        found = self._database.read(lambda connection: connection.scalar(query))
        if found is None:
            raise ProductNotFound(product_id=marker)
        return found


def _conditions(wish: Wish) -> list[Any]:
    table = MARKET_TERMS.c
    words = [
        sa.and_(table.kind == "word", table.term.startswith(word, autoescape=True))
        for word in wish.words
    ]
    return [*words, *(sa.and_(table.kind == kind, table.term == term) for kind, term in wish.terms)]


def _has(condition: Any) -> Any:
    return MARKET_PRODUCTS.c.id.in_(sa.select(MARKET_TERMS.c.product_id).where(condition))
