# SPDX-License-Identifier: Apache-2.0
"""Products as their seller has them: drafts, and what became of them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from oslo_utils import timeutils
from sqlalchemy.engine import Connection

from ims_glance import exceptions
from ims_glance.db import tally
from ims_glance.db.database import Database
from ims_glance.db.market.rows import (
    ProductChanged,
    ProductNotFound,
    product_of,
    take,
)
from ims_glance.db.schema import (
    MARKET_CHANGES,
    MARKET_FILES,
    MARKET_PRODUCTS,
    MARKET_REVIEWS,
    MARKET_SCANS,
    MARKET_VERSIONS,
)
from ims_glance.model.market.product import (
    Product,
    ProductAction,
    ProductChange,
    ProductReview,
    VersionState,
    next_state,
)

KIND = "draft"
"""Of the places for products that are not listed yet, in the table of tallies."""

_NOT_DECIDED_ON = (str(VersionState.TAKEN_BACK), str(VersionState.FAILED))
_OF_PRODUCT = (MARKET_VERSIONS, MARKET_REVIEWS, MARKET_SCANS, MARKET_CHANGES, MARKET_FILES)


class TooManyDrafts(exceptions.Conflict):
    """The project has as many as it may have."""

    code = "IMG.0060"
    template = (
        "Project {project_id} has {limit} products that are not listed yet, which is as many as it may "
        "have ([ims_market] drafts). Delete one first."
    )


class Products:
    """The table, as sellers use it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, product: Product, files: Mapping[str, bytes], limit: int) -> None:
        """Record a new draft.

        :param files: by their digests, those that the document names
        :param limit: of products that are not listed yet
        :raises TooManyDrafts: if the project has as many
        """

        def write(connection: Connection) -> None:
            if not tally.take(connection, product.project_id, KIND, limit):
                raise TooManyDrafts(project_id=product.project_id, limit=limit)
            now = timeutils.utcnow()
            row = {
                "id": product.id,
                "product_code": product.product_code,
                "project_id": product.project_id,
                "user_id": product.user_id,
                "state": str(product.state),
                "access_type": product.access_type,
                "name": product.name,
                "document": dict(product.document),
                "note": product.note,
                "revision": 0,
                "moves": 0,
            }
            connection.execute(
                sa.insert(MARKET_PRODUCTS).values(**row, created_at=now, updated_at=now)
            )
            _keep_files(connection, product.id, files)

        self._database.write(write)

    def get(self, product_id: str, project_id: str) -> Product:
        """One of a project.

        :raises ProductNotFound: if there is none
        """
        found = self.get_any(product_id)
        if found is None or found.project_id != project_id:
            raise ProductNotFound(product_id=product_id)
        return found

    def get_any(self, product_id: str) -> Product | None:
        """One of whichever project."""
        return self._one(MARKET_PRODUCTS.c.id == product_id)

    def by_code(self, product_code: str) -> Product | None:
        """The product of a code."""
        return self._one(MARKET_PRODUCTS.c.product_code == product_code)

    def find(self, project_id: str, limit: int, marker: str | None = None) -> list[Product]:
        """Those of a project, the newest first.

        :param marker: id of the last one of the page before
        """
        table = MARKET_PRODUCTS.c
        query = sa.select(MARKET_PRODUCTS).where(table.project_id == project_id)
        if marker is not None:
            last = self.get(marker, project_id)
            query = query.where(
                sa.tuple_(table.created_at, table.id)
                < sa.tuple_(sa.literal(last.created_at), sa.literal(last.id))
            )
        query = query.order_by(table.created_at.desc(), table.id.desc()).limit(limit)
        rows = self._database.read(lambda connection: connection.execute(query).mappings().all())
        return [product_of(row) for row in rows]

    def change(
        self, product: Product, values: Mapping[str, Any], files: Mapping[str, bytes]
    ) -> Product:
        """Change a draft, unless it was changed since *product* was read.

        :param values: ``name``, ``access_type``, ``document``, ``note``
        :raises ProductStateWrong: if it is not to be changed now
        :raises ProductChanged: if somebody else did
        """

        def write(connection: Connection) -> None:
            as_read = MARKET_PRODUCTS.c.revision == product.revision
            taken = take(connection, product.id, as_read, _of(product.project_id))
            if taken is None:
                raise ProductChanged(product_id=product.id)
            next_state(product.id, taken[0].state, ProductAction.CHANGE)
            connection.execute(
                sa.update(MARKET_PRODUCTS)
                .where(MARKET_PRODUCTS.c.id == product.id)
                .values(**values, revision=product.revision + 1, updated_at=timeutils.utcnow())
            )
            _keep_files(connection, product.id, files)
            _forget_files(connection, product.id)

        self._database.write(write)
        return self.get(product.id, product.project_id)

    def delete(self, product_id: str, project_id: str) -> None:
        """Delete a draft, and what was handed in of it.

        :raises ProductNotFound: if there is none
        :raises ProductStateWrong: if it is no draft, or was listed once
        """

        def write(connection: Connection) -> None:
            taken = take(connection, product_id, _of(project_id))
            if taken is None:
                raise ProductNotFound(product_id=product_id)
            next_state(product_id, taken[0].state, ProductAction.DELETE)
            # Copies of its images that are not deleted yet keep their rows.
            for table in _OF_PRODUCT:
                connection.execute(sa.delete(table).where(table.c.product_id == product_id))
            connection.execute(sa.delete(MARKET_PRODUCTS).where(MARKET_PRODUCTS.c.id == product_id))
            tally.give_back(connection, project_id, KIND)

        self._database.write(write)

    def file(self, product_id: str, digest: str) -> bytes | None:
        """A file that a product's document names."""
        table = MARKET_FILES.c
        query = sa.select(table.content).where(
            table.product_id == product_id, table.digest == digest
        )
        found = self._database.read(lambda connection: connection.scalar(query))
        return None if found is None else bytes(found)

    def history(self, product_id: str) -> list[ProductChange]:
        """How its state changed, in order."""
        query = (
            sa.select(MARKET_CHANGES)
            .where(MARKET_CHANGES.c.product_id == product_id)
            .order_by(MARKET_CHANGES.c.moves)
        )
        names = ("action", "from_state", "to_state", "user_id", "version_id", "why", "changed_at")
        return [ProductChange(*(row[name] for name in names)) for row in self._rows(query)]

    def reviews(self, product_id: str) -> list[ProductReview]:
        """What was decided about its versions, in order."""
        query = (
            sa.select(MARKET_REVIEWS)
            .where(MARKET_REVIEWS.c.product_id == product_id)
            .order_by(MARKET_REVIEWS.c.decided_at)
        )
        names = ("version_id", "user_id", "decision", "reasons", "decided_at")
        return [ProductReview(*(row[name] for name in names)) for row in self._rows(query)]

    def _rows(self, query: sa.Select[Any]) -> Sequence[Any]:
        return self._database.read(lambda connection: connection.execute(query).mappings().all())

    def _one(self, condition: Any) -> Product | None:
        rows = self._rows(sa.select(MARKET_PRODUCTS).where(condition))
        return product_of(rows[0]) if rows else None


def _of(project_id: str) -> Any:
    return MARKET_PRODUCTS.c.project_id == project_id


def _keep_files(connection: Connection, product_id: str, files: Mapping[str, bytes]) -> None:
    for digest, content in sorted(files.items()):
        file = {"product_id": product_id, "digest": digest}
        known = sa.select(MARKET_FILES.c.digest).filter_by(**file)
        if connection.scalar(known) is None:
            connection.execute(sa.insert(MARKET_FILES).values(**file, content=content))


def _forget_files(connection: Connection, product_id: str) -> None:
    """Delete the files that neither the draft names, nor what is published of it, nor what a reviewer has, or had.

    What was taken back before anybody decided on it is of no use to anybody, and there may be any number of it.
    """
    table = MARKET_PRODUCTS.c
    query = sa.select(table.document, table.published).where(table.id == product_id)
    documents = [each for row in connection.execute(query) for each in row]
    versions = sa.select(MARKET_VERSIONS.c.document).where(
        MARKET_VERSIONS.c.product_id == product_id,
        MARKET_VERSIONS.c.state.not_in(_NOT_DECIDED_ON),
    )
    documents += connection.scalars(versions).all()
    named = {digest for each in documents for digest in _digests(each)}
    connection.execute(
        sa.delete(MARKET_FILES).where(
            MARKET_FILES.c.product_id == product_id, MARKET_FILES.c.digest.not_in(sorted(named))
        )
    )


def _digests(value: Any) -> Iterator[str]:
    """The digests of all files that a document names."""
    if isinstance(value, Mapping):
        if isinstance(value.get("digest"), str):
            yield value["digest"]
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _digests(each)
