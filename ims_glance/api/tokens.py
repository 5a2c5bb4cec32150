# SPDX-License-Identifier: Apache-2.0
"""What Keystone said about the token of a request, beyond user, project and roles.

Keystone's middleware leaves it in the environment (``keystonemiddleware/auth_token``), where no
client can write.
"""

import uuid
from collections.abc import Mapping
from typing import Any

_INFO = "keystone.token_info"
_TRUST = "OS-TRUST:trust"
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


def trust_id(environ: Mapping[str, Any]) -> str | None:
    """Id of the trust that the token was made with, if it was made with one."""
    found = described(environ).get(_TRUST, {}).get("id")
    return None if found is None else str(found)
