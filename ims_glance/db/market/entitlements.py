# SPDX-License-Identifier: Apache-2.0
"""What projects have of products: they subscribe, unsubscribe, and lose what is withdrawn."""

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from oslo_utils import timeutils
from sqlalchemy.engine import Connection

from ims_glance import exceptions
from ims_glance.db import clock
from ims_glance.db.database import Database
from ims_glance.db.market.rows import (
    ProductNotFound,
    entitlement_of,
    move,
    take,
    unwanted_copies,
    unwanted_members,
    wanted_members,
)
from ims_glance.db.schema import (
    MARKET_ENTITLEMENTS,
    MARKET_IMAGES,
    MARKET_MEMBERS,
    MARKET_PRODUCTS,
    MARKET_VERSIONS,
)
from ims_glance.model.market.entitlement import (
    Entitlement,
    EntitlementState,
    ProductCopyState,
    ProductMemberState,
)
from ims_glance.model.market.product import (
    Actor,
    Product,
    ProductAction,
    ProductState,
    SubmissionUnderWay,
    VersionState,
    next_version_state,
)

_ACTIVE = MARKET_ENTITLEMENTS.c.state == str(EntitlementState.ACTIVE)


class NoNewBuyers(exceptions.Conflict):
    """Only those who have it keep it."""

    template = "Product {product_id} takes no new buyers any more."


class AgreementNotThat(exceptions.Conflict):
    """Its text is another one now, or was another one."""

    template = (
        "This is not the digest of the agreement of product {product_id}, which is {digest}. Read the text "
        "('openstack ims market show'), and agree to that."
    )


class SubscriptionNotFound(exceptions.NotFound):
    """There is none of that id, or it is another project's."""

    template = "Subscription {entitlement_id} does not exist in this project."


class Entitlements:
    """The table."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # --- of buyers -----------------------------------------------------------------------------

    def subscribe(self, wanted: Entitlement) -> Entitlement:
        """Let a project have a product; who has it already keeps that, and agrees once more.

        :param wanted: with the digest of what its user agrees to
        :raises ProductNotFound: if it is not listed
        :raises NoNewBuyers: if it is restricted
        :raises AgreementNotThat: if the agreement is another one
        """

        def write(connection: Connection) -> Entitlement:
            taken = take(connection, wanted.product_id)
            if taken is None:
                raise ProductNotFound(product_id=wanted.product_id)
            known = _known(connection, wanted)
            _check(taken[0], wanted, has_it=known is not None)
            if known is not None:
                changed = dataclasses.replace(
                    known, sku=wanted.sku, agreement=wanted.agreement, user_id=wanted.user_id
                )
                connection.execute(
                    sa.update(MARKET_ENTITLEMENTS)
                    .where(MARKET_ENTITLEMENTS.c.id == known.id)
                    .values(sku=wanted.sku, agreement=wanted.agreement, user_id=wanted.user_id)
                )
                return changed
            made = dataclasses.replace(
                wanted,
                product_code=taken[0].product_code,
                state=EntitlementState.ACTIVE,
                since=timeutils.utcnow(),
            )
            row = {**dataclasses.asdict(made), "state": str(made.state)}
            connection.execute(sa.insert(MARKET_ENTITLEMENTS).values(**row))
            _revive(connection, made)
            wanted_members(connection, made.product_id, MARKET_ENTITLEMENTS.c.id == made.id)
            return made

        return self._database.write(write)

    def unsubscribe(self, entitlement_id: str, project_id: str) -> Entitlement:
        """End what a project has; one that ended is fine.

        :raises SubscriptionNotFound: if it has none of that id
        """
        found = self.get(entitlement_id, project_id)

        def write(connection: Connection) -> None:
            if take(connection, found.product_id) is not None:
                end(connection, found.product_id, MARKET_ENTITLEMENTS.c.id == found.id)

        self._database.write(write)
        return self.get(entitlement_id, project_id)

    def get(self, entitlement_id: str, project_id: str) -> Entitlement:
        """One of a project.

        :raises SubscriptionNotFound: if there is none
        """
        table = MARKET_ENTITLEMENTS.c
        found = self._find(table.id == entitlement_id, table.project_id == project_id)
        if not found:
            raise SubscriptionNotFound(entitlement_id=entitlement_id)
        return found[0]

    def all_of_project(self, project_id: str) -> list[Entitlement]:
        """Those of a project, ended ones too, the oldest first."""
        return self._find(MARKET_ENTITLEMENTS.c.project_id == project_id)

    def of_project(self, project_id: str, product_code: str | None = None) -> list[Entitlement]:
        """What a project has, of one product or of all."""
        conditions = [MARKET_ENTITLEMENTS.c.project_id == project_id, _ACTIVE]
        if product_code is not None:
            conditions.append(MARKET_ENTITLEMENTS.c.product_code == product_code)
        return self._find(*conditions)

    def images(self, project_id: str) -> dict[str, dict[str, str]]:
        """Product -> region -> id of the image of the newest version that a project may boot there."""
        query = (
            sa.select(MARKET_IMAGES.c.product_id, MARKET_IMAGES.c.region, MARKET_IMAGES.c.image_id)
            .join_from(
                MARKET_MEMBERS, MARKET_IMAGES, MARKET_MEMBERS.c.image_id == MARKET_IMAGES.c.image_id
            )
            .join(MARKET_VERSIONS, MARKET_VERSIONS.c.id == MARKET_IMAGES.c.version_id)
            .where(
                MARKET_MEMBERS.c.project_id == project_id,
                MARKET_MEMBERS.c.state != str(ProductMemberState.UNWANTED),
                MARKET_IMAGES.c.state == str(ProductCopyState.READY),
            )
            .order_by(MARKET_VERSIONS.c.created_at, MARKET_VERSIONS.c.id)
        )
        found: dict[str, dict[str, str]] = {}
        for product_id, region, image_id in self._database.read(
            lambda connection: connection.execute(query).all()
        ):
            found.setdefault(product_id, {})[region] = image_id
        return found

    # --- of sellers ----------------------------------------------------------------------------

    def restrict(self, product_id: str, project_id: str, actor: Actor, why: str | None) -> None:
        """Take no new buyers for a product.

        :raises ProductNotFound: if the project has none of that id
        :raises ProductStateWrong: if it is not listed
        """

        def write(connection: Connection) -> None:
            taken = _mine(connection, product_id, project_id)
            move(connection, taken, ProductAction.RESTRICT, actor, None, why)

        self._database.write(write)

    def withdraw(
        self,
        product_id: str,
        project_id: str,
        actor: Actor,
        why: str | None,
        after: float | None = None,
    ) -> None:
        """Take a product from the market, and from those who have it.

        :param after: when they lose it, in seconds from now; at once, if ``None``
        :raises ProductNotFound: if the project has none of that id
        :raises ProductStateWrong: if it is neither listed nor restricted
        :raises SubmissionUnderWay: if a version is copied or reviewed
        """

        def write(connection: Connection) -> None:
            taken = _mine(connection, product_id, project_id)
            if taken[0].submission_id is not None:
                raise SubmissionUnderWay(product_id=product_id)
            moment = (connection.scalar(sa.select(clock.now())) or 0.0) + (after or 0.0)
            move(connection, taken, ProductAction.WITHDRAW, actor, None, why, withdrawn_from=moment)
            _withdraw_versions(connection, product_id)
            mine = MARKET_ENTITLEMENTS.c.product_id == product_id
            if after:
                until = sa.update(MARKET_ENTITLEMENTS).where(mine, _ACTIVE)
                connection.execute(until.values(until=moment))
            end(connection, product_id, *([sa.false()] if after else []))

        self._database.write(write)

    # --- of workers ----------------------------------------------------------------------------

    def end_due(self, limit: int = 100) -> int:
        """End those whose time is over; how many products had such."""
        table = MARKET_ENTITLEMENTS.c
        is_due = table.until <= clock.now()
        query = sa.select(table.product_id).where(_ACTIVE, is_due).distinct().limit(limit)
        products = self._database.read(lambda connection: connection.scalars(query).all())
        for product_id in products:
            self._database.write(functools.partial(_end_due, product_id=product_id))
        return len(products)

    def _find(self, *conditions: Any) -> list[Entitlement]:
        query = (
            sa.select(MARKET_ENTITLEMENTS)
            .where(*conditions)
            .order_by(MARKET_ENTITLEMENTS.c.since, MARKET_ENTITLEMENTS.c.id)
        )
        rows: Sequence[Any] = self._database.read(
            lambda connection: connection.execute(query).mappings().all()
        )
        return [entitlement_of(row) for row in rows]


def end(connection: Connection, product_id: str, *conditions: Any) -> None:
    """End entitlements of a product that was taken, with their memberships.

    If it is withdrawn and nobody has it any more, its copies are to be deleted.

    :param conditions: on entitlements
    """
    mine = MARKET_ENTITLEMENTS.c.product_id == product_id
    connection.execute(
        sa.update(MARKET_ENTITLEMENTS)
        .where(mine, _ACTIVE, *conditions)
        .values(state=str(EntitlementState.ENDED), ended_at=timeutils.utcnow())
    )
    have_it = sa.select(MARKET_ENTITLEMENTS.c.project_id).where(mine, _ACTIVE)
    unwanted_members(connection, product_id, MARKET_MEMBERS.c.project_id.not_in(have_it))
    is_withdrawn = sa.select(MARKET_PRODUCTS.c.id).where(
        MARKET_PRODUCTS.c.id == product_id,
        MARKET_PRODUCTS.c.state == str(ProductState.WITHDRAWN),
        ~sa.exists(have_it),
    )
    if connection.execute(is_withdrawn).first() is not None:
        unwanted_copies(connection, MARKET_IMAGES.c.product_id == product_id)


def _end_due(connection: Connection, product_id: str) -> None:
    if take(connection, product_id) is not None:
        end(connection, product_id, MARKET_ENTITLEMENTS.c.until <= clock.now())


def _known(connection: Connection, wanted: Entitlement) -> Entitlement | None:
    query = sa.select(MARKET_ENTITLEMENTS).where(
        MARKET_ENTITLEMENTS.c.project_id == wanted.project_id,
        MARKET_ENTITLEMENTS.c.product_id == wanted.product_id,
        _ACTIVE,
    )
    row = connection.execute(query).mappings().first()
    return None if row is None else entitlement_of(row)


def _check(product: Product, wanted: Entitlement, has_it: bool) -> None:
    if product.state is ProductState.RESTRICTED and not has_it:
        raise NoNewBuyers(product_id=product.id)
    if product.state not in (ProductState.LISTED, ProductState.RESTRICTED):
        raise ProductNotFound(product_id=product.id)
    if product.agreement != wanted.agreement:
        raise AgreementNotThat(product_id=product.id, digest=product.agreement)


def _revive(connection: Connection, made: Entitlement) -> None:
    """Who left a product and comes back may still be a member of its copies."""
    connection.execute(
        sa.update(MARKET_MEMBERS)
        .where(
            MARKET_MEMBERS.c.product_id == made.product_id,
            MARKET_MEMBERS.c.project_id == made.project_id,
        )
        .values(state=str(ProductMemberState.WANTED), changed_at=timeutils.utcnow())
    )


def _mine(connection: Connection, product_id: str, project_id: str) -> tuple[Product, int]:
    taken = take(connection, product_id, MARKET_PRODUCTS.c.project_id == project_id)
    if taken is None:
        raise ProductNotFound(product_id=product_id)
    return taken


def _withdraw_versions(connection: Connection, product_id: str) -> None:
    before = VersionState.LISTED
    after = next_version_state("", before, ProductAction.WITHDRAW)
    connection.execute(
        sa.update(MARKET_VERSIONS)
        .where(MARKET_VERSIONS.c.product_id == product_id, MARKET_VERSIONS.c.state == str(before))
        .values(state=str(after), changed_at=timeutils.utcnow())
    )
