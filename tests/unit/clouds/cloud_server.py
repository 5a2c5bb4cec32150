# SPDX-License-Identifier: Apache-2.0
"""As much of Glance (behind our guard), Nova and Cinder, over HTTP, as jobs ask for."""

import base64
import functools
import hashlib
import json
import re
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType
from typing import Any, ClassVar
from urllib.parse import parse_qsl

import webob
import webob.exc
from keystoneauth1 import session, token_endpoint

from ims_glance.model.copy import EXPECTED_HEADER, RECEIVED_HEADER, Digest
from ims_glance.store import errors, expected
from ims_glance.transfer import cuts, frames, held, writer
from tests.base import checksum
from tests.unit.clouds.backups_server import BackupsHandler
from tests.unit.clouds.machines_server import MachinesHandler
from tests.unit.clouds.objects_server import ObjectsHandler, body_of
from tests.unit.clouds.small_cloud import SmallCloud


class CloudServer(SmallCloud, ThreadingHTTPServer):
    """Serves a small cloud until it is closed."""

    daemon_threads = True

    def __init__(self) -> None:
        SmallCloud.__init__(self)
        ThreadingHTTPServer.__init__(self, ("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_port}"

    def session(self) -> session.Session:
        """A session that finds every service here."""
        made = session.Session(auth=token_endpoint.Token(self.url, "token"))
        # No look at files and variables for each request.
        made.session.trust_env = False
        return made

    def close(self) -> None:
        """Stop: from now on connections are refused."""
        self.shutdown()
        self.server_close()


class Handler(MachinesHandler, BackupsHandler, ObjectsHandler, BaseHTTPRequestHandler):
    """One connection's requests."""

    server: SmallCloud  # type: ignore[assignment]
    protocol_version = "HTTP/1.1"
    # Head and body in one packet: two would wait for each other's acknowledgement.
    wbufsize = -1
    disable_nagle_algorithm = True
    # Whether what is asked for is done when it is answered.
    _ends_at_once = True

    def log_message(self, *_arguments: Any) -> None:
        """Quiet."""

    def _serve(self) -> None:
        path, _, query = self.path.partition("?")
        request = f"{self.command} {path}"
        self.server.requests.append(request)
        self.server.before(request)
        self.query = query
        # Read before any answer: a connection that is closed with unread bytes is reset, and the
        # client may then never see the answer.
        self.body = body_of(self)
        for pattern, statuses in self.server.failures.items():
            if statuses and re.fullmatch(pattern, request):
                self.close_connection = True
                self._answer(statuses.pop(0), {"message": self.server.reason})
                return
        kind: Any = type(self)
        method, groups = _route(kind, request)
        getattr(self, method)(*groups)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _serve

    ROUTES: ClassVar[dict[str, str]] = {
        **MachinesHandler.ROUTES,
        **BackupsHandler.ROUTES,
        **ObjectsHandler.ROUTES,
        "GET /v2/images": "_list",
        "POST /v2/images": "_create",
        "GET /v2/images/([^/]+)": "_show",
        "PATCH /v2/images/([^/]+)": "_update",
        "DELETE /v2/images/([^/]+)": "_delete",
        "GET /v2/images/([^/]+)/file": "_download",
        "PUT /v2/images/([^/]+)/file": "_upload",
        "POST /v1/[^/]+/images/([^/]+)/frames": "_frames",
        "GET /v1/[^/]+/images/([^/]+)/sealed": "_sealed",
        "GET /v2/images/([^/]+)/members": "_members",
        "POST /v2/images/([^/]+)/members": "_add_member",
        "PUT /v2/images/([^/]+)/members/([^/]+)": "_set_member",
        "DELETE /v2/images/([^/]+)/members/([^/]+)": "_delete_member",
        "GET /v1/([^/]+)/jobs/([^/]+)": "_show_copy",
        "DELETE /v1/([^/]+)/jobs/([^/]+)": "_cancel_copy",
        "GET /volumes/([^/]+)": "_volume",
        "POST /volumes/([^/]+)/action": "_upload_volume",
        "GET /messages": "_messages",
        "GET /types": "_types",
        "GET /v2/info/usage": "_usage",
    }

    def _answer(
        self,
        status: int,
        body: Any = None,
        retry_after: int | None = None,
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        content = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if retry_after is not None:
            self.send_header("Retry-After", str(retry_after))
        self.send_header("Content-Length", str(len(content)))
        if self.close_connection:  # a client that is not told may send its next request into it
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(content)

    def _refuse(self, status: int, message: str) -> None:
        self._answer(status, {"message": message, "code": status})

    def _has(self, image_id: str) -> bool:
        if image_id in self.server.images:
            return True
        self._refuse(404, f"No image found with ID {image_id}")
        return False

    def _list(self) -> None:
        asked = dict(parse_qsl(self.query))
        filters = {"name", "__data_origin"} - self.server.ignored
        wanted = {name: asked[name] for name in filters if name in asked}
        found = [
            each
            for each in self.server.images.values()
            if all(each.get(name) == value for name, value in wanted.items())
            if bool(each.get("os_hidden")) == (asked.get("os_hidden") == "true")
        ]
        self._answer(200, {"images": found})

    def _create(self) -> None:
        body = json.loads(self.body)
        if body.get("id") in self.server.used:
            self._refuse(409, "Image ID already exists!")
            return
        self._answer(201, self.server.images[self.server.make(**body)])

    def _show(self, image_id: str) -> None:
        if self._has(image_id):
            self._answer(200, self.server.images[image_id])

    def _update(self, image_id: str) -> None:
        changes = json.loads(self.body)
        if not self._has(image_id):
            return
        for change in changes:
            name = change["path"][1:].replace("~1", "/").replace("~0", "~")
            if change["op"] == "remove":
                del self.server.images[image_id][name]
            else:
                self.server.images[image_id][name] = change["value"]
        self._answer(200, self.server.images[image_id])

    def _delete(self, image_id: str) -> None:
        if self._has(image_id):
            del self.server.images[image_id]
            self.server.data.pop(image_id, None)
            self._answer(204)

    def _download(self, image_id: str) -> None:
        if not self._has(image_id):
            return
        data = self.server.data[image_id]
        found = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
        if found is not None:
            self.server.ranges.append(found[0])
            data = data[int(found[1]) : int(found[2]) + 1 if found[2] else None]
        self.send_response(200 if found is None else 206)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _frames(self, image_id: str) -> None:
        if not self._has(image_id):
            return
        if self.server.images[image_id]["status"] == "deactivated":
            self._refuse(403, "The requested image has been deactivated.")
            return
        if self.server.is_busy():
            self._answer(503, {"error": {"code": "IMG.0014", "message": "Too much."}}, 7)
            return
        asked, data = json.loads(self.body), self.server.data[image_id]
        if "cut" in asked and asked["cut"] not in self.server.cuts:
            self._refuse(400, "Additional properties are not allowed ('cut' was unexpected)")
            return
        sizes = cuts.CUTS[asked.get("cut", cuts.FIXED.name)]
        at, length = asked["offset"], asked["length"]
        chunk = data[at:] if length is None else data[at : at + length]
        has = held.Held.of(base64.b64decode(asked["held"]))
        made = writer.write([chunk], at, has, len(data), asked["compress"], len(chunk), sizes=sizes)
        stream = b"".join(made)
        if chunk or not data:
            self.server.link.append(len(stream))
        sent = self.server.spoil(stream)
        self.send_response(200)
        self.send_header("Content-Type", frames.MEDIA_TYPE)
        self.send_header("Content-Length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent)

    def _sealed(self, image_id: str) -> None:
        if not self._has(image_id):
            return
        file = self.server.sealed[image_id]
        self.server.ranges.append(self.query)
        offset = int(dict(parse_qsl(self.query))["offset"])
        end = self.server.damaged.get(image_id, len(file))
        if image_id in self.server.damaged and offset > end - (1 << 20):
            # The answer has not begun.
            error = {"code": "IMG.0057", "message": "Object x is damaged: segment 2."}
            self._answer(500, {"error": error})
            return
        whole = self.server.spoil(file[offset:])
        sent = whole[: end - offset]
        self.close_connection = len(sent) < len(whole)
        self.send_response(200)
        self.send_header("Content-Length", str(len(whole)))
        self.send_header("ETag", f'"{hashlib.sha256(file).hexdigest()}"')
        self.end_headers()
        self.wfile.write(sent)

    def _upload(self, image_id: str) -> None:
        data = self.server.arrives(self.body)
        if not self._has(image_id):
            return
        if len(data) < int(self.headers["Content-Length"]):
            self.close_connection = True
            return
        if self.server.images[image_id]["status"] != "queued":
            self._refuse(409, "Image status transition is not allowed")
            return
        refusal = self._refusal(image_id, data)
        if refusal is not None:
            self._answer(refusal.status_int, refusal.json)
            return
        self.server.fill(image_id, data)
        told = {RECEIVED_HEADER: checksum(data)} if self.server.tells else {}
        self._answer(204, headers=told)

    def _refusal(self, image_id: str, data: bytes) -> webob.Response | None:
        """What our driver has Glance say of data that is not what was expected, where it encrypts."""
        text = self.headers.get(EXPECTED_HEADER)
        if text is None or "__system__cmkid" not in self.server.images[image_id]:
            return None
        digests = {"sha512": hashlib.sha512(data).hexdigest(), "md5": hashlib.md5(data).hexdigest()}
        found = Digest(len(data), digests["md5"], "sha512", digests["sha512"])
        try:
            with errors.for_upload(), expected.expecting(Digest.of_text(text)):
                expected.check(found)
        except webob.exc.HTTPError as error:
            request = webob.Request.blank("/", headers={"Accept": "application/json"})
            return request.get_response(error)
        return None

    def _members(self, image_id: str) -> None:
        if not self._has(image_id):
            return
        if self.server.images[image_id]["visibility"] != "shared":
            self._refuse(403, "Only shared images have members.")
            return
        members = self.server.members.get(image_id, {})
        listed = [{"member_id": name, "status": status} for name, status in members.items()]
        self._answer(200, {"members": listed})

    def _add_member(self, image_id: str) -> None:
        named = json.loads(self.body)["member"]
        if not self._has(image_id):
            return
        members = self.server.members.setdefault(image_id, {})
        if named in members:
            self._refuse(409, "Member is duplicated")
            return
        members[named] = "pending"
        self.server.images[image_id]["visibility"] = "shared"
        self._answer(200, {})

    def _set_member(self, image_id: str, project_id: str) -> None:
        status = json.loads(self.body)["status"]
        if self._has(image_id):
            self.server.members[image_id][project_id] = status
            self._answer(200, {})

    def _delete_member(self, image_id: str, project_id: str) -> None:
        members = self.server.members.get(image_id, {})
        known = members.pop(project_id, None)
        if not members and image_id in self.server.images:
            self.server.images[image_id]["visibility"] = "private"
        if known is None:
            self._refuse(404, "not found in the member list")
        else:
            self._answer(204)

    def _show_copy(self, _project_id: str, job_id: str) -> None:
        copy = self.server.copies.get(job_id)
        if copy is None:
            self._refuse_copy()
            return
        copy["seen"] += 1
        if copy["seen"] > copy["looks"]:
            self.server.end_copy(job_id)
        self._answer(200, _view_of(copy))

    def _cancel_copy(self, _project_id: str, job_id: str) -> None:
        copy = self.server.copies.get(job_id)
        if copy is None:
            self._refuse_copy()
            return
        copy["is_cancelled"] = True
        self._answer(200, _view_of(copy))

    def _refuse_copy(self) -> None:
        error = {"code": "IMG.0023", "message": "Job does not exist in this project."}
        self._answer(404, {"error": error})

    def _types(self) -> None:
        named = [{"name": name} for name in self.server.volume_types]
        self._answer(200, {"volume_types": named})

    def _volume(self, volume_id: str) -> None:
        volume = self.server.volumes.get(volume_id)
        if volume is None:
            self._answer(404, {"itemNotFound": {"code": 404, "message": "no such volume"}})
        else:
            self._answer(200, {"volume": volume})

    def _upload_volume(self, volume_id: str) -> None:
        body = json.loads(self.body)
        volume = self.server.volumes[volume_id]
        if "os-set_image_metadata" in body:
            volume["volume_image_metadata"] = body["os-set_image_metadata"]["metadata"]
            self._answer(200, {})
            return
        wanted = body["os-volume_upload_image"]
        properties = {"__root_origin": "file", **volume.get("volume_image_metadata", {})}
        image_id = self.server.make(
            b"x" * 1000, name=wanted["image_name"], disk_format="raw", **properties
        )
        if self._ends_at_once and self.server.breaks_off():
            self.server.unfill(image_id)
        self._answer(202, {"os-volume_upload_image": {"image_id": image_id, "id": volume_id}})

    def _usage(self) -> None:
        self._answer(200, {"usage": self.server.usage})

    def _messages(self) -> None:
        self._answer(200, {"messages": self.server.messages})


@functools.lru_cache(maxsize=1 << 13)
def _route(kind: type[Handler], request: str) -> tuple[str, tuple[str, ...]]:
    """The method that serves a request, and what it is called with; many are made again and again."""
    for pattern, method in kind.ROUTES.items():
        found = re.fullmatch(pattern, request)
        if found is not None:
            return method, found.groups()
    raise AssertionError(request)


def _view_of(copy: dict[str, Any]) -> dict[str, Any]:
    """A job of another region as ``show_job`` answers."""
    done = min(copy["seen"], copy["looks"])
    entities: dict[str, Any] = {
        "done_bytes": 10 * done,
        "total_bytes": 10 * copy["looks"],
        "received_bytes": done,
    }
    if "waiting_for" in copy:
        entities["waiting_for"] = copy["waiting_for"]
    image = {"image_id": copy["image_id"]} if copy["status"] == "SUCCESS" else {}
    shown = {name: copy.get(name) for name in ("job_id", "status", "error_code", "fail_reason")}
    return {**shown, "entities": {**entities, **image}}
