# SPDX-License-Identifier: Apache-2.0
"""As much of Keystone as checks EC2 credentials, over HTTP, with Keystone's own signature check."""

import datetime
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from keystoneauth1 import fixture
from keystoneclient.contrib.ec2 import utils
from oslo_utils import timeutils

PASSWORD = "the service's password"


class Ec2Server(ThreadingHTTPServer):
    """Serves until it is shut down.

    :ivar credentials: as Keystone shows them, by id
    :ivar failures: ``METHOD path`` -> status that such requests are answered with
    :ivar requests: ``METHOD path`` of every request so far
    :ivar silent_about: ``METHOD path`` of requests that are never answered
    :ivar seconds: that a token is good for
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.credentials: dict[str, dict[str, Any]] = {}
        self.failures: dict[str, int] = {}
        self.requests: list[str] = []
        self.silent_about: str | None = None
        self.seconds = 3600
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


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    server: Ec2Server

    def do_GET(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        body: dict[str, Any] = json.loads(self.rfile.read(size)) if size else {}
        request = f"{self.command} {self.path.rstrip('/')}"
        self.server.requests.append(request)
        if request == self.server.silent_about:
            # Until the other side has had enough.
            self.rfile.read(1)
            return
        if request in self.server.failures:
            self._send(self.server.failures[request], {"error": {"message": "failure"}})
        elif request == "GET /v3":
            link = [{"rel": "self", "href": f"{self.server.url}/v3/"}]
            self._send(200, {"version": {"id": "v3.14", "status": "stable", "links": link}})
        elif request == "POST /v3/auth/tokens":
            user = body["auth"]["identity"]["password"]["user"]
            self._token(201 if user["password"] == PASSWORD else 401, user_id="service")
        elif self.headers.get("X-Auth-Token") != "token of service":
            self._send(401, {"error": {"message": "no token"}})
        elif request == "POST /v3/ec2tokens":
            self._ec2_token(body["credentials"])
        else:
            found = self.server.credentials.get(self.path.rpartition("/")[2])
            self._send(200 if found else 404, {"credential": found} if found else {})

    do_POST = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def _ec2_token(self, sent: dict[str, Any]) -> None:
        blobs = {json.loads(each["blob"])["access"]: each for each in self._all()}
        found = blobs.get(sent["access"])
        if found is None:
            return self._send(404, {})
        secret = json.loads(found["blob"])["secret"]
        is_good = utils.Ec2Signer(secret).generate(sent) == sent["signature"]
        return self._token(200 if is_good else 401, user_id=found["user_id"])

    def _all(self) -> list[dict[str, Any]]:
        return list(self.server.credentials.values())

    def _token(self, status: int, user_id: str) -> None:
        expires = timeutils.utcnow() + datetime.timedelta(seconds=self.server.seconds)
        token = fixture.V3Token(user_id=user_id, expires=expires)
        self._send(status, token, X_Subject_Token=f"token of {user_id}")

    def _send(self, status: int, content: Any, **headers: str) -> None:
        data = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)
