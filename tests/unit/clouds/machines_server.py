# SPDX-License-Identifier: Apache-2.0
"""As much of Nova, and of Cinder's volumes and snapshots, as captures of servers ask for."""

import json
import re
import urllib.parse
import uuid
from typing import Any, ClassVar


class Machines:
    """What there is.

    :ivar servers: by id, as Nova shows them
    :ivar attached: attachments as Nova shows them, by server
    :ivar snapshots: by id, as Cinder shows them
    :ivar taken: of each snapshot so far, the status of the server at that moment; ``FROZEN`` if its
        guest agent held it still
    :ivar properties: that Nova recorded of the image that a server was made of, by server
    :ivar has_agent: whether guests have an agent that answers
    :ivar loses_answers: whether answers to createImage of servers on volumes get lost on their way
    :ivar coming: ids of snapshots that are still ``creating`` when they are looked at next
    :ivar snapshot_status: that those have then
    :ivar deleted: servers of which Nova tells only those who ask what has changed
    :ivar actions: what was done to servers, newest first, by server
    :ivar page: how many servers Nova lists at once
    :ivar filters_names: whether Cinder's operator lets it filter by names
    :ivar most_listed: how many volumes or snapshots Cinder lists at once
    """

    def __init__(self) -> None:
        self.servers: dict[str, dict[str, Any]] = {}
        self.attached: dict[str, list[dict[str, Any]]] = {}
        self.snapshots: dict[str, dict[str, Any]] = {}
        self.taken: list[str] = []
        self.properties: dict[str, dict[str, str]] = {}
        self.has_agent = True
        self.loses_answers = False
        self.coming: set[str] = set()
        self.snapshot_status = "available"
        self.deleted: dict[str, dict[str, Any]] = {}
        self.actions: dict[str, list[dict[str, Any]]] = {}
        self.page = 2
        self.filters_names = True
        self.most_listed = 1000

    def server(self, volumes: list[str], image_id: str | None = None, **values: Any) -> str:
        """A running server; its id."""
        server_id = str(uuid.uuid4())
        self.servers[server_id] = {
            "id": server_id,
            "tenant_id": "demo",
            "status": "ACTIVE",
            "OS-EXT-STS:task_state": None,
            "locked": False,
            "image": {"id": image_id} if image_id else "",
            "flavor": {"disk": 1, "ephemeral": 0, "swap": 0},
            **values,
        }
        first = ord("b") if image_id else ord("a")
        self.attached[server_id] = [
            {"volumeId": volume_id, "device": f"/dev/vd{chr(number)}"}
            for number, volume_id in enumerate(volumes, first)
        ]
        return server_id

    def status_of(self, volume_id: str) -> str:
        """The status of the server that has a volume."""
        for server_id, attached in self.attached.items():
            if volume_id in [each["volumeId"] for each in attached]:
                return str(self.servers[server_id]["status"])
        return ""


class MachinesHandler:
    """Serves them; a mixin of the handler of ``cloud_server``."""

    ROUTES: ClassVar[dict[str, str]] = {
        "GET /servers/detail": "_servers",
        "GET /servers/([^/]+)": "_server",
        "GET /servers/([^/]+)/os-instance-actions": "_actions",
        "GET /servers/([^/]+)/os-volume_attachments": "_attachments",
        "POST /servers/([^/]+)/action": "_act",
        "GET /volumes/detail": "_volumes",
        "POST /volumes": "_create_volume",
        "DELETE /volumes/([^/]+)": "_delete_volume",
        "POST /snapshots": "_create_snapshot",
        "GET /snapshots/detail": "_snapshots",
        "GET /snapshots/([^/]+)": "_snapshot",
        "PUT /snapshots/([^/]+)": "_rename_snapshot",
        "DELETE /snapshots/([^/]+)": "_delete_snapshot",
    }
    server: Any
    body: bytes
    query: str
    headers: Any

    def _answer(self, status: int, body: Any = None) -> None:
        raise NotImplementedError

    def _refuse(self, status: int, message: str) -> None:
        raise NotImplementedError

    @property
    def _machines(self) -> Machines:
        machines: Machines = self.server.machines
        return machines

    def _one(self, kind: str, things: dict[str, dict[str, Any]], thing_id: str) -> None:
        if thing_id in things:
            self._answer(200, {kind: things[thing_id]})
        else:
            self._refuse(404, f"no such {kind}")

    def _named(self, kind: str, things: dict[str, dict[str, Any]]) -> None:
        """As Cinder does: until 3.31, what it does not filter by is none of the question."""
        query = dict(urllib.parse.parse_qsl(self.query))
        version = re.search(r"volume 3\.(\d+)", self.headers.get("OpenStack-API-Version") or "")
        filters = self._machines.filters_names
        if "name" in query and not filters and version and int(version[1]) >= 31:
            self._refuse(400, "Invalid filters name are found in query options.")
            return
        found = [
            each
            for each in things.values()
            if "name" not in query or not filters or each.get("name") == query["name"]
        ]
        ids = [each["id"] for each in found]
        first = ids.index(query["marker"]) + 1 if "marker" in query else 0
        page = found[first:][: self._machines.most_listed]
        is_full = len(page) == self._machines.most_listed
        self._answer(200, {kind: page, **({f"{kind}_links": [{"rel": "next"}]} if is_full else {})})

    def _servers(self) -> None:
        """As ``nova/api/openstack/compute/servers.py`` does: deleted ones are among those that changed."""
        query = dict(urllib.parse.parse_qsl(self.query))
        assert query["all_tenants"] == "1"
        since = query.get("changes-since")
        found = [*self._machines.servers.values()]
        if since is not None:
            # Both are ISO 8601 of UTC; Nova ends its own with a "Z".
            known = [*found, *self._machines.deleted.values()]
            found = [each for each in known if each["updated"][:19] >= since[:19]]
        found = sorted(found, key=lambda each: str(each["id"]))
        left = [each for each in found if str(each["id"]) > query.get("marker", "")]
        page = left[: min(self._machines.page, int(query["limit"]))]
        more = {"servers_links": [{"rel": "next"}]} if len(page) < len(left) else {}
        self._answer(200, {"servers": page, **more})

    def _actions(self, server_id: str) -> None:
        self._answer(200, {"instanceActions": self._machines.actions.get(server_id, [])})

    def _server(self, server_id: str) -> None:
        self._one("server", self._machines.servers, server_id)

    def _attachments(self, server_id: str) -> None:
        self._answer(200, {"volumeAttachments": self._machines.attached[server_id]})

    def _act(self, server_id: str) -> None:
        [(action, wish)] = json.loads(self.body).items()
        view = self._machines.servers[server_id]
        before, after = {"pause": ("ACTIVE", "PAUSED"), "unpause": ("PAUSED", "ACTIVE")}.get(
            action, (view["status"], view["status"])
        )
        if view["status"] != before or view["OS-EXT-STS:task_state"]:
            self._refuse(409, f"Cannot '{action}' while it is {view['status']}")
            return
        view["status"] = after
        done = self._machines.actions.setdefault(server_id, [])
        done.insert(0, {"action": action, "request_id": f"req-{uuid.uuid4()}"})
        if action == "createImage" and not view["image"]:
            self._create_bare_image(view, wish)
        elif action == "createImage":
            self._machines.taken.append(view["status"])
            properties = {"base_image_ref": "x", "disk_format": "raw", **wish["metadata"]}
            image_id = self.server.make(b"r" * 700, name=wish["name"], **properties)
            self._answer(202, {"image_id": image_id})
        else:
            self._answer(202)

    def _create_bare_image(self, view: dict[str, Any], wish: dict[str, Any]) -> None:
        """As ``snapshot_volume_backed`` of ``nova/compute/api.py`` does."""
        machines = self._machines
        properties = machines.properties.get(view["id"], {})
        status = view["status"]
        if status == "ACTIVE" and machines.has_agent and "hw_qemu_guest_agent" in properties:
            status = "FROZEN"
        elif status == "ACTIVE" and "os_require_quiesce" in properties:
            self._refuse(409, "Failed to quiesce instance: agent unresponsive")
            return
        mapping = []
        for each in machines.attached[view["id"]]:
            name = f"snapshot for {wish['name']}"
            made = {"name": name, "volume_id": each["volumeId"], "status": "creating"}
            snapshot_id = self._new_snapshot(made, status)
            machines.coming.add(snapshot_id)
            mapping.append({"source_type": "snapshot", "snapshot_id": snapshot_id})
        written = {"bdm_v2": "True", "block_device_mapping": json.dumps(mapping)}
        properties = {**properties, **wish["metadata"], **written}
        image_id = self.server.make(b"", name=wish["name"], os_hidden=True, **properties)
        if machines.loses_answers:
            self._refuse(504, "The gateway waited too long")
        else:
            self._answer(202, {"image_id": image_id})

    def _new_snapshot(self, view: dict[str, Any], status: str) -> str:
        snapshot_id = str(uuid.uuid4())
        self._machines.taken.append(status)
        self._machines.snapshots[snapshot_id] = {**view, "id": snapshot_id}
        return snapshot_id

    def _volumes(self) -> None:
        self._named("volumes", self.server.volumes)

    def _create_volume(self) -> None:
        wish = json.loads(self.body)["volume"]
        if wish.get("snapshot_id", "") and wish["snapshot_id"] not in self._machines.snapshots:
            self._refuse(404, "no such snapshot")
            return
        if wish.get("imageRef", "") and wish["imageRef"] not in self.server.images:
            self._refuse(400, "no such image")
            return
        volume_id = self.server.volume(**wish)
        self._answer(202, {"volume": self.server.volumes[volume_id]})

    def _delete_volume(self, volume_id: str) -> None:
        if self.server.volumes.pop(volume_id, None) is None:
            self._refuse(404, "no such volume")
        else:
            self._answer(202)

    def _create_snapshot(self) -> None:
        wish = json.loads(self.body)["snapshot"]
        status = self._machines.status_of(wish["volume_id"])
        snapshot_id = self._new_snapshot({**wish, "status": "available"}, status)
        self._answer(202, {"snapshot": self._machines.snapshots[snapshot_id]})

    def _snapshots(self) -> None:
        self._named("snapshots", self._machines.snapshots)
        for snapshot_id in list(self._machines.coming):
            self._settle(snapshot_id)

    def _snapshot(self, snapshot_id: str) -> None:
        self._one("snapshot", self._machines.snapshots, snapshot_id)
        self._settle(snapshot_id)

    def _settle(self, snapshot_id: str) -> None:
        if snapshot_id in self._machines.coming:
            self._machines.coming.remove(snapshot_id)
            self._machines.snapshots[snapshot_id]["status"] = self._machines.snapshot_status

    def _rename_snapshot(self, snapshot_id: str) -> None:
        wish = json.loads(self.body)["snapshot"]
        self._machines.snapshots[snapshot_id]["name"] = wish["name"]
        self._one("snapshot", self._machines.snapshots, snapshot_id)

    def _delete_snapshot(self, snapshot_id: str) -> None:
        if any(each.get("snapshot_id") == snapshot_id for each in self.server.volumes.values()):
            self._refuse(400, "there are volumes of it")
        elif snapshot_id in self._machines.coming:
            self._refuse(400, "it is creating")
        elif self._machines.snapshots.pop(snapshot_id, None) is None:
            self._refuse(404, "no such snapshot")
        else:
            self._answer(202)
