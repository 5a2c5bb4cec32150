# SPDX-License-Identifier: Apache-2.0
"""A sealed image as a file: a stored object with its header before it. Bytes in, bytes out, no I/O.

The format is in :mod:`ims_glance.crypto`. A file is a stranger's until a key has opened its head: what is read of
it before that is bounded, and believed in nothing but which keys may open it.
"""

import base64
import binascii
import collections
import dataclasses
import hashlib
import json
import re
from typing import Any, ClassVar, Protocol, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ims_glance import exceptions
from ims_glance.crypto import envelope, stream
from ims_glance.crypto.envelope import Header

VERSION = 1
"""Of the files that are written, and the only one that is read."""
WORD = b"IMS-SEALED "
"""What files of all versions begin with."""
MAGIC = WORD + b"%d\n" % VERSION
_FACTS_SIZE = 4096
MAX_HEAD = len(MAGIC) + envelope.MAX_HEADER_SIZE + _FACTS_SIZE
"""Bytes of a head at most."""

_HEADER_LINES = 3
_LINES = 1 + _HEADER_LINES + 1
_SIV_SIZE = 64
_MOST_SLOTS = 8
_KEPT = 8  # segments, which are 8 MiB
_KEY_ID = re.compile(r"[0-9A-Za-z._-]{1,64}")
# What Glance may be told to use, and what it always does; a digest of these has one length.
_HASHES = frozenset({"md5", "sha1", "sha224", "sha256", "sha384", "sha512", "blake2b", "blake2s"})
_WORD = re.compile(r"[0-9a-z_+-]{0,32}")
_DIGEST = re.compile(r"[0-9a-f]{0,256}")

ANEW = "Export the image once more, and upload the file complete and unchanged."


class SealedFileRefused(exceptions.Invalid):
    """A file says that it is a sealed image, and is none that can be opened (IMS: "file format").

    :param reason: what is wrong; the rest of a sentence, without its full stop
    :param advice: what to do; a sentence
    """

    code = "IMG.0057"
    template: ClassVar[str] = "The sealed image cannot be opened: {reason}. {advice}"

    def __init__(self, reason: str, advice: str = ANEW) -> None:
        super().__init__(reason=reason, advice=advice)


class SealedOtherwise(exceptions.Invalid):
    """A key does not open a file (IMS: "key disabled")."""

    code = "IMG.0097"
    template = (
        "Key {key_id} does not open the sealed image: it was sealed with another key, named {key_ids} where it was "
        "exported, or the file was changed. If your key manager holds that key under another id, name that in "
        "'unseal_key' ('--unseal-key'); else export the image once more."
    )


@dataclasses.dataclass(frozen=True)
class DataFacts:
    """What is known of the data of a sealed image, besides its header.

    :ivar size: of the data, in bytes
    :ivar disk_format: Glance's name of what the data is
    :ivar hash_name: of the digest, as :mod:`hashlib` knows it; empty for none
    :ivar digest: of the data, in hexadecimal
    """

    size: int
    disk_format: str
    hash_name: str = ""
    digest: str = ""

    def to_bytes(self) -> bytes:
        """As JSON; the same facts are the same bytes."""
        text = json.dumps(dataclasses.asdict(self), sort_keys=True, separators=(",", ":"))
        return text.encode("ascii")

    @classmethod
    def of_bytes(cls, text: bytes) -> Self:
        """What :meth:`to_bytes` made, also in a later version that says more.

        :raises ValueError, KeyError, TypeError, RecursionError: if it is nothing like that
        """
        known = json.loads(text)
        found = cls(
            known["size"],
            _matching(_WORD, known["disk_format"]),
            _matching(_WORD, known["hash_name"]),
            _matching(_DIGEST, known["digest"]),
        )
        if type(found.size) is not int:
            raise TypeError("a size is a number")
        return found

    def hasher(self) -> Any:
        """What makes such a digest; ``None`` if there is none, or not here."""
        if not self.digest or self.hash_name not in _HASHES:
            return None
        return hashlib.new(self.hash_name, usedforsecurity=False)


class RangedFile(Protocol):
    """A file that is read by ranges; it does not change meanwhile."""

    @property
    def size(self) -> int:
        """In bytes."""

    def read(self, offset: int, length: int) -> bytes:
        """A range; less only where the file ends."""


@dataclasses.dataclass(frozen=True)
class Head:
    """What stands before the body; not to be trusted before it is opened.

    :ivar header: that of the object
    :ivar size: of the head, in bytes: the body follows it
    """

    header: Header
    size: int
    _stored: bytes = dataclasses.field(repr=False)
    _signed: bytes = dataclasses.field(repr=False)
    _sealed_facts: bytes = dataclasses.field(repr=False)

    @property
    def key_ids(self) -> tuple[str, ...]:
        """Ids of the keys that open it, as the key manager has them where it was exported."""
        return self.header.key_ids

    def open(self, key_id: str, key: bytes) -> "OpenHead":
        """Open it.

        :param key_id: for messages: the key manager's here may be another one's there
        :param key: 32 bytes
        :raises SealedOtherwise: if that is not the key, or the head was changed
        :raises SealedFileRefused: if it contradicts itself
        """
        for slot in self.header.slots:
            try:
                data_key = self.header.unwrap(slot.key_id, key)
                envelope.verify(self._stored, self.header, data_key)
                text = _siv(data_key).decrypt(self._sealed_facts, [self._signed])
            except (exceptions.ObjectDamaged, InvalidTag):
                continue
            return OpenHead(self, data_key, _facts(text, self.header))
        raise SealedOtherwise(key_id=key_id, key_ids=" or ".join(self.key_ids))


@dataclasses.dataclass(frozen=True)
class OpenHead:
    """A head that a key has opened.

    :ivar facts: of the data
    """

    head: Head
    _data_key: bytes = dataclasses.field(repr=False)
    facts: DataFacts

    def data(self, file: RangedFile) -> "SealedData":
        """The data in the file that the head is of."""
        header = self.head.header
        return SealedData(
            file, self.head, stream.Opener(self._data_key, header.object_id, header.prelude)
        )


class SealedData:
    """The data of a sealed image, which is opened while it is read, in any order.

    A few segments are remembered. What :class:`RangedFile` raises passes through.
    """

    def __init__(self, file: RangedFile, head: Head, opener: stream.Opener) -> None:
        self._file = file
        self._head = head
        self._opener = opener
        self._kept: collections.OrderedDict[int, bytes] = collections.OrderedDict()

    @property
    def size(self) -> int:
        """In bytes."""
        return self._head.header.plaintext_size

    def read(self, offset: int, length: int) -> bytes:
        """A range; less only where the data ends.

        :raises SealedFileRefused: if it is not what was sealed
        """
        if not 0 <= offset < self.size or length <= 0:
            return b""
        found = bytearray()
        end = min(offset + length, self.size)
        for segment in stream.segments(self.size, offset, end - offset):
            start = segment.plaintext_offset
            found += self._segment(segment)[max(0, offset - start) : end - start]
        return bytes(found)

    def _segment(self, segment: stream.SegmentPlace) -> bytes:
        if segment.index not in self._kept:
            self._kept[segment.index] = self._opened(segment)
        self._kept.move_to_end(segment.index)
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return self._kept[segment.index]

    def _opened(self, segment: stream.SegmentPlace) -> bytes:
        # The prelude is read along with segment 0. The header's is the one that is used, but other
        # readers of the format go by the body's.
        before = stream.PRELUDE_SIZE if segment.index == 0 else 0
        start, size = segment.offset - before, before + segment.size
        read = self._file.read(self._head.size + start, size)
        if len(read) != size or read[:before] != self._opener.prelude[:before]:
            raise SealedFileRefused(f"it is damaged in segment {segment.index}")
        try:
            return self._opener.open(segment, memoryview(read)[before:])
        except exceptions.ObjectDamaged as damaged:
            raise SealedFileRefused(damaged.details["reason"]) from None


def is_sealed(beginning: bytes) -> bool:
    """Whether a file that begins so says that it is a sealed image, of whatever version."""
    return beginning.startswith(WORD)


def head(stored: bytes, data_key: bytes, facts: DataFacts) -> bytes:
    """The head of a file; the same bytes each time.

    :param stored: the stored header of the object, which was verified
    :param data_key: that of the object
    """
    signed = MAGIC + stored
    sealed = _siv(data_key).encrypt(facts.to_bytes(), [signed])
    return signed + base64.b64encode(sealed) + b"\n"


def read(file: RangedFile) -> Head:
    """The head of a file that says that it is a sealed image.

    :raises SealedFileRefused: if it is none, is cut, or goes on behind its end
    """
    beginning = file.read(0, min(MAX_HEAD, file.size))
    if not beginning.startswith(MAGIC):
        version = beginning[len(WORD) :][:8].split(b"\n")[0].decode("latin-1")
        raise SealedFileRefused(
            f"it is of version {version!a}, and version {VERSION} is read",
            "Export it from a region whose Image service has this version, or export it with a 'file_format'.",
        )
    lines = beginning.split(b"\n", _LINES)
    if len(lines) <= _LINES:
        raise SealedFileRefused("its head has no end")
    stored = b"".join(line + b"\n" for line in lines[1 : 1 + _HEADER_LINES])
    size = sum(len(line) + 1 for line in lines[:_LINES])
    found = _parsed(stored, size, lines[_LINES - 1])
    wanted = size + stream.ciphertext_size(found.header.plaintext_size)
    if file.size < wanted:
        raise SealedFileRefused(f"it has {file.size} bytes and should have {wanted}: it was cut")
    if file.size > wanted:
        raise SealedFileRefused(f"{file.size - wanted} bytes follow its end, which are none of it")
    return found


def _parsed(stored: bytes, size: int, sealed_facts: bytes) -> Head:
    if len(stored) > envelope.MAX_HEADER_SIZE or len(sealed_facts) > _FACTS_SIZE:
        raise SealedFileRefused("its head is too long")
    try:
        fields = json.loads(stored.split(b"\n")[1])
        header = envelope.parse(stored, fields["object_id"])
        facts = base64.b64decode(sealed_facts, validate=True)
        is_sound = (
            len(header.slots) <= _MOST_SLOTS
            and all(_KEY_ID.fullmatch(each) for each in header.key_ids)
            and len(header.prelude) == stream.PRELUDE_SIZE == header.prelude[0]
            and stream.segment_count(header.plaintext_size) < 1 << 32
            and base64.b64encode(facts) == sealed_facts
        )
    except exceptions.ObjectDamaged as damaged:
        raise SealedFileRefused(damaged.details["reason"]) from None
    except (ValueError, KeyError, TypeError, RecursionError, binascii.Error):
        is_sound = False
    if not is_sound:
        raise SealedFileRefused("its head is malformed")
    return Head(header, size, stored, MAGIC + stored, facts)


def _facts(text: bytes, header: Header) -> DataFacts:
    try:
        facts = DataFacts.of_bytes(text)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise SealedFileRefused("what it says of its data is malformed") from None
    if facts.size != header.plaintext_size:
        raise SealedFileRefused("it tells two sizes of its data")
    return facts


def _siv(data_key: bytes) -> AESSIV:
    kdf = HKDF(hashes.SHA256(), length=_SIV_SIZE, salt=None, info=b"ims-kms/1 sealed file")
    return AESSIV(kdf.derive(data_key))


def _matching(pattern: re.Pattern[str], text: Any) -> str:
    if not isinstance(text, str) or not pattern.fullmatch(text):
        raise ValueError("another word expected")
    return text
