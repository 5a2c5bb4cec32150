# SPDX-License-Identifier: Apache-2.0
"""The table of receptions: the other ends of standing copies of other regions."""

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ims_glance import exceptions
from ims_glance.db import clock, delegation, tally
from ims_glance.db.database import Database
from ims_glance.db.schema import DELEGATIONS, RECEPTIONS
from ims_glance.model.standing_copy import Reception

_KIND = "receptions"


class ReceptionNotFound(exceptions.NotFound):
    """There is none of that id, it is somebody else's, or what was delegated for it ended."""

    code = "IMG.0179"
    template = (
        "This region receives no copies of replication {standing_id} for you, or not any more. Create it "
        "anew if it is still wanted."
    )


class ReceptionTaken(exceptions.Conflict):
    """There is one of that id already."""

    template = "This region receives copies of a replication {standing_id} already."


class TooManyReceptions(exceptions.Conflict):
    """The project receives as many as it may."""

    code = "IMG.0060"
    template = (
        "Project {project_id} receives the copies of {limit} replications here, which is as many as it may "
        "([ims_api] replications). Delete one first, in its region."
    )


class Receptions:
    """The table."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def check_limit(self, project_id: str, limit: int) -> None:
        """See whether there is room for one more; :meth:`create` makes sure of it.

        :raises TooManyReceptions: if not
        """
        if self._database.read(lambda each: tally.count(each, project_id, _KIND)) >= limit:
            raise TooManyReceptions(project_id=project_id, limit=limit)

    def create(
        self, reception: Reception, limit: int, trusts: Collection[delegation.Made] = ()
    ) -> None:
        """Record one.

        :param limit: that the project may have
        :param trusts: those of its delegations that are used for the first time
        :raises TooManyReceptions: if the project has as many
        :raises ReceptionTaken: if there is one of its id
        :raises delegation.Ended: if a delegation ended meanwhile
        """
        self._database.write(lambda connection: _create(connection, reception, limit, trusts))

    def get(self, standing_id: str, project_id: str, user_id: str) -> Reception:
        """That of a standing copy, for whoever made it.

        :raises ReceptionNotFound: if there is none
        """
        found = self._database.read(lambda connection: _find(connection, standing_id))
        if found is None or (found.project_id, found.user_id) != (project_id, user_id):
            raise ReceptionNotFound(standing_id=standing_id)
        return found

    def expired(self, moment: str) -> list[Reception]:
        """Those with a delegation that ended before a moment.

        :param moment: in Keystone's words
        """
        over = sa.select(DELEGATIONS.c.id).where(DELEGATIONS.c.expires_at < moment)
        query = sa.select(RECEPTIONS).where(
            sa.or_(
                RECEPTIONS.c.delegation_id.in_(over), RECEPTIONS.c.source_delegation_id.in_(over)
            )
        )
        rows = self._database.read(lambda connection: connection.execute(query).mappings().all())
        return [Reception(**row) for row in rows]

    def made_before(self, seconds: float) -> list[Reception]:
        """Those that were made so long ago that their replications are there, if they were made at all.

        :param seconds: before now; what they hold was not left by a job since then either
        """
        young = sa.select(DELEGATIONS.c.id).where(DELEGATIONS.c.begun >= clock.now() - seconds)
        query = sa.select(RECEPTIONS).where(
            RECEPTIONS.c.delegation_id.not_in(young),
            RECEPTIONS.c.source_delegation_id.not_in(young),
        )
        rows = self._database.read(lambda connection: connection.execute(query).mappings().all())
        return [Reception(**row) for row in rows]

    def delete(self, reception: Reception) -> None:
        """Forget one, and leave its delegations; one that is gone is fine."""

        def write(connection: Connection) -> None:
            gone = sa.delete(RECEPTIONS).where(RECEPTIONS.c.id == reception.id)
            if connection.execute(gone).rowcount == 1:
                tally.give_back(connection, reception.project_id, _KIND)
                for delegation_id in reception.delegation_ids:
                    delegation.leave(connection, delegation_id)

        self._database.write(write)


def _create(
    connection: Connection,
    reception: Reception,
    limit: int,
    trusts: Collection[delegation.Made],
) -> None:
    if _find(connection, reception.id) is not None:
        raise ReceptionTaken(standing_id=reception.id)
    if not tally.take(connection, reception.project_id, _KIND, limit):
        raise TooManyReceptions(project_id=reception.project_id, limit=limit)
    for trust in trusts:
        delegation.record(connection, trust)
    for delegation_id in reception.delegation_ids:
        delegation.take(connection, delegation_id)
    values: dict[str, Any] = {
        column.name: getattr(reception, column.name) for column in RECEPTIONS.columns
    }
    connection.execute(sa.insert(RECEPTIONS).values(**values))


def _find(connection: Connection, standing_id: str) -> Reception | None:
    query = sa.select(RECEPTIONS).where(RECEPTIONS.c.id == standing_id)
    row = connection.execute(query).mappings().first()
    return None if row is None else Reception(**row)
