# SPDX-License-Identifier: Apache-2.0
"""The body: segments of Tink's ``AES256_GCM_HKDF_1MB``. Bytes in, bytes out, no I/O.

The project does the segments itself since a random read needs one of them at a time, which Tink's
stream objects do not offer. The format is in :mod:`ims_glance.crypto`.
"""

import dataclasses
import secrets
from collections.abc import Iterator
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ims_glance import exceptions

KEY_SIZE = 32
SEGMENT_SIZE = 1 << 20
TAG_SIZE = 16
_SALT_SIZE = 32
_PREFIX_SIZE = 7
PRELUDE_SIZE = 1 + _SALT_SIZE + _PREFIX_SIZE
# Segments are counted in 32 bits; the last number is left out so that no off-by-one can wrap.
_MAX_SEGMENTS = (1 << 32) - 1

Buffer = bytes | bytearray | memoryview


@dataclasses.dataclass(frozen=True)
class SegmentPlace:
    """Where one segment lies.

    :ivar index: 0, 1, ...
    :ivar last: whether the body ends with it
    :ivar plaintext_offset: of its first byte in the image, in bytes
    :ivar plaintext_size: in bytes
    :ivar offset: of its ciphertext in the body, in bytes; behind the prelude for segment 0
    :ivar size: of its ciphertext with the tag, without the prelude, in bytes
    """

    index: int
    last: bool
    plaintext_offset: int
    plaintext_size: int
    offset: int
    size: int


def segment_capacity(index: int) -> int:
    """Bytes of plaintext that segment *index* takes when it is full."""
    return SEGMENT_SIZE - TAG_SIZE - (PRELUDE_SIZE if index == 0 else 0)


def _index_of(plaintext_offset: int) -> int:
    """The segment that byte *plaintext_offset* of an image lies in."""
    first = segment_capacity(0)
    if plaintext_offset < first:
        return 0
    return 1 + (plaintext_offset - first) // segment_capacity(1)


def segment_count(plaintext_size: int) -> int:
    """How many segments an image of *plaintext_size* bytes has; at least one."""
    return 1 + _index_of(max(plaintext_size, 1) - 1)


def ciphertext_size(plaintext_size: int) -> int:
    """Bytes of the body of an image of *plaintext_size* bytes."""
    return PRELUDE_SIZE + plaintext_size + TAG_SIZE * segment_count(plaintext_size)


def segments(
    plaintext_size: int, offset: int = 0, length: int | None = None
) -> Iterator[SegmentPlace]:
    """The segments that hold *length* bytes from *offset* on of an image.

    :param plaintext_size: of the whole image, in bytes
    :param length: in bytes; ``None`` for all that follow. What lies behind the end is left out.
    """
    end = plaintext_size if length is None else min(offset + length, plaintext_size)
    if offset >= end and plaintext_size:
        return
    for index in range(_index_of(offset), _index_of(max(end, 1) - 1) + 1):
        yield segment(plaintext_size, index)


def segment(plaintext_size: int, index: int) -> SegmentPlace:
    """Segment *index* of an image of *plaintext_size* bytes, which has one of that number."""
    start = 0 if index == 0 else segment_capacity(0) + (index - 1) * segment_capacity(1)
    size = min(segment_capacity(index), plaintext_size - start)
    return SegmentPlace(
        index=index,
        last=index == segment_count(plaintext_size) - 1,
        plaintext_offset=start,
        plaintext_size=size,
        offset=PRELUDE_SIZE if index == 0 else index * SEGMENT_SIZE,
        size=size + TAG_SIZE,
    )


class _Cipher:
    """What sealing and opening share: the key and the nonces of one body.

    :ivar prelude: the 40 bytes that the body begins with
    """

    def __init__(self, data_key: bytes, object_id: str, prelude: bytes) -> None:
        self.prelude = prelude
        salt = prelude[1 : 1 + _SALT_SIZE]
        kdf = HKDF(hashes.SHA256(), length=KEY_SIZE, salt=salt, info=object_id.encode("ascii"))
        key = kdf.derive(data_key)
        self._aes = algorithms.AES(key)
        # Any buffer will do, but the types of older versions know bytes alone.
        self._aead: Any = AESGCM(key)
        self._prefix = prelude[1 + _SALT_SIZE :]
        self._object_id = object_id

    def _nonce(self, index: int, last: bool) -> bytes:
        if index >= _MAX_SEGMENTS:
            raise ValueError("a body has less than 2**32 segments")
        return self._prefix + index.to_bytes(4, "big") + (b"\x01" if last else b"\x00")


class Sealer(_Cipher):
    """Encrypts the segments of one new body.

    :param data_key: 32 bytes, used for no other body
    :param object_id: of the object that the body belongs to
    """

    def __init__(self, data_key: bytes, object_id: str) -> None:
        prelude = bytes([PRELUDE_SIZE]) + secrets.token_bytes(_SALT_SIZE + _PREFIX_SIZE)
        super().__init__(data_key, object_id, prelude)

    def seal(self, index: int, plaintext: Buffer, *, last: bool) -> bytes:
        """Ciphertext and tag of segment *index*, to be called once for each index.

        :raises ValueError: if *plaintext* is not what a segment at this place holds
        """
        sealed = bytearray(len(plaintext) + TAG_SIZE)
        self.seal_into(memoryview(sealed), index, plaintext, last=last)
        return bytes(sealed)

    def seal_into(
        self, buffer: memoryview, index: int, plaintext: Buffer, *, last: bool
    ) -> memoryview:
        """As :meth:`seal`, but into the beginning of *buffer*; returns the part that it fills."""
        size = len(plaintext)
        if size > segment_capacity(index) or (not last and size != segment_capacity(index)):
            raise ValueError(f"segment {index} cannot hold {size} bytes")
        filled = buffer[: size + TAG_SIZE]
        # The same as AESGCM.encrypt_into, and as fast; but cryptography 43, which the constraints of
        # OpenStack 2026.2 pin, has not got that. (AESGCM.encrypt copies once more: 40 % slower.)
        sealing: Any = Cipher(self._aes, modes.GCM(self._nonce(index, last))).encryptor()
        sealing.update_into(plaintext, filled)
        sealing.finalize()
        filled[size:] = sealing.tag
        return filled


class Opener(_Cipher):
    """Decrypts segments of one body, in any order.

    :param prelude: the body's first 40 bytes
    :raises ObjectDamaged: if that is no prelude
    """

    def __init__(self, data_key: bytes, object_id: str, prelude: bytes) -> None:
        if len(prelude) != PRELUDE_SIZE or prelude[0] != PRELUDE_SIZE:
            raise exceptions.ObjectDamaged(object_id=object_id, reason="its prelude is malformed")
        super().__init__(data_key, object_id, prelude)

    def open(self, segment: SegmentPlace, ciphertext: Buffer) -> bytes:
        """Plaintext of *segment*.

        :raises ObjectDamaged: if the bytes are not those that were sealed for this place
        """
        try:
            plaintext: bytes = self._aead.decrypt(
                self._nonce(segment.index, segment.last), ciphertext, None
            )
        except InvalidTag:
            raise exceptions.ObjectDamaged(
                object_id=self._object_id,
                reason=f"segment {segment.index} (from byte {segment.offset} of the body) "
                "does not authenticate",
            ) from None
        return plaintext
