# SPDX-License-Identifier: Apache-2.0
"""The reports of scans: one a version, which goes with it.

A version is refused, taken back and approved by whoever is first (:mod:`ims_glance.db.market.versions`); a
report says nothing about that. It is read in the transaction of who approves.
"""

import dataclasses
import datetime
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from oslo_utils import timeutils
from sqlalchemy.engine import Connection

from ims_glance import exceptions
from ims_glance.db.database import Database
from ims_glance.db.market.rows import take
from ims_glance.db.schema import MARKET_SCANS, MARKET_VERSIONS
from ims_glance.model.market.product import ProductVersion, VersionState
from ims_glance.model.market.scan.report import Scanned, ScanReport

_SOLD = [str(state) for state in (VersionState.IN_REVIEW, VersionState.LISTED)]


class VersionNotScanned(exceptions.Conflict):
    """Nobody looked into a version before it was to be approved."""

    template = (
        "Version {version_id} was not scanned. Reject it, or have its seller take it back ('openstack ims product "
        "withdraw'), and submit it again."
    )


class VersionRefused(exceptions.Conflict):
    """There is in a version what is not sold."""

    code = "IMG.0024"
    template = (
        "Version {version_id} cannot be sold: the scan found what is not to be in it. {refusal} Make the image "
        "again without that, and submit it."
    )


class VersionNotInspected(exceptions.Conflict):
    """Nobody could look into all of a version, and nobody says that it is to be sold all the same."""

    code = "IMG.0024"
    template = (
        "Not all of version {version_id} could be looked into (not inspected): {reason} Reject it; or, where the "
        "operator allows that, approve it as not inspected ('uninspected', '--uninspected'), and say why."
    )


@dataclasses.dataclass(frozen=True)
class KeptScan:
    """A report, as the database has it.

    :ivar feed: what its packages were compared with, as one text that grows with what is newer; empty if with nothing
    :ivar report: for people
    :ivar scanned: without the findings about its packages, so that those are made again
    """

    version_id: str
    product_id: str
    scanned_at: datetime.datetime
    feed: str
    report: ScanReport
    scanned: Scanned


class ProductScans:
    """The table."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(
        self, version: ProductVersion, scanned: Scanned, report: ScanReport, feed: str
    ) -> None:
        """Keep that of a version; one that was there before is replaced."""
        values = {
            "product_id": version.product_id,
            "feed": feed,
            "state": report.state,
            "scanned_at": timeutils.utcnow(),
            "report": report.to_arguments(),
            "seen": scanned.to_arguments(),
        }

        def write(connection: Connection) -> None:
            if take(connection, version.product_id) is None:
                # It was deleted meanwhile.
                return
            change = sa.update(MARKET_SCANS).where(MARKET_SCANS.c.version_id == version.id)
            if connection.execute(change.values(**values)).rowcount != 1:
                insert = sa.insert(MARKET_SCANS).values(version_id=version.id, **values)
                connection.execute(insert)

        self._database.write(write)

    def compared(self, before: KeptScan, report: ScanReport, feed: str) -> bool:
        """Keep what came of comparing the packages of a version again.

        Not if somebody else did meanwhile, or if it is not sold any more.

        :returns: whether it was kept
        """
        is_sold = sa.exists().where(
            MARKET_VERSIONS.c.id == before.version_id, MARKET_VERSIONS.c.state.in_(_SOLD)
        )
        change = (
            sa.update(MARKET_SCANS)
            .where(MARKET_SCANS.c.version_id == before.version_id)
            .where(MARKET_SCANS.c.feed == before.feed, is_sold)
            .values(
                feed=feed,
                state=report.state,
                scanned_at=timeutils.utcnow(),
                report=report.to_arguments(),
            )
        )
        return self._database.write(lambda connection: connection.execute(change).rowcount) == 1

    def get(self, version_id: str) -> KeptScan | None:
        """That of a version, if there is one."""
        query = sa.select(MARKET_SCANS).where(MARKET_SCANS.c.version_id == version_id)
        rows = self._rows(query)
        return _kept(rows[0]) if rows else None

    def views(self, product_id: str) -> dict[str, dict[str, Any]]:
        """The reports of a product's versions, as its seller and reviewers see them."""
        table = MARKET_SCANS.c
        query = sa.select(table.version_id, table.scanned_at, table.report)
        rows = self._rows(query.where(table.product_id == product_id))
        return {row["version_id"]: view(row["report"], row["scanned_at"]) for row in rows}

    def sold(self, limit: int, feed: str | None = None, after: str = "") -> list[str]:
        """Ids of those of versions that are listed or in review, in their order.

        What is in a report has no bound but the number of a machine's disks, so each is asked for by itself.

        :param feed: only those that were compared with something older
        :param after: id of the last one of the page before
        """
        table = MARKET_SCANS.c
        query = (
            sa.select(table.version_id)
            .join(MARKET_VERSIONS, MARKET_VERSIONS.c.id == table.version_id)
            .where(MARKET_VERSIONS.c.state.in_(_SOLD), table.version_id > after)
        )
        if feed is not None:
            query = query.where(table.feed < feed)
        rows = self._rows(query.order_by(table.version_id).limit(limit))
        return [str(row["version_id"]) for row in rows]

    def _rows(self, query: sa.Select[Any]) -> Any:
        return self._database.read(lambda connection: connection.execute(query).mappings().all())


def check_approved(
    connection: Connection, version_id: str, *, is_acknowledged: bool = False
) -> None:
    """See that what is approved may be sold.

    :param is_acknowledged: whether the reviewer says that it is to be sold though nobody could look into all of it
    :raises VersionNotInspected: if nobody could, and nobody says so
    :raises VersionNotScanned: if nobody looked into it
    :raises VersionRefused: if there is in it what is not sold
    """
    query = sa.select(MARKET_SCANS.c.report).where(MARKET_SCANS.c.version_id == version_id)
    found = connection.scalar(query)
    if found is None:
        raise VersionNotScanned(version_id=version_id)
    report = ScanReport.of_arguments(found)
    if report.blocking:
        raise VersionRefused(version_id=version_id, refusal=report.refusal)
    unseen = report.unseen
    if unseen is not None and not is_acknowledged:
        raise VersionNotInspected(version_id=version_id, reason=unseen.what)


def view(report: Mapping[str, Any], scanned_at: datetime.datetime | None) -> dict[str, Any]:
    """A report as clients see it."""
    shown = ScanReport.of_arguments(report).shown()
    return {**shown, "scanned_at": scanned_at and scanned_at.isoformat(timespec="seconds") + "Z"}


def _kept(row: Any) -> KeptScan:
    return KeptScan(
        row["version_id"],
        row["product_id"],
        row["scanned_at"],
        row["feed"],
        ScanReport.of_arguments(row["report"]),
        Scanned.of_kept(row["seen"]),
    )
