# SPDX-License-Identifier: Apache-2.0
"""A small client of the Image API that hides nothing."""

import dataclasses
import json
import socket
import time
from collections.abc import Iterable, Mapping
from typing import Any, Self, TypeVar

import urllib3

from tests.functional.identity import Caller

PATCH_TYPE = "application/openstack-images-v2.1-json-patch"
PATCH_TYPE_20 = "application/openstack-images-v2.0-json-patch"
WAIT_SECONDS = 240

Body = bytes | Iterable[bytes]
AnyClient = TypeVar("AnyClient", bound="Client")


class ApiError(Exception):
    """An answer that is no success."""

    def __init__(self, answer: "Answer") -> None:
        self.answer = answer
        self.status = answer.status
        super().__init__(f"{answer.status} {answer.text}")


@dataclasses.dataclass(frozen=True)
class Answer:
    """An answer, read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode(errors="replace")

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """The Image API as one caller uses it. Methods raise :class:`ApiError`, except :meth:`send`."""

    def __init__(self, host: str, port: int, caller: Caller) -> None:
        self._host, self._port = host, port
        self._pool = urllib3.HTTPConnectionPool(
            host, port, timeout=120, retries=False, maxsize=8, block=False
        )
        self.caller = caller

    @property
    def address(self) -> str:
        """``host:port``."""
        return f"{self._host}:{self._port}"

    def as_(self, caller: Caller) -> Self:
        """The same service, used by somebody else."""
        return type(self)(self._host, self._port, caller)

    def of_class(self, kind: type[AnyClient]) -> AnyClient:
        """The same service and caller, through a client of another class."""
        return kind(self._host, self._port, self.caller)

    def open(
        self,
        method: str,
        path: str,
        *,
        json_body: Any = None,
        body: Body | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> urllib3.BaseHTTPResponse:
        """Send a request and return the answer with its body unread.

        :param path: sent as it is
        :param body: an iterable is sent in chunks
        """
        sent = {"X-Auth-Token": self.caller.token, "Accept": "application/json"}
        if json_body is not None:
            sent["Content-Type"] = "application/json"
            body = json.dumps(json_body).encode()
        return self._pool.urlopen(
            method,
            path,
            body=body,
            headers={**sent, **(headers or {})},
            preload_content=False,
            chunked=not isinstance(body, bytes | None),
            redirect=False,
        )

    def connect(self) -> socket.socket:
        """A connection, for those who want to send bytes of their own making."""
        return socket.create_connection((self._host, self._port), timeout=60)

    def send(self, method: str, path: str, **request: Any) -> Answer:
        """As :meth:`open`, and read the answer; whatever its status is."""
        response = self.open(method, path, **request)
        try:
            return Answer(response.status, response.headers, response.read())
        finally:
            response.close()

    def call(self, method: str, path: str, **request: Any) -> Answer:
        """As :meth:`send`; raises unless it succeeds."""
        answer = self.send(method, path, **request)
        if not 200 <= answer.status < 300:
            raise ApiError(answer)
        return answer

    # --- images

    def create(self, **attributes: Any) -> dict[str, Any]:
        """Create a raw image; ``cmkid`` is short for its key."""
        if "cmkid" in attributes:
            attributes["__system__cmkid"] = attributes.pop("cmkid")
        defaults = {"name": "test", "disk_format": "raw", "container_format": "bare"}
        body = {**defaults, **attributes}
        return dict(self.call("POST", "/v2/images", json_body=body).json)

    def show(self, image_id: str) -> dict[str, Any]:
        return dict(self.call("GET", f"/v2/images/{image_id}").json)

    def delete(self, image_id: str) -> None:
        self.call("DELETE", f"/v2/images/{image_id}")

    def patch(
        self, image_id: str, *changes: Mapping[str, Any], content_type: str = PATCH_TYPE
    ) -> dict[str, Any]:
        answer = self.call(
            "PATCH",
            f"/v2/images/{image_id}",
            body=json.dumps(changes).encode(),
            headers={"Content-Type": content_type},
        )
        return dict(answer.json)

    def deactivate(self, image_id: str) -> None:
        self.call("POST", f"/v2/images/{image_id}/actions/deactivate")

    def reactivate(self, image_id: str) -> None:
        self.call("POST", f"/v2/images/{image_id}/actions/reactivate")

    def share(self, image_id: str, project: str) -> None:
        self.call("POST", f"/v2/images/{image_id}/members", json_body={"member": project})

    # --- data

    def upload(
        self,
        image_id: str,
        data: Body,
        *,
        store: str | None = None,
        size: int | None = None,
        stage: bool = False,
    ) -> None:
        """Upload, or stage, data.

        :param size: to announce, whatever the size is
        """
        headers = {"Content-Type": "application/octet-stream"}
        if store is not None:
            headers["X-Image-Meta-Store"] = store
        if size is not None:
            headers["X-OpenStack-Image-Size"] = str(size)
        target = "stage" if stage else "file"
        self.call("PUT", f"/v2/images/{image_id}/{target}", body=data, headers=headers)

    def download(
        self, image_id: str, first: int | None = None, last: int | str | None = None
    ) -> bytes:
        """The data, or bytes *first* to *last* (counted from 0, both included)."""
        headers = {}
        if first is not None:
            headers["Range"] = f"bytes={first}-{'' if last is None else last}"
        return self.call("GET", f"/v2/images/{image_id}/file", headers=headers).body

    def import_(
        self, image_id: str, method: str = "glance-direct", *, store: str | None = None, **body: Any
    ) -> None:
        """Begin an import; what the method itself needs goes into ``method_options``."""
        options = body.pop("method_options", {})
        headers = {} if store is None else {"X-Image-Meta-Store": store}
        self.call(
            "POST",
            f"/v2/images/{image_id}/import",
            json_body={"method": {"name": method, **options}, **body},
            headers=headers,
        )

    def wait(self, image_id: str, status: str = "active") -> dict[str, Any]:
        """Wait until an image has *status* and nothing is being imported into it."""
        end = time.monotonic() + WAIT_SECONDS
        while True:
            image = self.show(image_id)
            busy = image.get("os_glance_import_task")
            if image["status"] == status and not busy:
                return image
            if time.monotonic() > end:
                raise TimeoutError(f"image is still {image}")
            time.sleep(0.1)
