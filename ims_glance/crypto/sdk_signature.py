# SPDX-License-Identifier: Apache-2.0
"""Signatures of Huawei's SDKs, algorithm ``SDK-HMAC-SHA256``: the text that is signed, and the sum.

As ``huaweicloudsdkcore/signer/signer.py`` makes them. Everything here is bytes as they came over the
wire, percent-decoded once: what cannot be told apart after decoding is the same request.
"""

import dataclasses
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping

ALGORITHM = "SDK-HMAC-SHA256"
DATE, HOST, CONTENT_HASH = "x-sdk-date", "host", "x-sdk-content-sha256"
UNSIGNED = "UNSIGNED-PAYLOAD"
EMPTY_HASH = hashlib.sha256(b"").hexdigest()

_MANDATORY = frozenset({HOST, DATE})
# Keystone makes access keys of 32 hexadecimal digits; a user may choose others.
_AUTHORIZATION = re.compile(
    ALGORITHM + r" +Access=(?P<access>[A-Za-z0-9_.~@:+=-]{1,255}), *"
    r"SignedHeaders=(?P<headers>[a-z0-9!#$%&'*+.^`|~;-]{1,4096}), *"
    r"Signature=(?P<signature>[0-9a-f]{64})",
    re.ASCII,
)
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-~")
_QUOTED = tuple(bytes([c]) if c in _UNRESERVED else b"%%%02X" % c for c in range(256))


@dataclasses.dataclass(frozen=True)
class Authorization:
    """What the header ``Authorization`` says.

    :ivar access: access key (AK)
    :ivar signed_headers: names in lower case, sorted
    :ivar signature: 64 hexadecimal digits
    """

    access: str
    signed_headers: tuple[str, ...]
    signature: str


@dataclasses.dataclass(frozen=True)
class Message:
    """A request as far as it is signed.

    :ivar path: percent-decoded
    :ivar query: names and values, decoded, in any order
    :ivar headers: values by lower-case names; those that are signed at least
    :ivar body_hash: SHA-256 of the body in hexadecimal, or :data:`UNSIGNED`
    """

    method: str
    path: bytes
    query: Iterable[tuple[bytes, bytes]]
    headers: Mapping[str, bytes]
    body_hash: str


def parse(authorization: str) -> Authorization:
    """Read the header.

    :raises ValueError: if it is not of this algorithm and form; the text says why and repeats
        nothing of the header
    """
    match = _AUTHORIZATION.fullmatch(authorization.strip())
    if match is None:
        raise ValueError(f"it must be '{ALGORITHM} Access=..., SignedHeaders=..., Signature=...'")
    names = match["headers"].split(";")
    if names != sorted(set(names)):
        raise ValueError("the names in SignedHeaders must be sorted, and each be there once")
    if missing := sorted(_MANDATORY.difference(names)):
        raise ValueError(f"SignedHeaders must name {' and '.join(missing)}")
    return Authorization(match["access"], tuple(names), match["signature"])


def canonical_request(message: Message, signed_headers: Iterable[str]) -> bytes:
    """The text whose hash is signed.

    :raises KeyError: if a signed header is not in the message
    """
    names = tuple(signed_headers)
    path = b"/".join(_quote(segment) for segment in message.path.split(b"/"))
    headers = [name.encode() + b":" + message.headers[name].strip() for name in names]
    return b"\n".join(
        (
            message.method.upper().encode(),
            path if path.endswith(b"/") else path + b"/",
            b"&".join(_quote(k) + b"=" + _quote(v) for k, v in sorted(message.query)),
            *headers,
            b"",
            ";".join(names).encode(),
            message.body_hash.encode(),
        )
    )


def sign(secret: str, message: Message, signed_headers: Iterable[str]) -> str:
    """The signature in hexadecimal.

    :param secret: secret key (SK)
    :raises KeyError: if a signed header is not in the message
    """
    digest = hashlib.sha256(canonical_request(message, signed_headers)).hexdigest()
    date = message.headers[DATE].strip()
    text = b"\n".join((ALGORITHM.encode(), date, digest.encode()))
    return hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()


def is_valid(secret: str, message: Message, authorization: Authorization) -> bool:
    """Whether the request was signed with *secret*; compared in constant time."""
    try:
        expected = sign(secret, message, authorization.signed_headers)
    except KeyError:
        return False
    return hmac.compare_digest(expected, authorization.signature)


def _quote(text: bytes) -> bytes:
    return b"".join(map(_QUOTED.__getitem__, text))
