# SPDX-License-Identifier: Apache-2.0
"""A large file in Swift, or in radosgw as Swift: a static large object.

The parts are objects of their own, in the container ``BUCKET_segments`` as Swift's own client has them, under
the name of the file and of who writes it; the file is the list of them, written last. A part whose length is
not known goes in chunks of HTTP, so that it may be of any size and need not be held.
"""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from oslo_serialization import jsonutils

from ims_glance.clouds import rest
from ims_glance.clouds.objects.base import (
    BucketDenied,
    FileUnreadable,
    HttpFiles,
    NoObjectStorage,
    path_of,
)
from ims_glance.clouds.objects.large import (
    FileExists,
    FileIncomplete,
    LargeFile,
    NewPart,
    PartBody,
    SentPart,
)
from ims_glance.clouds.region import Region
from ims_glance.model.bucket import BucketFile

_OWNER = "X-Object-Meta-Ims-Job"
_NOTE = "note"
_PAGE = 1000


class SwiftLargeFile(LargeFile):
    """One of Swift.

    :param region: as its writer sees it
    """

    owner_header = _OWNER
    # In Swift and in radosgw unless they are configured otherwise.
    most_parts = 1000

    def __init__(
        self, region: Region, file: BucketFile, owner: str, pause: Callable[[float], None]
    ) -> None:
        super().__init__(file, owner, pause)
        self._http = HttpFiles(region.adapter("object-store"))
        self._segments = f"{file.bucket}_segments"
        self._prefix = f"{file.name}/{owner}/"

    def _has_bucket(self) -> bool:
        return self._ask("HEAD", f"/{quote(self.file.bucket, safe='')}", missing=True) is not None

    def begin(self) -> None:
        """Make the container of the parts."""
        self._delete_parts()
        self._ask("PUT", f"/{quote(self._segments, safe='')}")
        self.parts.clear()

    def put(self, part: NewPart) -> None:
        """``PUT`` of an object."""
        body = PartBody(part)
        path = self._path(f"{self._prefix}{part.offset:020d}")
        answer = self._patiently(lambda: self._ask("PUT", path, data=body))
        etag = str(answer.headers.get("ETag") or "").strip('"')
        self.parts[part.offset] = SentPart(body.sent, etag)

    def finish(self) -> int:
        """``PUT`` of the list of parts."""
        size = sum(part.size for part in self.parts.values())
        listed = [
            {
                "path": f"/{self._segments}/{self._prefix}{offset:020d}",
                "etag": part.etag,
                "size_bytes": part.size,
            }
            for offset, part in sorted(self.parts.items())
        ]
        headers = {
            "If-None-Match": "*",
            "Content-Type": "application/octet-stream",
            _OWNER: self._owner,
        }
        try:
            self._ask(
                "PUT",
                path_of(self.file),
                params={"multipart-manifest": "put"},
                data=jsonutils.dump_as_bytes(listed),
                headers=headers,
            )
        except rest.Refused as refused:
            if refused.status != 412:
                raise FileUnreadable(file=self.file, reason=refused.details["reason"]) from None
            if self.size is None:
                raise FileExists(file=self.file) from None
            # It is ours: an earlier request was done after its answer was given up.
        found = self.size
        if found != size:
            self.delete()
            raise FileIncomplete(file=self.file, found=found, size=size)
        return size

    def delete(self) -> None:
        """Delete the object and the parts."""
        if self.size is not None:
            self._ask("DELETE", path_of(self.file), missing=True)
        self._delete_parts()

    def keep(self, note: bytes) -> None:
        """An object among the parts."""
        self._patiently(lambda: self._ask("PUT", self._path(self._prefix + _NOTE), data=note))

    def kept(self, most: int) -> bytes | None:
        """``GET`` of that object."""
        answer = self._ask("GET", self._path(self._prefix + _NOTE), missing=True, stream=True)
        return None if answer is None else self._http.bounded(answer, most)

    def forget(self) -> None:
        """``DELETE`` of it."""
        self._ask("DELETE", self._path(self._prefix + _NOTE), missing=True)

    def _delete_parts(self) -> None:
        # Each once: Swift may list them for hours after they are gone.
        last = ""
        while names := self._names(last):
            for name in names:
                self._ask("DELETE", self._path(name), missing=True)
            last = names[-1]

    def _names(self, after: str) -> list[str]:
        """A page of the parts behind one."""
        query = {"format": "json", "prefix": self._prefix, "limit": str(_PAGE), "marker": after}
        path = f"/{quote(self._segments, safe='')}"
        answer = self._ask("GET", path, missing=True, params=query)
        return (
            []
            if answer is None
            else [str(each["name"]) for each in jsonutils.loads(answer.content)]
        )

    def _head(self) -> Any:
        """Headers of the object by its name; ``None`` if there is none."""
        answer = self._ask("HEAD", path_of(self.file), missing=True)
        return None if answer is None else answer.headers

    def _path(self, name: str) -> str:
        return path_of(BucketFile(self._segments, name))

    def _ask(self, method: str, path: str, missing: bool = False, **request: Any) -> Any:
        """An answer, read to its end; ``None`` if what is asked for may be missing, and is."""
        try:
            return self._http.request(method, path, log=False, **request)
        except rest.NotInCatalog as error:
            raise NoObjectStorage(reason=error.details["reason"]) from None
        except rest.Refused as refused:
            if missing and refused.status in (404, 410):
                return None
            if refused.status == 403:
                raise BucketDenied(file=self.file) from None
            raise
