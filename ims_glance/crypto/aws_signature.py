# SPDX-License-Identifier: Apache-2.0
"""A signature of AWS, version 4, for Keystone's ``/v3/ec2tokens``.

Keystone gives a token for a request that was signed with an EC2 credential, and does not care what
the request was for (``keystoneclient/contrib/ec2/utils.py`` checks it). So this is one fixed,
empty request.
"""

import datetime
import hashlib
import hmac

_HOST, _REGION, _SERVICE = "ims", "ims", "ims"
_SIGNED_HEADERS = "host;x-amz-date"
_EMPTY_HASH = hashlib.sha256(b"").hexdigest()


def ec2_credentials(access: str, secret: str, now: datetime.datetime) -> dict[str, object]:
    """What ``POST /v3/ec2tokens`` takes as ``credentials``; the secret is not in it.

    :param now: in UTC
    """
    stamp = now.strftime("%Y%m%dT%H%M%SZ")
    scope = f"{stamp[:8]}/{_REGION}/{_SERVICE}/aws4_request"
    headers = f"host:{_HOST}\nx-amz-date:{stamp}\n"
    canonical = f"GET\n/\n\n{headers}\n{_SIGNED_HEADERS}\n{_EMPTY_HASH}"
    text = "\n".join(
        ("AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(canonical.encode()).hexdigest())
    )
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = _hmac(key, part)
    authorization = (
        f"AWS4-HMAC-SHA256 Credential={access}/{scope}, SignedHeaders={_SIGNED_HEADERS}, "
        f"Signature={_hmac(key, text).hex()}"
    )
    return {
        "access": access,
        "signature": _hmac(key, text).hex(),
        "host": _HOST,
        "verb": "GET",
        "path": "/",
        "params": {},
        "headers": {"Host": _HOST, "X-Amz-Date": stamp, "Authorization": authorization},
        "body_hash": _EMPTY_HASH,
    }


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()
