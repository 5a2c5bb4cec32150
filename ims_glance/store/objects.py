# SPDX-License-Identifier: Apache-2.0
"""Encrypted objects: a body and a header in the inner store (format: :mod:`ims_glance.crypto`)."""

import contextlib
import dataclasses
import datetime
import logging
import mmap
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from glance_store import exceptions as store_exceptions

from ims_glance import exceptions
from ims_glance.crypto import envelope, sealed_file, stream
from ims_glance.model.copy import Digest
from ims_glance.store import download, expected, upload
from ims_glance.store.inner.base import NAME_PREFIX, InnerStore
from ims_glance.store.sealed_copy import SealedCopy

LOG = logging.getLogger(__name__)

_HEADER_SUFFIXES = (".header-a", ".header-b")

KeyReader = Callable[[str], bytes]
"""Gives the 32 bytes of a key of the key manager for its id."""


@dataclasses.dataclass(frozen=True)
class _StoredHeader:
    name: str
    stored: bytes
    header: envelope.Header


class HeaderChanged(exceptions.Conflict):
    """Somebody else works at the header of an object at the same time."""

    template = (
        "The header of object {object_id} has just been changed by somebody else: it is being given "
        "to another key, or deleted. Nothing is lost: try again when that has ended."
    )


class OrphanChanged(exceptions.Conflict):
    """What seemed to be an orphan is being written."""

    template = (
        "Object {object_id} was written again since it was found: it may be an image's by now."
    )


@dataclasses.dataclass(frozen=True)
class OrphanCandidate:
    """An object of the inner store, grouped by object id; what is unfinished, by its name.

    :ivar names: of its parts in the inner store
    :ivar modified: when the youngest part was written
    """

    object_id: str
    names: tuple[str, ...]
    modified: datetime.datetime

    def holds(self, later: "OrphanCandidate") -> bool:
        """Whether nothing was written between this look and a later one."""
        return set(later.names) <= set(self.names) and later.modified <= self.modified


@dataclasses.dataclass(frozen=True)
class StoredPart:
    """A part of an object, as it lies in the inner store.

    :ivar name: in the inner store
    :ivar size: in bytes
    """

    name: str
    size: int


@dataclasses.dataclass(frozen=True)
class StoredHeader(StoredPart):
    """A header; *header* is what it claims, not authenticated."""

    header: envelope.Header


class EncryptedObjects:
    """The objects of one encrypting store.

    Errors of the inner store (``glance_store.exceptions``) and of the key manager
    (``ims_glance.exceptions``) pass through all methods.

    :param read_key: for what is opened; it may remember keys (``KeyManager.wrapping_key``)
    :param present_key: for what is written, before and after each time: it gives no key that is gone
        by now (``KeyManager.present_key``)
    """

    def __init__(self, inner: InnerStore, read_key: KeyReader, present_key: KeyReader) -> None:
        self.inner = inner
        self._read_key = read_key
        self._present_key = present_key

    def write(
        self,
        image_id: str,
        key_id: str,
        source: upload.UploadBody,
        size: int,
        hashing_algo: str,
        verifier: Any = None,
        key_id_at_end: Callable[[], str] | None = None,
    ) -> tuple[str, upload.Digests]:
        """Encrypt an image into a new object; nothing is left of it when that fails.

        :param key_id: of the key that shall open it
        :param key_id_at_end: asked once all data is there: the image may have been given to another key meanwhile
        :param size: of the image in bytes; 0 if that is unknown
        :returns: the object's id, and what Glance wants to know of the plaintext
        :raises glance_store.exceptions.Invalid: if *source* has not *size* bytes
        :raises DataDiffers: if it is not what was expected
        :raises KeyNotFound: if the key does not exist, or not any more
        """
        # First of all: without the key nothing is begun.
        key = self._present_key(key_id)
        object_id = envelope.new_object_id()
        data_key = envelope.new_data_key()
        sealer = stream.Sealer(data_key, object_id)
        body_size = stream.ciphertext_size(size) if size else 0

        def write_body(segments: Iterator[upload.Segment]) -> None:
            self.inner.put(_body(object_id), sealed(sealer, segments), body_size)

        try:
            digests = upload.move(source, size, hashing_algo, write_body, verifier)
            expected.check(Digest(digests.size, digests.checksum, hashing_algo, digests.multihash))
            # And last of all: it may have been deleted, or withdrawn, while the data came.
            last = key_id_at_end() if key_id_at_end else key_id
            key = self._still_present(key_id, key) if last == key_id else self._present_key(last)
            header = envelope.Header(object_id, image_id, digests.size, sealer.prelude)
            self._put_header(_headers(object_id)[0], header.with_key(data_key, last, key), data_key)
        except BaseException:
            self._discard(object_id)
            raise
        return object_id, digests

    def read(
        self, object_id: str, offset: int = 0, length: int | None = None
    ) -> tuple[download.PlaintextReader, envelope.Header]:
        """Open an image for reading from *offset* on, *length* bytes or all.

        :raises HeaderMissing: if there is no such object
        :raises ObjectDamaged: if header, prelude or first segment are
        :raises KeyGone: if the key of no slot exists any more
        """
        found, data_key = self._open_header(object_id)
        header = found.header
        opener = stream.Opener(data_key, object_id, header.prelude)
        try:
            reader = self.inner.open(_body(object_id))
        except store_exceptions.NotFound:
            raise _without_body(object_id) from None
        return (
            download.PlaintextReader(
                reader, opener, object_id, header.plaintext_size, offset, length
            ),
            header,
        )

    def sealed(self, object_id: str, facts: sealed_file.DataFacts) -> SealedCopy:
        """Open an object for being given away as it lies there.

        Its key is asked for, for what nobody can open any more would be of no use to anybody.

        :param facts: of the data, as Glance has them
        :raises HeaderMissing, ObjectDamaged, KeyGone, ServiceKeyDenied: as :meth:`read`
        """
        found, data_key = self._open_header(object_id)
        head = sealed_file.head(found.stored, data_key, facts)
        try:
            reader = self.inner.open(_body(object_id))
        except store_exceptions.NotFound:
            raise _without_body(object_id) from None
        try:
            opener = stream.Opener(data_key, object_id, found.header.prelude)
            return SealedCopy(object_id, head, reader, opener, found.header.plaintext_size)
        except BaseException:
            reader.close()
            raise

    def header(self, object_id: str) -> envelope.Header:
        """What the header of an object claims, not authenticated.

        :raises HeaderMissing: if there is none
        """
        return next(self._stored_headers(object_id)).header

    def parts(self, object_id: str) -> tuple[StoredPart, list[StoredHeader]]:
        """The body of an object and its headers: one, or two if a re-key goes on or was broken off.

        :raises HeaderMissing: if there is no header
        :raises ObjectDamaged: if no header can be read, or the body is missing
        """
        headers = [
            StoredHeader(found.name, len(found.stored), found.header)
            for found in self._stored_headers(object_id)
        ]
        body = _body(object_id)
        try:
            return StoredPart(body, self.inner.size(body)), headers
        except store_exceptions.NotFound:
            raise _without_body(object_id) from None

    def delete(self, object_id: str) -> None:
        """Delete an object, its header first: from then on nobody can read the body.

        :raises glance_store.exceptions.NotFound: if nothing of it was there
        """
        names = (*_headers(object_id), _body(object_id))
        deleted = [self._delete_part(name) for name in names]
        if not any(deleted):
            raise store_exceptions.NotFound(image=object_id)

    def verify(self, object_id: str, image_id: str) -> Iterator[int]:
        """Read and authenticate every byte of an object, yielding how many are done.

        :raises ObjectDamaged: if it is not what was written for image *image_id*
        """
        reader, header = self.read(object_id)
        done = 0
        for piece in reader:
            done += len(piece)
            yield done
        if header.image_id != image_id:
            raise exceptions.ObjectDamaged(
                object_id=object_id, reason=f"it belongs to image {header.image_id}"
            )
        self._check_end(object_id, header)

    def rekey(self, object_id: str, key_id: str) -> None:
        """Give an object to another key: only the header is written. May be repeated.

        :raises KeyGone: if no key that opens it exists any more
        :raises KeyNotFound: if the other key does not exist, or not any more
        :raises HeaderChanged: if somebody else re-keys it, or deletes it, at the same time
        """
        # Also if it has that key already: what an interrupted re-key has left may be the last header
        # that can be opened.
        key = self._present_key(key_id)
        found, data_key = self._open_header(object_id)
        other = _other_header(found)
        if found.header.key_ids != (key_id,):
            header = found.header.with_key(data_key, key_id, key)
            # One may have been left behind by a re-key that was interrupted.
            self._keep_only(found)
            self._put_header(other, header, data_key)
            found = _StoredHeader(other, header.to_bytes(data_key), header)
        self._keep_only(found)

    def candidates(self, prefix: str = NAME_PREFIX) -> Iterator[OrphanCandidate]:
        """Everything in the inner store that could be an object of ours, and whose name begins so."""
        parts: dict[str, list[Any]] = {}
        for stored in self.inner.objects(prefix):
            object_id = stored.name.removeprefix(NAME_PREFIX)[:32]
            # The object id ends at a separator: parts of a large Swift object are named "-00001".
            if envelope.is_object_id(object_id):
                # What a crash has left unfinished is no part of the object, which may be alive.
                group = stored.name if stored.unfinished else object_id
                parts.setdefault(group, []).append(stored)
        for object_id, stored_parts in parts.items():
            yield OrphanCandidate(
                object_id,
                tuple(sorted(part.name for part in stored_parts)),
                max(part.modified for part in stored_parts),
            )

    def remove(self, candidate: OrphanCandidate) -> None:
        """Delete the parts of an orphan, its header first.

        :raises OrphanChanged: if something of it was written since it was found: it may be an image's by now
        """
        # Of what is listed first hours may have gone by: so many others were deleted before it.
        prefix = candidate.names[0][: len(NAME_PREFIX) + 32]
        for there in self.candidates(prefix):
            if there.object_id == candidate.object_id and not candidate.holds(there):
                raise OrphanChanged(object_id=candidate.object_id)
        for name in sorted(candidate.names, key=lambda name: ".header-" not in name):
            self._delete_part(name)

    def _stored_headers(self, object_id: str) -> Iterator[_StoredHeader]:
        """The headers of an object: one, or two if it is being re-keyed or that was interrupted.

        :raises HeaderMissing: if there is none
        :raises ObjectDamaged: if there is none that can be read
        """
        error: exceptions.ImsError = exceptions.HeaderMissing(object_id=object_id)
        found = set()
        # A re-key moves the header from one name to the other, so a second look may find it; and
        # what it has only begun to write is passed over for the one that is still there.
        for name in _headers(object_id) * 2:
            if name in found:
                continue
            try:
                header = self._load_header(name, object_id)
            except store_exceptions.NotFound:
                continue
            except exceptions.ObjectDamaged as damaged:
                error = damaged
                continue
            found.add(name)
            yield header
        if not found:
            raise error

    def _keep_only(self, kept: _StoredHeader) -> None:
        """Delete the header beside *kept*, which opens the object and is looked at anew before and after.

        Without a header nobody reads the object ever again, and another re-key may take *kept* for
        the one beside its own.

        :raises HeaderChanged: if there is not *kept* any more
        """
        if self._stored(kept.name) != kept.stored:
            raise HeaderChanged(object_id=kept.header.object_id)
        if self._delete_part(_other_header(kept)) and self._stored(kept.name) is None:
            # What was deleted at the very same time comes back: it is all that there was.
            with contextlib.suppress(store_exceptions.Duplicate):
                self.inner.put(kept.name, [kept.stored], len(kept.stored))

    def _stored(self, name: str) -> bytes | None:
        """The bytes of a header; ``None`` if there is none of that name."""
        try:
            with contextlib.closing(self.inner.open(name)) as reader:
                return bytes(reader.read(0, envelope.MAX_HEADER_SIZE))
        except store_exceptions.NotFound:
            return None

    def _load_header(self, name: str, object_id: str) -> _StoredHeader:
        with contextlib.closing(self.inner.open(name)) as reader:
            stored = bytes(reader.read(0, envelope.MAX_HEADER_SIZE))
        return _StoredHeader(name, stored, envelope.parse(stored, object_id))

    def _open_header(self, object_id: str) -> tuple[_StoredHeader, bytes]:
        """The genuine header of an object, and its data key.

        :raises HeaderMissing, ObjectDamaged: as :meth:`_stored_headers`
        :raises KeyGone, ServiceKeyDenied, ObjectDamaged: if no header can be opened
        """
        error: exceptions.ImsError | None = None
        for found in self._stored_headers(object_id):
            try:
                return found, self._unwrap(found)
            except (exceptions.KeyGone, exceptions.ServiceKeyDenied) as closed:
                error = closed
            except exceptions.ObjectDamaged as damaged:
                error = error or damaged
        assert error is not None
        raise error

    def _unwrap(self, found: _StoredHeader) -> bytes:
        """The data key of an object whose header is genuine."""
        header = found.header
        for key_id in header.key_ids:
            try:
                key = self._read_key(key_id)
            except exceptions.KeyNotFound:
                continue
            data_key = header.unwrap(key_id, key)
            envelope.verify(found.stored, header, data_key)
            return data_key
        raise exceptions.KeyGone(key_id=", ".join(header.key_ids), image_id=header.image_id)

    def _still_present(self, key_id: str, key: bytes) -> bytes:
        """A key that was there when a write began.

        :raises KeyNotFound, ServiceKeyDenied: if nobody can open with it what was written
        """
        try:
            return self._present_key(key_id)
        except exceptions.KeyManagerUnavailable as error:
            # Hours of an upload are not thrown away for a moment in which nobody answers.
            LOG.warning("Key %s was there when an upload began; at its end: %s", key_id, error)
            return key

    def _check_end(self, object_id: str, header: envelope.Header) -> None:
        end = stream.ciphertext_size(header.plaintext_size)
        with contextlib.closing(self.inner.open(_body(object_id))) as reader:
            if reader.read(end - 1, 2)[1:]:
                raise exceptions.ObjectDamaged(
                    object_id=object_id, reason="there is more behind the end of its body"
                )

    def _put_header(self, name: str, header: envelope.Header, data_key: bytes) -> None:
        stored = header.to_bytes(data_key)
        self.inner.put(name, [stored], len(stored))

    def _delete_part(self, name: str) -> bool:
        try:
            self.inner.delete(name)
        except store_exceptions.NotFound:
            return False
        return True

    def _discard(self, object_id: str) -> None:
        """Remove what a failed write has left, if anything; the error that it failed with stands."""
        for name in (*_headers(object_id), _body(object_id)):
            try:
                self._delete_part(name)
            except Exception as error:  # boundary: "ims-manage orphans" finds what stays behind
                LOG.warning("Could not remove %s after a failed upload: %s", name, error)


def _body(object_id: str) -> str:
    return f"{NAME_PREFIX}{object_id}"


def _without_body(object_id: str) -> exceptions.ObjectDamaged:
    return exceptions.ObjectDamaged(object_id=object_id, reason="its body is missing")


def _headers(object_id: str) -> tuple[str, str]:
    first, second = (f"{NAME_PREFIX}{object_id}{suffix}" for suffix in _HEADER_SUFFIXES)
    return first, second


def _other_header(found: _StoredHeader) -> str:
    first, second = _headers(found.header.object_id)
    return second if found.name == first else first


def sealed(sealer: stream.Sealer, segments: Iterable[upload.Segment]) -> Iterator[memoryview]:
    """A body in pieces of whole segments; each is overwritten by the next.

    The prelude shares a piece with segment 0, and the buffer is page-aligned, so that an inner
    store can hand the pieces to the disk as they are.
    """
    buffer = memoryview(mmap.mmap(-1, stream.SEGMENT_SIZE))
    for segment in segments:
        start = stream.PRELUDE_SIZE if segment.number == 0 else 0
        buffer[:start] = sealer.prelude[:start]
        filled = sealer.seal_into(
            buffer[start:], segment.number, segment.plaintext, last=segment.last
        )
        yield buffer[: start + len(filled)]
