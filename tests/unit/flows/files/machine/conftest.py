# SPDX-License-Identifier: Apache-2.0
"""Whole machines in a small cloud, which are exported with an object of each disk."""

from collections.abc import Callable
from typing import Any

import pytest

from ims_glance.jobs.context import JobContext
from ims_glance.model.image import attributes, whole_image
from ims_glance.model.image.whole_image import Component
from ims_glance.model.server import Disk
from tests.unit.clouds.cloud_server import CloudServer
from tests.unit.flows.files.machine.exports import DISKS, SYSTEM


@pytest.fixture
def make_machine(
    server: CloudServer, tables: Any, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., str]:
    """Makes a whole machine; its id."""
    monkeypatch.setattr(JobContext, "pause", lambda self, _seconds: self.check())
    tables.conf.set_override("recognise", False, "ims_guests")

    def make(data: tuple[bytes, ...] = DISKS, **more: Any) -> str:
        body: dict[str, Any] = {"disk_format": "raw", "container_format": "bare"}
        ids = [server.make(each, os_hidden=True, **body) for each in data]
        disks = [Disk(0, None, 20, "fast", False), Disk(1, None, 2), Disk(2, None, 1)]
        parts = list(map(Component, disks, ids))
        more = {attributes.OS_VERSION: SYSTEM, "name": "web & co", "min_ram": 512, **more}
        mapping = whole_image.properties(parts)
        whole = server.make(b"", hw_disk_bus="scsi", **body, **more, **mapping)
        for each in ids:
            server.images[each][attributes.COMPONENT_OF] = whole
        return whole

    return make
