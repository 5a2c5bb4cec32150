# SPDX-License-Identifier: Apache-2.0
"""Writing a file into a bucket in parts, which may come in any order: a static large object of Swift.

The parts are objects of their own, in the container ``BUCKET_segments`` as Swift's own client has them, under
the name of the file and of who writes it; the file is the list of them, written last. So there is no file before
it is whole, and what was written of one that never will be is found by its name, and deleted.
"""

from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote

import tenacity
from oslo_serialization import jsonutils

from ims_glance import exceptions
from ims_glance.clouds import rest
from ims_glance.clouds.objects.base import (
    BucketDenied,
    FileUnreadable,
    HttpFiles,
    NoObjectStorage,
    path_of,
)
from ims_glance.clouds.region import Region
from ims_glance.model.bucket import MAX_OBJECT, BucketFile, FileNameTooLong

MAX_PARTS = 1000
"""Of a file, in Swift and in radosgw unless they are configured otherwise."""

# Parts have the name of the file, that of its writer, and where they are in it.
_LONGEST = MAX_OBJECT - 60
_OWNER = "X-Object-Meta-Ims-Job"
_PAGE = 1000
_ATTEMPTS = 4


class BucketMissing(exceptions.NotFound):
    """There is no such bucket, or the caller does not see it (IMS: "bucket no access")."""

    code = "IMG.0069"
    template = (
        "There is no bucket '{bucket}' of yours. Make it first ('openstack container create')."
    )


class FileExists(exceptions.Conflict):
    """Nothing is written over what is there."""

    code = "IMG.0070"
    template = "There is a file {file} already. Name another one, or delete it."


class FileIncomplete(exceptions.ImsError):
    """The object storage has put together something else than was sent."""

    code = "IMG.0057"
    template = (
        "File {file} has {found} bytes in the object storage, and not {size}. It was deleted."
    )


class LargeFile:
    """A file that is being written.

    Every method raises what :meth:`ims_glance.clouds.objects.base.ObjectStore.head` raises.

    :param region: as its writer sees it
    :param owner: who writes it, known by a text that nobody else has
    :param pause: waits so many seconds
    """

    def __init__(
        self, region: Region, file: BucketFile, owner: str, pause: Callable[[float], None]
    ) -> None:
        self._http = HttpFiles(region.adapter("object-store"))
        self.file = file
        self._owner = owner
        self._pause = pause
        self._segments = f"{file.bucket}_segments"
        self._prefix = f"{file.name}/{owner}/"
        self._parts: dict[int, dict[str, Any]] = {}

    def check_new(self) -> None:
        """Check that it can be written, as far as that can be known.

        :raises FileNameTooLong: if its parts could have no names
        :raises BucketMissing, BucketDenied: if there is no bucket
        :raises FileExists: if there is such a file, and of another owner
        """
        length = len(self.file.name.encode())
        if length > _LONGEST:
            raise FileNameTooLong(length=length, most=_LONGEST)
        if self._ask("HEAD", f"/{quote(self.file.bucket, safe='')}", missing=True) is None:
            raise BucketMissing(bucket=self.file.bucket)
        headers = self._head()
        if headers is not None and headers.get(_OWNER) != self._owner:
            raise FileExists(file=self.file)

    @property
    def size(self) -> int | None:
        """Its size in bytes, if it was put together already; ``None`` if not."""
        headers = self._head()
        if headers is None or headers.get(_OWNER) != self._owner:
            return None
        return int(headers.get("Content-Length", 0))

    def begin(self) -> None:
        """Make what parts go to; those of another attempt are deleted."""
        self._delete_parts()
        self._ask("PUT", f"/{quote(self._segments, safe='')}")
        self._parts.clear()

    def put(self, offset: int, pieces: Iterable[Any], size: int) -> None:
        """Write a part, again if the object storage is away for a moment.

        :param offset: in the file, of its first byte
        :param size: of the part, in bytes
        """
        data = b"".join(pieces)
        assert len(data) == size, (len(data), size)
        name = f"{self._prefix}{offset:020d}"
        again = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(rest.ServiceUnavailable),
            wait=tenacity.wait_exponential(),
            stop=tenacity.stop_after_attempt(_ATTEMPTS),
            sleep=self._pause,
            reraise=True,
        )
        answer = again(self._ask, "PUT", self._path(name), data=data)
        etag = str(answer.headers.get("ETag") or "").strip('"')
        path = f"/{self._segments}/{name}"
        self._parts[offset] = {"path": path, "etag": etag, "size_bytes": size}

    def finish(self) -> int:
        """Put it together; its size in bytes.

        :raises FileExists: if somebody else has written such a file meanwhile
        :raises FileIncomplete: if it is not what was sent
        """
        listed = [self._parts[offset] for offset in sorted(self._parts)]
        size = sum(int(part["size_bytes"]) for part in listed)
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
            if refused.status == 412:
                raise FileExists(file=self.file) from None
            raise FileUnreadable(file=self.file, reason=refused.details["reason"]) from None
        found = self.size
        if found != size:
            self.delete()
            raise FileIncomplete(file=self.file, found=found, size=size)
        return size

    def delete(self) -> None:
        """Delete it, if it is this one, and all its parts; that there is none is fine."""
        if self.size is not None:
            self._ask("DELETE", path_of(self.file), missing=True)
        self._delete_parts()

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
