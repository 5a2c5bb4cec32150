# SPDX-License-Identifier: Apache-2.0
from ims_glance.client.resources.backup import STATUSES, Backup
from tests.unit.client.cloud import BACKUP_ID, backup


def test_what_the_service_shows():
    shown = Backup.existing(**backup())
    assert (shown.id, shown.name, shown.size, len(shown.disks)) == (BACKUP_ID, "nightly", 3, 2)
    assert shown.status in STATUSES
