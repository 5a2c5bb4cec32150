# SPDX-License-Identifier: Apache-2.0
"""The service's copies of products' images: which there are to be, and which there are."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ims_glance.db.database import Database
from ims_glance.db.market.rows import VersionNotFound, copy_of, cut, is_after, take
from ims_glance.db.market.versions import settle
from ims_glance.db.schema import MARKET_IMAGES, MARKET_MEMBERS, MARKET_VERSIONS
from ims_glance.model.market.entitlement import ProductCopy, ProductCopyState
from ims_glance.model.market.product import (
    Actor,
    ProductAction,
    ProductVersion,
    VersionState,
    VersionStateWrong,
)


class ProductCopies:
    """The table, as workers use it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def wanted(self, version_id: str) -> list[ProductCopy]:
        """The copies of a version, of whichever state, by region."""
        return self._find(MARKET_IMAGES.c.version_id == version_id)

    def begun(self, version_id: str, region: str, image_id: str) -> bool:
        """Record the id of an image before it is made; ``False`` if it is not to be made any more."""
        change = (
            sa.update(MARKET_IMAGES)
            .where(*_one(version_id, region), _is(ProductCopyState.WANTED))
            .values(image_id=image_id)
        )
        return self._database.write(lambda connection: connection.execute(change).rowcount) == 1

    def ready(
        self, version: ProductVersion, region: str, image_id: str, digest: str, actor: Actor
    ) -> bool:
        """Record that a copy is whole; with the first one its version goes to the reviewers.

        That is the one in this region. Those in others are made of it
        (:class:`ims_glance.db.market.regions.ProductRegions`).

        :param digest: see :class:`ims_glance.model.market.entitlement.ProductCopy`
        :param actor: for whom it was made
        :returns: ``False`` if nobody wants it any more: it is to be deleted
        """

        def write(connection: Connection) -> bool:
            if take(connection, version.product_id) is None:
                return False
            change = (
                sa.update(MARKET_IMAGES)
                .where(*_one(version.id, region))
                .where(MARKET_IMAGES.c.image_id == image_id)
                .where(MARKET_IMAGES.c.state.in_(_MADE))
                .values(state=str(ProductCopyState.READY), digest=digest)
            )
            if connection.execute(change).rowcount != 1:
                return False
            if _is_copying(connection, version.id):
                settle(connection, version, ProductAction.COPIED, actor, None)
            return True

        return self._database.write(write)

    def failed(
        self, version: ProductVersion, region: str, code: str, reason: str, actor: Actor
    ) -> None:
        """Give a version back to its seller, since a copy failed; the other copies are deleted.

        One that is not copied any more stays as it is.
        """

        def write(connection: Connection) -> None:
            if take(connection, version.product_id) is None:
                return
            change = sa.update(MARKET_IMAGES).where(*_one(version.id, region))
            connection.execute(change.values(code=code, reason=cut(reason)))
            unwanted = {"code": code, "reason": cut(reason)}
            settle(connection, version, ProductAction.FAIL, actor, reason, **unwanted)
            connection.execute(
                sa.update(MARKET_IMAGES)
                .where(MARKET_IMAGES.c.version_id == version.id, ~_is(ProductCopyState.GONE))
                .values(state=str(ProductCopyState.UNWANTED))
            )

        try:
            self._database.write(write)
        except (VersionStateWrong, VersionNotFound):
            return

    def unwanted(
        self, limit: int = 100, region: str | None = None, after: ProductCopy | None = None
    ) -> list[ProductCopy]:
        """Those that are to be deleted, in the order of their versions.

        :param region: in that alone
        :param after: the last one of the page before
        """
        where = sa.true() if region is None else MARKET_IMAGES.c.region == region
        return self._find(sa.and_(_is(ProductCopyState.UNWANTED), where, is_after(after)), limit)

    def gone(self, version_id: str, region: str) -> None:
        """Record that an unwanted one is deleted, and its members with it."""

        def write(connection: Connection) -> None:
            change = sa.update(MARKET_IMAGES).where(
                *_one(version_id, region), _is(ProductCopyState.UNWANTED)
            )
            if connection.execute(change.values(state=str(ProductCopyState.GONE))).rowcount != 1:
                return
            image = sa.select(MARKET_IMAGES.c.image_id).where(*_one(version_id, region))
            connection.execute(
                sa.delete(MARKET_MEMBERS).where(
                    MARKET_MEMBERS.c.image_id == connection.scalar(image)
                )
            )

        self._database.write(write)

    def of_image(self, image_id: str) -> ProductCopy | None:
        """The copy that an image is, if it is one."""
        found = self._find(MARKET_IMAGES.c.image_id == image_id)
        return found[0] if found else None

    def _find(self, condition: Any, limit: int | None = None) -> list[ProductCopy]:
        query = (
            sa.select(MARKET_IMAGES)
            .where(condition)
            .order_by(MARKET_IMAGES.c.version_id, MARKET_IMAGES.c.region)
            .limit(limit)
        )
        rows: Sequence[Any] = self._database.read(
            lambda connection: connection.execute(query).mappings().all()
        )
        return [copy_of(row) for row in rows]


_MADE = [str(ProductCopyState.WANTED), str(ProductCopyState.READY)]


def _one(version_id: str, region: str) -> tuple[Any, Any]:
    return MARKET_IMAGES.c.version_id == version_id, MARKET_IMAGES.c.region == region


def _is(state: ProductCopyState) -> Any:
    return MARKET_IMAGES.c.state == str(state)


def _is_copying(connection: Connection, version_id: str) -> bool:
    query = sa.select(MARKET_VERSIONS.c.state).where(MARKET_VERSIONS.c.id == version_id)
    return bool(connection.scalar(query) == str(VersionState.COPYING))
