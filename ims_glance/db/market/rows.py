# SPDX-License-Identifier: Apache-2.0
"""Rows of the marketplace's tables as records, and how a product's row is taken."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from oslo_utils import timeutils
from sqlalchemy.engine import Connection

from ims_glance import exceptions
from ims_glance.db.schema import (
    MARKET_CHANGES,
    MARKET_ENTITLEMENTS,
    MARKET_IMAGES,
    MARKET_MEMBERS,
    MARKET_PRODUCTS,
    MARKET_VERSIONS,
)
from ims_glance.model.market.entitlement import (
    Entitlement,
    EntitlementState,
    ProductCopy,
    ProductCopyState,
    ProductMember,
    ProductMemberState,
)
from ims_glance.model.market.product import (
    Actor,
    Product,
    ProductAction,
    ProductState,
    ProductVersion,
    VersionState,
    next_state,
)

MAX_REASON = 2000
"""Characters of a reason that are kept."""


class ProductNotFound(exceptions.NotFound):
    """There is none of that id, or it is none of the caller's business."""

    template = "Product {product_id} does not exist."


class VersionNotFound(exceptions.NotFound):
    """The same of a version."""

    template = "There is no version {version_id} to be reviewed."


class ProductChanged(exceptions.Conflict):
    """Somebody else changed the product meanwhile."""

    template = "Product {product_id} was changed meanwhile. Look at it again."


def take(connection: Connection, product_id: str, *conditions: Any) -> tuple[Product, int] | None:
    """Take a product's row until the transaction ends, and read it; ``None`` if it is not as expected.

    It is written before anything is read, so that what is read is what was there when it was taken.

    :param conditions: that the row has to meet
    :returns: with the number of this move
    """
    taken = sa.update(MARKET_PRODUCTS).where(MARKET_PRODUCTS.c.id == product_id, *conditions)
    if connection.execute(taken.values(moves=MARKET_PRODUCTS.c.moves + 1)).rowcount != 1:
        return None
    query = sa.select(MARKET_PRODUCTS).where(MARKET_PRODUCTS.c.id == product_id)
    row = connection.execute(query).mappings().one()
    return product_of(row), int(row["moves"])


def move(
    connection: Connection,
    taken: tuple[Product, int],
    action: ProductAction,
    actor: Actor,
    version_id: str | None = None,
    why: str | None = None,
    **values: Any,
) -> ProductState:
    """Change the state of a product that was taken, and record that; its state now.

    :param values: other columns that change with it
    :raises ProductStateWrong: if that is not done in its state
    """
    product, moves = taken
    state = next_state(product.id, product.state, action)
    now = timeutils.utcnow()
    connection.execute(
        sa.update(MARKET_PRODUCTS)
        .where(MARKET_PRODUCTS.c.id == product.id)
        .values(state=str(state), updated_at=now, **values)
    )
    connection.execute(
        sa.insert(MARKET_CHANGES).values(
            product_id=product.id,
            moves=moves,
            version_id=version_id,
            user_id=actor.user_id,
            project_id=actor.project_id,
            action=str(action),
            from_state=str(product.state),
            to_state=str(state),
            why=cut(why),
            changed_at=now,
        )
    )
    return state


def cut(reason: str | None) -> str | None:
    """As much of a reason as is kept."""
    return reason and reason[:MAX_REASON]


def product_of(row: Any) -> Product:
    """The product of a row."""
    values = _without(row, "moves")
    return Product(**{**values, "state": ProductState(values["state"])})


def version_of(row: Any) -> ProductVersion:
    """The version of a row."""
    values = dict(row)
    return ProductVersion(**{**values, "state": VersionState(values["state"])})


def copy_of(row: Any) -> ProductCopy:
    """The copy of a row."""
    values = dict(row)
    return ProductCopy(**{**values, "state": ProductCopyState(values["state"])})


def is_after(copy: ProductCopy | None) -> Any:
    """Which copies come after one in the order of versions and regions; all, if there is none."""
    if copy is None:
        return sa.true()
    place = sa.tuple_(MARKET_IMAGES.c.version_id, MARKET_IMAGES.c.region)
    return place > sa.tuple_(sa.literal(copy.version_id), sa.literal(copy.region))


def member_of(row: Any) -> ProductMember:
    """The member of a row."""
    values = _without(row, "changed_at")
    return ProductMember(**{**values, "state": ProductMemberState(values["state"])})


def entitlement_of(row: Any) -> Entitlement:
    """The entitlement of a row."""
    values = dict(row)
    return Entitlement(**{**values, "state": EntitlementState(values["state"])})


def _without(row: Any, *names: str) -> Mapping[str, Any]:
    return {name: value for name, value in dict(row).items() if name not in names}


def unwanted_copies(connection: Connection, *conditions: Any) -> None:
    """Have the copies deleted that there are, or are being made, of versions or products."""
    there = (ProductCopyState.WANTED, ProductCopyState.READY, ProductCopyState.FAILED)
    connection.execute(
        sa.update(MARKET_IMAGES)
        .where(MARKET_IMAGES.c.state.in_([str(each) for each in there]), *conditions)
        .values(state=str(ProductCopyState.UNWANTED))
    )


def wanted_members(connection: Connection, product_id: str, *conditions: Any) -> None:
    """Have each project that has a product be a member of each copy of its listed versions.

    :param conditions: on copies, versions and entitlements
    """
    images, members, entitled = MARKET_IMAGES.c, MARKET_MEMBERS.c, MARKET_ENTITLEMENTS.c
    copies = (
        sa.select(
            images.image_id, entitled.project_id, images.region, images.product_id,
            sa.literal(str(ProductMemberState.WANTED)), sa.literal(timeutils.utcnow()),
        )
        .join_from(MARKET_IMAGES, MARKET_VERSIONS, MARKET_VERSIONS.c.id == images.version_id)
        .join(MARKET_ENTITLEMENTS, entitled.product_id == images.product_id)
        .where(
            images.product_id == product_id,
            images.state == str(ProductCopyState.READY),
            MARKET_VERSIONS.c.state == str(VersionState.LISTED),
            entitled.state == str(EntitlementState.ACTIVE),
            *conditions,
        )
    )  # fmt: skip
    known = (
        sa.select(members.image_id)
        .where(members.image_id == images.image_id, members.project_id == entitled.project_id)
        .correlate(MARKET_IMAGES, MARKET_ENTITLEMENTS)
    )
    names = ["image_id", "project_id", "region", "product_id", "state", "changed_at"]
    connection.execute(
        sa.insert(MARKET_MEMBERS).from_select(names, copies.where(~sa.exists(known)))
    )


def unwanted_members(connection: Connection, product_id: str, *conditions: Any) -> None:
    """Have memberships of a product's copies taken away."""
    connection.execute(
        sa.update(MARKET_MEMBERS)
        .where(MARKET_MEMBERS.c.product_id == product_id, *conditions)
        .values(state=str(ProductMemberState.UNWANTED), changed_at=timeutils.utcnow())
    )
