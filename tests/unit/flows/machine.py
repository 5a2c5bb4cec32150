# SPDX-License-Identifier: Apache-2.0
"""A server with two disks in the small cloud, for jobs about servers."""

import re
from typing import Any

from ims_glance.model import capture
from ims_glance.model.capture import DiskToCapture
from ims_glance.model.server import Disk


class Machine:
    """A server with two disks; ``is_local`` tells where its root disk is."""

    def __init__(self, server: Any, is_local: bool) -> None:
        self.cloud = server
        root = server.make(b"root") if is_local else None
        self.sources = set(server.images)
        count = 1 if is_local else 2
        self.volumes = [server.volume(status="in-use") for _ in range(count)]
        self.id = server.machines.server(self.volumes, root)
        self.is_deleted = False
        first = None if is_local else self.volumes[0]
        self.disks = [
            Disk(0, first, 1),
            Disk(1, self.volumes[-1], 1, "fast", goes_with_server=False),
        ]

    def arguments(self, wishes: list[DiskToCapture], **more: Any) -> dict[str, Any]:
        """Of a job."""
        return {
            "name": "mine",
            "server_id": self.id,
            "wishes": [wish.to_arguments() for wish in wishes],
            "attributes": capture.carried({"hw_firmware_type": "uefi"}),
            "tags": ["a=b"],
            **more,
        }

    def delete_at(self, bench: Any, request_: str) -> None:
        """Delete the server when a job makes a request, which is refused then."""

        def watch(request: str) -> None:
            if re.fullmatch(request_, request) and not self.is_deleted:
                self.is_deleted = True
                del self.cloud.machines.servers[self.id]
                self.cloud.failures[request_] = [404]

        bench.watch = watch

    @property
    def status(self) -> str:
        """Of the server."""
        return str(self.cloud.machines.servers[self.id]["status"])

    @property
    def made(self) -> set[str]:
        """Ids of images that were not there before."""
        return set(self.cloud.images) - self.sources

    def check_tidy(self) -> None:
        """Check that the server runs if it is there, and that nothing is left of the way."""
        assert self.is_deleted or self.status == "ACTIVE"
        assert self.cloud.machines.snapshots == {}
        assert set(self.cloud.volumes) == set(self.volumes)
