# SPDX-License-Identifier: Apache-2.0
"""What crashes left behind."""

from typing import Any

from ims_glance.client.resources.orphan import OrphanList

LEFT: dict[str, Any] = {
    "place": "kms",
    "names": ["ims-1", "ims-1.header-a"],
    "written_at": "2026-11-24T01:02:03.500Z",
    "reason": "belongs to no image",
}
ORPHANS: dict[str, Any] = {
    "looked_at": "2026-11-29T01:02:03.000Z",
    "min_age_hours": 24.0,
    "count": 1,
    "orphans": [LEFT],
}
NOT_LOOKED: dict[str, Any] = {
    "looked_at": None,
    "min_age_hours": None,
    "count": 0,
    "orphans": [],
}


def test_names_on_the_wire():
    found = OrphanList.existing(**{**ORPHANS, "count": 5})
    assert (found.looked_at, found.min_age_hours, found.count) == (ORPHANS["looked_at"], 24.0, 5)
    (left,) = found.orphans
    assert (left.place, left.names) == ("kms", ["ims-1", "ims-1.header-a"])
    assert (left.written_at, left.reason) == (LEFT["written_at"], "belongs to no image")
    assert found.more == 4


def test_nobody_has_looked_yet():
    found = OrphanList.existing(**NOT_LOOKED)
    assert (found.looked_at, list(found.orphans), found.more) == (None, [], 0)
