# SPDX-License-Identifier: Apache-2.0
"""Google's Tink, as the other party that reads and writes bodies."""

import io

import tink
from tink import secret_key_access, streaming_aead
from tink.proto import aes_gcm_hkdf_streaming_pb2, common_pb2, tink_pb2

_TYPE_URL = "type.googleapis.com/google.crypto.tink.AesGcmHkdfStreamingKey"


def encrypt(data_key: bytes, object_id: str, plaintext: bytes) -> bytes:
    """A body written by Tink."""
    body = _KeptOpen()
    stream = _primitive(data_key).new_encrypting_stream(body, object_id.encode())
    stream.write(plaintext)
    stream.close()
    return body.getvalue()


def decrypt(data_key: bytes, object_id: str, body: bytes) -> bytes:
    """What Tink reads from a body.

    :raises tink.TinkError: if it does not open
    """
    stream = _primitive(data_key).new_decrypting_stream(io.BytesIO(body), object_id.encode())
    return stream.read()


class _KeptOpen(io.BytesIO):
    """Tink closes what it writes to, and the bytes would be gone."""

    def close(self) -> None:
        pass


def _primitive(data_key: bytes) -> streaming_aead.StreamingAead:
    """AES256_GCM_HKDF_1MB with this key."""
    streaming_aead.register()
    params = aes_gcm_hkdf_streaming_pb2.AesGcmHkdfStreamingParams(
        ciphertext_segment_size=1 << 20,
        derived_key_size=32,
        hkdf_hash_type=common_pb2.SHA256,
    )
    key = aes_gcm_hkdf_streaming_pb2.AesGcmHkdfStreamingKey(
        version=0, key_value=data_key, params=params
    )
    key_data = tink_pb2.KeyData(
        type_url=_TYPE_URL,
        value=key.SerializeToString(),
        key_material_type=tink_pb2.KeyData.SYMMETRIC,
    )
    keyset = tink_pb2.Keyset(
        primary_key_id=1,
        key=[
            tink_pb2.Keyset.Key(
                key_data=key_data,
                status=tink_pb2.ENABLED,
                key_id=1,
                output_prefix_type=tink_pb2.RAW,
            )
        ],
    )
    handle = tink.proto_keyset_format.parse(keyset.SerializeToString(), secret_key_access.TOKEN)
    return handle.primitive(streaming_aead.StreamingAead)
