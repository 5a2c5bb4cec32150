# SPDX-License-Identifier: Apache-2.0
"""As much of Keystone as logs in the service and keeps trusts, over HTTP."""

import json
import threading
import urllib.parse
import uuid
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from keystoneauth1 import fixture

SERVICE_USER = "service-user"
PASSWORD = "very-secret"


class KeystoneServer(ThreadingHTTPServer):
    """Serves until it is closed.

    :ivar trusts: by id
    :ivar refusal: status that making a trust is answered with
    :ivar services: types of other services in the catalogue
    :ivar projects: of the caller
    :ivar credentials: application credentials of the caller
    :ivar images: where the Image services are, by region, in an exchanged token's catalogue
    :ivar objects: the same of the object storages
    :ivar exchanges: project id -> roles of the caller there; no token is exchanged for one of others
    :ivar exchanged: what a token is exchanged for, by the token and the project's id; if any is,
        tokens of trusts are such ones, too
    :ivar regions: of its own endpoints
    :ivar users_out: ids of users who get no token any more
    :ivar requests: method, path and token of each request
    :ivar named: user agent and request id of each request
    :ivar silent_about: path whose requests are never answered
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.trusts: dict[str, dict[str, Any]] = {}
        self.refusal: int | None = None
        self.services: list[str] = []
        self.projects: list[dict[str, Any]] = []
        self.credentials: list[dict[str, Any]] = []
        self.images = {"RegionTwo": f"{self.url}/image"}
        self.objects: dict[str, str] = {}
        self.exchanges: dict[str, list[str]] = {}
        self.exchanged: Callable[[str, str], str] = "{} for {}".format
        self.regions: tuple[str | None, ...] = (None,)
        self.users_out: set[str] = set()
        self.requests: list[tuple[str, str, str | None]] = []
        self.named: list[tuple[str, str | None]] = []
        self.silent_about: str | None = None
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self) -> str:
        """Where version 3 is."""
        return f"http://127.0.0.1:{self.server_port}/v3"

    @property
    def login(self) -> dict[str, str]:
        """Options of ``[ims_service]`` with which the service logs in."""
        return {
            "auth_url": self.url,
            "username": "ims",
            "password": PASSWORD,
            "user_domain_name": "Default",
            "project_name": "service",
            "project_domain_name": "Default",
        }

    def close(self) -> None:
        """Stop: from now on connections are refused."""
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: KeystoneServer

    def do_GET(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        body: dict[str, Any] = json.loads(self.rfile.read(size)) if size else {}
        token = self.headers.get("X-Auth-Token")
        self.server.requests.append((self.command, self.path, token))
        agent, request_id = map(self.headers.get, ("User-Agent", "X-Openstack-Request-Id"))
        self.server.named.append((str(agent), request_id))
        path = self.path.partition("?")[0].rstrip("/")
        if self.server.silent_about and path.startswith(self.server.silent_about):
            # Until the other side has had enough.
            self.rfile.read(1)
            return
        if path == "/v3":
            version = fixture.V3Discovery(self.server.url)
            self._send(200, {"version": version})
        elif path == "/v3/auth/tokens":
            self._token(body["auth"])
        elif path == "/v3/auth/projects":
            self._send(200, {"projects": self.server.projects})
        elif path.endswith("/application_credentials"):
            self._credentials()
        else:
            self._trust(path, body, token)

    do_POST = do_DELETE = do_GET

    def _credentials(self) -> None:
        if self.server.refusal:
            self._send(self.server.refusal, {"error": {"message": "no list"}})
            return
        (name,) = urllib.parse.parse_qs(self.path.partition("?")[2])["name"]
        found = [each for each in self.server.credentials if each["name"] == name]
        self._send(200, {"application_credentials": found})

    def _token(self, auth: dict[str, Any]) -> None:
        if auth["identity"]["methods"] == ["token"]:
            self._exchange(auth["identity"]["token"]["id"], auth["scope"]["project"]["id"])
            return
        trust_id = auth["scope"].get("OS-TRUST:trust", {}).get("id")
        trust = self.server.trusts.get(trust_id) if trust_id else None
        user = trust["trustor_user_id"] if trust else SERVICE_USER
        if (trust_id and not trust) or user in self.server.users_out:
            self._send(401, {"error": {"message": "no token", "code": 401}})
            return
        project_id = trust["project_id"] if trust and self.server.exchanges else "service"
        token = fixture.V3Token(user_id=user, project_id=project_id)
        own = token.add_service("identity")
        for region in self.server.regions:
            own.add_standard_endpoints(public=self.server.url, region=region)
        for each in self.server.services:
            token.add_service(each).add_standard_endpoints(public=f"{self.server.url}/{each}")
        text = f"token of {user}"
        if trust and self.server.exchanges:
            self._add_images(token)
            text = self.server.exchanged(text, project_id)
        self._send(201, token, {"X-Subject-Token": text})

    def _exchange(self, given: str, project_id: str) -> None:
        if project_id not in self.server.exchanges:
            self._send(403, {"error": {"message": "no exchange", "code": 403}})
            return
        token = fixture.V3Token(user_id="caller", project_id=project_id)
        for role in self.server.exchanges[project_id]:
            token.add_role(role)
        self._add_images(token)
        self._send(201, token, {"X-Subject-Token": self.server.exchanged(given, project_id)})

    def _add_images(self, token: fixture.V3Token) -> None:
        for kind, urls in (("image", self.server.images), ("object-store", self.server.objects)):
            service = token.add_service(kind)
            for name, url in urls.items():
                service.add_standard_endpoints(public=url, region=name)

    def _trust(self, path: str, body: dict[str, Any], token: str | None) -> None:
        trust_id = path.rpartition("/")[2]
        if self.command == "GET":
            self._send(200, {"trusts": list(self.server.trusts.values())})
        elif self.command == "DELETE":
            known = self.server.trusts.pop(trust_id, None)
            self._send(204 if known else 404, {})
        elif self.server.refusal:
            self._send(self.server.refusal, {"error": {"message": "no delegation"}})
        else:
            made = {**body["trust"], "id": uuid.uuid4().hex}
            self.server.trusts[made["id"]] = made
            self._send(201, {"trust": made})

    def _send(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        content = b"" if status == 204 else json.dumps(body).encode()
        self.send_response(status)
        usual = {"Content-Length": str(len(content)), "Content-Type": "application/json"}
        for name, value in {**usual, **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_args: Any) -> None:
        pass
