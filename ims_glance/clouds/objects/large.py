# SPDX-License-Identifier: Apache-2.0
"""A file that is written into a bucket in parts, which may come in any order.

There is no file before it is whole; what was written of one that never will be is found by who writes it, and
deleted. Beside the parts lies a note of the writer, from which another worker goes on.
"""

import abc
import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import tenacity

from ims_glance import exceptions
from ims_glance.clouds import rest
from ims_glance.model.bucket import MAX_OBJECT, BucketFile, FileNameTooLong

Buffer = bytes | bytearray | memoryview

# Parts and notes have the name of the file, that of its writer, and where they are in it.
_LONGEST = MAX_OBJECT - 60
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


@dataclasses.dataclass(frozen=True)
class NewPart:
    """A part to be sent.

    :ivar offset: of its first byte in the file; in one whose parts are numbered, its number, from 0 on
    :ivar pieces: gives its bytes, from the first one again with each call, and the same
    :ivar size: in bytes; ``None`` if that is known once they were given
    """

    offset: int
    pieces: Callable[[], Iterable[Buffer]]
    size: int | None

    @classmethod
    def held(cls, offset: int, pieces: list[Buffer]) -> "NewPart":
        """One that is in memory."""
        return cls(offset, lambda: pieces, sum(map(len, pieces)))


@dataclasses.dataclass(frozen=True)
class SentPart:
    """A part that is in the object storage.

    :ivar etag: what that says of it
    """

    size: int
    etag: str


class LargeFile(abc.ABC):
    """A file that is being written.

    Every method raises what :meth:`ims_glance.clouds.objects.base.ObjectStore.head` raises.

    :param owner: who writes it, known by a text that nobody else has
    :param pause: waits so many seconds
    :ivar parts: those that are there, by their offset in the file
    :ivar is_numbered: whether the parts are numbered in place of that, since nobody knows yet how long those before are;
        numbers may be left out
    :ivar reference: what else another worker needs to go on
    :ivar owner_header: that tells the owner of an object
    :ivar most_parts: of a file
    :ivar least_part: bytes of a part but for the last one of the file
    """

    owner_header: str
    most_parts: int
    least_part: int = 0

    def __init__(self, file: BucketFile, owner: str, pause: Callable[[float], None]) -> None:
        self.file = file
        self._owner = owner
        self._pause = pause
        self.parts: dict[int, SentPart] = {}
        self.is_numbered = False
        self.reference = ""

    def check_new(self) -> None:
        """Check that it can be written, as far as that can be known.

        :raises FileNameTooLong: if its parts could have no names
        :raises BucketMissing, BucketDenied: if there is no bucket
        :raises FileExists: if there is such a file, and of another owner
        """
        length = len(self.file.name.encode())
        if length > _LONGEST:
            raise FileNameTooLong(length=length, most=_LONGEST)
        if not self._has_bucket():
            raise BucketMissing(bucket=self.file.bucket)
        headers = self._head()
        if headers is not None and headers.get(self.owner_header) != self._owner:
            raise FileExists(file=self.file)

    @property
    def size(self) -> int | None:
        """Its size in bytes, if it was put together already; ``None`` if not, or if it is another owner's."""
        headers = self._head()
        if headers is None or headers.get(self.owner_header) != self._owner:
            return None
        return int(headers.get("Content-Length", 0))

    @abc.abstractmethod
    def _has_bucket(self) -> bool:
        """Whether there is such a bucket, which the caller sees."""

    @abc.abstractmethod
    def _head(self) -> Mapping[str, str] | None:
        """Headers of the object by its name; ``None`` if there is none."""

    @abc.abstractmethod
    def begin(self) -> None:
        """Make what parts go to; those of another attempt are deleted, and its note."""

    def go_on(self, reference: str, parts: dict[int, SentPart]) -> bool:
        """Take over what another worker has sent; whether it is still there."""
        self.reference, self.parts = reference, dict(parts)
        return True

    @abc.abstractmethod
    def put(self, part: NewPart) -> None:
        """Write a part, again if the object storage is away for a moment."""

    @abc.abstractmethod
    def finish(self) -> int:
        """Put it together, unless that was done; its size in bytes.

        :raises FileExists: if somebody else has written such a file meanwhile
        :raises FileIncomplete: if it is not what was sent
        """

    @abc.abstractmethod
    def delete(self) -> None:
        """Delete it, if it is this one, all its parts and its note; that there is none is fine."""

    @abc.abstractmethod
    def keep(self, note: bytes) -> None:
        """Write what the owner needs to go on, over the last such note."""

    @abc.abstractmethod
    def kept(self, most: int) -> bytes | None:
        """The note, if there is one of *most* bytes at most."""

    @abc.abstractmethod
    def forget(self) -> None:
        """Delete the note: it is not needed any more."""

    # --- what stores have in common ------------------------------------------------------------

    def _patiently(self, ask: Callable[[], Any]) -> Any:
        """An answer; the object storage is asked again if it is away for a moment."""
        again = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(rest.ServiceUnavailable),
            wait=tenacity.wait_exponential(),
            stop=tenacity.stop_after_attempt(_ATTEMPTS),
            sleep=self._pause,
            reraise=True,
        )
        return again(ask)


class PartBody:
    """A part as the body of a request, which may be sent again: with another token, say.

    :ivar sent: bytes that were given since it began last
    """

    def __init__(self, part: NewPart) -> None:
        self._part = part
        self.sent = 0
        if part.size is not None:
            # What ``requests`` tells as its length; without it, the body goes in chunks of HTTP.
            self.len = part.size

    def __iter__(self) -> Iterator[Buffer]:
        self.sent = 0
        for piece in self._part.pieces():
            self.sent += len(piece)
            yield piece
