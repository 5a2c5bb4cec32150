# SPDX-License-Identifier: Apache-2.0
"""The object storage of the cloud in this process, as far as the console uses it."""

from typing import Any

from tests.unit.client.cloud import OBJECTS, Answer, Cloud, Request

BUCKET = "ims-uploads"


class Bucket:
    """Two containers, which are there when somebody has made them.

    :ivar objects: their paths and what is in them
    :ivar headers: that they came with, or were given later
    :ivar refusal: a status, from the object on that is to have that number
    """

    def __init__(self, cloud: Cloud) -> None:
        self.objects: dict[str, Any] = {}
        self.headers: dict[str, dict[str, str]] = {}
        self.containers: set[str] = set()
        self.refusal: tuple[int, int] | None = None
        container = f"{OBJECTS}/{BUCKET}(_segments)?"
        cloud.on("PUT", container, self._make)
        cloud.on("GET", container, self._list)
        cloud.on("DELETE", container, self._delete_container)
        for method, handler in (
            ("PUT", self._put),
            ("POST", self._post),
            ("HEAD", self._head),
            ("DELETE", self._delete),
        ):
            cloud.on(method, f"{container}/.+", handler)

    @property
    def names(self) -> list[str]:
        """Of the objects, without what they are of."""
        return [_within(path).partition("/")[2] for path in self.objects]

    def _make(self, request: Request) -> Answer:
        name = _within(request.path)
        status = 202 if name in self.containers else 201
        self.containers.add(name)
        return Answer(status)

    def _list(self, request: Request) -> Answer:
        name = _within(request.path)
        if name not in self.containers:
            return Answer(404)
        places = (_within(path).partition("/") for path in self.objects)
        found = [
            {"name": object_name}
            for place, _slash, object_name in places
            if place == name and object_name.startswith(request.query["prefix"])
        ]
        return Answer(200, found)

    def _delete_container(self, request: Request) -> Answer:
        self.containers.discard(_within(request.path))
        return Answer(204)

    def _put(self, request: Request) -> Answer:
        if self.refusal and len(self.objects) + 1 >= self.refusal[0]:
            return Answer(self.refusal[1])
        self.objects[request.path] = request.body
        self.headers[request.path] = request.headers
        return Answer(201, None, {"ETag": f'"e{len(self.objects)}"'})

    def _post(self, request: Request) -> Answer:
        self.headers[request.path] = request.headers
        return Answer(202)

    def _head(self, request: Request) -> Answer:
        known = self.headers.get(request.path, {})
        kept = {key: each for key, each in known.items() if key.startswith("X-Object-Meta-")}
        return Answer(200 if request.path in self.objects else 404, None, kept)

    def _delete(self, request: Request) -> Answer:
        return Answer(404 if self.objects.pop(request.path, None) is None else 204)


def _within(path: str) -> str:
    return path.partition("/AUTH_a/")[2]
