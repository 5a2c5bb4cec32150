# SPDX-License-Identifier: Apache-2.0
"""Backups of servers."""

from collections.abc import Iterator
from typing import Any

from openstack import exceptions

from ims_glance.client.operations.base import Operations, segment
from ims_glance.client.resources.backup import Backup
from ims_glance.client.resources.job import Job


class BackupOperations(Operations):
    """Backups of servers."""

    def backups(self, max_items: int | None = None, **query: Any) -> Iterator[Backup]:
        """The project's backups of servers, the newest first.

        :param max_items: at most so many
        :param query: filters ``name``, ``server_id``, ``status``
        """
        return self._some(Backup, max_items, project_id=self._project(), **query)

    def get_backup(self, backup: str | Backup) -> Backup:
        """A backup, as it is now.

        :raises errors.NotFound: if there is none
        """
        backup_id = Backup._get_id(backup)
        return self._get(Backup, backup_id, project_id=self._project(), skip_cache=True)

    def find_backup(self, name_or_id: str) -> Backup:
        """The backup of that id or name.

        :raises openstack.exceptions.NotFoundException: if there is none
        :raises openstack.exceptions.DuplicateResource: if several have the name
        """
        known = list(self.backups())
        found = [each for each in known if each.id == name_or_id.lower()]
        found = found or [each for each in known if each.name == name_or_id]
        if not found:
            raise exceptions.NotFoundException(
                f"There is no backup of the name or id '{name_or_id}' in your project."
            )
        if len(found) > 1:
            ids = ", ".join(each.id for each in found)
            raise exceptions.DuplicateResource(
                f"Several backups are named '{name_or_id}'; give the id of the one you mean: {ids}"
            )
        return found[0]

    def create_backup(self, name: str, server_id: str, **wishes: Any) -> Job:
        """Begin to back up all disks of a server.

        :param wishes: ``description``; ``no_pause`` lets the server run
        """
        body = {"name": name, "server_id": server_id, **wishes}
        return self._begin("POST", f"/v1/{self._project()}/server-backups", body)

    def delete_backup(self, backup: str | Backup) -> None:
        """Delete a backup; an image that was made of it stays."""
        path = f"/v1/{self._project()}/server-backups/{segment(Backup._get_id(backup))}"
        self.delete(path)
