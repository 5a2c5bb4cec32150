# SPDX-License-Identifier: Apache-2.0
"""The table of workers: which run, for an operator to see. Nothing is decided by it."""

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ims_glance.db import clock
from ims_glance.db.database import Database
from ims_glance.db.schema import WORKERS


class Workers:
    """The table."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def hear(self, name: str, threads: int) -> None:
        """Record that a worker runs.

        :param threads: how many jobs it can run at once
        """
        self._database.write(lambda connection: _hear(connection, name, threads))

    def leave(self, name: str) -> None:
        """Forget a worker that stops."""
        gone = sa.delete(WORKERS).where(WORKERS.c.name == name)
        self._database.write(lambda connection: connection.execute(gone))

    def forget(self, seconds: float) -> None:
        """Forget workers that were not heard of for so long: they died."""
        gone = sa.delete(WORKERS).where(WORKERS.c.heard < clock.now() - seconds)
        self._database.write(lambda connection: connection.execute(gone))


def _hear(connection: Connection, name: str, threads: int) -> None:
    heard = sa.update(WORKERS).where(WORKERS.c.name == name).values(heard=clock.now())
    if connection.execute(heard).rowcount != 1:
        moment = clock.now()
        values = {"name": name, "threads": threads, "begun": moment, "heard": moment}
        connection.execute(sa.insert(WORKERS).values(**values))
