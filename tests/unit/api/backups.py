# SPDX-License-Identifier: Apache-2.0
"""A project with one server backup in a small Cinder, and who asks for it."""

import types
from typing import Any

from ims_glance.api.common.backup import Backups
from ims_glance.clouds.backups.cinder import CinderBackups
from ims_glance.clouds.region import Region
from ims_glance.model.backup import BackupPlan
from ims_glance.model.server import Disk
from tests.unit.api.ims import calls
from tests.unit.clouds.cloud_server import CloudServer

ID = "11111111-0000-4000-8000-000000000000"


def cinder() -> CloudServer:
    """It has a backup of two disks; whoever takes it closes it."""
    server = CloudServer()
    driver = CinderBackups(Region(server.session()))
    plan = BackupPlan(ID, "nightly", "22222222-0000-4000-8000-000000000000", "web")
    for number in range(2):
        driver.back_up(plan, Disk(number, server.volume(), 1), 2)
    return server


def known(tmp_path: Any) -> Backups:
    """Server backups that no job works on."""
    return Backups(calls.configuration(tmp_path), lambda _project: set())


def caller(server: CloudServer) -> Any:
    """The context of a request in the project that has the backup."""
    urls = {"publicURL": server.url, "region": "one"}
    catalog = [{"type": "volumev3", "name": "cinder", "endpoints": [urls]}]
    return types.SimpleNamespace(
        project_id=calls.PROJECT, is_admin=False, auth_token="token", service_catalog=catalog
    )
