# SPDX-License-Identifier: Apache-2.0
"""Standing copies as workers have them: claimed one by one, and written under a fence.

Every write names the generation of the claim, as for jobs, and touches nothing once another worker has
claimed it.
"""

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ims_glance.db import clock, delegation, tally
from ims_glance.db.database import Database
from ims_glance.db.schema import STANDING_COPIES, STANDING_IMAGES
from ims_glance.db.standing.copies import KIND, MAX_REASON, from_row, images_of, insert, values_of
from ims_glance.model.standing_copy import CHOSEN, StandingCopy, StandingImage, StandingStatus

_LOOKED_AT = [str(status) for status in StandingStatus if status is not StandingStatus.ENDED]


class StandingCopyLost(Exception):
    """It is not this worker's any more, or its owner stopped it meanwhile."""


class StandingClaims:
    """The tables, for workers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def due(self, limit: int) -> list[str]:
        """Ids of those that are to be looked at, in the order of their turns.

        Each project has a turn before any has its next one; within a project the longest wait first.
        """
        turn = sa.func.row_number().over(
            partition_by=STANDING_COPIES.c.project_id,
            order_by=(STANDING_COPIES.c.look_at, STANDING_COPIES.c.id),
        )
        query = (
            sa.select(STANDING_COPIES.c.id)
            .where(*_is_due())
            .order_by(turn, STANDING_COPIES.c.look_at, STANDING_COPIES.c.id)
            .limit(limit)
        )
        return list(self._database.read(lambda connection: connection.scalars(query).all()))

    def claim(self, standing_id: str, worker: str, seconds: float) -> StandingCopy | None:
        """Take one that is to be looked at; ``None`` if somebody else did.

        One that is still being made after so long was left behind, and is deleted.

        :param seconds: after which another worker may take it
        """
        return self._database.write(
            lambda connection: _claim(connection, standing_id, worker, seconds)
        )

    def release(self, standing: StandingCopy, seconds: float) -> None:
        """Let it be looked at again in so many seconds, or at once if its owner changed it meanwhile.

        Nothing if it is not this worker's any more.
        """
        is_changed = STANDING_COPIES.c.look_at <= clock.now()
        look_at = sa.case(
            (is_changed, STANDING_COPIES.c.look_at), else_=clock.now() + sa.literal(seconds)
        )
        change = (
            sa.update(STANDING_COPIES)
            .where(*_fence(standing))
            .values(worker=None, lease_until=None, look_at=look_at)
        )
        self._database.write(lambda connection: connection.execute(change))

    def now(self) -> float:
        """The time by the clock that :attr:`StandingImage.try_at` is told by."""
        return float(
            self._database.read(lambda connection: connection.scalar(sa.select(clock.now()))) or 0.0
        )

    def add(self, standing: StandingCopy, images: Collection[StandingImage]) -> None:
        """Record images that are not known yet.

        :raises StandingCopyLost: if it is not this worker's any more
        """

        def write(connection: Connection) -> None:
            _hold(connection, standing)
            known = {each.image_id for each in images_of(connection, standing.id)}
            insert(connection, standing.id, [each for each in images if each.image_id not in known])

        self._database.write(write)

    def record(self, standing: StandingCopy, *images: StandingImage) -> None:
        """Record what became of images.

        :raises StandingCopyLost: if it is not this worker's any more
        """

        def write(connection: Connection) -> None:
            _hold(connection, standing)
            for image in images:
                _update(connection, standing.id, image)

        self._database.write(write)

    def begin(self, standing: StandingCopy, image: StandingImage) -> None:
        """Record that the copy of an image begins.

        :raises StandingCopyLost: also if its owner stopped or deleted it
        """

        def write(connection: Connection) -> None:
            _hold(connection, standing, STANDING_COPIES.c.status == str(StandingStatus.ACTIVE))
            _update(connection, standing.id, image)

        self._database.write(write)

    def forget(self, standing: StandingCopy, image_ids: Collection[str]) -> None:
        """Forget images that it is not about any more.

        :raises StandingCopyLost: if it is not this worker's any more
        """
        gone = sa.delete(STANDING_IMAGES).where(
            STANDING_IMAGES.c.standing_id == standing.id,
            STANDING_IMAGES.c.image_id.in_(image_ids),
        )

        def write(connection: Connection) -> None:
            _hold(connection, standing)
            connection.execute(gone)

        self._database.write(write)

    def tell(self, standing: StandingCopy, code: str | None, reason: str | None) -> None:
        """Tell why nothing is copied, or that nothing is wrong.

        :raises StandingCopyLost: if it is not this worker's any more
        """
        values = {"code": code, "reason": reason and reason[:MAX_REASON]}
        self._database.write(lambda connection: _hold(connection, standing, **values))

    def end(self, standing: StandingCopy, code: str, reason: str) -> None:
        """End one whose rights ended, and leave its delegations. Its owner deletes it.

        :raises StandingCopyLost: if it is not this worker's any more, or is deleted
        """
        chosen = STANDING_COPIES.c.status.in_([str(each) for each in CHOSEN])
        values = {
            "status": str(StandingStatus.ENDED),
            "code": code,
            "reason": reason[:MAX_REASON],
            "delegation_id": None,
            "source_delegation_id": None,
        }

        def write(connection: Connection) -> None:
            _hold(connection, standing, chosen, **values)
            _leave(connection, standing)

        self._database.write(write)

    def remove(self, standing: StandingCopy) -> None:
        """Delete one with all that is recorded of it.

        :raises StandingCopyLost: if it is not this worker's any more
        """

        def write(connection: Connection) -> None:
            _hold(connection, standing)
            of_it = STANDING_IMAGES.c.standing_id == standing.id
            connection.execute(sa.delete(STANDING_IMAGES).where(of_it))
            connection.execute(
                sa.delete(STANDING_COPIES).where(STANDING_COPIES.c.id == standing.id)
            )
            tally.give_back(connection, standing.project_id, KIND)
            _leave(connection, standing)

        self._database.write(write)


def _leave(connection: Connection, standing: StandingCopy) -> None:
    for delegation_id in standing.delegation_ids:
        delegation.leave(connection, delegation_id)


def _claim(
    connection: Connection, standing_id: str, worker: str, seconds: float
) -> StandingCopy | None:
    is_left_behind = STANDING_COPIES.c.status == str(StandingStatus.MAKING)
    change = (
        sa.update(STANDING_COPIES)
        .where(STANDING_COPIES.c.id == standing_id, *_is_due())
        .values(
            status=sa.case(
                (is_left_behind, str(StandingStatus.DELETING)), else_=STANDING_COPIES.c.status
            ),
            worker=worker,
            generation=STANDING_COPIES.c.generation + 1,
            lease_until=clock.now() + seconds,
            # It is earlier again if its owner changes it meanwhile.
            look_at=clock.now() + seconds,
        )
    )
    if connection.execute(change).rowcount != 1:
        return None
    query = sa.select(STANDING_COPIES).where(STANDING_COPIES.c.id == standing_id)
    return from_row(connection.execute(query).mappings().one())


def _is_due() -> tuple[sa.ColumnElement[bool], ...]:
    return (
        STANDING_COPIES.c.status.in_(_LOOKED_AT),
        STANDING_COPIES.c.look_at <= clock.now(),
        sa.func.coalesce(STANDING_COPIES.c.lease_until, 0) < clock.now(),
    )


def _fence(standing: StandingCopy) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        STANDING_COPIES.c.id == standing.id,
        STANDING_COPIES.c.generation == standing.generation,
    )


def _hold(
    connection: Connection,
    standing: StandingCopy,
    *conditions: sa.ColumnElement[bool],
    **values: Any,
) -> None:
    """Hold the row until the end of the transaction, and change it."""
    change = (
        sa.update(STANDING_COPIES)
        .where(*_fence(standing), *conditions)
        .values(generation=standing.generation, **values)
    )
    if connection.execute(change).rowcount != 1:
        raise StandingCopyLost


def _update(connection: Connection, standing_id: str, image: StandingImage) -> None:
    of_it = (
        STANDING_IMAGES.c.standing_id == standing_id,
        STANDING_IMAGES.c.image_id == image.image_id,
    )
    connection.execute(sa.update(STANDING_IMAGES).where(*of_it).values(**values_of(image)))
