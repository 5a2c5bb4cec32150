# SPDX-License-Identifier: Apache-2.0
"""Against a real server on loopback."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import ClassVar

import pytest
from pocket_cloud import rest

TOKEN = {"token": {"project": {"id": "p1"}, "user": {"id": "u1"}}}


class Handler(BaseHTTPRequestHandler):
    requests: ClassVar[list[tuple[str, str, object, str | None]]] = []

    def _answer(self):
        size = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(size)) if size else None
        self.requests.append((self.command, self.path, body, self.headers.get("X-Auth-Token")))
        status, text = {
            "/v3/auth/tokens": (201, json.dumps(TOKEN)),
            "/text": (200, "hello"),
            "/none": (204, ""),
            "/bad": (409, "no such thing"),
        }[self.path]
        self.send_response(status)
        self.send_header("X-Subject-Token", "secret")
        self.end_headers()
        self.wfile.write(text.encode())

    do_GET = do_POST = do_DELETE = _answer

    def log_message(self, format, *args):
        """Quiet."""


@pytest.fixture
def url():
    Handler.requests.clear()
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_login_and_a_request_with_its_token(url):
    session = rest.Session(f"{url}/v3", "demo", "pw", "project")
    assert (session.project_id, session.user_id) == ("p1", "u1")
    assert session("DELETE", f"{url}/none") is None
    login, request = Handler.requests
    assert login[:2] == ("POST", "/v3/auth/tokens")
    assert '"name": "demo", "password": "pw"' in json.dumps(login[2])
    assert request == ("DELETE", "/none", None, "secret")


def test_an_answer_that_is_no_json_is_none(url):
    assert rest.call("GET", f"{url}/text")[0] is None


def test_an_error_carries_status_and_text(url):
    with pytest.raises(rest.HttpError, match="409 no such thing") as caught:
        rest.call("GET", f"{url}/bad")
    assert caught.value.status == 409


def test_nobody_there(url):
    with pytest.raises(rest.UNREACHABLE):
        rest.call("GET", "http://127.0.0.1:1/")


def test_a_proxy_of_the_environment_is_not_asked(url, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert rest.call("GET", f"{url}/none")[0] is None
