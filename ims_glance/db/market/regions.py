# SPDX-License-Identifier: Apache-2.0
"""Copies of products in other regions, as the workers of the marketplace's own region make them.

Each is made of the copy here, by the same job as any copy in another region. Whoever looks after one
claims it for a while, and writes down what is asked for before it is asked.
"""

import dataclasses
from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ims_glance.db import clock
from ims_glance.db.database import Database
from ims_glance.db.market.listed_regions import relist
from ims_glance.db.market.rows import copy_of, cut, is_after, take, wanted_members
from ims_glance.db.schema import MARKET_IMAGES, MARKET_MEMBERS, MARKET_PRODUCTS
from ims_glance.model.market.entitlement import (
    ProductCopy,
    ProductCopyState,
    ProductMemberState,
)
from ims_glance.model.market.product import ProductState

_TABLE = MARKET_IMAGES.c
_TO_DO = [str(ProductMemberState.WANTED), str(ProductMemberState.UNWANTED)]


@dataclasses.dataclass(frozen=True)
class DueCopy:
    """A copy that is to be made.

    :ivar source_image_id: of the copy here
    :ivar digest: which it must have
    """

    copy: ProductCopy
    source_image_id: str
    digest: str | None


class ProductRegions:
    """The table of copies, as far as it is about other regions."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def due(self, here: str, limit: int = 20, but_not: Collection[str] = ()) -> list[DueCopy]:
        """Those that it is time to look after, those that nobody has looked after yet and the longest due first.

        :param here: the region whose copies the others are made of
        :param but_not: regions that are left alone
        """
        home = MARKET_IMAGES.alias("home")
        query = (
            sa.select(
                MARKET_IMAGES,
                home.c.image_id.label("home_image_id"),
                home.c.digest.label("home_digest"),
            )
            .join(home, home.c.version_id == _TABLE.version_id)
            .where(
                home.c.region == here,
                home.c.state == str(ProductCopyState.READY),
                _TABLE.region.not_in([here, *sorted(but_not)]),
                _is_wanted(),
                _is_due(),
            )
            # PostgreSQL has those without a time last otherwise.
            .order_by(sa.func.coalesce(_TABLE.look_at, 0.0), _TABLE.version_id, _TABLE.region)
            .limit(limit)
        )
        rows = self._database.read(lambda connection: connection.execute(query).mappings().all())
        return [_due(row) for row in rows]

    def claim(self, copy: ProductCopy, seconds: float) -> bool:
        """Look after one for a while; ``False`` if somebody else does, or it is not wanted any more."""
        return self._write(copy, _is_due(), look_at=clock.now() + seconds)

    def started(self, copy: ProductCopy, job_id: str) -> bool:
        """Record the job that makes one.

        :returns: ``False`` if nobody wants it any more, or another one makes it: that job is to be ended
        """
        is_known = _TABLE.job_id.is_(None) if copy.job_id is None else _TABLE.job_id == copy.job_id
        is_mine = sa.or_(is_known, _TABLE.job_id == job_id)
        return self._write(copy, _TABLE.attempts == copy.attempts, is_mine, job_id=job_id)

    def is_claimed(self, copy: ProductCopy, seconds: float) -> bool:
        """Whether somebody may be about to have one made, though nobody wants it any more.

        :param seconds: for how long one is claimed; who waits for longer has not begun
        """
        mine = (_TABLE.version_id == copy.version_id, _TABLE.region == copy.region)
        ends = _TABLE.look_at.between(clock.now(), clock.now() + seconds)
        query = sa.select(_TABLE.version_id).where(*mine, _TABLE.job_id.is_(None), ends)
        return self._database.read(lambda connection: connection.execute(query).first()) is not None

    def told(self, copy: ProductCopy, code: str | None, reason: str | None, after: float) -> bool:
        """Record what one waits for, and when to look again.

        :param after: seconds from now
        """
        again = clock.now() + after
        return self._write(copy, code=code, reason=cut(reason), look_at=again)

    def failed(self, copy: ProductCopy, code: str, reason: str, after: float) -> bool:
        """Record that one failed, and when another is begun; the product is not listed there."""
        return self._write(
            copy,
            _TABLE.attempts == copy.attempts,
            attempts=copy.attempts + 1,
            job_id=None,
            image_id=None,
            code=code,
            reason=cut(reason),
            look_at=clock.now() + after,
        )

    def found(self, copy: ProductCopy, image_id: str) -> bool:
        """Record the image that was made, before it is marked as a product's."""
        return self._write(copy, image_id=image_id)

    def ready(self, copy: ProductCopy, image_id: str, digest: str) -> bool:
        """Record that one is whole: who has the product gets it, and the product is listed there.

        :returns: ``False`` if nobody wants it any more: it is to be deleted
        """

        def write(connection: Connection) -> bool:
            if take(connection, copy.product_id) is None:
                return False
            change = sa.update(MARKET_IMAGES).where(*_one(copy), _TABLE.image_id == image_id)
            values = {"digest": digest, "code": None, "reason": None, "look_at": None}
            made = change.values(state=str(ProductCopyState.READY), **values)
            if connection.execute(made).rowcount != 1:
                return False
            mine = (_TABLE.version_id == copy.version_id, _TABLE.region == copy.region)
            wanted_members(connection, copy.product_id, *mine)
            relist(connection, copy.product_id)
            return True

        return self._database.write(write)

    def to_offshelve(
        self, region: str, limit: int = 100, after: ProductCopy | None = None
    ) -> list[ProductCopy]:
        """Copies that buyers still have, and that do not say yet that their product is withdrawn.

        They are in the order of their versions.

        :param after: the last one of the page before
        """
        query = (
            sa.select(MARKET_IMAGES)
            .where(*_is_withdrawn(), _TABLE.region == region, is_after(after))
            .order_by(_TABLE.version_id, _TABLE.region)
            .limit(limit)
        )
        rows = self._database.read(lambda connection: connection.execute(query).mappings().all())
        return [copy_of(row) for row in rows]

    def offshelved(self, copy: ProductCopy) -> None:
        """Record that one says so."""
        mine = _TABLE.version_id == copy.version_id, _TABLE.region == copy.region
        change = sa.update(MARKET_IMAGES).where(*mine).values(is_offshelved=True)
        self._database.write(lambda connection: connection.execute(change))

    def busy(self) -> set[str]:
        """The regions in which memberships or copies are to be made follow."""
        members = sa.select(MARKET_MEMBERS.c.region).where(MARKET_MEMBERS.c.state.in_(_TO_DO))
        copies = sa.select(_TABLE.region).where(_TABLE.state == str(ProductCopyState.UNWANTED))
        withdrawn = sa.select(_TABLE.region).where(*_is_withdrawn())
        query = sa.union(members, copies, withdrawn)
        return set(self._database.read(lambda connection: connection.scalars(query).all()))

    def _write(self, copy: ProductCopy, *conditions: Any, **values: Any) -> bool:
        change = sa.update(MARKET_IMAGES).where(*_one(copy), *conditions).values(**values)
        return self._database.write(lambda connection: connection.execute(change).rowcount) == 1


def _one(copy: ProductCopy) -> tuple[Any, ...]:
    return _TABLE.version_id == copy.version_id, _TABLE.region == copy.region, _is_wanted()


def _is_wanted() -> Any:
    return _TABLE.state == str(ProductCopyState.WANTED)


def _is_withdrawn() -> tuple[Any, ...]:
    withdrawn = sa.select(MARKET_PRODUCTS.c.id).where(
        MARKET_PRODUCTS.c.state == str(ProductState.WITHDRAWN)
    )
    return (
        _TABLE.state == str(ProductCopyState.READY),
        _TABLE.is_offshelved.is_(sa.false()),
        _TABLE.product_id.in_(withdrawn),
    )


def _is_due() -> Any:
    return sa.or_(_TABLE.look_at.is_(None), _TABLE.look_at <= clock.now())


def _due(row: Any) -> DueCopy:
    values = dict(row)
    image_id, digest = values.pop("home_image_id"), values.pop("home_digest")
    return DueCopy(copy_of(values), str(image_id), digest)
