# SPDX-License-Identifier: Apache-2.0
"""The tables of orphans: what the last look for them found in a region, for an operator to see.

Nothing is decided by it: who deletes orphans looks again. All moments are in seconds since 1970, by the
clocks of the host that looked and of the stores.
"""

import dataclasses
from typing import Any

import sqlalchemy as sa
from oslo_db.sqlalchemy.types import JsonEncodedList
from sqlalchemy.engine import Connection

from ims_glance.db.database import Database
from ims_glance.db.schema import METADATA

MOST = 1000
"""So many of them are kept, and the count of all."""
# Characters of a reason, which may quote what a store says.
_LONGEST = 1000

# The last look of each region. Whoever records one changes this row first: so they come one after the other.
ORPHAN_LOOKS = sa.Table(
    "orphan_looks",
    METADATA,
    sa.Column("region", sa.String(255), primary_key=True),
    sa.Column("began", sa.Double(), nullable=False),
    sa.Column("min_age", sa.Double(), nullable=False),
    sa.Column("count", sa.Integer(), nullable=False),
    mysql_engine="InnoDB",
    mysql_charset="utf8mb4",
)

# What it found, in its order, as far as it was there afterwards.
ORPHANS = sa.Table(
    "orphans",
    METADATA,
    sa.Column("region", sa.String(255), primary_key=True),
    sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
    sa.Column("place", sa.String(255), nullable=False),
    sa.Column("names", JsonEncodedList(mysql_as_long=True), nullable=False),
    sa.Column("written", sa.Double(), nullable=False),
    sa.Column("reason", sa.Text(), nullable=False),
    mysql_engine="InnoDB",
    mysql_charset="utf8mb4",
)


@dataclasses.dataclass(frozen=True)
class Orphan:
    """Something that belongs to nothing.

    :ivar place: id of the store that it lies in; ``image`` for a hidden image
    :ivar names: of its objects there, or the id of the image
    :ivar written: when it was written, or changed last: seconds since 1970
    :ivar reason: why it belongs to nothing; and why it is still there, if it was to be deleted
    """

    place: str
    names: tuple[str, ...]
    written: float
    reason: str


@dataclasses.dataclass(frozen=True)
class OrphanLook:
    """A look for orphans, and what was there when it ended.

    :ivar began: seconds since 1970
    :ivar min_age: hours; what was younger was passed over
    :ivar count: how many there were; *orphans* has the first :data:`MOST`
    """

    began: float
    min_age: float
    count: int
    orphans: tuple[Orphan, ...]


class OrphanLooks:
    """The tables."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, region: str, look: OrphanLook) -> None:
        """Keep a look in place of the one of the region before it: all of it, or nothing.

        :raises DatabaseUnavailable: if the database is away, or has no such tables yet
        """
        self._database.write(lambda connection: _replace(connection, region, look))

    def last(self, region: str) -> OrphanLook | None:
        """The last look of a region; ``None`` if there was none yet.

        :raises DatabaseUnavailable: if the database is away
        """
        # By one statement: what it reads is of one look, also while another one is recorded.
        query = (
            sa.select(ORPHAN_LOOKS, *(each for each in ORPHANS.c if each.name != "region"))
            .outerjoin(ORPHANS, ORPHANS.c.region == ORPHAN_LOOKS.c.region)
            .where(ORPHAN_LOOKS.c.region == region)
            .order_by(ORPHANS.c.number)
        )
        rows = self._database.read(lambda connection: connection.execute(query).mappings().all())
        if not rows:
            return None
        # Of a look that found nothing there is one row, without an orphan.
        orphans = tuple(_orphan(row) for row in rows if row["number"] is not None)
        first = rows[0]
        return OrphanLook(first["began"], first["min_age"], first["count"], orphans)


def _orphan(row: Any) -> Orphan:
    return Orphan(row["place"], tuple(row["names"]), row["written"], row["reason"])


def _replace(connection: Connection, region: str, look: OrphanLook) -> None:
    values = {"began": look.began, "min_age": look.min_age, "count": look.count}
    change = sa.update(ORPHAN_LOOKS).where(ORPHAN_LOOKS.c.region == region).values(**values)
    if connection.execute(change).rowcount != 1:
        connection.execute(sa.insert(ORPHAN_LOOKS).values(region=region, **values))
    connection.execute(sa.delete(ORPHANS).where(ORPHANS.c.region == region))
    rows = [
        {
            "region": region,
            "number": number,
            "place": each.place,
            "names": list(each.names),
            "written": each.written,
            "reason": each.reason[:_LONGEST],
        }
        for number, each in enumerate(look.orphans[:MOST])
    ]
    if rows:
        connection.execute(sa.insert(ORPHANS), rows)
