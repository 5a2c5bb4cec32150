# SPDX-License-Identifier: Apache-2.0
"""Calls of handlers that ask Nova and Cinder, with a small one of each."""

from typing import Any

from tests.unit.api.ims import calls

PROJECT = calls.PROJECT


class Site:
    """A server of the caller, on two volumes or with its root disk on its host."""

    def __init__(self, server: Any, tmp_path: Any) -> None:
        self.cloud = server
        self.conf = calls.configuration(tmp_path, tags=2)
        self.data = self.volume()
        self.root = self.volume(volume_image_metadata={"__os_version": "CentOS 7.3 64bit"})
        self.on_volumes = self.server([self.root, self.data])
        self.data2 = self.volume()
        self.local = self.server([self.data2], calls.IMAGE)

    def volume(self, **values: Any) -> str:
        """A volume; its id."""
        return str(self.cloud.volume(status="in-use", attachments=[], **values))

    def server(self, volumes: list[str], image_id: str | None = None, **values: Any) -> str:
        """A server with these volumes; its id."""
        server_id: str = self.cloud.machines.server(
            volumes, image_id, **{"tenant_id": PROJECT, "name": "web", **values}
        )
        for volume_id in volumes:
            self.cloud.volumes[volume_id]["attachments"] = [{"server_id": server_id}]
        return server_id

    def call(self, body: Any = None, query: Any = None, *views: Any, **arguments: Any) -> Any:
        """A call of a handler."""
        shown = (calls.view(size=3 << 30), *views)
        call = calls.call(self.conf, *shown, body=body, query=query, **arguments)
        urls = {"publicURL": self.cloud.url, "region": "one"}
        call.context.auth_token = "token"
        call.context.service_catalog = [
            {"type": service_type, "name": service_type, "endpoints": [dict(urls)]}
            for service_type in ("compute", "volumev3", "object-store")
        ]
        return call
