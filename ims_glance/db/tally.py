# SPDX-License-Identifier: Apache-2.0
"""The table of tallies: how many things of a kind a project has.

Counted here and not by a query, so that one conditional UPDATE takes a place, and no two requests the
last one.
"""

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ims_glance.db.schema import TALLIES


def take(connection: Connection, project_id: str, kind: str, limit: int) -> bool:
    """Take a place, in the transaction that records what it is for; whether there was one.

    Of two first ones at once the transaction of one fails, and is done again.
    """
    row = _row(project_id, kind)
    taken = sa.update(TALLIES).where(*row, TALLIES.c.unfinished < limit)
    if connection.execute(taken.values(unfinished=TALLIES.c.unfinished + 1)).rowcount == 1:
        return True
    if limit < 1 or connection.scalar(sa.select(TALLIES.c.unfinished).where(*row)) is not None:
        return False
    first = sa.insert(TALLIES).values(project_id=project_id, kind=kind, unfinished=1)
    connection.execute(first)
    return True


def give_back(connection: Connection, project_id: str, kind: str) -> None:
    """Give a place back, in the transaction that ends what it was for."""
    place = sa.update(TALLIES).where(*_row(project_id, kind))
    connection.execute(place.values(unfinished=TALLIES.c.unfinished - 1))


def count(connection: Connection, project_id: str, kind: str) -> int:
    """How many places are taken."""
    query = sa.select(TALLIES.c.unfinished).where(*_row(project_id, kind))
    return int(connection.scalar(query) or 0)


def _row(project_id: str, kind: str) -> tuple[sa.ColumnElement[bool], ...]:
    return TALLIES.c.project_id == project_id, TALLIES.c.kind == kind
