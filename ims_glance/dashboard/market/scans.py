# SPDX-License-Identifier: Apache-2.0
"""What was looked for in a version's image, and found, as its seller and reviewers read it."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import pgettext_lazy

from ims_glance.dashboard import words

STATES: Mapping[str, Any] = {
    "refused": pgettext_lazy("what a scan came to", "Refused for what was found"),
    "not inspected": pgettext_lazy("what a scan came to", "Not all of it could be looked at"),
    "findings": pgettext_lazy("what a scan came to", "The reviewer decides about what was found"),
    "clean": pgettext_lazy("what a scan came to", "Nothing was found"),
}
SEVERITIES: Mapping[str, Any] = {
    "blocks": pgettext_lazy("what comes of a finding", "Refused"),
    "not inspected": pgettext_lazy("what comes of a finding", "Not inspected"),
    "review": pgettext_lazy("what comes of a finding", "The reviewer decides"),
}


def shown(report: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """A report as the template ``_scan.html`` has it; none if nobody looked yet."""
    if not report:
        return None
    state = str(report.get("state"))
    return {
        "state": STATES.get(state, state),
        "at": words.time(report.get("scanned_at")),
        "findings": [_finding(each) for each in report.get("findings") or ()],
        "more": report.get("more") or 0,
        "notes": [words.plain(str(each)) for each in report.get("notes") or ()],
    }


def _finding(found: Mapping[str, Any]) -> dict[str, Any]:
    severity = str(found.get("severity"))
    told = {name: words.plain(str(found.get(name) or "")) for name in ("where", "what", "advice")}
    return {"severity": SEVERITIES.get(severity, severity), **told}
