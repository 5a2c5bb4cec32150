# SPDX-License-Identifier: Apache-2.0
"""How bad a vulnerability is."""

from typing import Any

import pytest

from ims_glance.jobs.market import severity

V2 = "AV:N/AC:L/Au:N/C:P/I:P/A:P"
V3 = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"
V4 = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"


def of(kind: str, score: Any) -> dict[str, Any]:
    return {"severity": [{"type": kind, "score": score}]}


@pytest.mark.parametrize(
    ("advisory", "affected", "score"),
    [
        (of("CVSS_V2", V2), {}, 7.5),
        (of("CVSS_V3", V3), {}, 9.8),
        (of("CVSS_V4", V4), {}, 9.3),
        ({}, of("CVSS_V3", V3), 9.8),
        (of("CVSS_V2", V2), of("CVSS_V3", V3), 9.8),
        (of("CVSS_V3", "7.0"), {}, 7.0),
        (of("CVSS_V3", 6.9), {}, 6.9),
        (of("Ubuntu", "high"), {}, 7.0),
        ({"database_specific": {"severity": "CRITICAL"}}, {}, 9.0),
        ({}, {"ecosystem_specific": {"urgency": "medium"}}, 4.0),
        ({"database_specific": {"severity": "Moderate"}}, {}, 4.0),
        (of("CVSS_V3", "CVSS:3.1/nonsense"), {}, None),
        (of("CVSS_V3", "not yet assigned"), {}, None),
        (of("CVSS_V3", None), {}, None),
        (of("CVSS_V3", "nan"), {}, None),
        (of("CVSS_V3", "inf"), {}, None),
        (of("CVSS_V3", 700), {}, None),
        (of("CVSS_V3", -1), {}, None),
        ({}, {}, None),
    ],
    ids=str,
)
def test_scores(advisory: dict[str, Any], affected: dict[str, Any], score: float | None) -> None:
    assert severity.score(advisory, affected) == score
