# SPDX-License-Identifier: Apache-2.0
"""What operators see of orphans: of this region, as they were found last."""

import dataclasses
from typing import Any

import jsonschema
import pytest

from ims_glance.api.common.acceptance import Acceptance
from ims_glance.api.ims.operations import orphan
from ims_glance.db.database import NotConfigured
from ims_glance.db.orphan import Orphan, OrphanLook, OrphanLooks
from tests.unit.api.ims import calls

(ROW,) = orphan.OPERATIONS
NOTHING: dict[str, Any] = {"looked_at": None, "min_age_hours": None, "count": 0, "orphans": []}
LEFT = Orphan("kms", ("ims-1", "ims-1.header-a"), 1764000000.5, "belongs to no image")
LOOK = OrphanLook(1764500000.0, 0.5, 1001, (LEFT,))


@pytest.fixture
def looks(tables):
    return OrphanLooks(tables.database)


@pytest.fixture
def ask(tables):
    def answer():
        call = calls.call(tables.conf)
        service = dataclasses.replace(call.service, jobs=Acceptance(tables.conf))
        body = ROW.handler(dataclasses.replace(call, service=service)).body
        jsonschema.validate(body, ROW.answer)
        return body

    return answer


def test_nobody_has_looked_yet(ask):
    assert ask() == NOTHING


def test_what_was_found_last(ask, looks):
    looks.record("RegionOne", LOOK)
    assert ask() == {
        "looked_at": "2025-11-30T10:53:20.000Z",
        "min_age_hours": 0.5,
        "count": 1001,
        "orphans": [
            {
                "place": "kms",
                "names": ["ims-1", "ims-1.header-a"],
                "written_at": "2025-11-24T16:00:00.500Z",
                "reason": "belongs to no image",
            }
        ],
    }


def test_each_region_has_its_own(ask, looks, tables):
    looks.record("RegionOne", LOOK)
    tables.conf.set_override("region_name", "RegionTwo", "ims_service")
    assert ask() == NOTHING


def test_without_a_database(ask, tables):
    tables.conf.set_override("connection", None, "ims_database")
    with pytest.raises(NotConfigured):
        ask()
