# SPDX-License-Identifier: Apache-2.0
"""What several runs of pytest say together: how many passed, and which took longest."""

import collections
from collections.abc import Iterable, Sequence
from pathlib import Path
from xml.etree import ElementTree

_SLOWEST = 30
# What a few of the tests that failed said last is shown again, where one looks first.
_SHOWN = 10
_LINES = 15
# Elements of a test case in pytest's XML -> what the test is then.
_OUTCOMES = {"failure": "failed", "error": "failed", "skipped": "skipped"}


def summary(reports: Iterable[Path], failed: Sequence[str] = (), seconds: float = 0.0) -> str:
    """The slowest tests, how long all took, what failed and what it said last, and the count of all tests.

    :param reports: files of ``pytest --junit-xml``
    :param failed: what failed as a whole: it may be none of the tests, but a linter, or that
        something was left in the cloud
    :param seconds: since the command began, the cloud's own start included
    :returns: lines, the last of them as "12 passed, 0 failed"
    """
    counts: collections.Counter[str] = collections.Counter()
    by_name: dict[str, float] = collections.defaultdict(float)
    parts: list[str] = []
    said: list[str] = []
    for report in reports:
        # Written by our own pytest.
        root = ElementTree.parse(report)
        for suite in root.iter("testsuite"):
            parts.append(f"{float(suite.get('time') or 0):.0f} s {report.stem}")
        for case in root.iter("testcase"):
            name = f"{case.get('classname')}::{case.get('name')}"
            by_name[name] += float(case.get("time") or 0)
            found = [each for each in case if each.tag in _OUTCOMES]
            outcome = _OUTCOMES[found[0].tag] if found else "passed"
            counts[outcome] += 1
            if outcome == "failed":
                said.append(_said(name, found[0]))
    by_time = sorted(by_name.items(), key=lambda item: item[1], reverse=True)
    slowest = [f"{took:7.1f} s  {name}" for name, took in by_time[:_SLOWEST]]
    more = f", {counts['skipped']} skipped" if counts["skipped"] else ""
    last = f"{counts['passed']} passed, {counts['failed']} failed{more}"
    head = ["", f"the slowest {len(slowest)} tests, with what they set up:"] if slowest else []
    head += [*slowest, "", f"{seconds:.0f} s in all: {', '.join(parts)}"] if parts else []
    why = [f"failed: {', '.join(failed)}"] if failed else []
    return "\n".join([*head, "", *said[:_SHOWN], *why, last])


def _said(name: str, failure: ElementTree.Element) -> str:
    """A test that failed, and the end of what it said."""
    lines = (failure.text or failure.get("message") or "").rstrip().splitlines()
    return "\n".join([f"failed: {name}", *(f"    {line}" for line in lines[-_LINES:]), ""])
