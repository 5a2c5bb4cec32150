# SPDX-License-Identifier: Apache-2.0
"""What is known of the packages in what is sold: the operator's vulnerability feed.

A version's packages never change; what is known of them does. So they are kept, and compared again.
"""

import dataclasses
import functools
import importlib
from collections.abc import Callable, Mapping
from typing import Any

from oslo_config import cfg

from ims_glance.jobs.market.feed import Feed, FeedUnusable
from ims_glance.model.market.scan.report import Scanned, ScanReport

Check = Callable[[], None]
_NO_FEED = "There is no vulnerability feed here, so the packages were compared with nothing."
_LEFT_OUT = "{} files of the vulnerability feed have no record that can be read, and were left out."


@dataclasses.dataclass(frozen=True)
class ComparedScan:
    """What came of it.

    :ivar feed: what the packages were compared with, as one text that grows with what is newer; empty if with nothing
    """

    report: ScanReport
    feed: str


class PackageComparison:
    """The feed, as this process knows it.

    :param folder: of the feed; ``None`` if there is none
    """

    def __init__(self, folder: str | None) -> None:
        self.feed = None if not folder else Feed(folder)

    def compare(self, scanned: Scanned, check: Check) -> ComparedScan:
        """The report on what was found on the disks of an image.

        :param check: called now and then; raises something if there is no use in going on
        :raises FeedUnusable: if there is a feed that cannot be read
        """
        return self.compare_all({"": scanned}, check)[""]

    def compare_all(self, found: Mapping[str, Scanned], check: Check) -> dict[str, ComparedScan]:
        """The same for several, by their ids: each record of the feed is read once.

        :raises FeedUnusable: if there is a feed that cannot be read
        """
        if self.feed is None:
            return {
                each: ComparedScan(ScanReport.of(scanned, notes=[_NO_FEED]), "")
                for each, scanned in found.items()
            }
        text, count = self.feed.state(check)
        owners = {each: scanned.inventories for each, scanned in found.items()}
        vulnerable = _matching().match(self.feed, owners, check)
        left_out = self.feed.left_out
        further = [_LEFT_OUT.format(left_out)] if left_out else []
        newest, _, digest = text.partition("|")
        about = {"digest": digest, "modified": newest, "advisories": count}
        return {
            each: ComparedScan(
                ScanReport.of(
                    scanned,
                    vulnerable[each].findings,
                    [*vulnerable[each].notes(), *further],
                    about,
                    lacks=vulnerable[each].lacks(),
                ),
                text,
            )
            for each, scanned in found.items()
        }


def _matching() -> Any:
    """What needs libraries that only who has a feed needs.

    :raises FeedUnusable: if they are not there
    """
    try:
        return importlib.import_module("ims_glance.jobs.market.matching")
    except ModuleNotFoundError as error:
        raise FeedUnusable(
            reason=f"Python's module '{error.name}' is not there (pip install 'ims_glance[market]')"
        ) from error


@functools.lru_cache(maxsize=4)
def _of_folder(folder: str | None) -> PackageComparison:
    return PackageComparison(folder)


def of_process(conf: cfg.ConfigOpts) -> PackageComparison:
    """That of this process, which reads the feed anew only where it has changed."""
    return _of_folder(conf.ims_market.vulnerability_feed)
