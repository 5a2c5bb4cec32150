# SPDX-License-Identifier: Apache-2.0
"""A small cloud for flows."""

from typing import Any

import pytest

from tests.unit.clouds.cloud_server import CloudServer
from tests.unit.flows.cloud_bench import CloudBench
from tests.unit.flows.small_guests import SmallGuests


@pytest.fixture
def cloud(tables: Any, server: CloudServer) -> CloudBench:
    """A worker's work on them."""
    return CloudBench(tables, server)


@pytest.fixture(autouse=True)
def guests(monkeypatch: pytest.MonkeyPatch) -> SmallGuests:
    """What looks into disks, without an appliance."""
    made = SmallGuests()
    monkeypatch.setattr("ims_glance.flows.files.guest.guests", made)
    monkeypatch.setattr("ims_glance.flows.files.guest.LEAST", 0)
    return made
