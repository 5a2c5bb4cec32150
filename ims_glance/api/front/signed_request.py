# SPDX-License-Identifier: Apache-2.0
"""A WSGI request as its client signed it: the raw target, the headers, and the hash of the body."""

import hashlib
import io
import ipaddress
import re
import urllib.parse
from collections.abc import Iterable
from typing import Any

from glance.common import wsgi

from ims_glance import exceptions
from ims_glance.crypto import sdk_signature

Environ = dict[str, Any]

_CHUNK = 64 * 1024
_SLASHES = re.compile(b"//+")
# huaweicloudsdkcore leaves the bodies of other types than application/json unsigned; of the
# operations of IMS that is "glance_update_image".
_PATCH = re.compile(r"application/openstack-images-v2\.\d+-json-patch *(;.*)?", re.IGNORECASE)
# Of the Image API, what takes the data of an image: too much for anybody to hash it first.
_DATA = re.compile(r"application/octet-stream *(;.*)?", re.IGNORECASE)
_DATA_PATH = re.compile(r"/v2(\.\d+)?/images/[^/]+/(file|stage)")
# Whoever passes a request on says so in one of these.
_FORWARDED = ("HTTP_FORWARDED", "HTTP_VIA", "HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO")


class SignedBodyTooLarge(exceptions.Invalid):
    """The body is larger than what is checked."""

    template = (
        "The body of a signed request may have {mib} MiB at most. Leave the data of an image out of "
        "the signature (UNSIGNED-PAYLOAD) and use https, or upload with a Keystone token."
    )


class NotSigned(ValueError):
    """The signature cannot cover the request; the text says why."""


def paths(environ: Environ) -> list[bytes]:
    """What the path may have been that the client signed, percent-decoded.

    A proxy may have taken a prefix off the request line and told it apart, so there may be two.
    Each is what this service is asked for, with or without that prefix, and nothing else.
    """
    asked = _bytes(environ.get("PATH_INFO", ""))
    whole = _bytes(environ.get("SCRIPT_NAME", "")) + asked
    # uWSGI and Apache, gunicorn, werkzeug.
    names = ("REQUEST_URI", "RAW_URI")
    raw = next((environ[name] for name in names if environ.get(name)), None)
    candidates = [] if raw is None else [_path_of(raw)]
    candidates += [path for path in (whole,) if path not in candidates]
    meant = {_plain(asked), _plain(whole)}
    return [path for path in candidates if _plain(path) in meant]


def query(environ: Environ) -> list[tuple[bytes, bytes]]:
    """The parameters, decoded as Glance decodes them."""
    pairs = _bytes(environ.get("QUERY_STRING", "")).replace(b"+", b" ").split(b"&")
    halves = (pair.partition(b"=") for pair in pairs if pair)
    unquote = urllib.parse.unquote_to_bytes
    return [(unquote(name), unquote(value)) for name, _equals, value in halves]


def headers(environ: Environ, names: Iterable[str]) -> dict[str, bytes]:
    """Those of the headers *names* (in lower case) that the request has."""
    found = {}
    for name in names:
        key = name.upper().replace("-", "_")
        value = environ.get(key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}")
        if value is not None:
            found[name] = _bytes(value)
    return found


def hash_body(environ: Environ, signed_headers: Iterable[str], max_mib: int) -> str:
    """SHA-256 of the body in hexadecimal, or the word for a body that may be left unsigned.

    Afterwards the request can be passed on. What the client says to be the hash counts for nothing.

    :raises BodyTooLarge: if the body has more than *max_mib*
    :raises NotSigned: if the client left the body out of the signature and must not
    """
    told = environ.get("HTTP_X_SDK_CONTENT_SHA256", "").strip()
    if told == sdk_signature.UNSIGNED and _has_body(environ):
        _check_unsigned(environ, signed_headers)
        return sdk_signature.UNSIGNED
    body, digest = _read(environ, max_mib)
    if told and told not in (digest, sdk_signature.UNSIGNED):
        raise NotSigned("X-Sdk-Content-Sha256 is not the hash of the body")
    _replay(environ, body)
    return digest


def _check_unsigned(environ: Environ, signed_headers: Iterable[str]) -> None:
    """Check that the body may be one that nobody signed.

    :raises NotSigned: if not
    """
    content_type = environ.get("CONTENT_TYPE", "").strip()
    is_signed = "content-type" in signed_headers
    if is_signed and _PATCH.fullmatch(content_type):
        return
    is_upload = environ["REQUEST_METHOD"] == "PUT" and _DATA_PATH.fullmatch(
        _plain(_bytes(environ.get("PATH_INFO", ""))).decode("latin-1")
    )
    if not (is_signed and is_upload and _DATA.fullmatch(content_type)):
        raise NotSigned("a body of this Content-Type must be signed")
    if not _is_private(environ):
        raise NotSigned(
            "data that is not signed (UNSIGNED-PAYLOAD) is taken over TLS only, since others could "
            "put theirs in its place; use https, or upload with a Keystone token"
        )


def _is_private(environ: Environ) -> bool:
    """Whether nobody on the way can change the request: over TLS, or within this host.

    Behind a proxy, ``http_proxy_to_wsgi`` says how the client came, if it is told to believe it.
    """
    if environ.get("wsgi.url_scheme") == "https":
        return True
    try:
        is_local = ipaddress.ip_address(environ.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False
    return is_local and not any(environ.get(name) for name in _FORWARDED)


def _read(environ: Environ, max_mib: int) -> tuple[io.BytesIO, str]:
    """The body and its hash. It is in memory once: on a disk it would rest in plaintext."""
    limit = max_mib * 1024 * 1024
    request = wsgi.Request(environ)
    kept, digest = io.BytesIO(), hashlib.sha256()
    if not _has_body(environ):
        return kept, digest.hexdigest()
    if (request.content_length or 0) > limit:
        raise SignedBodyTooLarge(mib=max_mib)
    stream = request.body_file
    while chunk := stream.read(_CHUNK):
        if kept.tell() + len(chunk) > limit:
            raise SignedBodyTooLarge(mib=max_mib)
        kept.write(chunk)
        digest.update(chunk)
    return kept, digest.hexdigest()


def _replay(environ: Environ, body: io.BytesIO) -> None:
    if not _has_body(environ):
        return
    environ["CONTENT_LENGTH"] = str(body.tell())
    body.seek(0)
    environ["wsgi.input"] = body
    # It is no chunked stream any more: under uWSGI, Glance would go and read the next chunk.
    environ.pop("HTTP_TRANSFER_ENCODING", None)


def _has_body(environ: Environ) -> bool:
    is_chunked = "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower()
    return is_chunked or environ.get("CONTENT_LENGTH") not in (None, "", "0")


def _path_of(target: str) -> bytes:
    """The path of a request target, which is an address for a proxy, or a path and a query."""
    if not target.startswith("/"):
        try:
            target = urllib.parse.urlsplit(target).path
        except ValueError:  # a host in brackets that is none
            target = ""
    return urllib.parse.unquote_to_bytes(target.partition("?")[0].encode("latin-1"))


def _plain(path: bytes) -> bytes:
    """The path without doubled and final slashes, which make no difference."""
    return _SLASHES.sub(b"/", path).rstrip(b"/")


def _bytes(text: str) -> bytes:
    """As it came: WSGI's text is of bytes."""
    return text.encode("latin-1")
