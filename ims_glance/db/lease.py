# SPDX-License-Identifier: Apache-2.0
"""The table of leases: what one worker of all does at a time, as long as it says that it does.

Who holds one may lose it unnoticed (a worker that stood still for longer): it is for what does no
harm when it is done twice.
"""

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ims_glance.db import clock
from ims_glance.db.database import Database
from ims_glance.db.schema import LEASES


class Leases:
    """The table."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def take(self, name: str, worker: str, seconds: float) -> bool:
        """Take a lease that nobody else has, or hold one's own for longer; whether it is held.

        :param seconds: for which it is held, unless it is taken again
        :raises DatabaseUnavailable: if the database is away
        """
        return self._database.write(lambda connection: _take(connection, name, worker, seconds))

    def give_back(self, name: str, worker: str) -> None:
        """Let others take a lease at once, if it is the worker's.

        :raises DatabaseUnavailable: if the database is away
        """
        gone = sa.delete(LEASES).where(LEASES.c.name == name, LEASES.c.worker == worker)
        self._database.write(lambda connection: connection.execute(gone))


def _take(connection: Connection, name: str, worker: str, seconds: float) -> bool:
    until = clock.now() + seconds
    change = (
        sa.update(LEASES)
        .where(
            LEASES.c.name == name,
            sa.or_(LEASES.c.worker == worker, LEASES.c.lease_until < clock.now()),
        )
        .values(worker=worker, lease_until=until)
    )
    if connection.execute(change).rowcount == 1:
        return True
    if connection.scalar(sa.select(LEASES.c.name).where(LEASES.c.name == name)) is not None:
        return False
    # Of two that come here at once one is refused, and looks again.
    connection.execute(sa.insert(LEASES).values(name=name, worker=worker, lease_until=until))
    return True
