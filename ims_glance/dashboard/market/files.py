# SPDX-License-Identifier: Apache-2.0
"""Files of products, which are somebody else's, as a browser may have them.

A logo is shown as what it is by its first bytes, whatever it is said to be; anything but a picture that is only a
picture is none (an SVG runs programs). A certificate is saved and never shown, under a name of ours.
"""

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from django import http

_PICTURES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)
_SUFFIXES = {"application/pdf": ".pdf", "application/zip": ".zip"}
# Seconds; a logo changes with a version of its product.
_KEPT = 3600


def content_of(file: Mapping[str, Any] | None) -> bytes:
    """What the service gave.

    :raises Http404: if it is none
    """
    try:
        found = base64.b64decode(str((file or {}).get("content") or ""), validate=True)
    except (binascii.Error, ValueError):
        found = b""
    if not found:
        raise http.Http404
    return found


def logo(file: Mapping[str, Any] | None) -> http.HttpResponse:
    """A picture.

    :raises Http404: if it is none
    """
    content = content_of(file)
    kind = next((kind for begin, kind in _PICTURES if content.startswith(begin)), None)
    if kind is None:
        raise http.Http404
    response = _harmless(http.HttpResponse(content, content_type=kind))
    response["Content-Disposition"] = "inline; filename=logo"
    response["Cache-Control"] = f"private, max-age={_KEPT}"
    return response


def certificate(file: Mapping[str, Any], number: int) -> http.HttpResponse:
    """A document, to be saved.

    :param number: from 1, of those of its product
    :raises Http404: if it is none
    """
    response = _harmless(
        http.HttpResponse(content_of(file), content_type="application/octet-stream")
    )
    name = f"certificate-{number}{_SUFFIXES.get(str(file.get('media_type')), '')}"
    response["Content-Disposition"] = f"attachment; filename={name}"
    response["Cache-Control"] = "no-store"
    return response


def _harmless(response: http.HttpResponse) -> http.HttpResponse:
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response
