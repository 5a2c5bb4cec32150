# SPDX-License-Identifier: Apache-2.0
"""A cloud in this process: real clients send it real HTTP requests, and it remembers them."""

import dataclasses
import hashlib
import io
import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import openstack
import requests
from keystoneauth1 import fixture, identity, session
from requests.adapters import BaseAdapter

from ims_glance import client

IDENTITY = "http://identity.test/v3"
IMAGE = "http://image.test/image"
VOLUME = "http://volume.test/v3"
COMPUTE = "http://compute.test/v2.1"
OBJECTS = "http://objects.test/v1/AUTH_a"
PROJECT = "a" * 32
OTHER = "b" * 32
USER = "c" * 32
IMAGE_ID = "11111111-2222-4333-8444-555555555555"
SECOND_ID = "99999999-2222-4333-8444-555555555555"
JOB_ID = "d" * 32
BACKUP_ID = "dddddddd-dddd-dddd-dddd-dddddddddddd"


@dataclasses.dataclass(frozen=True)
class Request:
    """A request that arrived."""

    method: str
    path: str
    query: dict[str, str]
    body: Any
    headers: dict[str, str]


@dataclasses.dataclass
class Answer:
    """What is answered to a request."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = dataclasses.field(default_factory=dict)


Handler = Callable[[Request], Answer]


class Cloud(BaseAdapter):
    """A transport adapter that is the cloud.

    :param image_endpoint: of the catalogue; ``None`` for none
    :ivar requests: those that arrived, without those for tokens
    """

    def __init__(self, image_endpoint: str | None = IMAGE) -> None:
        super().__init__()
        self.requests: list[Request] = []
        self._routes: list[tuple[str, re.Pattern[str], Handler]] = []
        self.on("POST", f"{IDENTITY}/auth/tokens", lambda _request: _token(image_endpoint))
        self.json("GET", IDENTITY, {"version": fixture.V3Discovery(IDENTITY)})

    def on(self, method: str, url: str, handler: Handler) -> None:
        """Answer requests for a URL (a pattern) with *handler*; the last one that fits."""
        self._routes.insert(0, (method, re.compile(url), handler))

    def json(self, method: str, url: str, body: Any, status: int = 200) -> None:
        """Answer with JSON."""
        self.on(method, url, lambda _request: Answer(status, body))

    def ims(self, method: str, path: str, body: Any = None, status: int = 200) -> None:
        """Answer requests to the IMS API with JSON."""
        self.json(method, re.escape(f"{IMAGE}{path}"), body, status)

    def refuse(self, method: str, path: str, status: int, code: str, message: str) -> None:
        """Refuse requests to the IMS API as it words refusals."""
        body = {"error": {"code": code, "message": message}}
        headers = {"x-openstack-request-id": "req-7"}
        self.on(method, re.escape(f"{IMAGE}{path}"), lambda _r: Answer(status, body, headers))

    def images(self, *images: dict[str, Any]) -> None:
        """Have images, which lists find by id and, if they are not hidden, by name; and pending
        shares of others."""

        def found(request: Request) -> Answer:
            query = request.query
            wanted = [
                image
                for image in images
                if query.get("id", image["id"]) == image["id"]
                and query.get("name", image["name"]) == image["name"]
                and ("id" in query or not image.get("os_hidden"))
                and query.get("member_status") == image.get("member_status")
            ]
            return Answer(200, {"images": wanted})

        def hidden(request: Request) -> Answer:
            assert request.query["os_hidden"] == "true"
            wanted = [
                image
                for image in images
                if image.get("os_hidden") and request.query["name"] == image["name"]
            ]
            return Answer(200, {"images": wanted})

        self.on("GET", re.escape(f"{IMAGE}/v2/cloudimages"), found)
        self.on("GET", re.escape(f"{IMAGE}/v2/images"), hidden)

    def data(self, content: bytes, **more: Any) -> None:
        """Have an image with data, which the Image API shows with its digest."""
        known = {
            "os_hash_algo": "sha512",
            "os_hash_value": hashlib.sha512(content).hexdigest(),
            "checksum": hashlib.md5(content, usedforsecurity=False).hexdigest(),
            "size": len(content),
            "__image_size": str(len(content)),
            **more,
        }
        shown = image(**known)
        self.images(shown)
        self.ims("GET", f"/v2/images/{IMAGE_ID}", shown)
        self.on("GET", f"{IMAGE}/v2/images/{IMAGE_ID}/file", lambda _request: Answer(200, content))

    def sent(self, method: str) -> list[Request]:
        """The requests with a method."""
        return [request for request in self.requests if request.method == method]

    def only(self, method: str) -> Request:
        """The only request with a method."""
        (request,) = self.sent(method)
        return request

    def connection(self, **settings: Any) -> Any:
        """An openstacksdk connection to it, with the service."""
        http = requests.Session()
        http.mount("http://", self)
        auth = identity.V3Password(IDENTITY, user_id=USER, password="secret", project_id=PROJECT)
        opened = session.Session(auth, session=http)
        return client.register(openstack.connection.Connection(session=opened, **settings))

    def send(self, request: Any, *_args: Any, **_how: Any) -> requests.Response:
        """Answer a request (``requests`` calls this)."""
        parts = urlsplit(request.url)
        arrived = Request(
            request.method,
            parts.path,
            dict(parse_qsl(parts.query, keep_blank_values=True)),
            _read(request.body),
            dict(request.headers),
        )
        if not arrived.path.endswith("/auth/tokens"):
            self.requests.append(arrived)
        url = f"{parts.scheme}://{parts.netloc}{parts.path}"
        handler = next(
            (
                handler
                for method, pattern, handler in self._routes
                if method == request.method and pattern.fullmatch(url)
            ),
            lambda _request: Answer(404, {"message": f"no {request.method} {url} here"}),
        )
        return _response(request, handler(arrived))

    def close(self) -> None:
        """Nothing to close."""


def _read(body: Any) -> Any:
    """JSON, or the bytes of what is read while it is sent."""
    if hasattr(body, "read") or hasattr(body, "__next__"):
        return b"".join(body)
    return json.loads(body) if body else None


def _response(request: Any, answer: Answer) -> requests.Response:
    response = requests.Response()
    response.status_code = answer.status
    response.request = request
    response.url = request.url
    response.reason = "Because"
    response.encoding = "utf-8"
    is_text = isinstance(answer.body, str)
    content = "" if answer.body is None else answer.body
    if not isinstance(content, bytes):
        content = (content if isinstance(content, str) else json.dumps(content)).encode()
    response.raw = io.BytesIO(content)
    response.headers.update(
        {"Content-Type": "text/html" if is_text else "application/json", **answer.headers}
    )
    return response


def _token(image_endpoint: str | None) -> Answer:
    token = fixture.V3Token(user_id=USER, project_id=PROJECT)
    token.set_project_scope(PROJECT, "demo")
    services = {
        "identity": IDENTITY,
        "image": image_endpoint,
        "volumev3": VOLUME,
        "compute": COMPUTE,
        "object-store": OBJECTS,
    }
    for service_type, url in services.items():
        if url is None:
            continue
        token.add_service(service_type).add_standard_endpoints(public=url, region="R")
    return Answer(201, token, {"X-Subject-Token": "token"})


def image(image_id: str = IMAGE_ID, name: str = "mine", **more: Any) -> dict[str, Any]:
    """An image as the service shows it."""
    return {
        "id": image_id,
        "name": name,
        "status": "active",
        "visibility": "private",
        "owner": PROJECT,
        "protected": False,
        "tags": ["env=test"],
        "created_at": "2026-11-24T01:00:00Z",
        "updated_at": "2026-11-24T02:00:00Z",
        "min_disk": 40,
        "min_ram": 0,
        "max_ram": "0",
        "disk_format": "raw",
        "__imagetype": "private",
        "__image_size": "1048576",
        "__os_type": "Linux",
        "__os_version": "Ubuntu 22.04 server 64bit",
        "__os_bit": "64",
        "__platform": "Ubuntu",
        "virtual_env_type": "FusionCompute",
        "self": f"/v2/images/{image_id}",
        "colour": "red",
        **more,
    }


def backup(backup_id: str = BACKUP_ID, name: str = "nightly", **more: Any) -> dict[str, Any]:
    """A backup of a server as the service shows it."""
    return {
        "id": backup_id,
        "name": name,
        "description": "",
        "status": "available",
        "server_id": "s1",
        "server_name": "web",
        "created_at": "2026-11-24T01:00:00.000000",
        "size": 3,
        "capture": "paused",
        "standstill_ms": 700,
        "verified": True,
        "image_id": None,
        "disks": [{"number": 0, "size": 1}, {"number": 1, "size": 2}],
        **more,
    }


def replication(replication_id: str = "e" * 32, **more: Any) -> dict[str, Any]:
    """A replication as the service shows it."""
    return {
        "id": replication_id,
        "name": "releases",
        "status": "active",
        "region": "RegionTwo",
        "target_project_id": OTHER,
        "tag": "release=stable",
        "image_name": None,
        "keep": 3,
        "cmk_id": None,
        "agency_name": None,
        "created_at": "2026-11-24T01:00:00.000Z",
        "error_code": None,
        "reason": None,
        **more,
    }


def job(status: str = "SUCCESS", **more: Any) -> dict[str, Any]:
    """A job as the service shows it."""
    return {
        "job_id": JOB_ID,
        "job_type": "imsCopyImageInRegionJob",
        "status": status,
        "begin_time": "2026-11-24T01:00:00.000Z",
        "end_time": None,
        "error_code": None,
        "fail_reason": None,
        "entities": {"image_id": IMAGE_ID, "image_name": "copy"},
        **more,
    }


def sold(product_id: str = "a" * 32, **more: Any) -> dict[str, Any]:
    """A product as the service shows it to its seller."""
    return {
        "id": product_id,
        "product_code": "c" * 32,
        "state": "draft",
        "access_type": "image",
        "name": "database",
        "version": {"name": "V1.0", "image_id": IMAGE_ID},
        "basic": {"introduction": "Tables", "category": "database"},
        "business": {"regions": ["RegionOne"], "pricing": {"model": "free"}},
        "note": "mine",
        "missing": [{"step": "basic", "field": "basic.logo", "what": "a logo"}],
        "versions": [],
        "history": [{"action": "submit", "from": "draft", "to": "submitted", "at": "now"}],
        "reviews": [],
        **more,
    }


def offered(product_id: str = "a" * 32, **more: Any) -> dict[str, Any]:
    """A product as lists of buyers have it."""
    return {
        "id": product_id,
        "product_code": "c" * 32,
        "name": "database",
        "version": "V1.0",
        "introduction": "Tables",
        "category": "database",
        "os_type": "Linux",
        "platform": "Ubuntu",
        "regions": ["RegionOne"],
        "price_model": "free",
        "price": None,
        "agreement_digest": "d" * 64,
        "listed_at": "2026-11-24T01:00:00.000Z",
        **more,
    }


def offered_whole(product_id: str = "a" * 32, **more: Any) -> dict[str, Any]:
    """A product as the service shows it to buyers."""
    return {
        "id": product_id,
        "product_code": "c" * 32,
        "state": "listed",
        "name": "database",
        "version": {"name": "V1.0", "os_version": "Ubuntu 24.04"},
        "basic": {
            "introduction": "Tables",
            "agreement": "Be kind.",
            "usage_guide": {"text": "Log in.", "ports": [{"port": 22}], "login": {"user": "u"}},
            "attributes": {"engine": "quick"},
        },
        "business": {"regions": ["RegionOne"], "pricing": {"model": "free"}},
        "agreement_digest": "d" * 64,
        "versions": [],
        "subscription": None,
        **more,
    }


def subscribed(subscription_id: str = "5" * 32, **more: Any) -> dict[str, Any]:
    """A subscription as the service shows it."""
    return {
        "id": subscription_id,
        "product_id": "a" * 32,
        "product_code": "c" * 32,
        "sku": "small",
        "agreement_digest": "d" * 64,
        "state": "active",
        "since": "2026-11-24T01:00:00.000Z",
        "ended_at": None,
        "until": None,
        "images": [{"region": "RegionOne", "image_id": IMAGE_ID}],
        **more,
    }


def handed_in(version_id: str = "e" * 32, **more: Any) -> dict[str, Any]:
    """A version as the service shows it to a reviewer."""
    return {
        "id": version_id,
        "product_id": "a" * 32,
        "product_name": "database",
        "product_state": "submitted",
        "seller_project_id": OTHER,
        "version": "V1.0",
        "state": "in review",
        "submitted_at": "2026-11-24T01:00:00.000Z",
        **more,
    }
