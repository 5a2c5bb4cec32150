# SPDX-License-Identifier: Apache-2.0
"""The table of delegations: trusts that callers gave for their jobs.

One is shared by all unfinished jobs of the same user, project and roles whose tokens may do the
same: a job gets no more than its own caller's token could have delegated. Its row is there before
the trust (``making``) and after it (``ending``), so that a crash in between leaves nothing that
nobody knows of.
"""

import dataclasses
from typing import Any

import sqlalchemy as sa
from oslo_utils import uuidutils
from sqlalchemy.engine import Connection

from ims_glance.db import clock
from ims_glance.db.database import Database
from ims_glance.db.schema import DELEGATIONS

_MAKING = "making"
_ACTIVE = "active"
_ENDING = "ending"


class Ended(Exception):
    """The delegation is not there any more: the last job that needed it ended."""


@dataclasses.dataclass(frozen=True)
class Caller:
    """Who delegated: delegations of the same caller are the same.

    :ivar roles: a digest of the roles, and of how the user logged in
    """

    user_id: str
    project_id: str
    roles: str


@dataclasses.dataclass(frozen=True)
class Made:
    """A trust that Keystone has made for a delegation."""

    delegation_id: str
    grant: str


@dataclasses.dataclass(frozen=True)
class Delegation:
    """A row.

    :ivar grant: what the job acts with (see :mod:`ims_glance.clouds.identity`); ``None`` if it is being made, or was not recorded
    :ivar expires_at: of the trust, in Keystone's words
    """

    id: str
    user_id: str
    project_id: str
    expires_at: str
    grant: str | None


class Delegations:
    """The table."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, caller: Caller, not_before: str) -> str | None:
        """Id of a delegation of the caller that ends after *not_before*."""
        query = (
            sa.select(DELEGATIONS.c.id)
            .where(
                DELEGATIONS.c.user_id == caller.user_id,
                DELEGATIONS.c.project_id == caller.project_id,
                DELEGATIONS.c.roles == caller.roles,
                DELEGATIONS.c.state == _ACTIVE,
                DELEGATIONS.c.expires_at > not_before,
            )
            .order_by(DELEGATIONS.c.expires_at.desc())
            .limit(1)
        )
        return self._database.read(lambda connection: connection.scalar(query))

    def begin(self, caller: Caller, expires_at: str) -> str:
        """Record that a trust is about to be made; the id of the delegation."""
        delegation_id = uuidutils.generate_uuid(dashed=False)
        row = sa.insert(DELEGATIONS).values(
            id=delegation_id,
            user_id=caller.user_id,
            project_id=caller.project_id,
            roles=caller.roles,
            state=_MAKING,
            expires_at=expires_at,
            begun=clock.now(),
            jobs=0,
        )
        self._database.write(lambda connection: connection.execute(row))
        return delegation_id

    def get(self, delegation_id: str) -> Delegation | None:
        """A delegation."""
        query = _rows().where(DELEGATIONS.c.id == delegation_id)
        row = self._database.read(lambda connection: connection.execute(query).mappings().first())
        return None if row is None else _delegation(row)

    def end(self, delegation_id: str, idle_seconds: float = 0.0) -> Delegation | None:
        """Let nobody use a delegation any more, if nobody does; then it is to be taken back.

        :param idle_seconds: for which nobody must have used it
        """
        change = (
            sa.update(DELEGATIONS)
            .where(DELEGATIONS.c.id == delegation_id, DELEGATIONS.c.jobs == 0)
            .where(_is_idle(idle_seconds))
            .values(state=_ENDING)
        )
        ended = self._database.write(lambda connection: connection.execute(change).rowcount)
        return self.get(delegation_id) if ended else None

    def left_behind(self, seconds: float, idle_seconds: float = 0.0) -> list[str]:
        """Ids of delegations without jobs that are to be ended.

        :param seconds: that one may take from its beginning to its first job
        :param idle_seconds: that one waits for the next job
        """
        query = sa.select(DELEGATIONS.c.id).where(
            DELEGATIONS.c.jobs == 0,
            sa.or_(
                DELEGATIONS.c.state == _ENDING,
                sa.and_(DELEGATIONS.c.state == _ACTIVE, _is_idle(idle_seconds)),
                DELEGATIONS.c.begun < clock.now() - seconds,
            ),
        )
        return list(self._database.read(lambda connection: connection.scalars(query).all()))

    def delete(self, delegation_id: str) -> None:
        """Forget a delegation whose trust is deleted."""
        gone = sa.delete(DELEGATIONS).where(
            DELEGATIONS.c.id == delegation_id, DELEGATIONS.c.jobs == 0
        )
        self._database.write(lambda connection: connection.execute(gone))


def record(connection: Connection, made: Made) -> None:
    """Record, in the transaction of its first job, that a trust is made.

    :raises Ended: if it took so long that it was taken for left behind
    """
    change = (
        sa.update(DELEGATIONS)
        .where(DELEGATIONS.c.id == made.delegation_id, DELEGATIONS.c.state == _MAKING)
        .values(grant=made.grant, state=_ACTIVE)
    )
    if connection.execute(change).rowcount != 1:
        raise Ended


def take(connection: Connection, delegation_id: str) -> None:
    """Use a delegation for one more job, in the transaction that records it.

    :raises Ended: if it ended meanwhile
    """
    change = (
        sa.update(DELEGATIONS)
        .where(DELEGATIONS.c.id == delegation_id, DELEGATIONS.c.state == _ACTIVE)
        .values(jobs=DELEGATIONS.c.jobs + 1)
    )
    if connection.execute(change).rowcount != 1:
        raise Ended


def leave(connection: Connection, delegation_id: str) -> None:
    """Use a delegation for one job less, in the transaction that ends it."""
    change = sa.update(DELEGATIONS).where(DELEGATIONS.c.id == delegation_id)
    connection.execute(change.values(jobs=DELEGATIONS.c.jobs - 1, begun=clock.now()))


def _is_idle(seconds: float) -> Any:
    """Whether the last job left it so long ago (``begun``: it begins to be idle)."""
    return sa.true() if seconds <= 0 else DELEGATIONS.c.begun < clock.now() - seconds


def _rows() -> sa.Select[Any]:
    return sa.select(
        DELEGATIONS.c.id,
        DELEGATIONS.c.user_id,
        DELEGATIONS.c.project_id,
        DELEGATIONS.c.expires_at,
        DELEGATIONS.c.grant,
    )


def _delegation(row: Any) -> Delegation:
    return Delegation(**row)
