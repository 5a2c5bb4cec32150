# SPDX-License-Identifier: Apache-2.0
"""Requests as Huawei's own SDK signs them, as a WSGI server hands them on."""

import io
import urllib.parse
from typing import Any

from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.sdk_request import SdkRequest
from huaweicloudsdkcore.signer.signer import Signer

ACCESS, SECRET, PROJECT = "a" * 32, "s3cret" * 5, "p" * 32
JSON = "application/json;charset=utf-8"


def signed(
    method: str = "GET",
    path: str = "/v2/cloudimages",
    query: list[tuple[str, object]] | None = None,
    body: bytes = b"",
    signer: Any = Signer,
    secret: str = SECRET,
    **headers: str,
) -> dict[str, Any]:
    """The WSGI environment of a signed request.

    :param path: percent-encoded, as in a request line
    :param headers: with ``_`` for ``-``
    """
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = SdkRequest(
        method=method,
        schema="http",
        host="glance:9292",
        resource_path=path,
        query_params=list(query or []),
        header_params={
            "Content-Type": JSON,
            "User-Agent": "huaweicloud-usdk-python/3.0",
            "X-Project-Id": PROJECT,
            **named,
        },
        body=body,
    )
    credentials = BasicCredentials(ACCESS, secret, PROJECT)
    sent = signer(credentials).sign(request)
    return environ(method, sent.uri, sent.header_params, body)


def environ(method: str, uri: str, headers: dict[str, str], body: bytes) -> dict[str, Any]:
    """The WSGI environment of a request, as uWSGI makes it."""
    path, _mark, query = uri.partition("?")
    made = {
        "REQUEST_METHOD": method,
        "REQUEST_URI": uri,
        "SCRIPT_NAME": "",
        "PATH_INFO": urllib.parse.unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query,
        "SERVER_NAME": "glance",
        "SERVER_PORT": "9292",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.url_scheme": "http",
        "wsgi.version": (1, 0),
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
    }
    for name, value in headers.items():
        key = name.upper().replace("-", "_")
        made[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value
    if body:
        made["CONTENT_LENGTH"] = str(len(body))
    return made
