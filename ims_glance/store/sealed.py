# SPDX-License-Identifier: Apache-2.0
"""Numbered objects of a job in an inner store, all sealed under one key that the job has for itself.

``ims-spool-<job id>-<disk>-0`` holds the key, wrapped with a key of the key manager: it is a header
of :mod:`ims_glance.crypto` whose object id is the job's. Each other number is a body of that format
under this key, with the object's whole name for its object id. So none can be taken for another, and
without the key manager nobody reads anything.

They are written for now: what a power failure makes of them does not open, and is fetched again.

The names do not go on with 32 hexadecimal digits, as those of images' objects do: nobody takes the
one for the other.
"""

import contextlib
import dataclasses
import datetime
import re
from collections.abc import Iterator
from typing import Protocol

from glance_store import exceptions as store_exceptions

from ims_glance import exceptions
from ims_glance.crypto import envelope, stream
from ims_glance.crypto.stream import Buffer
from ims_glance.store import objects, upload
from ims_glance.store.inner.base import NAME_PREFIX, InnerStore, ObjectReader

PREFIX = f"{NAME_PREFIX}spool-"
_NAME = re.compile(rf"{PREFIX}(?P<job>[0-9a-f]{{32}})-\d+-\d+(\.[0-9a-f]{{8}}|\.upload-.+)?")
_KEY = 0


class SpoolFull(exceptions.ImsError):
    """There is no room for what comes from another region (IMS has no such code: "internal error")."""

    template = (
        "The store that holds what comes from another region until it is complete is full. Ask the "
        "operator for room in it ([ims_jobs] spool_store), and copy the image again."
    )


class SpoolDenied(exceptions.ImsError):
    """The store takes nothing from this process."""

    template = (
        "ims-worker may not write what comes from another region into its store ({reason}). The "
        "operator looks at [ims_jobs] spool_store, and at whom ims-worker runs as."
    )


class SpoolUnavailable(exceptions.Unavailable):
    """The inner store gave no usable answer."""

    template = "The store for what comes from another region is unavailable ({reason})."


class Keys(Protocol):
    """As much of :class:`ims_glance.keys.KeyManager` as is needed here."""

    def wrapping_key(self, key_id: str) -> bytes:
        """The 32 bytes of a key, to open what is there."""

    def present_key(self, key_id: str) -> bytes:
        """The same, never from memory."""


@dataclasses.dataclass(frozen=True)
class Owner:
    """Whom a row of objects belongs to.

    :ivar disk: number of a disk of a whole machine; 0 for an image that is none
    :ivar image_id: what it is received of, for messages
    """

    job_id: str
    disk: int
    image_id: str

    @property
    def prefix(self) -> str:
        """What all names begin with."""
        return f"{PREFIX}{self.job_id}-{self.disk}-"


@dataclasses.dataclass(frozen=True)
class Left:
    """An object that lies in a store.

    :ivar job_id: of the job that wrote it
    """

    name: str
    job_id: str
    modified: datetime.datetime


class SealedObject:
    """An object that is open for reading, in any order; one thread's."""

    def __init__(self, reader: ObjectReader, data_key: bytes, name: str) -> None:
        self._reader = reader
        prelude = bytes(reader.read(0, stream.PRELUDE_SIZE))
        self._opener = stream.Opener(data_key, name, prelude)

    def first(self) -> bytes:
        """The plain bytes of the first segment, whatever the size of the object.

        :raises ObjectDamaged: if it does not open
        :raises SpoolUnavailable: if the store gives it not
        """
        start = stream.PRELUDE_SIZE
        with _answered():
            stored = bytes(self._reader.read(start, stream.SEGMENT_SIZE - start))
        size = max(0, len(stored) - stream.TAG_SIZE)
        segment = stream.SegmentPlace(0, False, 0, size, start, len(stored))
        try:
            return self._opener.open(segment, stored)
        except exceptions.ObjectDamaged:
            return self._opener.open(dataclasses.replace(segment, last=True), stored)

    def segment(self, segment: stream.SegmentPlace) -> bytes:
        """The plain bytes of a segment.

        :raises ObjectDamaged: if it does not open
        """
        with _answered():
            stored = self._reader.read(segment.offset, segment.size)
        return self._opener.open(segment, stored)

    def close(self) -> None:
        """Let go of the inner object; may be called twice."""
        self._reader.close()


class SealedObjects:
    """The objects of one owner.

    :param key_id: of the key of the key manager that wraps the objects' own, if they have none yet
    :raises KeyNotFound, KeyGone, ServiceKeyDenied, KeyUnusable, KeyManagerUnavailable: why that key
        cannot be used
    :raises ObjectDamaged: if the key's object is not what was written
    :raises SpoolFull, SpoolDenied, SpoolUnavailable: as all methods
    """

    def __init__(self, inner: InnerStore, owner: Owner, key_id: str, keys: Keys) -> None:
        self._inner = inner
        self._owner = owner
        self._data_key = self._found_key(keys) or self._made_key(key_id, keys)

    def put(self, number: int, plaintext: memoryview) -> None:
        """Seal and write an object.

        :raises glance_store.exceptions.Duplicate: if another worker wrote one of that number
        """
        name = self._name(number)
        sealer = stream.Sealer(self._data_key, name)
        size = stream.ciphertext_size(len(plaintext))
        self._put(name, lambda: objects.sealed(sealer, _cut(plaintext)), size)

    def open(self, number: int) -> SealedObject | None:
        """An object; ``None`` if there is none.

        :raises ObjectDamaged: if it does not begin as one
        """
        name = self._name(number)
        reader = self._opened(name)
        if reader is None:
            return None
        try:
            with _answered():
                return SealedObject(reader, self._data_key, name)
        except BaseException:
            reader.close()
            raise

    def drop(self, number: int) -> None:
        """Delete an object and those that follow it."""
        while self._delete(self._name(number)):
            number += 1

    def _found_key(self, keys: Keys) -> bytes | None:
        reader = self._opened(self._name(_KEY))
        if reader is None:
            return None
        with contextlib.closing(reader), _answered():
            stored = bytes(reader.read(0, envelope.MAX_HEADER_SIZE))
        header = envelope.parse(stored, self._owner.job_id)
        for key_id in header.key_ids:
            try:
                key = keys.wrapping_key(key_id)
            except exceptions.KeyNotFound:
                continue
            data_key = header.unwrap(key_id, key)
            envelope.verify(stored, header, data_key)
            return data_key
        raise exceptions.KeyGone(key_id=", ".join(header.key_ids), image_id=self._owner.image_id)

    def _made_key(self, key_id: str, keys: Keys) -> bytes:
        key = keys.present_key(key_id)
        data_key = envelope.new_data_key()
        header = envelope.Header(self._owner.job_id, self._owner.image_id, 0, b"")
        stored = header.with_key(data_key, key_id, key).to_bytes(data_key)
        try:
            self._put(self._name(_KEY), lambda: iter([memoryview(stored)]), len(stored))
        except store_exceptions.Duplicate:
            # Of a worker that was taken for dead.
            raise SpoolUnavailable(reason="another worker of the job uses it") from None
        return data_key

    def _put(self, name: str, chunks: "_Chunks", size: int) -> None:
        try:
            with _answered():
                self._inner.put_for_now(name, chunks(), size)
        except store_exceptions.Duplicate:
            reader = self._opened(name)
            if reader is not None:
                reader.close()
                raise
            # Half of one, of a worker that was killed while its driver wrote: no reader takes it.
            self._delete(name)
            with _answered():
                self._inner.put_for_now(name, chunks(), size)

    def _opened(self, name: str) -> ObjectReader | None:
        try:
            with _answered():
                return self._inner.open(name)
        except store_exceptions.NotFound:
            return None

    def _delete(self, name: str) -> bool:
        return _delete(self._inner, name)

    def _name(self, number: int) -> str:
        return f"{self._owner.prefix}{number}"


class _Chunks(Protocol):
    def __call__(self) -> Iterator[Buffer]: ...


def delete(inner: InnerStore, owner: Owner) -> None:
    """Delete all that an owner has, its key first: from then on nobody can read the rest.

    :raises SpoolUnavailable: if not all could be deleted
    """
    with _answered():
        names = [each.name for each in inner.objects(owner.prefix)]
    for name in sorted(names, key=lambda name: name != f"{owner.prefix}{_KEY}"):
        _delete(inner, name)


def left(inner: InnerStore) -> Iterator[Left]:
    """What all jobs have in a store, also what is half written."""
    for stored in inner.objects(PREFIX):
        named = _NAME.fullmatch(stored.name)
        if named is not None:
            yield Left(stored.name, named["job"], stored.modified)


def _delete(inner: InnerStore, name: str) -> bool:
    """Delete an object; whether there was one."""
    try:
        with _answered():
            inner.delete(name)
    except store_exceptions.NotFound:
        return False
    return True


def _cut(plaintext: memoryview) -> Iterator[upload.Segment]:
    for each in stream.segments(len(plaintext)):
        end = each.plaintext_offset + each.plaintext_size
        yield upload.Segment(each.index, plaintext[each.plaintext_offset : end], each.last)


@contextlib.contextmanager
def _answered() -> Iterator[None]:
    """Raise what drivers raise as what a job knows; they have no common base of errors."""
    try:
        yield
    except (exceptions.ImsError, store_exceptions.NotFound, store_exceptions.Duplicate):
        raise
    except store_exceptions.StorageFull:
        raise SpoolFull from None
    except (store_exceptions.StorageWriteDenied, store_exceptions.BadStoreConfiguration) as error:
        raise SpoolDenied(reason=type(error).__name__) from error
    except Exception as error:
        raise SpoolUnavailable(reason=type(error).__name__) from error
