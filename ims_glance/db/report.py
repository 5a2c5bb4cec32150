# SPDX-License-Identifier: Apache-2.0
"""The table of guest reports: what was found in images, and what was done to it.

One row an image, of the last look; it goes with the image.
"""

import collections
import dataclasses
import datetime
import logging
import threading
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from oslo_utils import timeutils
from sqlalchemy.engine import Connection

from ims_glance.db.database import Database
from ims_glance.db.job import check_fence
from ims_glance.db.schema import GUEST_REPORTS
from ims_glance.model.job import StoredJob

LOG = logging.getLogger(__name__)

# Ids of images that were deleted while the database gave no answer; the oldest are let go.
_MOST_WAITING = 1000


@dataclasses.dataclass(frozen=True)
class KeptReport:
    """A report, as the database has it.

    :ivar project_id: whose image it is
    :ivar made_at: when it was made (UTC)
    :ivar content: the report as JSON (:class:`ims_glance.model.guest.report.Report`)
    """

    image_id: str
    project_id: str
    made_at: datetime.datetime
    content: Mapping[str, Any]


class GuestReports:
    """The table."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._mutex = threading.Lock()
        self._waiting: collections.deque[str] = collections.deque(maxlen=_MOST_WAITING)
        self._is_at_it = False

    def get(self, image_id: str) -> KeptReport | None:
        """That of an image, if there is one.

        :raises DatabaseUnavailable: if the database is away
        """
        query = sa.select(GUEST_REPORTS).where(GUEST_REPORTS.c.image_id == image_id)
        row = self._database.read(lambda connection: connection.execute(query).mappings().first())
        return None if row is None else KeptReport(**row)

    def keep(self, job: StoredJob, image_id: str, content: Mapping[str, Any]) -> None:
        """Keep that of an image of a job's project; one that was there before is replaced.

        :raises Fenced: if the job is not this worker's any more
        """

        def write(connection: Connection) -> None:
            check_fence(connection, job)
            _replace(connection, image_id, job.project_id, timeutils.utcnow(), content)

        self._database.write(write)

    def copy(self, job: StoredJob, image_id: str, copy_id: str) -> None:
        """Keep that of an image for its copy as well, if there is one and both are of the job's project.

        :raises Fenced: if the job is not this worker's any more
        """

        def write(connection: Connection) -> None:
            check_fence(connection, job)
            query = sa.select(GUEST_REPORTS).where(
                GUEST_REPORTS.c.image_id == image_id, GUEST_REPORTS.c.project_id == job.project_id
            )
            row = connection.execute(query).mappings().first()
            if row is not None:
                _replace(connection, copy_id, job.project_id, row["made_at"], row["content"])

        self._database.write(write)

    def forget(self, *image_ids: str) -> None:
        """Delete those of images; that there is none is fine.

        :raises DatabaseUnavailable: if the database is away
        """
        gone = sa.delete(GUEST_REPORTS).where(GUEST_REPORTS.c.image_id.in_(image_ids))
        self._database.write(lambda connection: connection.execute(gone))

    def forget_soon(self, image_id: str) -> None:
        """The same for one, in a thread: whoever deletes an image waits for no database of ours.

        Nothing is raised. Nobody is shown the report of an image that is gone: if this fails, it fills a
        row and no more.
        """
        with self._mutex:
            self._waiting.append(image_id)
            if self._is_at_it:
                return
            self._is_at_it = True
        try:
            threading.Thread(target=self._forget_waiting, daemon=True).start()
        except RuntimeError as error:
            self._is_at_it = False
            LOG.warning("Reports of images that were deleted are left for now: %s", error)

    def _forget_waiting(self) -> None:
        while True:
            with self._mutex:
                gone = [*self._waiting]
                self._waiting.clear()
                self._is_at_it = bool(gone)
            if not gone:
                return
            try:
                self.forget(*gone)
            except Exception as error:  # boundary: the images are gone, whatever it is
                LOG.warning("Reports of %d images that were deleted are left: %s", len(gone), error)


def _replace(
    connection: Connection,
    image_id: str,
    project_id: str,
    made_at: datetime.datetime,
    content: Mapping[str, Any],
) -> None:
    values = {"project_id": project_id, "made_at": made_at, "content": dict(content)}
    change = sa.update(GUEST_REPORTS).where(GUEST_REPORTS.c.image_id == image_id)
    if connection.execute(change.values(**values)).rowcount != 1:
        connection.execute(sa.insert(GUEST_REPORTS).values(image_id=image_id, **values))
