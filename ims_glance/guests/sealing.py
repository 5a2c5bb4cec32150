# SPDX-License-Identifier: Apache-2.0
"""The head of a file that QEMU encrypts: LUKS 1, as in "LUKS On-Disk Format Specification" 1.2.3.

QEMU makes such heads as well, and measures the processor for a second or more before, twice, to choose how
hard a password is to guess; on a busy machine it fails at that. Passwords here are random, and used once.
"""

import hashlib
import secrets
import struct
import uuid

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

SIZE = 2 << 20
"""Bytes of the head; the data follow."""

_SECTOR = 512
_MASTER_BYTES = 64
_STRIPES = 4000
_ROUNDS = 1000
_MATERIAL_AT = 8
"""Sector of the sealed master key."""
_SLOTS = 8
_ACTIVE, _INACTIVE = 0x00AC71F3, 0x0000DEAD
_DIGEST_BYTES = 20
_HEAD = struct.Struct(">6sH32s32s32sII20s32sI40s")
_SLOT = struct.Struct(">II32sII")
_HASH = "sha256"


def head(password: bytes) -> bytes:
    """The head of an empty file, with a master key of its own: AES-256 in XTS."""
    master = secrets.token_bytes(_MASTER_BYTES)
    salt, slot_salt = secrets.token_bytes(32), secrets.token_bytes(32)
    digest = hashlib.pbkdf2_hmac(_HASH, master, salt, _ROUNDS, _DIGEST_BYTES)
    fields = _HEAD.pack(
        *(
            b"LUKS\xba\xbe",
            1,
            b"aes",
            b"xts-plain64",
            _HASH.encode(),
            SIZE // _SECTOR,
            _MASTER_BYTES,
        ),
        *(digest, salt, _ROUNDS, str(uuid.uuid4()).encode()),
    )
    sectors = -(-_MASTER_BYTES * _STRIPES // 4096) * 8
    slots = _SLOT.pack(_ACTIVE, _ROUNDS, slot_salt, _MATERIAL_AT, _STRIPES)
    for number in range(1, _SLOTS):
        at = _MATERIAL_AT + number * sectors
        slots += _SLOT.pack(_INACTIVE, 0, bytes(32), at, _STRIPES)
    key = hashlib.pbkdf2_hmac(_HASH, password, slot_salt, _ROUNDS, _MASTER_BYTES)
    whole = bytearray(SIZE)
    whole[: len(fields) + len(slots)] = fields + slots
    material = _encrypted(key, _split(master))
    at = _MATERIAL_AT * _SECTOR
    whole[at : at + len(material)] = material
    return bytes(whole)


def _split(master: bytes) -> bytes:
    """The key in stripes, all of which are needed for it (section 2.4)."""
    stripes = [secrets.token_bytes(len(master)) for _ in range(_STRIPES - 1)]
    mixed = bytes(len(master))
    for stripe in stripes:
        mixed = _diffused(_xor(mixed, stripe))
    return b"".join([*stripes, _xor(mixed, master)])


def _diffused(data: bytes) -> bytes:
    step = hashlib.new(_HASH).digest_size
    parts = (
        hashlib.new(_HASH, struct.pack(">I", number) + data[at : at + step]).digest()
        for number, at in enumerate(range(0, len(data), step))
    )
    return b"".join(parts)


def _xor(one: bytes, other: bytes) -> bytes:
    return (int.from_bytes(one) ^ int.from_bytes(other)).to_bytes(len(one))


def _encrypted(key: bytes, data: bytes) -> bytes:
    """AES-XTS of sectors, which are counted from 0."""
    sealed = []
    for number, at in enumerate(range(0, len(data), _SECTOR)):
        mode = modes.XTS(struct.pack("<QQ", number, 0))
        encryptor = Cipher(algorithms.AES(key), mode).encryptor()
        sealed.append(encryptor.update(data[at : at + _SECTOR]) + encryptor.finalize())
    return b"".join(sealed)
