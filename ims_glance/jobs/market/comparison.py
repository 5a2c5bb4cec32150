# SPDX-License-Identifier: Apache-2.0
"""What is known of the packages in what is sold: the operator's vulnerability feed.

A version's packages never change; what is known of them does. So they are kept, and compared again.
"""

import dataclasses
import functools
import importlib
from collections.abc import Callable, Collection, Mapping
from typing import Any

from oslo_config import cfg

from ims_glance.jobs.market.feed import Feed, FeedUnusable
from ims_glance.model.market.scan import rules
from ims_glance.model.market.scan.report import Finding, Scanned, ScanReport

Check = Callable[[], None]
_NO_FEED = "There is no vulnerability feed here, so the packages were compared with nothing."
_LEFT_OUT = "{} files of the vulnerability feed have no record that can be read, and were left out."
_OF_BEFORE = "{} vulnerabilities are those of an earlier comparison: the feed cannot be asked about them now."


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

    def compare_all(
        self,
        found: Mapping[str, Scanned],
        check: Check,
        before: Mapping[str, ScanReport] | None = None,
    ) -> dict[str, ComparedScan]:
        """The same for several, by their ids: each record of the feed is read once.

        :param before: what was said of them; of that stays what the feed says nothing about any more because a
            record is broken, or those of a system are all gone
        :raises FeedUnusable: if there is a feed that cannot be read, or that is changed meanwhile
        """
        if self.feed is None:
            return {
                each: ComparedScan(ScanReport.of(scanned, notes=[_NO_FEED]), "")
                for each, scanned in found.items()
            }
        text, count = self.feed.state(check)
        owners = {each: scanned.inventories for each, scanned in found.items()}
        vulnerable = _matching().match(self.feed, owners, check)
        if self.feed.state(check)[0] != text:
            raise FeedUnusable(reason="it is being changed")
        left_out = self.feed.left_out
        further = [_LEFT_OUT.format(len(left_out))] if left_out else []
        newest, _, digest = text.split("|")
        about = {"digest": digest, "modified": newest, "advisories": count}
        compared: dict[str, ComparedScan] = {}
        for each, scanned in found.items():
            now = vulnerable[each]
            kept = _kept((before or {}).get(each), left_out, is_all=bool(now.unknown))
            kept = [finding for finding in kept if finding not in now.findings]
            said = [_OF_BEFORE.format(len(kept))] if kept else []
            report = ScanReport.of(
                scanned,
                [*now.findings, *kept],
                [*said, *now.notes(), *further],
                about,
                lacks=now.lacks(),
            )
            compared[each] = ComparedScan(report, text)
        return compared


def _kept(before: ScanReport | None, left_out: Collection[str], *, is_all: bool) -> list[Finding]:
    """What was found about packages, and cannot be looked up again.

    :param left_out: ids of records that cannot be read
    :param is_all: whether the feed says nothing about a system any more
    """
    return [
        each
        for each in (before.findings if before is not None else ())
        if each.rule in (rules.VULNERABILITY, rules.VULNERABILITIES)
        and (is_all or each.what.partition(",")[0] in left_out)
    ]


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
