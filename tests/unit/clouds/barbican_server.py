# SPDX-License-Identifier: Apache-2.0
"""As much of Keystone and Barbican, over HTTP, as their real client libraries ask for.

What it is for: the libraries' own errors. They differ by status, and by who asked for what.
"""

import base64
import json
import re
import threading
import uuid
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

SERVICE_PASSWORD = "the service's password"
SERVICE_USER_ID = "5e7f1ce0000000000000000000000000"

_TOKEN = {
    "token": {
        "methods": ["password"],
        "user": {"id": SERVICE_USER_ID, "name": "glance", "domain": {"id": "default"}},
        "project": {"id": "a" * 32, "name": "service", "domain": {"id": "default"}},
        "expires_at": "2099-01-01T00:00:00.000000Z",
        "issued_at": "2020-01-01T00:00:00.000000Z",
        "catalog": [],
        "roles": [],
    }
}


class BarbicanServer(ThreadingHTTPServer):
    """Serves until it is shut down.

    :ivar secrets: the secrets, by id
    :ivar failures: pattern of ``METHOD path`` -> status that such requests are answered with
    :ivar requests: ``METHOD path`` of every request so far
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.secrets: dict[str, dict[str, Any]] = {}
        self.failures: dict[str, int] = {}
        self.requests: list[str] = []
        self._thread = threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_port}"

    def close(self) -> None:
        """Stop: from now on connections are refused. May be called twice."""
        self.shutdown()
        self.server_close()
        self._thread.join()

    def make(self, payload: bytes, **fields: Any) -> str:
        """A new secret; its id."""
        secret_id = str(uuid.uuid4())
        self.secrets[secret_id] = {
            "name": None,
            "status": "ACTIVE",
            "secret_type": "symmetric",
            "algorithm": "aes",
            "bit_length": len(payload) * 8,
            "mode": "cbc",
            "created": f"2026-01-01T00:00:{len(self.secrets) % 60:02}",
            "updated": "2026-01-01T00:00:00",
            "expiration": None,
            "creator_id": "x",
            "content_types": {"default": "application/octet-stream"},
            "payload": payload,
            "acl": {"read": {"project-access": True}},
            **fields,
        }
        return secret_id

    def described(self, secret_id: str) -> dict[str, Any]:
        """A secret as Barbican shows it."""
        secret = self.secrets[secret_id]
        shown = {name: value for name, value in secret.items() if name not in ("payload", "acl")}
        return {**shown, "secret_ref": f"{self.url}/v1/secrets/{secret_id}"}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body in one packet: two would wait for each other's acknowledgement.
    wbufsize = -1
    disable_nagle_algorithm = True
    server: BarbicanServer

    def do_GET(self) -> None:
        self._answer()

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def _answer(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        self.body: dict[str, Any] = json.loads(self.rfile.read(size)) if size else {}
        parts = urlsplit(self.path)
        self.query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        request = f"{self.command} {parts.path.rstrip('/') or '/'}"
        self.server.requests.append(request)
        for pattern, status in self.server.failures.items():
            if re.fullmatch(pattern, request):
                return self._send(status, {"title": "failure", "error": {"message": "failure"}})
        for pattern, method in self._ROUTES.items():
            match = re.fullmatch(pattern, request)
            if match:
                return method(self, *match.groups())
        return self._send(404, {"title": "no such route"})

    def _send(self, status: int, content: Any, **headers: str) -> None:
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        kind = "octet-stream" if isinstance(content, bytes) else "json"
        self.send_header("Content-Type", f"application/{kind}")
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    def _versions(self) -> None:
        link = [{"rel": "self", "href": f"{self.server.url}/v3/"}]
        self._send(200, {"version": {"id": "v3.14", "status": "stable", "links": link}})

    def _barbican_versions(self) -> None:
        link = [{"rel": "self", "href": f"{self.server.url}/v1/"}]
        version = {"id": "v1", "status": "CURRENT", "min_version": "1.0", "max_version": "1.1"}
        self._send(300, {"versions": [{**version, "links": link}]})

    def _token(self) -> None:
        identity = self.body["auth"]["identity"]
        password = identity.get("password", {}).get("user", {}).get("password")
        if identity["methods"] == ["password"] and password != SERVICE_PASSWORD:
            self._send(401, {"error": {"message": "wrong password", "code": 401}})
        else:
            self._send(201, _TOKEN, X_Subject_Token="fresh token")

    def _list(self) -> None:
        name = self.query.get("name")
        found = [i for i, each in self.server.secrets.items() if name in (None, each["name"])]
        begin = int(self.query.get("offset", 0))
        page = found[begin : begin + int(self.query.get("limit", 10))]
        shown = [self.server.described(each) for each in page]
        self._send(200, {"secrets": shown, "total": len(found)})

    def _store(self) -> None:
        names = ("name", "expiration", "algorithm", "bit_length", "secret_type")
        fields = {name: self.body[name] for name in names if name in self.body}
        secret_id = self.server.make(base64.b64decode(self.body["payload"]), **fields)
        self._send(201, {"secret_ref": f"{self.server.url}/v1/secrets/{secret_id}"})

    def _remove(self, secret_id: str) -> None:
        del self.server.secrets[secret_id]
        self._send(204, b"")

    def _show(self, secret_id: str) -> None:
        if secret_id in self.server.secrets:
            self._send(200, self.server.described(secret_id))
        else:
            self._send(404, {"title": "Not Found"})

    def _payload(self, secret_id: str) -> None:
        self._send(200, self.server.secrets[secret_id]["payload"])

    def _acl(self, secret_id: str) -> None:
        self._send(200, self.server.secrets[secret_id]["acl"])

    def _set_acl(self, secret_id: str) -> None:
        self.server.secrets[secret_id]["acl"] = self.body
        self._send(200, {"acl_ref": f"{self.server.url}/v1/secrets/{secret_id}/acl"})

    def _order(self) -> None:
        meta = self.body["meta"]
        payload = base64.b64decode(b"KioqKioqKioqKioqKioqKioqKioqKioqKioqKioqKio=")
        secret_id = self.server.make(payload, name=meta["name"], bit_length=meta["bit_length"])
        self._send(202, {"order_ref": f"{self.server.url}/v1/orders/{secret_id}"})

    def _show_order(self, order_id: str) -> None:
        order = {
            "type": "key",
            "status": "ACTIVE",
            "order_ref": f"{self.server.url}/v1/orders/{order_id}",
            "secret_ref": f"{self.server.url}/v1/secrets/{order_id}",
            "meta": {},
            "created": "2026-01-01T00:00:00",
            "updated": "2026-01-01T00:00:00",
        }
        self._send(200, order)

    def _done(self, _id: str) -> None:
        self._send(204, b"")

    _ROUTES: ClassVar[dict[str, Callable[..., None]]] = {
        "GET /v3": _versions,
        "GET /(?:v1)?": _barbican_versions,
        "POST /v3/auth/tokens": _token,
        "GET /v1/secrets": _list,
        "POST /v1/secrets": _store,
        "GET /v1/secrets/([^/]+)": _show,
        "DELETE /v1/secrets/([^/]+)": _remove,
        "GET /v1/secrets/([^/]+)/payload": _payload,
        "GET /v1/secrets/([^/]+)/acl": _acl,
        "PUT /v1/secrets/([^/]+)/acl": _set_acl,
        "POST /v1/orders": _order,
        "GET /v1/orders/([^/]+)": _show_order,
        "DELETE /v1/orders/([^/]+)": _done,
    }
