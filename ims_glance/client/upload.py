# SPDX-License-Identifier: Apache-2.0
"""A file that goes into a bucket with its owner's token, so that an image is made of it."""

import contextlib
import json
import math
import re
import uuid
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, unquote

BUCKET = "ims-uploads"
"""Where files go, unless a bucket is named."""
SEGMENT = 1 << 30
"""Bytes of the segments that a larger file goes up in. No object storage takes more than 5 GiB at once."""
SEGMENTS = 1000
"""Of a file at most, in Swift and in radosgw unless they are configured otherwise."""
LARGEST = 5 << 30
"""Bytes of a segment at most."""
MANIFEST = ".json"
"""What the names of manifests of whole machines end with."""

_CREATED = 201
# What an object may be called everywhere; the ending says what the file ought to be.
_ODD = re.compile(r"[^A-Za-z0-9._-]+")


class UploadRefused(Exception):
    """The object storage does not do what it is asked for.

    :ivar status: of HTTP
    """

    def __init__(self, method: str, path: str, status: int, reason: str) -> None:
        super().__init__(f"The object storage refused {method} {path}: {status} {reason}")
        self.status = status


def object_name(file: str, prefix: str = "") -> str:
    """A name that no object has yet, of the name of a file."""
    return f"{prefix}{uuid.uuid4().hex[:8]}-{_ODD.sub('_', file)[-100:]}"


def segment_size(size: int) -> int:
    """Bytes of each segment of a file; of a small one all of it is one."""
    return max(SEGMENT, math.ceil(size / SEGMENTS))


class NewObject:
    """An object that is to be there as a whole, or not at all.

    :param request: of an adapter of keystoneauth that leads to the object storage, which gives answers of any status back
    :param bucket: a container of the caller's, made if there is none
    :param headers: of the object, and of its segments
    :ivar url: ``bucket:object``
    """

    def __init__(
        self,
        request: Callable[..., Any],
        bucket: str,
        name: str,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._request = request
        self._container = f"/{quote(bucket, safe='')}"
        self._name = name
        self._headers = dict(headers or {})
        self._is_begun = False
        self._new_buckets: list[str] = []
        self._segments: list[dict[str, Any]] = []
        self.url = f"{bucket}:{name}"

    def put(self, data: Any) -> None:
        """Send all of it at once."""
        self._begin(self._container)
        self.ask("PUT", self._path, data=data, headers=self._headers)

    def put_segment(self, data: Any, length: Callable[[], int]) -> None:
        """Send the next part.

        :param length: its bytes, as they are known when it is sent
        """
        if not self._segments:
            self._begin(self._container)
            self._begin(f"{self._container}_segments")
        number = len(self._segments)
        path = f"{self._container}_segments/{self._name}/{number:06d}"
        known: dict[str, Any] = {"path": unquote(path)}
        self._segments.append(known)
        answer = self.ask("PUT", path, data=data, headers=self._headers)
        etag = str(answer.headers.get("ETag") or "").strip('"')
        known |= {"etag": etag, "size_bytes": length()}

    def join(self) -> None:
        """The object that consists of the parts."""
        query = {"multipart-manifest": "put"}
        data = json.dumps(self._segments).encode()
        self.ask("PUT", self._path, params=query, data=data, headers=self._headers)

    def delete(self) -> None:
        """Delete the object and its segments, and the buckets that were made for it and are empty.

        :raises UploadRefused: if something stays
        """
        if not self._is_begun:
            return
        for path in (self._path, *(quote(each["path"]) for each in self._segments)):
            self.ask("DELETE", path, may_be_gone=True)
        for bucket in self._new_buckets:
            with contextlib.suppress(UploadRefused):
                self.ask("DELETE", bucket)

    def ask(self, method: str, path: str, may_be_gone: bool = False, **how: Any) -> Any:
        """What the object storage answers.

        :raises UploadRefused: if it does not do it
        """
        answer = self._request(path, method, **how)
        if answer.status_code >= 300 and not (may_be_gone and answer.status_code == 404):
            raise UploadRefused(method, path, answer.status_code, answer.reason)
        return answer

    def _begin(self, bucket: str) -> None:
        self._is_begun = True
        if self.ask("PUT", bucket).status_code == _CREATED:
            self._new_buckets.append(bucket)

    @property
    def _path(self) -> str:
        return f"{self._container}/{self._name}"
