# SPDX-License-Identifier: Apache-2.0
"""Server backups as both doors see them: with the caller's own rights, and under one lock each.

Who looks whether a backup is free and then uses it, or deletes it, holds its lock meanwhile, so
that one backup makes one image and none is deleted under a job that reads it.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from oslo_config import cfg

from ims_glance.clouds import backups, caller, coordination
from ims_glance.clouds.backups.base import ServerBackups
from ims_glance.model import backup
from ims_glance.model.backup import ServerBackup


class Backups:
    """Server backups.

    :param in_use: ids of the backups that unfinished jobs of a project make, or make images of
    """

    def __init__(self, conf: cfg.ConfigOpts, in_use: Callable[[str], set[str]]) -> None:
        self._conf = conf
        self.in_use = in_use

    def of(self, context: Any) -> ServerBackups:
        """Those of a caller's project, by the configured driver."""
        return backups.load(self._conf, caller.region_of(self._conf, context))

    def get(self, context: Any, backup_id: str) -> ServerBackup:
        """One of them.

        :raises BackupMissing: if the project has no such backup
        """
        found = self.of(context).find(backup_id)
        if found is None:
            raise backup.BackupMissing(backup_id=backup_id[:64])
        return found

    def held(self, backup_id: str) -> AbstractContextManager[None]:
        """Hold the lock of a backup.

        :raises CoordinationUnavailable: when it is entered, if there is no lock
        """
        return coordination.lock(self._conf, "backup", backup_id)
