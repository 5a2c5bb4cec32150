# SPDX-License-Identifier: Apache-2.0
"""The manifest of an OVA: DSP0243, section 5.2."""

from collections.abc import Mapping


def text(digests: Mapping[str, str]) -> bytes:
    """The manifest.

    :param digests: SHA-256 of each file in hexadecimal, by its name
    """
    return "".join(f"SHA256({name})= {digest}\n" for name, digest in digests.items()).encode()
