# SPDX-License-Identifier: Apache-2.0
from tests.unit.client.cloud import BACKUP_ID, PROJECT, backup
from tests.unit.dashboard.console import BASE, ConsoleTestCase

ONE = f"/v1/{PROJECT}/server-backups/{BACKUP_ID}"


class BackupTest(ConsoleTestCase):
    def test_a_backup_with_its_disks(self):
        self.cloud.ims("GET", ONE, backup(description="<i>\u202e"))
        shown = self.page(f"backups/{BACKUP_ID}/")
        assert "Server Was Paused Stood Still (ms) 700 Size (GB) 3" in shown
        assert "Description <i>\ufffd" in shown
        assert "System disk 1 - - Data disk 2 - -" in shown

    def test_one_that_is_not_there(self):
        self.cloud.refuse("GET", ONE, 404, "IMG.0134", "There is none.")
        assert self.client.get(f"{BASE}backups/{BACKUP_ID}/").status_code == 404
