# SPDX-License-Identifier: Apache-2.0
"""The packages of systems against a feed, all at once: each record is read once for many systems."""

import collections
import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ims_glance.jobs.market import ecosystems, severity
from ims_glance.jobs.market.ecosystems import Ecosystem, NotComparable
from ims_glance.jobs.market.feed import Check, Feed
from ims_glance.model.market.scan import rules
from ims_glance.model.market.scan.report import Finding, GuestPackage, Inventory
from ims_glance.model.text.printable import printable

_MOST_ALIASES = 8
_SUMMARY = 120
MOST_FINDINGS = 1000
"""About the packages of one owner, of each severity: none that is not known to block takes the room of one that is."""


@dataclasses.dataclass
class Vulnerable:
    """What was found about an owner's packages.

    :ivar findings: those that block, and those whose score nobody knows
    :ivar minor: how many vulnerabilities have a lower score
    :ivar left_out: how many are too many to be said
    :ivar strange: packages whose versions could not be compared
    :ivar unknown: systems that no advisory is about
    """

    findings: list[Finding] = dataclasses.field(default_factory=list)
    minor: int = 0
    left_out: int = 0
    strange: set[str] = dataclasses.field(default_factory=set)
    unknown: list[str] = dataclasses.field(default_factory=list)

    def lacks(self) -> list[str]:
        """Why not all is said."""
        return [f"{self.left_out} further vulnerabilities are not listed."] if self.left_out else []

    def notes(self) -> list[str]:
        """For people."""
        said = []
        if self.minor:
            said.append(
                f"{self.minor} vulnerabilities with a CVSS score below {severity.BLOCKING}."
            )
        if self.strange:
            names = ", ".join(sorted(self.strange)[:5])
            said.append(
                f"The versions of {len(self.strange)} packages cannot be compared: {names}."
            )
        said += [f"The vulnerability feed says nothing about {each}." for each in self.unknown]
        return said


@dataclasses.dataclass(frozen=True, slots=True)
class _Wanted:
    """A package that records may be about."""

    owner: str
    ecosystem: Ecosystem
    package: GuestPackage
    version: str


class _Scores:
    """Those of vulnerabilities by their ids, each of which is looked for once."""

    def __init__(self, feed: Feed, check: Check) -> None:
        self._feed = feed
        self._check = check
        self._known: dict[str, float | None] = {}

    def of_aliases(self, aliases: Sequence[str]) -> float | None:
        """The highest one of the same vulnerability under other names, of those that the feed has."""
        scores = [self._of(alias) for alias in aliases[:_MOST_ALIASES]]
        return max((each for each in scores if each is not None), default=None)

    def _of(self, name: str) -> float | None:
        if name not in self._known:
            record = self._feed.find(name, self._check) or {}
            of_packages = [severity.score(record, each) for each in record.get("affected") or [{}]]
            found = [each for each in of_packages if each is not None]
            self._known[name] = max(found, default=None)
        return self._known[name]


def match(
    feed: Feed, owners: Mapping[str, Sequence[Inventory]], check: Check
) -> dict[str, Vulnerable]:
    """What the records of a feed say of the packages of owners.

    :param check: called with each record; raises something if there is no use in going on
    :raises FeedUnusable: if it cannot be read
    """
    found = {owner: Vulnerable() for owner in owners}
    index: dict[str, list[_Wanted]] = collections.defaultdict(list)
    for name, wanted in _all_wanted(owners):
        index[name].append(wanted)
    said: set[tuple[str, str, str]] = set()
    scores = _Scores(feed, check)
    there: set[str] = set()
    for record, affected in _all_affected(feed, check):
        named = affected.get("package") or {}
        name, ecosystem = str(named.get("name")), str(named.get("ecosystem"))
        there.add(ecosystem)
        for wanted in index.get(name, ()):
            key = (wanted.owner, str(record.get("id")), name)
            if key in said or not wanted.ecosystem.has(ecosystem):
                continue
            if _is_affected(wanted, affected, found[wanted.owner]):
                said.add(key)
                _tell(scores, record, affected, wanted, found[wanted.owner])
    for owner, system in _all_systems(owners):
        known = ecosystems.of_inventory(system)
        if known is None or not any(map(known.has, there)):
            name = system.product_name or system.distro or "an unknown system"
            found[owner].unknown.append(name)
    return found


def _all_systems(owners: Mapping[str, Sequence[Inventory]]) -> Iterator[tuple[str, Inventory]]:
    yield from ((owner, system) for owner, all_of_it in owners.items() for system in all_of_it)


def _all_affected(
    feed: Feed, check: Check
) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Records, and their entries for packages."""
    for record in feed.records(check):
        yield from ((record, affected) for affected in record.get("affected") or ())


def _all_wanted(
    owners: Mapping[str, Sequence[Inventory]],
) -> Iterator[tuple[str, _Wanted]]:
    """All packages, by the names that records have for them."""
    for owner, system in _all_systems(owners):
        ecosystem = ecosystems.of_inventory(system)
        for package in system.packages if ecosystem is not None else ():
            assert ecosystem is not None
            for name, version in ecosystem.keys(package):
                yield name, _Wanted(owner, ecosystem, package, version)


def _is_affected(wanted: _Wanted, affected: Mapping[str, Any], found: Vulnerable) -> bool:
    try:
        return ecosystems.is_affected(wanted.ecosystem, affected, wanted.version)
    except NotComparable:
        found.strange.add(wanted.package.name)
        return False


def _tell(
    scores: _Scores,
    record: Mapping[str, Any],
    affected: Mapping[str, Any],
    wanted: _Wanted,
    found: Vulnerable,
) -> None:
    score = severity.score(record, affected)
    aliases = [str(each) for name in ("aliases", "upstream") for each in record.get(name) or ()]
    if score is None:
        score = scores.of_aliases(aliases)
    if score is not None and score < severity.BLOCKING:
        found.minor += 1
        return
    rule = rules.named(rules.VULNERABILITIES if score is None else rules.VULNERABILITY)
    if sum(each.rule == rule.name for each in found.findings) >= MOST_FINDINGS:
        found.left_out += 1
        return
    called = ", ".join([str(record.get("id")), *aliases[:2]])
    how_bad = "of no known CVSS score" if score is None else f"CVSS {score:.1f}"
    fix = ecosystems.fixed_in(affected)
    fixed = f"fixed in {fix}" if fix else "not fixed yet"
    summary = printable(record.get("summary") or "", _SUMMARY)
    what = f"{called}, {how_bad}, {fixed}{': ' if summary else ''}{summary}."
    where = f"{wanted.package.name} {wanted.package.version}"
    found.findings.append(Finding.of(rule, where, what.replace("..", ".")))
