# SPDX-License-Identifier: Apache-2.0
"""What Keystone said about the token of a request, beyond user, project and roles.

Keystone's middleware leaves it in the environment (``keystonemiddleware/auth_token``), where no
client can write.
"""

import uuid
from collections.abc import Mapping
from typing import Any

from ims_glance.clouds import identity

ACCESS_KEY = "ims_glance.ec2_access"
"""In the WSGI environment of a request that was signed: the access key."""

_INFO = "keystone.token_info"
_TRUST = "OS-TRUST:trust"
_EC2_METHOD = "ec2credential"
# Parts of a token that say what it was made with, and may limit what it is good for.
_LIMITS = {"application_credential": "id", _TRUST: "id", "OS-OAUTH1": "access_token_id"}
# A token that was exchanged for another one has both methods. Keystone exchanges none that is
# limited (``keystone/auth/plugins/token.py``).
_EXCHANGED = "token"


def described(environ: Mapping[str, Any]) -> Mapping[str, Any]:
    """The token as ``GET /v3/auth/tokens`` describes it; empty if nobody was authenticated."""
    info = environ.get(_INFO)
    token = info.get("token") if isinstance(info, dict) else None
    return token if isinstance(token, dict) else {}


def login(environ: Mapping[str, Any]) -> tuple[str, ...]:
    """How the caller logged in, as far as it says what their token may do.

    Two tokens of a user with the same roles and the same login may do the same; of others that is
    not known: an application credential may not delegate, or be kept to some paths by its access
    rules, and a trust has an end.

    :returns: sorted; not the same twice if nothing is known of the token
    """
    token = described(environ)
    if not token:
        return (f"unknown {uuid.uuid4()}",)
    methods = set(token.get("methods") or ())
    named = {f"method {method}" for method in methods - {_EXCHANGED} or methods}
    limits = {f"{part} {token[part].get(name)}" for part, name in _LIMITS.items() if part in token}
    return tuple(sorted(named | limits))


def grant(environ: Mapping[str, Any]) -> str | None:
    """What somebody delegated the token with: see :func:`ims_glance.clouds.identity.is_used`.

    Keystone makes tokens of EC2 credentials for services alone (``keystone/api/ec2tokens.py``). That
    of a request which its sender has signed was made by our own filter, and delegates nothing.

    :returns: ``None`` if nobody did
    """
    token = described(environ)
    if _EC2_METHOD in (token.get("methods") or ()):
        return None if ACCESS_KEY in environ else identity.ec2_grant("")
    return str(token[_TRUST].get("id")) if _TRUST in token else None
