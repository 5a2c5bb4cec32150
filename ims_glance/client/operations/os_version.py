# SPDX-License-Identifier: Apache-2.0
"""The operating systems that images can have."""

from ims_glance.client.operations.base import Operations
from ims_glance.client.resources.os_version import OSVersion


class OSVersionOperations(Operations):
    """Operating systems."""

    def os_versions(self, tag: str | None = None) -> list[OSVersion]:
        """The operating systems that images can have.

        :param tag: only those for ``bms``, ``uefi``, ``arm`` or ``x86``
        """
        query = {"tag": tag} if tag else {}
        answer = self.get("/v1/cloudimages/os_version", params=query).json()
        return [
            OSVersion.existing(**version) for group in answer for version in group["version_list"]
        ]
