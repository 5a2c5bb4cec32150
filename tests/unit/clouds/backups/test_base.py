# SPDX-License-Identifier: Apache-2.0
"""What all drivers for server backups have."""

import pytest

from ims_glance.clouds.backups.base import ServerBackups
from ims_glance.clouds.region import Region
from ims_glance.clouds.rest import Refused
from ims_glance.model.backup import BackupPlan, DiskBackupPart, ServerBackup
from ims_glance.model.server import Disk


class Memory(ServerBackups):
    """Backups in memory; the part that is ``held`` does not go."""

    def __init__(self, *backups):
        super().__init__(Region(None))
        self.backups = list(backups)
        self.deleted = []

    def all(self):
        return self.backups

    def back_up(self, plan, disk, count, snapshot_id=None):
        raise NotImplementedError

    def restore(self, part, volume_id):
        raise NotImplementedError

    def is_restored(self, part, volume):
        raise NotImplementedError

    def rename(self, backup, name):
        raise NotImplementedError

    def delete_part(self, part_id):
        if part_id == "held":
            raise Refused(400, "IMG.0016", "Volume", "busy")
        self.deleted.append(part_id)


def a_backup(*part_ids):
    parts = tuple(
        DiskBackupPart(each, Disk(number, "v", 1), "available")
        for number, each in enumerate(part_ids)
    )
    return ServerBackup(BackupPlan("b", "n", "s", "web"), len(parts), parts)


def test_find():
    backup = a_backup("1")
    memory = Memory(backup)
    assert memory.find("b") is backup
    assert memory.find("c") is None


def test_what_can_be_deleted_is():
    memory = Memory()
    memory.delete(a_backup("1", "2"))
    assert memory.deleted == ["1", "2"]
    with pytest.raises(Refused):
        memory.delete(a_backup("held", "3"))
    assert memory.deleted == ["1", "2", "3"]
