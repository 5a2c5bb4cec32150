# SPDX-License-Identifier: Apache-2.0
"""Replications: standing orders to copy images to another region as they become active."""

from typing import Any

from openstack import exceptions

from ims_glance.client.operations.base import Operations, segment
from ims_glance.client.resources.replication import Replication


class ReplicationOperations(Operations):
    """Replications."""

    def replications(self) -> list[Replication]:
        """Those of the project, the oldest first, without their images."""
        return list(self._list(Replication, project_id=self._project()))

    def get_replication(self, replication: str | Replication) -> Replication:
        """One with its images, as it is now.

        :raises errors.NotFound: if there is none
        """
        replication_id = Replication._get_id(replication)
        return self._get(Replication, replication_id, project_id=self._project(), skip_cache=True)

    def find_replication(self, name_or_id: str) -> Replication:
        """That of an id or a name.

        :raises openstack.exceptions.NotFoundException: if there is none
        :raises openstack.exceptions.DuplicateResource: if several have the name
        """
        known = self.replications()
        found = [each for each in known if each.id == name_or_id.lower()]
        found = found or [each for each in known if each.name == name_or_id]
        if not found:
            raise exceptions.NotFoundException(
                f"There is no replication of the name or id '{name_or_id}' in your project."
            )
        if len(found) > 1:
            ids = ", ".join(each.id for each in found)
            raise exceptions.DuplicateResource(
                f"Several replications are named '{name_or_id}'; give the id of the one you mean: {ids}"
            )
        return found[0]

    def create_replication(
        self,
        name: str,
        region: str,
        tag: str | None = None,
        image_name: str | None = None,
        **wishes: Any,
    ) -> Replication:
        """Have images copied to another region as they become active.

        :param tag: that they have: ``KEY=VALUE`` or ``KEY``
        :param image_name: pattern of their name, as a shell has them
        :param wishes: ``project_name`` (name or id of a project there), ``agency_name``, ``cmk_id``,
            ``keep``; ``existing`` for those that are there already, too
        """
        given = {"tag": tag, "image_name": image_name, **wishes}
        body = {key: value for key, value in given.items() if value is not None}
        return self._answered("POST", self._place(), {"name": name, "region": region, **body})

    def update_replication(self, replication: str | Replication, **values: Any) -> Replication:
        """Change one.

        :param values: ``name``; ``keep``, ``None`` for all; ``status``: ``active`` or ``paused``
        """
        return self._answered("PUT", self._place(Replication._get_id(replication)), values)

    def pause_replication(self, replication: str | Replication) -> Replication:
        """Begin no more copies; those that are under way come to their end."""
        return self.update_replication(replication, status="paused")

    def resume_replication(self, replication: str | Replication) -> Replication:
        """Go on, also with what became active meanwhile."""
        return self.update_replication(replication, status="active")

    def delete_replication(self, replication: str | Replication) -> None:
        """Delete one. Its copies stay, and those that are under way come to their end."""
        self.delete(self._place(Replication._get_id(replication)))

    def _place(self, replication_id: str | None = None) -> str:
        place = f"/v1/{self._project()}/replications"
        return place if replication_id is None else f"{place}/{segment(replication_id)}"

    def _answered(self, method: str, path: str, body: dict[str, Any]) -> Replication:
        answer = self.request(path, method, json=body).json()
        return Replication.existing(
            connection=self._get_connection(), **{**answer, "project_id": self._project()}
        )
