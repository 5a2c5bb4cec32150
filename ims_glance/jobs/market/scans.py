# SPDX-License-Identifier: Apache-2.0
"""What is sold is compared again when there is news of its packages; and when an operator asks for it.

No image is looked into for that: a version's packages never change, and are kept. Nothing is taken from the market
either: the seller and the reviewers see the report, and the operator is told.
"""

import logging
import threading
from collections.abc import Callable, Iterator

from oslo_config import cfg

from ims_glance import exceptions
from ims_glance.db.database import Database, DatabaseUnavailable
from ims_glance.db.lease import Leases
from ims_glance.db.market.scans import KeptScan, ProductScans
from ims_glance.jobs.lease import clock
from ims_glance.jobs.market import comparison
from ims_glance.model.market.scan.report import ScanReport

LOG = logging.getLogger(__name__)

SECONDS = 300.0
"""Between two looks at the feed."""
_LEASE = "scans"
_LEASE_SECONDS = 300.0
_PAGE = 100
# Of the versions that are compared at once: they are in memory meanwhile, some hundred bytes each.
_MOST_PACKAGES = 100_000

Check = Callable[[], None]


class ScanStopped(Exception):
    """The worker stops, or stood still for so long that another one has taken it up."""


class ScanWork:
    """What one worker does for it.

    :param worker: its name
    :param stopping: set when the worker stops
    """

    def __init__(
        self, conf: cfg.ConfigOpts, database: Database, worker: str, stopping: threading.Event
    ) -> None:
        self._conf = conf
        self._scans = ProductScans(database)
        self._leases = Leases(database)
        self._worker = worker
        self._stopping = stopping
        self._renew_at = 0.0

    def look(self) -> None:
        """Compare what was compared with something older than the feed that is here now, unless another worker does.

        :raises DatabaseUnavailable: if the database is away
        """
        options = self._conf.ims_market
        if not options.enabled or not options.vulnerability_feed:
            return
        try:
            # Who has nothing to compare, since the folder of its host is older, keeps nobody from it.
            newest = _newest(self._conf, self._check)
            if self._scans.sold(1, newest) and self._takes():
                self._compare()
        except ScanStopped:
            return
        except DatabaseUnavailable:
            if not self._stopping.is_set():
                raise
        except exceptions.ImsError as error:
            LOG.warning("What is sold is not compared with the feed for now: %s", error)

    def _compare(self) -> None:
        try:
            for scan, report in compared(self._conf, self._scans, self._check_held):
                if report.blocking and not scan.report.blocking:
                    LOG.warning(
                        "Version %s is sold, and would be refused now: %s",
                        scan.version_id,
                        report.refusal,
                    )
        finally:
            self._leases.give_back(_LEASE, self._worker)

    def _takes(self) -> bool:
        self._renew_at = clock() + _LEASE_SECONDS / 3
        return self._leases.take(_LEASE, self._worker, _LEASE_SECONDS)

    def _check(self) -> None:
        if self._stopping.is_set():
            raise ScanStopped

    def _check_held(self) -> None:
        self._check()
        if clock() >= self._renew_at and not self._takes():
            raise ScanStopped


def compared(
    conf: cfg.ConfigOpts, scans: ProductScans, check: Check, *, is_forced: bool = False
) -> Iterator[tuple[KeptScan, ScanReport]]:
    """Compare all that is sold, or waits for a reviewer, with the feed that is here.

    :param is_forced: also what was compared with this one, or with a newer one
    :returns: what was kept, and the report now, of each that was compared
    :raises FeedUnusable: if there is a feed that cannot be read
    """
    known = comparison.of_process(conf)
    for page in _pages(scans, None if is_forced else _newest(conf, check)):
        found = known.compare_all(
            {each.version_id: each.scanned for each in page},
            check,
            {each.version_id: each.report for each in page},
        )
        for each in page:
            now = found[each.version_id]
            # The folder may have gone back to what it was before.
            is_newer = is_forced or now.feed > each.feed
            if is_newer and scans.compared(each, now.report, now.feed):
                yield each, now.report


def _newest(conf: cfg.ConfigOpts, check: Check) -> str:
    """What the feed of this host is now.

    :raises FeedUnusable: if there is one that cannot be read
    """
    known = comparison.of_process(conf)
    return "" if known.feed is None else known.feed.state(check)[0]


def _pages(scans: ProductScans, feed: str | None) -> Iterator[list[KeptScan]]:
    """What is compared at once, within a bound: a version, and others as long as they have few packages."""
    page: list[KeptScan] = []
    packages, after = 0, ""
    while ids := scans.sold(_PAGE, feed, after):
        after = ids[-1]
        for kept in filter(None, map(scans.get, ids)):
            count = sum(len(each.packages) for each in kept.scanned.inventories)
            if page and (packages + count > _MOST_PACKAGES or len(page) == _PAGE):
                yield page
                page, packages = [], 0
            page.append(kept)
            packages += count
    if page:
        yield page
