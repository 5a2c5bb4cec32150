# SPDX-License-Identifier: Apache-2.0
"""A second reader of the format, written from the text in ``ims_glance/crypto`` and nothing else.

It imports nothing of ims_glance: what it opens is what the text promises.
"""

import base64
import hashlib
import hmac
import json
import re

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_HEADER = re.compile(rb"(IMS-KMS 1\n([\x20-\x7e]+)\n)([0-9a-f]{64})\n")
_SEGMENT = 1048576


def open_object(name: str, header: bytes, body: bytes, keys: dict[str, bytes]) -> bytes:
    """The image.

    :param name: of the body
    :param keys: keys of the key manager by id
    """
    match = _HEADER.fullmatch(header)
    assert match is not None
    signed, line, mac = match.groups()
    fields = json.loads(line)
    assert line.decode() == json.dumps(fields, sort_keys=True, separators=(",", ":"))
    assert name == f"ims-{fields['object_id']}"
    slot = next(slot for slot in fields["slots"] if slot["key_id"] in keys)
    data_key = _unwrap(fields, slot, keys[slot["key_id"]])
    mac_key = _hkdf(data_key, None, b"ims-kms/1 header")
    assert mac.decode() == hmac.new(mac_key, signed, hashlib.sha256).hexdigest()
    assert body[:40] == base64.b64decode(fields["prelude"])
    image = _open_body(data_key, fields["object_id"].encode(), body)
    assert len(image) == fields["plaintext_size"]
    return image


def _unwrap(fields: dict[str, str], slot: dict[str, str], key: bytes) -> bytes:
    object_id, image_id = fields["object_id"], fields["image_id"]
    wrapping_key = _hkdf(key, object_id.encode(), b"ims-kms/1 wrap")
    aad = f"ims-kms/1 slot\n{object_id}\n{image_id}\n{slot['key_id']}".encode("ascii")
    nonce, wrapped = base64.b64decode(slot["nonce"]), base64.b64decode(slot["wrapped_key"])
    assert (len(nonce), len(wrapped)) == (12, 48)
    return AESGCM(wrapping_key).decrypt(nonce, wrapped, aad)


def _open_body(data_key: bytes, object_id: bytes, body: bytes) -> bytes:
    assert body[0] == 0x28
    salt, prefix = body[1:33], body[33:40]
    aead = AESGCM(_hkdf(data_key, salt, object_id))
    image = b""
    starts = range(0, len(body), _SEGMENT)
    for number, start in enumerate(starts):
        last = b"\x01" if number == len(starts) - 1 else b"\x00"
        ciphertext = body[max(start, 40) : start + _SEGMENT]
        image += aead.decrypt(prefix + number.to_bytes(4, "big") + last, ciphertext, None)
    return image


def _hkdf(key: bytes, salt: bytes | None, info: bytes) -> bytes:
    return HKDF(hashes.SHA256(), length=32, salt=salt, info=info).derive(key)
