# SPDX-License-Identifier: Apache-2.0
"""Which projects are to be members of products' copies, as workers see to it."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ims_glance.db.database import Database
from ims_glance.db.market.rows import member_of
from ims_glance.db.schema import MARKET_MEMBERS
from ims_glance.model.market.entitlement import ProductMember, ProductMemberState


class ProductMembers:
    """The table."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def to_do(
        self,
        limit: int = 500,
        project_id: str | None = None,
        product_id: str | None = None,
        region: str | None = None,
    ) -> list[ProductMember]:
        """Those that are to be made or taken away, the oldest wish first.

        :param project_id: of one project, or of all
        :param product_id: of one product, or of all
        :param region: in one region, or in all
        """
        table = MARKET_MEMBERS.c
        query = sa.select(MARKET_MEMBERS).where(table.state.in_(_TO_DO))
        if project_id is not None:
            query = query.where(table.project_id == project_id)
        if product_id is not None:
            query = query.where(table.product_id == product_id)
        if region is not None:
            query = query.where(table.region == region)
        query = query.order_by(table.changed_at, table.image_id, table.project_id).limit(limit)
        rows: Sequence[Any] = self._database.read(
            lambda connection: connection.execute(query).mappings().all()
        )
        return [member_of(row) for row in rows]

    def there(self, image_id: str, project_id: str) -> bool:
        """Record that one is made; ``False`` if it is not wanted any more, and is to be taken away.

        Another worker, or the request that wished for it, may have recorded it before.
        """
        change = (
            sa.update(MARKET_MEMBERS)
            .where(*_one(image_id, project_id, ProductMemberState.WANTED))
            .values(state=str(ProductMemberState.THERE))
        )

        def write(connection: Connection) -> bool:
            if connection.execute(change).rowcount == 1:
                return True
            return _state(connection, image_id, project_id) is ProductMemberState.THERE

        return self._database.write(write)

    def removed(self, image_id: str, project_id: str) -> bool:
        """Record that one is taken away; ``False`` if it is wanted again, and is to be made again.

        Another may have recorded it before, as in :meth:`there`.
        """
        gone = sa.delete(MARKET_MEMBERS).where(
            *_one(image_id, project_id, ProductMemberState.UNWANTED)
        )

        def write(connection: Connection) -> bool:
            if connection.execute(gone).rowcount == 1:
                return True
            return _state(connection, image_id, project_id) is None

        return self._database.write(write)

    def count(self, image_id: str) -> int:
        """How many an image has, or is to have."""
        query = sa.select(sa.func.count()).where(
            MARKET_MEMBERS.c.image_id == image_id,
            MARKET_MEMBERS.c.state != str(ProductMemberState.UNWANTED),
        )
        return int(self._database.read(lambda connection: connection.scalar(query)) or 0)


_TO_DO = [str(ProductMemberState.WANTED), str(ProductMemberState.UNWANTED)]


def _one(image_id: str, project_id: str, state: ProductMemberState) -> tuple[Any, ...]:
    table = MARKET_MEMBERS.c
    return table.image_id == image_id, table.project_id == project_id, table.state == str(state)


def _state(connection: Connection, image_id: str, project_id: str) -> ProductMemberState | None:
    """What is recorded now; ``None`` if nothing is."""
    table = MARKET_MEMBERS.c
    # The first that is read in the transaction, so it is of now.
    query = sa.select(table.state).where(table.image_id == image_id, table.project_id == project_id)
    state = connection.scalar(query)
    return None if state is None else ProductMemberState(state)
