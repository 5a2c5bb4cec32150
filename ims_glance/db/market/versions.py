# SPDX-License-Identifier: Apache-2.0
"""Versions that were handed in: copied, reviewed, listed. One of a product is under way at a time."""

import dataclasses
from collections.abc import Collection, Mapping
from typing import Any

import sqlalchemy as sa
from oslo_utils import timeutils
from sqlalchemy.engine import Connection

from ims_glance.db import tally
from ims_glance.db.database import Database
from ims_glance.db.market.listed_regions import relist
from ims_glance.db.market.products import KIND
from ims_glance.db.market.rows import (
    ProductChanged,
    ProductNotFound,
    VersionNotFound,
    cut,
    move,
    take,
    unwanted_copies,
    version_of,
    wanted_members,
)
from ims_glance.db.market.scans import check_approved
from ims_glance.db.schema import (
    MARKET_AGREEMENTS,
    MARKET_IMAGES,
    MARKET_PRODUCTS,
    MARKET_REVIEWS,
    MARKET_TERMS,
    MARKET_VERSIONS,
)
from ims_glance.model.market.entitlement import ProductCopyState
from ims_glance.model.market.product import (
    Actor,
    Product,
    ProductAction,
    ProductState,
    ProductVersion,
    SubmissionUnderWay,
    VersionState,
    next_version_state,
)

ACKNOWLEDGED = "Approved as not inspected"
"""What is recorded of a version that is sold though nobody could look into all of it, before the reviewer's reasons."""


@dataclasses.dataclass(frozen=True)
class Publication:
    """What is published of a version that is approved.

    :ivar published: what buyers see
    :ivar summary: what of it is in lists
    :ivar agreement: SHA-256 of what they agree to
    :ivar terms: pairs of kind and term that it is found by
    """

    published: Mapping[str, Any]
    summary: Mapping[str, Any]
    agreement: str
    agreement_text: str
    terms: Collection[tuple[str, str]]


class ProductVersions:
    """The table."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # --- of sellers ----------------------------------------------------------------------------

    def submit(
        self, product: Product, version: ProductVersion, regions: Collection[str], actor: Actor
    ) -> None:
        """Record a version that is handed in, whose image is to be copied.

        :param product: as it was checked; it must not have been changed since
        :param regions: with a copy each, however often they are named
        :raises ProductStateWrong: if it is not to be submitted now
        :raises SubmissionUnderWay: if there is one already
        :raises ProductChanged: if it was changed
        """

        def write(connection: Connection) -> None:
            mine = MARKET_PRODUCTS.c.project_id == product.project_id
            taken = take(connection, product.id, mine)
            if taken is None:
                raise ProductNotFound(product_id=product.id)
            if taken[0].submission_id is not None:
                raise SubmissionUnderWay(product_id=product.id)
            if taken[0].revision != product.revision:
                raise ProductChanged(product_id=product.id)
            action = ProductAction.SUBMIT
            move(connection, taken, action, actor, version.id, submission_id=version.id)
            now = timeutils.utcnow()
            row = {**_row(version), "created_at": now, "changed_at": now}
            connection.execute(sa.insert(MARKET_VERSIONS).values(**row))
            for region in sorted(set(regions)):
                connection.execute(
                    sa.insert(MARKET_IMAGES).values(
                        version_id=version.id,
                        region=region,
                        product_id=product.id,
                        state=str(ProductCopyState.WANTED),
                    )
                )

        self._database.write(write)

    def set_job(self, version_id: str, job_id: str) -> None:
        """Record which job copies its image."""
        change = sa.update(MARKET_VERSIONS).where(MARKET_VERSIONS.c.id == version_id)
        self._database.write(lambda connection: connection.execute(change.values(job_id=job_id)))

    def take_back(self, version: ProductVersion, actor: Actor, why: str | None = None) -> None:
        """Take back one that is copied or reviewed.

        :raises ProductStateWrong, VersionStateWrong: if it is not, any more
        """
        self._settle(version, ProductAction.TAKE_BACK, actor, why)

    # --- of workers ----------------------------------------------------------------------------

    def fail(self, version: ProductVersion, actor: Actor, code: str, reason: str) -> None:
        """Give one back to its seller whose image could not be copied.

        :raises VersionStateWrong: if it is not being copied any more
        """
        self._settle(version, ProductAction.FAIL, actor, reason, code=code, reason=cut(reason))

    # --- of reviewers --------------------------------------------------------------------------

    def approve(
        self,
        version: ProductVersion,
        actor: Actor,
        publication: Publication,
        reasons: str | None,
        *,
        is_acknowledged: bool = False,
    ) -> None:
        """List one: its copies are there, so whoever subscribes may boot it.

        :param is_acknowledged: whether it is to be sold though nobody could look into all of it; that is
            recorded with the reasons
        :raises VersionStateWrong: if it is not in review any more
        :raises VersionNotScanned, VersionRefused: if its scan says nothing, or that it is not to be sold
        :raises VersionNotInspected: if it says that not all could be looked into, and that is not acknowledged
        """
        if is_acknowledged:
            reasons = f"{ACKNOWLEDGED}: {reasons}"

        def write(connection: Connection) -> None:
            product = _decided(connection, version, ProductAction.APPROVE, actor, reasons)
            check_approved(connection, version.id, is_acknowledged=is_acknowledged)
            _publish(connection, product, publication)
            relist(connection, product.id)
            if product.state is ProductState.SUBMITTED:
                tally.give_back(connection, product.project_id, KIND)
            wanted_members(connection, product.id, MARKET_IMAGES.c.version_id == version.id)

        self._database.write(write)

    def reject(self, version: ProductVersion, actor: Actor, reasons: str) -> None:
        """Refuse one.

        :raises VersionStateWrong: if it is not in review any more
        """

        def write(connection: Connection) -> None:
            _decided(connection, version, ProductAction.REJECT, actor, reasons)
            unwanted_copies(connection, MARKET_IMAGES.c.version_id == version.id)

        self._database.write(write)

    def in_review(self, limit: int, marker: str | None = None) -> list[ProductVersion]:
        """Those that wait for a reviewer, in the order in which they were handed in.

        :param marker: id of the last one of the page before. It may have been decided by now: the pages go by
            a time that stays
        """
        table = MARKET_VERSIONS.c
        query = sa.select(MARKET_VERSIONS).where(table.state == str(VersionState.IN_REVIEW))
        if marker is not None:
            last = self.get_any(marker)
            query = query.where(
                sa.tuple_(table.created_at, table.id)
                > sa.tuple_(sa.literal(last.created_at), sa.literal(last.id))
            )
        query = query.order_by(table.created_at, table.id).limit(limit)
        rows = self._database.read(lambda connection: connection.execute(query).mappings().all())
        return [version_of(row) for row in rows]

    # --- of all --------------------------------------------------------------------------------

    def get_any(self, version_id: str) -> ProductVersion:
        """One of whichever project.

        :raises VersionNotFound: if there is none
        """
        query = sa.select(MARKET_VERSIONS).where(MARKET_VERSIONS.c.id == version_id)
        row = self._database.read(lambda connection: connection.execute(query).mappings().first())
        if row is None:
            raise VersionNotFound(version_id=version_id)
        return version_of(row)

    def of_product(self, product_id: str) -> list[ProductVersion]:
        """The versions of a product, the oldest first."""
        query = (
            sa.select(MARKET_VERSIONS)
            .where(MARKET_VERSIONS.c.product_id == product_id)
            .order_by(MARKET_VERSIONS.c.created_at, MARKET_VERSIONS.c.id)
        )
        rows = self._database.read(lambda connection: connection.execute(query).mappings().all())
        return [version_of(row) for row in rows]

    def _settle(
        self,
        version: ProductVersion,
        action: ProductAction,
        actor: Actor,
        why: str | None,
        **values: Any,
    ) -> None:
        def write(connection: Connection) -> None:
            settle(connection, version, action, actor, why, **values)
            unwanted_copies(connection, MARKET_IMAGES.c.version_id == version.id)

        self._database.write(write)


def settle(
    connection: Connection,
    version: ProductVersion,
    action: ProductAction,
    actor: Actor,
    why: str | None,
    **values: Any,
) -> Product:
    """Move the version that is under way, and its product; the product as it was.

    :param values: columns of the version that change with it
    :raises ProductStateWrong, VersionStateWrong: if that is not done any more
    """
    taken = take(connection, version.product_id)
    if taken is None:
        raise VersionNotFound(version_id=version.id)
    state = step(connection, version, action, **values)
    under_way = state is VersionState.IN_REVIEW
    submission = {} if under_way else {"submission_id": None}
    move(connection, taken, action, actor, version.id, why, **submission)
    return taken[0]


def step(
    connection: Connection, version: ProductVersion, action: ProductAction, **values: Any
) -> VersionState:
    """Move a version whose product was taken; its state now.

    :raises VersionStateWrong: if that is not done in its state
    """
    query = sa.select(MARKET_VERSIONS.c.state).where(MARKET_VERSIONS.c.id == version.id)
    found = connection.scalar(query)
    if found is None:
        raise VersionNotFound(version_id=version.id)
    state = next_version_state(version.id, VersionState(found), action)
    connection.execute(
        sa.update(MARKET_VERSIONS)
        .where(MARKET_VERSIONS.c.id == version.id)
        .values(state=str(state), changed_at=timeutils.utcnow(), **values)
    )
    return state


def _decided(
    connection: Connection,
    version: ProductVersion,
    action: ProductAction,
    actor: Actor,
    reasons: str | None,
) -> Product:
    product = settle(connection, version, action, actor, reasons)
    connection.execute(
        sa.insert(MARKET_REVIEWS).values(
            version_id=version.id,
            product_id=version.product_id,
            user_id=actor.user_id,
            project_id=actor.project_id,
            decision=str(action),
            reasons=cut(reasons),
            decided_at=timeutils.utcnow(),
        )
    )
    return product


def _publish(connection: Connection, product: Product, publication: Publication) -> None:
    listed = {} if product.listed_at else {"listed_at": timeutils.utcnow()}
    connection.execute(
        sa.update(MARKET_PRODUCTS)
        .where(MARKET_PRODUCTS.c.id == product.id)
        .values(
            published=dict(publication.published),
            summary=dict(publication.summary),
            agreement=publication.agreement,
            **listed,
        )
    )
    known = sa.select(MARKET_AGREEMENTS.c.digest).where(
        MARKET_AGREEMENTS.c.digest == publication.agreement
    )
    if connection.scalar(known) is None:
        # Of two products with the same agreement at once, one transaction is done again.
        content = {"text": publication.agreement_text}
        connection.execute(
            sa.insert(MARKET_AGREEMENTS).values(digest=publication.agreement, content=content)
        )
    connection.execute(sa.delete(MARKET_TERMS).where(MARKET_TERMS.c.product_id == product.id))
    rows = [
        {"kind": kind, "term": term, "product_id": product.id}
        for kind, term in sorted(set(publication.terms))
    ]
    if rows:
        connection.execute(sa.insert(MARKET_TERMS), rows)


def _row(version: ProductVersion) -> dict[str, Any]:
    return {
        "id": version.id,
        "product_id": version.product_id,
        "project_id": version.project_id,
        "name": version.name,
        "release_notes": version.release_notes,
        "source_image_id": version.source_image_id,
        "source_digest": version.source_digest,
        "source": dict(version.source),
        "state": str(version.state),
        "document": dict(version.document),
    }
