# SPDX-License-Identifier: Apache-2.0
"""What jobs ask of Glance, Nova and Cinder, and how those answer: status, and what must be in it.

The small cloud is asked in ``tests/unit/flows/test_small_clouds.py``. A test in a real cloud can ask
the same, in the same order, with its own session and the ids of a server, a volume and an image of
its own: where the answers differ, the small cloud is wrong.
"""

import dataclasses
from typing import Any

from keystoneauth1 import adapter

NOWHERE = "00000000-0000-4000-8000-000000000000"
_PATCH = (("Content-Type", "application/openstack-images-v2.1-json-patch"),)


@dataclasses.dataclass(frozen=True)
class Question:
    """One request.

    :ivar service: its type in the catalogue
    :ivar path: with names of things in braces
    :ivar status: of the answer
    :ivar answers: a path of names through the answer's JSON that must be there
    :ivar kept: the name that later questions have for what is at the end of that path
    """

    service: str
    method: str
    path: str
    status: int
    body: Any = None
    answers: tuple[str, ...] = ()
    kept: str | None = None
    headers: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return f"{self.method} {self.path} of {self.service}: {self.status}"

    def ask(self, session: Any, names: dict[str, str], region_name: str | None = None) -> None:
        """Ask it, and keep what later questions need.

        :param session: of keystoneauth
        :param names: of things -> their ids; gets one more
        :raises AssertionError: if the answer is another one
        """
        service = adapter.Adapter(session, service_type=self.service, region_name=region_name)
        content = {"data": self.body} if isinstance(self.body, bytes) else {"json": self.body}
        response = service.request(
            self.path.format(**names),
            self.method,
            raise_exc=False,
            headers={
                "Accept": "application/json",
                **{name: str(_filled(value, names)) for name, value in self.headers},
            },
            **_filled(content, names),
        )
        assert response.status_code == self.status, f"{self}: {response.text:.300}"
        found: Any = response.json() if self.answers else None
        for name in self.answers:
            assert name in found, f"{self}: there is no '{name}' in {found}"
            found = found[name]
        if self.kept is not None:
            names[self.kept] = str(found)


def _filled(value: Any, names: dict[str, str]) -> Any:
    """The body with the ids of what it names: a text that is ``{name}`` and nothing else."""
    if isinstance(value, dict):
        return {name: _filled(each, names) for name, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, names) for each in value]
    is_name = isinstance(value, str) and value[:1] == "{" and value[-1:] == "}"
    return names[value[1:-1]] if is_name else value


_OCTETS = (("Content-Type", "application/octet-stream"),)
_IMAGE = {
    "name": "question",
    "disk_format": "raw",
    "container_format": "bare",
    "visibility": "private",
}
_RENAME = [{"op": "add", "path": "/name", "value": "question 2"}]
_MEMBERS = "/v2/images/{made}/members"

IMAGE = (
    Question("image", "GET", f"/v2/images/{NOWHERE}", 404),
    Question("image", "DELETE", f"/v2/images/{NOWHERE}", 404),
    Question("image", "POST", "/v2/images", 201, _IMAGE, ("id",), "made"),
    Question("image", "POST", "/v2/images", 409, {**_IMAGE, "id": "{made}"}),
    Question("image", "GET", "/v2/images/{made}", 200, None, ("status",)),
    Question(
        "image",
        "PATCH",
        "/v2/images/{made}",
        200,
        _RENAME,
        ("name",),
        None,
        _PATCH,
    ),
    Question("image", "PUT", "/v2/images/{made}/file", 204, b"data", headers=_OCTETS),
    Question("image", "PUT", "/v2/images/{made}/file", 409, b"data", headers=_OCTETS),
    Question("image", "GET", "/v2/images/{made}", 200, None, ("os_hash_value",)),
    Question("image", "GET", "/v2/images?name=question", 200, None, ("images",)),
    Question("image", "GET", _MEMBERS, 403),
    Question("image", "POST", _MEMBERS, 200, {"member": "p"}),
    Question("image", "POST", _MEMBERS, 409, {"member": "p"}),
    Question("image", "GET", _MEMBERS, 200, None, ("members",)),
    Question("image", "DELETE", f"{_MEMBERS}/p", 204),
    Question("image", "DELETE", "/v2/images/{made}", 204),
    Question("image", "GET", "/v2/images/{made}", 404),
    # An id is never used again.
    Question("image", "POST", "/v2/images", 409, {**_IMAGE, "id": "{made}"}),
)
"""``{made}`` is an image of the questions' own; members have our guard before Glance."""

_ACT = "/servers/{server}/action"
_VERSION = (("OpenStack-API-Version", "compute 2.79"),)

SERVER = (
    Question("compute", "GET", f"/servers/{NOWHERE}", 404, headers=_VERSION),
    Question("compute", "GET", "/servers/{server}", 200, None, ("server", "OS-EXT-STS:task_state")),
    Question(
        "compute",
        "GET",
        "/servers/{server}/os-volume_attachments",
        200,
        None,
        ("volumeAttachments",),
    ),
    Question("compute", "POST", _ACT, 409, {"unpause": None}, headers=_VERSION),
    Question("compute", "POST", _ACT, 202, {"pause": None}, headers=_VERSION),
)
"""``{server}`` runs. In a real cloud it is paused a moment later."""

PAUSED = (
    Question(
        "compute",
        "GET",
        "/servers/{server}/os-instance-actions",
        200,
        None,
        ("instanceActions",),
        None,
        _VERSION,
    ),
    Question("compute", "POST", _ACT, 409, {"pause": None}, headers=_VERSION),
    Question("compute", "POST", _ACT, 202, {"unpause": None}, headers=_VERSION),
)
"""``{server}`` is paused."""

_SNAPSHOT = {"snapshot": {"volume_id": "{volume}", "name": "question", "force": True}}
_VOLUME = {"volume": {"snapshot_id": "{snapshot}", "name": "question", "size": 1}}

_FILTERS = (("OpenStack-API-Version", "volume 3.34"),)

VOLUME = (
    Question("block-storage", "GET", f"/volumes/{NOWHERE}", 404),
    Question("block-storage", "DELETE", f"/volumes/{NOWHERE}", 404),
    Question("block-storage", "GET", "/volumes/{volume}", 200, None, ("volume", "status")),
    Question("block-storage", "GET", "/volumes/detail?name=x", 200, None, ("volumes",)),
    # A cloud whose operator lets nobody filter by names says 400 to these.
    *(
        Question(
            "block-storage", "GET", f"/{each}/detail?name=x", 200, None, (each,), None, _FILTERS
        )
        for each in ("volumes", "snapshots")
    ),
    Question("block-storage", "DELETE", f"/snapshots/{NOWHERE}", 404),
    Question("block-storage", "POST", "/snapshots", 202, _SNAPSHOT, ("snapshot", "id"), "snapshot"),
)
"""``{volume}`` has 1 GiB. In a real cloud the snapshot is available a moment later."""

SNAPSHOT = (
    Question("block-storage", "GET", "/snapshots/{snapshot}", 200, None, ("snapshot", "status")),
    Question("block-storage", "POST", "/volumes", 202, _VOLUME, ("volume", "id"), "copy"),
)
"""``{snapshot}`` is available. In a real cloud the copy is available a moment later."""

COPY = (
    Question("block-storage", "DELETE", "/volumes/{copy}", 202),
    Question("block-storage", "DELETE", f"/backups/{NOWHERE}", 404),
    Question("block-storage", "GET", "/backups/detail", 200, None, ("backups",)),
)
"""``{copy}`` is available."""

_RANGE = ("Range", "bytes=1-2")

OBJECT = (
    Question("object-store", "HEAD", "/bucket/question", 200),
    Question("object-store", "HEAD", "/bucket/absent", 404),
    Question("object-store", "HEAD", "/no-bucket/question", 404),
    Question("object-store", "GET", "/bucket/question", 206, headers=(_RANGE,)),
    Question("object-store", "GET", "/bucket/question", 416, headers=(("Range", "bytes=9-9"),)),
)
"""``question`` has four bytes."""
