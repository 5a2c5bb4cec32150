# SPDX-License-Identifier: Apache-2.0
"""What a driver for object storage does.

Files are read where they lie, in ranges. An object that changes between two of them would give a disk
that never was one, so each range is taken only of the very object that was looked at: its ETag comes with
the range.

Nothing that an object storage answers is followed to another place: the token, or the signature, is for
this one.
"""

import abc
import contextlib
import dataclasses
import time
from collections.abc import Callable, Mapping
from typing import Any, Self
from urllib.parse import quote

from keystoneauth1.adapter import Adapter
from oslo_utils import units
from urllib3 import exceptions as http_exceptions

from ims_glance import exceptions
from ims_glance.clouds import rest
from ims_glance.clouds.objects.large import LargeFile
from ims_glance.model.bucket import BucketFile

MAX_READ = 16 * units.Mi
"""Bytes of the largest range: so much is in memory at once."""

_TITLE = "Object Storage"
_PIECE = units.Mi
# A range that takes longer stands still, though a byte comes now and then; seconds.
_RANGE_SECONDS = 300.0
# Too many requests (498 is Swift's word for it), or one that took too long.
_LATER = frozenset({408, 429, 498})
# Amazon's names of classes whose objects cannot be read before they are restored.
_ARCHIVED = frozenset({"GLACIER", "DEEP_ARCHIVE"})


class NoObjectStorage(exceptions.Invalid):
    """This region does without one, as far as the caller's catalogue says."""

    code = "IMG.0105"
    template = "There is no object storage in this region ({reason})."


class FileMissing(exceptions.NotFound):
    """There is no such object, or the caller does not see it (IMS: "file missing")."""

    code = "IMG.0057"
    template = "There is no file {file}: no such bucket, or no such object in it."


class BucketDenied(exceptions.Forbidden):
    """The caller may not read it (IMS: "bucket no access")."""

    code = "IMG.0069"
    template = (
        "The object storage does not let you read {file}. Ask the owner of the bucket for the right to "
        "read it."
    )


class BucketElsewhere(exceptions.Invalid):
    """The object storage says that somebody else has it (IMS: "region differs")."""

    code = "IMG.0058"
    template = (
        "The object storage of this region says that {file} lies elsewhere. Copy it here first."
    )


class FileChanged(exceptions.Conflict):
    """Another object is there by that name than when it was looked at."""

    code = "IMG.0057"
    template = "The file {file} was changed or replaced meanwhile. Leave it as it is until the image is made."


class FileUnreadable(exceptions.Conflict):
    """The object storage does not give it as it has to be read."""

    code = "IMG.0057"
    template = "The file {file} cannot be read: {reason}."


@dataclasses.dataclass(frozen=True)
class FoundFile:
    """An object as it was when it was looked at.

    :ivar size: in bytes
    :ivar etag: what changes with its data, without quotes
    :ivar content_type: what whoever uploaded it said that it is
    """

    file: BucketFile
    size: int
    etag: str
    content_type: str = ""

    @classmethod
    def of_arguments(cls, told: Mapping[str, Any]) -> Self:
        """As a job was told of it."""
        return cls(
            BucketFile(told["bucket"], told["object"]),
            int(told["size"]),
            told["etag"],
            told["content_type"],
        )

    def to_arguments(self) -> dict[str, Any]:
        """As a job is told of it."""
        return {
            "bucket": self.file.bucket,
            "object": self.file.name,
            "size": self.size,
            "etag": self.etag,
            "content_type": self.content_type,
        }

    def is_as(self, other: Self) -> bool:
        """Whether it has the same data, by all that the object storage says."""
        return (self.size, self.etag) == (other.size, other.etag)


class ObjectStore(abc.ABC):
    """The object storage as the owner of some credentials sees it.

    Every method raises ``ServiceUnavailable`` if it is away and ``DelegationEnded`` if Keystone gives no
    token for it any more (:mod:`ims_glance.clouds.rest`).
    """

    @abc.abstractmethod
    def head(self, file: BucketFile) -> FoundFile:
        """Look at an object.

        :raises NoObjectStorage: if there is no object storage
        :raises FileMissing, BucketDenied, BucketElsewhere: if there is no such object to be read
        :raises FileUnreadable: if it is archived, or could not be told from another one
        """

    @abc.abstractmethod
    def read(self, found: FoundFile, offset: int, length: int) -> bytes:
        """A range of an object, all of it.

        :param offset: in bytes
        :param length: 1 to :data:`MAX_READ`; the range ends where the object does at the latest
        :raises FileChanged: if it is another object by now
        :raises Exception: see :meth:`head`
        """

    @abc.abstractmethod
    def large_file(self, file: BucketFile, owner: str, pause: Callable[[float], None]) -> LargeFile:
        """A file to be written in parts; see there."""


class HttpObjectStore(ObjectStore):
    """One whose objects have paths ``/bucket/object``.

    :param service: sends requests with the credentials
    """

    def __init__(self, service: Adapter) -> None:
        self._rest = HttpFiles(service)

    def head(self, file: BucketFile) -> FoundFile:
        """``HEAD``."""
        with self._asked("HEAD", file) as response:
            headers = response.headers
            # There is none. Once it is read, the connection can be used again.
            response.raw.read()
        etag = _etag(headers)
        if not etag or not headers.get("Content-Length", "").isdigit():
            raise FileUnreadable(
                file=file, reason="the object storage tells no ETag, or no size, of it"
            )
        if headers.get("x-amz-storage-class") in _ARCHIVED:
            raise FileUnreadable(file=file, reason="it is archived; restore it first")
        return FoundFile(
            file, int(headers["Content-Length"]), etag, headers.get("Content-Type", "")[:255]
        )

    def read(self, found: FoundFile, offset: int, length: int) -> bytes:
        """``GET`` with ``Range``; the answer says of which object it is.

        (Not ``If-Match``: radosgw answers it with 412 for every large object, whose ETag is none of its own.)
        """
        assert 0 < length <= MAX_READ, length
        assert 0 <= offset < offset + length <= found.size, (offset, length, found)
        wanted = f"bytes {offset}-{offset + length - 1}/{found.size}"
        asked = {"Range": f"bytes={offset}-{offset + length - 1}"}
        with self._asked("GET", found.file, asked) as response:
            if _etag(response.headers) != found.etag:
                raise FileChanged(file=found.file)
            if response.headers.get("Content-Encoding", "identity") != "identity":
                raise FileUnreadable(file=found.file, reason="it comes encoded")
            is_whole = response.status_code == 200 and length == found.size
            if not is_whole and response.headers.get("Content-Range") != wanted:
                raise FileUnreadable(
                    file=found.file,
                    reason="the object storage does not give the range that it is asked for",
                )
            return self._body(response, length)

    @contextlib.contextmanager
    def _asked(self, method: str, file: BucketFile, headers: dict[str, str] | None = None) -> Any:
        # Bytes that came do not say what they are once they are encoded.
        sent = {"Accept": "*/*", "Accept-Encoding": "identity", **(headers or {})}
        try:
            response = self._rest.request(
                method, path_of(file), headers=sent, stream=True, log=False
            )
        except rest.NotInCatalog as error:
            raise NoObjectStorage(reason=error.details["reason"]) from None
        except rest.Refused as refused:
            raise _refusal(refused, file) from None
        with contextlib.closing(response):
            yield response

    def _body(self, response: Any, length: int) -> bytes:
        """The body of an answer, of which no more is taken than was asked for."""
        body, end = bytearray(), time.monotonic() + _RANGE_SECONDS
        try:
            while len(body) < length:
                piece = response.raw.read1(min(_PIECE, length - len(body)))
                if not piece:
                    raise self._rest.away(f"an answer ended after {len(body)} of {length} bytes")
                body += piece
                if time.monotonic() > end:
                    raise self._rest.away(f"a range took longer than {_RANGE_SECONDS:.0f} seconds")
            # Nothing follows; once that is known, the connection can be used again.
            response.raw.read1(1)
        except (http_exceptions.HTTPError, OSError) as error:
            raise self._rest.away(f"an answer broke off: {error}") from error
        return bytes(body)


class HttpFiles(rest.Rest):
    """Answers without a look at their bodies, which are XML, text, or nothing."""

    def __init__(self, service: Adapter) -> None:
        super().__init__(service, _TITLE, follows=False)

    def bounded(self, response: Any, most: int) -> bytes | None:
        """The body of a streamed answer, if it has *most* bytes at most."""
        with contextlib.closing(response):
            body = bytearray()
            try:
                while len(body) <= most and (piece := response.raw.read1(_PIECE)):
                    body += piece
            except (http_exceptions.HTTPError, OSError) as error:
                raise self.away(f"an answer broke off: {error}") from error
        return bytes(body) if len(body) <= most else None

    def _check(self, response: Any) -> None:
        status, reason = response.status_code, str(response.reason)
        if status < 300:
            return
        response.close()
        if status == 401:
            # Keystone has just given the token: whoever may have none any more is told so by Keystone. What is
            # meant here is that the object storage could not ask Keystone (radosgw, and Swift with
            # delay_auth_decision; others answer 503), or that radosgw does not know the caller's roles.
            raise self.away(
                f"{status}: either it cannot ask Keystone just now, or it lets nobody in with your roles (radosgw: "
                "'rgw keystone accepted roles')"
            )
        if status >= 500 or status in _LATER:
            raise self.away(f"{status}: {reason}")
        raise rest.Refused(status, FileUnreadable.code, _TITLE, f"{status}: {reason}")


def _refusal(refused: rest.Refused, file: BucketFile) -> exceptions.ImsError:
    """What a refusal says of an object."""
    kinds: dict[int, type[exceptions.ImsError]] = {
        403: BucketDenied,
        404: FileMissing,
        410: FileMissing,
        412: FileChanged,
        # It is shorter by now.
        416: FileChanged,
    }
    if refused.status < 400:
        return BucketElsewhere(file=file)
    if refused.status not in kinds:
        return FileUnreadable(file=file, reason=refused.details["reason"])
    return kinds[refused.status](file=file)


def path_of(file: BucketFile) -> str:
    """Where an object is, below the address of the object storage."""
    return f"/{quote(file.bucket, safe='')}/{quote(file.name, safe='/')}"


def _etag(headers: Any) -> str:
    # Swift has it without quotes, S3 within.
    return str(headers.get("ETag") or "").strip('"')
