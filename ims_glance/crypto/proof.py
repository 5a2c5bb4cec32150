# SPDX-License-Identifier: Apache-2.0
"""Proofs that the service wrote what lies where others can write as well. Facts in, text out.

A proof is HMAC-SHA256 over the facts as JSON, keys sorted, no white space, non-ASCII escaped. One of
the facts has to say what kind of facts they are. It proves who wrote them, and hides nothing.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence

SHORTEST_SECRET = 32
"""Characters. Whoever sees a proof can guess at its secret, and find out, for as long as they like."""


class Prover:
    """Makes proofs, and knows its own.

    :param secrets: the first one makes proofs, all are good for knowing them; without any no proof
        is made or known
    """

    def __init__(self, secrets: Sequence[str] = ()) -> None:
        self._keys = [secret.encode() for secret in secrets]

    def proof(self, facts: Mapping[str, str]) -> str | None:
        """A proof of *facts*: 64 hexadecimal digits; ``None`` without a secret."""
        return _mac(self._keys[0], facts) if self._keys else None

    def holds(self, facts: Mapping[str, str], proof: str) -> bool:
        """Whether *proof* was made, with any of the secrets, of exactly these facts."""
        given = proof.encode(errors="replace")
        return any(hmac.compare_digest(_mac(key, facts).encode(), given) for key in self._keys)


def _mac(key: bytes, facts: Mapping[str, str]) -> str:
    text = json.dumps(facts, sort_keys=True, separators=(",", ":"))
    return hmac.new(key, text.encode("ascii"), hashlib.sha256).hexdigest()
