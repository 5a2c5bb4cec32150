# SPDX-License-Identifier: Apache-2.0
"""How bad a vulnerability is: the base score of its CVSS vector, or what its advisory says instead.

Vectors are computed by the library ``cvss`` (Red Hat's; versions 2, 3.0, 3.1 and 4.0): their formulas are tables of
constants that nobody should type a second time.
"""

from collections.abc import Mapping
from typing import Any

import cvss
from cvss import exceptions as cvss_exceptions

BLOCKING = 7.0
"""The lowest score that is refused (KooGallery's image security standards)."""
_HIGHEST = 10.0

_VECTORS = (("CVSS:4", cvss.CVSS4), ("CVSS:3", cvss.CVSS3), ("AV:", cvss.CVSS2))
# The lowest score of each word of CVSS's own scale (first.org, "Qualitative Severity Rating Scale"), and of
# the words that distributions use for them.
_WORDS = {
    "critical": 9.0,
    "high": 7.0,
    "important": 7.0,
    "medium": 4.0,
    "moderate": 4.0,
    "low": 0.1,
    "negligible": 0.1,
    "none": 0.0,
}


def score(advisory: Mapping[str, Any], affected: Mapping[str, Any]) -> float | None:
    """The highest score that an advisory has for a package; ``None`` if it says nothing of that.

    :param advisory: an OSV record
    :param affected: its entry for the package
    """
    said = [
        each.get("score")
        for severities in (affected.get("severity"), advisory.get("severity"))
        for each in severities or ()
    ]
    for place in (affected, advisory):
        for name in ("ecosystem_specific", "database_specific"):
            said += [(place.get(name) or {}).get(word) for word in ("severity", "urgency")]
    found = [each for each in map(_number, said) if each is not None and 0 <= each <= _HIGHEST]
    return max(found, default=None)


def _number(said: Any) -> float | None:
    if isinstance(said, int | float) and not isinstance(said, bool):
        return float(said)
    if not isinstance(said, str):
        return None
    text = said.strip()
    for beginning, vector in _VECTORS:
        if text.startswith(beginning):
            return _of_vector(vector, text)
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    try:
        return float(text)
    except ValueError:
        return None


def _of_vector(vector: Any, text: str) -> float | None:
    try:
        return float(vector(text).base_score)
    except (cvss_exceptions.CVSSError, ValueError, LookupError, TypeError, ArithmeticError):
        return None
