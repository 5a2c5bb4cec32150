# SPDX-License-Identifier: Apache-2.0
"""The tables of standing copies: what is to be copied, and what became of each image.

A place in the project's quota and the delegations are taken with the first record, and given back with the
last. What workers do is in :mod:`ims_glance.db.standing.claims`.
"""

from collections.abc import Collection, Mapping
from typing import Any

import sqlalchemy as sa
from oslo_utils import timeutils
from sqlalchemy.engine import Connection

from ims_glance import exceptions
from ims_glance.db import clock, delegation, tally
from ims_glance.db.database import Database
from ims_glance.db.job import from_row as job_from_row
from ims_glance.db.schema import JOBS, STANDING_COPIES, STANDING_IMAGES
from ims_glance.model.job import StoredJob
from ims_glance.model.standing_copy import (
    CHOSEN,
    SHOWN,
    UNDER_WAY,
    CopyState,
    StandingCopy,
    StandingImage,
    StandingStatus,
)

KIND = "standing"
"""Of its places in the table of tallies."""
MAX_REASON = 2000
"""Characters of a reason that are kept."""
_SHOWN = [str(status) for status in SHOWN]
_OURS = ("look_at", "worker", "lease_until")


class TooManyStandingCopies(exceptions.Conflict):
    """The project has as many as it may have."""

    code = "IMG.0060"
    template = (
        "Project {project_id} has {limit} replications, which is as many as it may have "
        "([ims_api] replications). Delete one first."
    )


class StandingCopyNotFound(exceptions.NotFound):
    """There is none of that id, or it is another project's."""

    template = "Replication {standing_id} does not exist in this project."


class StandingCopies:
    """The tables."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # --- the API -------------------------------------------------------------------------------

    def create(
        self,
        standing: StandingCopy,
        limit: int,
        patience: float,
        trusts: Collection[delegation.Made] = (),
        images: Collection[StandingImage] = (),
    ) -> None:
        """Record one that is being made.

        :param limit: that the project may have
        :param patience: after which it is taken for left behind if it was not activated; seconds
        :param trusts: those of its delegations that are used for the first time
        :param images: what became of images so far
        :raises TooManyStandingCopies: if the project has as many
        :raises delegation.Ended: if a delegation ended meanwhile
        """
        self._database.write(
            lambda connection: _create(connection, standing, limit, patience, trusts, images)
        )

    def check_limit(self, project_id: str, limit: int) -> None:
        """See whether there is room for one more; :meth:`create` makes sure of it.

        :raises TooManyStandingCopies: if not
        """
        if self._database.read(lambda each: tally.count(each, project_id, KIND)) >= limit:
            raise TooManyStandingCopies(project_id=project_id, limit=limit)

    def activate(self, standing_id: str, wishes: Mapping[str, Any]) -> bool:
        """Let workers look at one that is made; ``False`` if it was taken for left behind."""
        change = (
            sa.update(STANDING_COPIES)
            .where(
                STANDING_COPIES.c.id == standing_id,
                STANDING_COPIES.c.status == str(StandingStatus.MAKING),
            )
            .values(status=str(StandingStatus.ACTIVE), wishes=dict(wishes), look_at=clock.now())
        )
        return self._database.write(lambda connection: connection.execute(change).rowcount) == 1

    def get(self, standing_id: str, project_id: str) -> StandingCopy:
        """One of a project.

        :raises StandingCopyNotFound: if there is none
        """
        query = _of_project(project_id).where(STANDING_COPIES.c.id == standing_id)
        row = self._database.read(lambda connection: connection.execute(query).mappings().first())
        if row is None:
            raise StandingCopyNotFound(standing_id=standing_id)
        return from_row(row)

    def find(self, project_id: str | None = None) -> list[StandingCopy]:
        """Those of a project, or of all, the oldest first."""
        query = sa.select(STANDING_COPIES) if project_id is None else _of_project(project_id)
        query = query.order_by(STANDING_COPIES.c.created_at, STANDING_COPIES.c.id)
        rows = self._database.read(lambda connection: connection.execute(query).mappings().all())
        return [from_row(row) for row in rows]

    def change(self, standing_id: str, project_id: str, values: Mapping[str, Any]) -> StandingCopy:
        """Change what its owner may: ``name``, ``keep``, ``status``; one that ended has no other status.

        :raises StandingCopyNotFound: if there is none
        """
        status = [str(each) for each in (CHOSEN if "status" in values else SHOWN)]
        change = (
            sa.update(STANDING_COPIES)
            .where(
                STANDING_COPIES.c.id == standing_id,
                STANDING_COPIES.c.project_id == project_id,
                STANDING_COPIES.c.status.in_(status),
            )
            .values(**values, look_at=clock.now())
        )
        self._database.write(lambda connection: connection.execute(change))
        return self.get(standing_id, project_id)

    def delete(self, standing_id: str, project_id: str | None = None) -> None:
        """Have workers delete one.

        :raises StandingCopyNotFound: if there is none
        """
        conditions = [STANDING_COPIES.c.id == standing_id]
        if project_id is not None:
            conditions += [
                STANDING_COPIES.c.project_id == project_id,
                STANDING_COPIES.c.status.in_(_SHOWN),
            ]
        change = (
            sa.update(STANDING_COPIES)
            .where(*conditions)
            .values(status=str(StandingStatus.DELETING), look_at=clock.now())
        )
        if self._database.write(lambda connection: connection.execute(change).rowcount) != 1:
            raise StandingCopyNotFound(standing_id=standing_id)

    def images(self, standing_id: str) -> list[StandingImage]:
        """What became of its images."""
        return self._database.read(lambda connection: images_of(connection, standing_id))

    def jobs_of(self, images: Collection[StandingImage]) -> dict[str, StoredJob]:
        """The jobs of images that are under way, by id, as far as they were accepted."""
        ids = [each.job_id for each in images if each.state in UNDER_WAY and each.job_id]
        query = sa.select(JOBS).where(JOBS.c.id.in_(ids))
        if not ids:
            return {}
        rows = self._database.read(lambda connection: connection.execute(query).mappings().all())
        return {row["id"]: job_from_row(row) for row in rows}


def _create(
    connection: Connection,
    standing: StandingCopy,
    limit: int,
    patience: float,
    trusts: Collection[delegation.Made],
    images: Collection[StandingImage],
) -> None:
    if not tally.take(connection, standing.project_id, KIND, limit):
        raise TooManyStandingCopies(project_id=standing.project_id, limit=limit)
    for trust in trusts:
        delegation.record(connection, trust)
    for delegation_id in standing.delegation_ids:
        delegation.take(connection, delegation_id)
    connection.execute(
        sa.insert(STANDING_COPIES).values(
            id=standing.id,
            name=standing.name,
            project_id=standing.project_id,
            user_id=standing.user_id,
            status=str(StandingStatus.MAKING),
            region=standing.region,
            target_project_id=standing.target_project_id,
            tag=standing.tag,
            image_name=standing.image_name,
            keep=standing.keep,
            wishes=dict(standing.wishes),
            created_at=timeutils.utcnow(),
            delegation_id=standing.delegation_id,
            source_delegation_id=standing.source_delegation_id,
            look_at=clock.now() + patience,
            generation=0,
        )
    )
    insert(connection, standing.id, images)


def images_of(connection: Connection, standing_id: str) -> list[StandingImage]:
    """What became of the images of one."""
    query = sa.select(STANDING_IMAGES).where(STANDING_IMAGES.c.standing_id == standing_id)
    return [_image(row) for row in connection.execute(query).mappings()]


def _image(row: Any) -> StandingImage:
    values = {name: value for name, value in dict(row).items() if name != "standing_id"}
    return StandingImage(**{**values, "state": CopyState(values["state"])})


def values_of(image: StandingImage) -> dict[str, Any]:
    """An image as its row has it, without its place."""
    return {
        "name": image.name[:255],
        "created_at": image.created_at[:32],
        "state": str(image.state),
        "attempts": image.attempts,
        "job_id": image.job_id,
        "copy_id": image.copy_id,
        "code": image.code,
        "reason": image.reason and image.reason[:MAX_REASON],
        "try_at": image.try_at,
    }


def insert(connection: Connection, standing_id: str, images: Collection[StandingImage]) -> None:
    """Record images that are not known yet."""
    for image in images:
        row = {"standing_id": standing_id, "image_id": image.image_id, **values_of(image)}
        connection.execute(sa.insert(STANDING_IMAGES).values(**row))


def _of_project(project_id: str) -> sa.Select[Any]:
    return sa.select(STANDING_COPIES).where(
        STANDING_COPIES.c.project_id == project_id, STANDING_COPIES.c.status.in_(_SHOWN)
    )


def from_row(row: Any) -> StandingCopy:
    """The standing copy of a row."""
    values = {name: value for name, value in dict(row).items() if name not in _OURS}
    return StandingCopy(**{**values, "status": StandingStatus(values["status"])})
