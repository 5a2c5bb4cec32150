# SPDX-License-Identifier: Apache-2.0
"""As much of another region as a copy reads of it, with or without the IMS API, and with faults."""

import base64
import json
import re
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from keystoneauth1 import session, token_endpoint

from ims_glance.transfer import cuts, held, writer

PROJECT = "a" * 32


class _Login(token_endpoint.Token):
    def get_project_id(self, _session: Any) -> str:
        return PROJECT


class FramesServer(ThreadingHTTPServer):
    """Serves until it is closed.

    :ivar images: data by image id
    :ivar randomly: whether the store reads from anywhere
    :ivar cuts: names of those that it knows besides the fixed one
    :ivar instead: serves what the IMS API would; of the request, before it is looked at
    :ivar spoil: makes of a whole stream what is sent
    :ivar requests: method, path and what was asked for: a range, or a body
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.images: dict[str, bytes] = {}
        self.randomly = True
        self.cuts: set[str] = set(cuts.CUTS)
        self.instead: Callable[[_Handler], bool] = lambda _handler: False
        self.spoil: Callable[[bytes], bytes] = lambda stream: stream
        self.requests: list[tuple[str, str, Any]] = []
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def session(self) -> session.Session:
        """A session that finds every service here."""
        return session.Session(auth=_Login(self.url, "token"))

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_port}"

    def close(self) -> None:
        """Stop."""
        self.shutdown()
        self.server_close()


def without_ims(status: int = 300, body: bytes = b'{"versions": []}') -> Callable[..., bool]:
    """A region whose Glance is without the plugin."""

    def answer(handler: "_Handler") -> bool:
        if handler.path.startswith("/v1/"):
            handler.answer(status, body)
            return True
        return False

    return answer


class _Handler(BaseHTTPRequestHandler):
    server: FramesServer

    def log_message(self, *_arguments: Any) -> None:
        """Quiet."""

    def _serve(self) -> None:
        sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        asked: Any = json.loads(sent) if sent else self.headers.get("Range")
        self.server.requests.append((self.command, self.path, asked))
        if self.server.instead(self):
            return
        found = re.fullmatch(
            f"/v1/{PROJECT}/images/([^/]+)/frames|/v2/images/([^/]+)/file", self.path
        )
        assert found is not None, self.path
        data = self.server.images.get(found[1] or found[2])
        if data is None:
            body = {"error": {"code": "IMG.0027", "message": "Image does not exist."}}
            self.answer(404, json.dumps(body if found[1] else {"message": "No image"}).encode())
        elif found[1]:
            self._frames(data, asked)
        else:
            self._download(data, asked)

    do_GET = do_POST = _serve

    def answer(self, status: int, body: bytes, **headers: str) -> None:
        """Send an answer."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def begin(self, **headers: str) -> None:
        """Begin an answer without a length, as uWSGI does."""
        self.send_response(200)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def _frames(self, data: bytes, asked: dict[str, Any]) -> None:
        if "cut" in asked and asked["cut"] not in self.server.cuts:
            said = {"code": "IMG.0016", "message": "'cut' was unexpected"}
            self.answer(400, json.dumps({"error": said}).encode())
            return
        sizes = cuts.CUTS[asked.get("cut", cuts.FIXED.name)]
        offset, length = asked["offset"], asked["length"]
        has = held.Held.of(base64.b64decode(asked["held"]))
        part = data[offset : offset + length]
        compress = asked["compress"]
        stream = writer.write([part], offset, has, len(data), compress, length, sizes=sizes)
        self.begin(Content_Type="application/octet-stream")
        self.wfile.write(self.server.spoil(b"".join(stream)))

    def _download(self, data: bytes, ranged: str | None) -> None:
        if ranged and not self.server.randomly:
            self.answer(400, b'{"message": "Getting images randomly is not supported"}')
            return
        first, last = ranged.removeprefix("bytes=").split("-") if ranged else ("0", "")
        end = int(last) + 1 if last else len(data)
        self.answer(206 if ranged else 200, self.server.spoil(data[int(first) : end]))


def serving() -> Iterator[FramesServer]:
    """For a fixture."""
    server = FramesServer()
    yield server
    server.close()
