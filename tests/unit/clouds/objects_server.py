# SPDX-License-Identifier: Apache-2.0
"""As much of Swift, and of S3, over HTTP, as jobs ask for: objects of one bucket."""

import hashlib
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qsl, unquote, urlsplit

from keystoneauth1 import session, token_endpoint

from tests.unit.clouds.s3_server import UploadsHandler

BUCKET = "bucket"


class SmallObjects:
    """The bucket.

    :ivar objects: data by name
    :ivar object_headers: that answers have otherwise; those of value ``None`` not at all
    :ivar object_ranges: offset and length of each range that was read
    :ivar segments: parts of large objects, by name; ``None`` while there is no container for them
    :ivar late_segments: such as are gone, and are listed nevertheless
    :ivar object_owners: of large objects, what their writers call themselves
    :ivar uploads: multipart uploads of S3 that go on, by id
    :ivar upload_count: how many were begun
    :ivar s3_least: bytes of the parts of one, but for the last
    :ivar s3_secret: that requests have to be signed with; ``None`` if they have a token
    """

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.object_headers: dict[str, str | None] = {}
        self.object_ranges: list[tuple[int, int]] = []
        self.s3_secret: str | None = None
        self.segments: dict[str, bytes] | None = None
        self.late_segments: list[str] = []
        self.object_owners: dict[str, str] = {}
        self.uploads: dict[str, Any] = {}
        self.upload_count = 0
        self.s3_least = 0

    def etag(self, name: str) -> str:
        """What changes with an object."""
        return hashlib.md5(self.objects[name]).hexdigest()


def body_of(request: Any) -> bytes:
    """The body of a request, whose length may not have been known beforehand.

    :param request: what handles it
    """
    if request.headers.get("Transfer-Encoding") != "chunked":
        found: bytes = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        return found
    body = bytearray()
    while size := int(request.rfile.readline() or b"0", 16):
        body += request.rfile.read(size)
        request.rfile.readline()
    request.rfile.readline()
    return bytes(body)


class ObjectsHandler(UploadsHandler):
    """One request for an object. The server's ``objects`` has the data of each, by name."""

    close_connection: bool

    ROUTES: ClassVar[dict[str, str]] = {
        f"(?:HEAD|GET) /{BUCKET}/(.+)": "_object",
        "(?:HEAD|GET) /no-bucket/(.+)": "_no_object",
        "HEAD /no-bucket": "_no_bucket",
        f"HEAD /{BUCKET}": "_bucket",
        f"GET /{BUCKET}": "_list_uploads",
        f"POST /{BUCKET}/(.+)": "_post_object",
        f"PUT /{BUCKET}/(.+)": "_put_together",
        f"DELETE /{BUCKET}/(.+)": "_delete_object",
        f"PUT /{BUCKET}_segments": "_make_segments",
        f"GET /{BUCKET}_segments": "_list_segments",
        f"GET /{BUCKET}_segments/(.+)": "_segment",
        f"PUT /{BUCKET}_segments/(.+)": "_put_segment",
        f"DELETE /{BUCKET}_segments/(.+)": "_delete_segment",
    }

    def _object(self, quoted: str) -> None:
        name = unquote(quoted)
        if self._is_refused():
            return
        if "uploadId" in self._query:
            self._list_parts()
        elif name not in self.server.objects:
            self._no_object(quoted)
        else:
            self._send(self.server.objects[name])

    def _no_object(self, _quoted: str) -> None:
        self._answer(404)  # type: ignore[attr-defined]

    def _send(self, data: bytes) -> None:
        etag = hashlib.md5(data).hexdigest()
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range") or "")
        headers = {"ETag": f'"{etag}"', "Content-Type": "application/octet-stream"}
        name = unquote(self.path.partition("?")[0]).removeprefix(f"/{BUCKET}/")
        if name in self.server.object_owners:
            kind = "Object" if self.server.s3_secret is None else "Amz"
            headers[f"X-{kind}-Meta-Ims-Job"] = self.server.object_owners[name]
        part = data
        if asked is not None and int(asked[1]) >= len(data):
            self._answer(416)  # type: ignore[attr-defined]
            return
        if asked is not None:
            begin, end = int(asked[1]), int(asked[2]) + 1
            part = data[begin:end]
            headers["Content-Range"] = f"bytes {begin}-{begin + len(part) - 1}/{len(data)}"
            self.server.object_ranges.append((begin, len(part)))
        headers |= {"Content-Length": str(len(part)), **self.server.object_headers}
        self.send_response(200 if asked is None else 206)  # type: ignore[attr-defined]
        for header, value in headers.items():
            if value is not None:
                self.send_header(header, value)  # type: ignore[attr-defined]
        self.end_headers()  # type: ignore[attr-defined]
        if self.command != "HEAD":
            self.wfile.write(part)

    def _no_bucket(self) -> None:
        self._answer(404)  # type: ignore[attr-defined]

    def _bucket(self) -> None:
        if not self._is_refused():
            self._answer(204)  # type: ignore[attr-defined]

    def _make_segments(self) -> None:
        if self.server.segments is None:
            self.server.segments = {}
        self._answer(201)  # type: ignore[attr-defined]

    def _list_segments(self) -> None:
        if self.server.segments is None:
            self._answer(404)  # type: ignore[attr-defined]
            return
        asked = dict(parse_qsl(urlsplit(self.path).query))
        known = sorted({*self.server.segments, *self.server.late_segments})
        names = [each for each in known if each.startswith(asked["prefix"])]
        listed = [each for each in names if each > asked.get("marker", "")][: int(asked["limit"])]
        self._answer(200, [{"name": each} for each in listed])  # type: ignore[attr-defined]

    def _put_segment(self, quoted: str) -> None:
        data = bytes(self.body)
        self.server.segments[unquote(quoted)] = data
        self.send_response(201)  # type: ignore[attr-defined]
        self.send_header("ETag", hashlib.md5(data).hexdigest())  # type: ignore[attr-defined]
        self.send_header("Content-Length", "0")  # type: ignore[attr-defined]
        self.end_headers()  # type: ignore[attr-defined]

    def _segment(self, quoted: str) -> None:
        name = unquote(quoted)
        if name in (self.server.segments or {}):
            self._send(self.server.segments[name])
        else:
            self._answer(404)  # type: ignore[attr-defined]

    def _delete_segment(self, quoted: str) -> None:
        known = (self.server.segments or {}).pop(unquote(quoted), None)
        self._answer(404 if known is None else 204)  # type: ignore[attr-defined]

    def _put_together(self, quoted: str) -> None:
        if self.server.s3_secret is not None:
            self._put_object(quoted)
            return
        name = unquote(quoted)
        if self.headers.get("If-None-Match") == "*" and name in self.server.objects:
            self._answer(412)  # type: ignore[attr-defined]
            return
        data = b""
        for part in json.loads(self.body):
            segment = self.server.segments[part["path"].removeprefix(f"/{BUCKET}_segments/")]
            assert (hashlib.md5(segment).hexdigest(), len(segment)) == (
                part["etag"],
                part["size_bytes"],
            )
            data += segment
        self.server.objects[name] = data
        self.server.object_owners[name] = self.headers["X-Object-Meta-Ims-Job"]
        self._answer(201)  # type: ignore[attr-defined]

    def _delete_object(self, quoted: str) -> None:
        if self._is_refused():
            return
        if "uploadId" in self._query:
            self._abort()
            return
        self.server.object_owners.pop(unquote(quoted), None)
        known = self.server.objects.pop(unquote(quoted), None)
        self._answer(404 if known is None else 204)  # type: ignore[attr-defined]


class ObjectServer(SmallObjects, ThreadingHTTPServer):
    """Serves until it is closed.

    :ivar failures: statuses of the next answers
    :ivar requests: ``METHOD path`` of every request so far
    :ivar connections: so many so far
    """

    daemon_threads = True

    def __init__(self) -> None:
        SmallObjects.__init__(self)
        ThreadingHTTPServer.__init__(self, ("127.0.0.1", 0), _Handler)
        self.failures: list[int] = []
        self.requests: list[str] = []
        self.connections = 0
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def get_request(self) -> Any:
        """One more connection."""
        self.connections += 1
        return super().get_request()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_port}"

    def session(self) -> session.Session:
        """A session that finds it."""
        return session.Session(auth=token_endpoint.Token(self.url, "token"))

    def close(self) -> None:
        """Stop: from now on connections are refused."""
        self.shutdown()
        self.server_close()


class _Handler(ObjectsHandler, BaseHTTPRequestHandler):
    server: ObjectServer
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    def log_message(self, *_arguments: Any) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        """Serve it."""
        request = f"{self.command} {self.path.partition('?')[0]}"
        self.server.requests.append(request)
        self.body = body_of(self)
        if self.server.failures:
            self._answer(self.server.failures.pop(0))
            return
        for pattern, method in self.ROUTES.items():
            found = re.fullmatch(pattern, request)
            if found is not None:
                getattr(self, method)(*found.groups())
                return
        self._answer(404)

    do_HEAD = do_PUT = do_POST = do_DELETE = do_GET

    def _answer(self, status: int, body: Any = None) -> None:
        content = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        # For those that would be followed.
        self.send_header("Location", f"{self.server.url}/{BUCKET}/other")
        self.end_headers()
        self.wfile.write(content)
