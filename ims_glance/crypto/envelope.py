# SPDX-License-Identifier: Apache-2.0
"""The header: the data key, wrapped. Bytes in, bytes out, no I/O.

The format is in :mod:`ims_glance.crypto`.
"""

import base64
import binascii
import dataclasses
import hashlib
import hmac
import json
import re
import secrets
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ims_glance import exceptions
from ims_glance.crypto import stream

VERSION = 1
"""Of the headers that are written, and the only one that is read."""
MAGIC = b"IMS-KMS %d\n" % VERSION
MAX_HEADER_SIZE = 64 * 1024
_NONCE_SIZE = 12
_OBJECT_ID = re.compile(r"[0-9a-f]{32}")


def new_object_id() -> str:
    """A random id for a new object: 32 hexadecimal digits that nobody can guess."""
    return secrets.token_hex(16)


def is_object_id(text: str) -> bool:
    """Whether *text* has the form of an object id."""
    return _OBJECT_ID.fullmatch(text) is not None


def new_data_key() -> bytes:
    """A random 32-byte key for one body."""
    return secrets.token_bytes(stream.KEY_SIZE)


@dataclasses.dataclass(frozen=True)
class Slot:
    """The data key, wrapped with one key of the key manager.

    :ivar key_id: the key manager's id of the key
    :ivar nonce: 12 bytes
    :ivar wrapped_key: ciphertext and tag, 48 bytes
    """

    key_id: str
    nonce: bytes
    wrapped_key: bytes


@dataclasses.dataclass(frozen=True)
class Header:
    """What the header of an object says.

    :ivar plaintext_size: of the image, in bytes
    :ivar prelude: the 40 bytes that the body begins with
    :ivar slots: at least one
    """

    object_id: str
    image_id: str
    plaintext_size: int
    prelude: bytes
    slots: tuple[Slot, ...] = ()

    @property
    def key_ids(self) -> tuple[str, ...]:
        """Ids of the keys that open the object."""
        return tuple(slot.key_id for slot in self.slots)

    def with_key(self, data_key: bytes, key_id: str, key: bytes) -> "Header":
        """The same header, opened by that one key only.

        :param key: 32 bytes, the key that the key manager holds under *key_id*
        """
        nonce = secrets.token_bytes(_NONCE_SIZE)
        wrapped = self._wrapper(key).encrypt(nonce, data_key, self._slot_aad(key_id))
        return dataclasses.replace(self, slots=(Slot(key_id, nonce, wrapped),))

    def unwrap(self, key_id: str, key: bytes) -> bytes:
        """The data key, out of the slot of *key_id*.

        :raises ObjectDamaged: if there is no such slot, or it was not wrapped with *key* for this
            object and image
        """
        for slot in self.slots:
            if slot.key_id == key_id:
                try:
                    return self._wrapper(key).decrypt(
                        slot.nonce, slot.wrapped_key, self._slot_aad(key_id)
                    )
                except InvalidTag:
                    raise self._damaged(f"key {key_id} does not open its header") from None
        raise self._damaged(f"its header has no slot for key {key_id}")

    def to_bytes(self, data_key: bytes) -> bytes:
        """The stored form, authenticated with *data_key*."""
        fields = {
            "image_id": self.image_id,
            "object_id": self.object_id,
            "plaintext_size": self.plaintext_size,
            "prelude": _to_base64(self.prelude),
            "slots": [
                {
                    "key_id": slot.key_id,
                    "nonce": _to_base64(slot.nonce),
                    "wrapped_key": _to_base64(slot.wrapped_key),
                }
                for slot in self.slots
            ],
        }
        text = json.dumps(fields, sort_keys=True, separators=(",", ":")).encode("ascii")
        signed = MAGIC + text + b"\n"
        return signed + _mac(data_key, signed).hexdigest().encode("ascii") + b"\n"

    def _wrapper(self, key: bytes) -> AESGCM:
        # Not the key itself: it may be used elsewhere, and one for each object leaves no pair of
        # nonces to collide.
        kdf = HKDF(
            hashes.SHA256(),
            length=stream.KEY_SIZE,
            salt=self.object_id.encode("ascii"),
            info=b"ims-kms/1 wrap",
        )
        return AESGCM(kdf.derive(key))

    def _slot_aad(self, key_id: str) -> bytes:
        return f"ims-kms/1 slot\n{self.object_id}\n{self.image_id}\n{key_id}".encode()

    def _damaged(self, reason: str) -> exceptions.ObjectDamaged:
        return exceptions.ObjectDamaged(object_id=self.object_id, reason=reason)


def parse(stored: bytes, object_id: str) -> Header:
    """Read a stored header; it is not to be trusted before :func:`verify`.

    :param object_id: of the object whose header it is supposed to be
    :raises ObjectDamaged: if it is none, or belongs to another object
    """
    try:
        magic, text, _mac_line, rest = stored.split(b"\n")
        if magic + b"\n" != MAGIC or rest:
            raise ValueError("it does not begin with the magic words")
        header = _from_fields(json.loads(text))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise exceptions.ObjectDamaged(
            object_id=object_id, reason=f"its header is malformed ({type(error).__name__})"
        ) from None
    if header.object_id != object_id:
        raise exceptions.ObjectDamaged(
            object_id=object_id, reason=f"its header is that of object {header.object_id}"
        )
    return header


def verify(stored: bytes, header: Header, data_key: bytes) -> None:
    """Check the HMAC of a stored header.

    :raises ObjectDamaged: if anything in it was changed
    """
    signed, _newline, mac_line = stored[:-1].rpartition(b"\n")
    expected = _mac(data_key, signed + b"\n").hexdigest().encode("ascii")
    if not hmac.compare_digest(expected, mac_line):
        raise exceptions.ObjectDamaged(
            object_id=header.object_id, reason="its header does not authenticate"
        )


def _from_fields(fields: Any) -> Header:
    header = Header(
        object_id=_text(fields["object_id"]),
        image_id=_text(fields["image_id"]),
        plaintext_size=_size(fields["plaintext_size"]),
        prelude=_from_base64(fields["prelude"]),
        slots=tuple(
            Slot(
                _text(slot["key_id"]),
                _from_base64(slot["nonce"]),
                _from_base64(slot["wrapped_key"]),
            )
            for slot in fields["slots"]
        ),
    )
    if not is_object_id(header.object_id) or not header.slots:
        raise ValueError("no object id, or no slot")
    if any(len(slot.nonce) != _NONCE_SIZE for slot in header.slots):
        raise ValueError("a nonce has 12 bytes")
    return header


def _text(value: Any) -> str:
    # ASCII, as the format has it: half a surrogate pair in an id could not even be encoded.
    if not isinstance(value, str) or not value.isascii():
        raise TypeError("ASCII text expected")
    return value


def _size(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise TypeError("size expected")
    return value


def _to_base64(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")


def _from_base64(value: Any) -> bytes:
    try:
        return base64.b64decode(_text(value), validate=True)
    except binascii.Error as error:
        raise ValueError("base64 expected") from error


def _mac(data_key: bytes, signed: bytes) -> "hmac.HMAC":
    kdf = HKDF(hashes.SHA256(), length=32, salt=None, info=b"ims-kms/1 header")
    return hmac.new(kdf.derive(data_key), signed, hashlib.sha256)
