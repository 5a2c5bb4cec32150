# SPDX-License-Identifier: Apache-2.0
"""A tenant for the fuzz, plain sockets for odd bytes, and what every answer must be like."""

import dataclasses
import http.client
import json
import secrets
import socket
import time
import urllib.parse
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import jsonschema_rs

from ims_glance.api.ims import openapi
from ims_glance.api.ims.operation import Operation
from tests.cloud import jobs, login

_PATIENCE = 400.0
_ERROR = jsonschema_rs.validator_for(openapi.document()["components"]["schemas"]["Error"])


@dataclasses.dataclass(frozen=True)
class Answer:
    """What came back.

    :ivar headers: by name in lower case
    """

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class Tenant:
    """A project of its own with a user and images, so that nothing of others is touched."""

    def __init__(self) -> None:
        self._admin = login.connect("admin")
        self._demo = login.connect("demo")
        self.name = f"fuzz-{secrets.token_hex(4)}"
        password = secrets.token_hex(16)
        identity = self._admin.identity
        self._project = identity.create_project(name=self.name, domain_id="default")
        self._user = identity.create_user(name=self.name, password=password, domain_id="default")
        for name in ("member", "reader"):
            identity.assign_project_role_to_user(
                self._project, self._user, identity.find_role(name)
            )
        auth = {"username": self.name, "password": password, "project_name": self.name}
        self.conn = login.connect("demo", auth)
        self.endpoint = self.conn.image.get_endpoint().removesuffix("/v2/").removesuffix("/")
        self.images = [self._image(self.conn, number) for number in range(3)]
        self._received = self._image(self._demo, 9)
        self.images.append(self._received)
        self._demo.image.add_member(self._received, member_id=self._project.id)
        self.queued = str(self.conn.image.create_image(name=self.name, disk_format="raw").id)

    def _image(self, conn: Any, number: int) -> str:
        made = conn.image.create_image(
            name=f"{self.name}-{number}",
            data=secrets.token_bytes(1024),
            disk_format="raw",
            container_format="bare",
            visibility="private",
        )
        return str(made.id)

    @property
    def project_id(self) -> str:
        """Id of the project."""
        return str(self._project.id)

    @property
    def other_project_id(self) -> str:
        """Id of a project to share with."""
        return str(self._demo.current_project_id)

    @property
    def token(self) -> str:
        """A token of the user."""
        return str(self.conn.auth_token)

    def jobs_end(self) -> None:
        """Wait until no job of the project runs any more."""
        until = time.monotonic() + _PATIENCE
        while any(job["status"] in ("INIT", "RUNNING") for job in self._jobs()):
            assert time.monotonic() < until, self._jobs()
            time.sleep(0.5)

    def _jobs(self) -> list[dict[str, Any]]:
        answer = self.conn.image.get(f"{self.endpoint}/v1/{self.project_id}/jobs?limit=100")
        found: list[dict[str, Any]] = answer.json()["jobs"]
        return found

    def _left(self) -> list[Any]:
        mine = {"owner": self.project_id}
        return [
            *self.conn.image.images(**mine),
            *self.conn.image.images(is_hidden=True, **mine),
        ]

    def clean(self) -> None:
        """Remove all that there is; fail if something cannot be removed."""
        try:
            self.jobs_end()
            for image in self._left():
                if image.is_protected:
                    self.conn.image.update_image(image, is_protected=False)
                self.conn.image.delete_image(image.id)
            assert self._left() == []
            for secret in self.conn.key_manager.secrets():
                self.conn.key_manager.delete_secret(login.secret_id(secret))
            # Given back a moment after the last job ([ims_jobs] delegation_idle_seconds).
            jobs.eventually(lambda: jobs.trusts(self.conn), [], _PATIENCE)
        finally:
            self._demo.image.delete_image(self._received)
            self._admin.identity.delete_user(self._user)
            self._admin.identity.delete_project(self._project)


@contextmanager
def tenant() -> Iterator[Tenant]:
    """A tenant; nothing of it is left afterwards."""
    made = Tenant()
    try:
        yield made
    finally:
        made.clean()


class Probe:
    """Sends requests, counts them, and looks at the answers.

    :param note: said with every failure
    """

    def __init__(self, endpoint: str, note: str) -> None:
        place = urllib.parse.urlsplit(endpoint)
        self._address = (place.hostname or "", place.port or 80)
        self._note = note
        self.count = 0

    def send(
        self,
        method: str,
        target: bytes,
        headers: Iterable[tuple[str, bytes]] = (),
        body: bytes | None = None,
    ) -> Answer:
        """Send exactly these bytes, and read the answer."""
        fields = [(b"Host", b"cloud"), *((name.encode(), value) for name, value in headers)]
        if body is not None and not any(name.lower() == b"transfer-encoding" for name, _ in fields):
            fields.append((b"Content-Length", str(len(body)).encode()))
        head = b"".join(b"%s: %s\r\n" % field for field in fields)
        request = b"%s %s HTTP/1.1\r\n%s\r\n%s" % (method.encode(), target, head, body or b"")
        try:
            with socket.create_connection(self._address, timeout=600) as connection:
                connection.sendall(request)
                response = http.client.HTTPResponse(connection, method=method)
                response.begin()
                named = {name.lower(): value for name, value in response.getheaders()}
                return Answer(response.status, named, response.read())
        except (http.client.HTTPException, OSError) as error:
            raise AssertionError(
                f"no answer to {request[:2000]!r}: {error!r} ({self._note})"
            ) from None

    def check(self, answer: Answer, sent: object, operation: Operation | None = None) -> None:
        """What every answer must be like.

        :param sent: what was asked, for the message
        :param operation: of the IMS API; ``None`` for the Image API, whose refusals are its own
        """
        self.count += 1
        request_id = answer.headers.get("x-request-id", "")
        told = (
            f"{answer.status} {answer.body[:500]!r} to {sent!r:.2000} ({self._note}, {request_id})"
        )
        assert answer.status < 500, told
        assert request_id.startswith("req-"), told
        if operation is None:
            return
        if answer.status >= 400:
            assert answer.headers["content-type"].startswith("application/json"), told
            assert _ERROR.is_valid(answer.json), told
            return
        assert answer.status == operation.status, told
        if operation.answer is None:
            kind = answer.headers.get("content-type")
            assert kind in operation.other_types or answer.body == b"", told
        else:
            problems = jsonschema_rs.validator_for(dict(operation.answer)).iter_errors(answer.json)
            assert [str(problem) for problem in problems] == [], told
