# SPDX-License-Identifier: Apache-2.0
"""Our sum is that of Huawei's own signer, and nobody else's."""

import dataclasses
import hashlib
import string
import urllib.parse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ims_glance.api.front import signed_request
from ims_glance.crypto import sdk_signature
from tests.unit.api.front import sdk_requests

_TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)
_HEADER = st.text(string.printable[:95], max_size=20).map(str.strip)
_GOOD = (
    "SDK-HMAC-SHA256 Access=AK, SignedHeaders=host;x-sdk-date, Signature=" + "0123456789abcdef" * 4
)


def _message(
    environ: dict, body: bytes
) -> tuple[sdk_signature.Message, sdk_signature.Authorization]:
    authorization = sdk_signature.parse(environ["HTTP_AUTHORIZATION"])
    message = sdk_signature.Message(
        environ["REQUEST_METHOD"],
        environ["PATH_INFO"].encode("latin-1"),
        signed_request.query(environ),
        signed_request.headers(environ, authorization.signed_headers),
        hashlib.sha256(body).hexdigest(),
    )
    return message, authorization


@given(
    method=st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE"]),
    segments=st.lists(_TEXT, max_size=4),
    query=st.dictionaries(_TEXT.filter(bool), st.one_of(_TEXT, st.lists(_TEXT, max_size=3))),
    body=st.binary(max_size=40),
    extra=_HEADER,
)
def test_what_the_sdk_signs_is_valid(method, segments, query, body, extra):
    path = "/" + "/".join(urllib.parse.quote(segment, safe="") for segment in segments)
    environ = sdk_requests.signed(method, path, list(query.items()), body, X_Extra=extra)
    message, authorization = _message(environ, body)
    assert sdk_signature.is_valid(sdk_requests.SECRET, message, authorization)
    assert not sdk_signature.is_valid(sdk_requests.SECRET + "x", message, authorization)


def test_a_path_ends_with_a_slash_either_way():
    for path in ("/v2/cloudimages", "/v2/cloudimages/"):
        message, _authorization = _message(sdk_requests.signed(path=path), b"")
        text = sdk_signature.canonical_request(message, ["host"])
        assert text.startswith(b"GET\n/v2/cloudimages/\n")


def test_header_that_is_not_there():
    message, authorization = _message(sdk_requests.signed(), b"")
    rest = {name: value for name, value in message.headers.items() if name != "x-project-id"}
    message = dataclasses.replace(message, headers=rest)
    assert not sdk_signature.is_valid(sdk_requests.SECRET, message, authorization)


def test_parse():
    found = sdk_signature.parse(_GOOD)
    assert found == sdk_signature.Authorization("AK", ("host", "x-sdk-date"), _GOOD[-64:])


@pytest.mark.parametrize(
    "text",
    [
        "",
        _GOOD.replace("SHA256", "SM3"),
        _GOOD.replace("SDK-HMAC-SHA256", "V11-HMAC-SHA256"),
        _GOOD.replace("Access", "Credential"),
        _GOOD.replace("Access=AK", "Access="),
        _GOOD.replace("Access=AK", "Access=a/b"),
        _GOOD.replace("host;", ""),
        _GOOD.replace(";x-sdk-date", ""),
        _GOOD.replace("host;x-sdk-date", "x-sdk-date;host"),
        _GOOD.replace("host;", "host;host;"),
        _GOOD.replace("host;", "Host;"),
        _GOOD[:-1],
        _GOOD + "0",
        _GOOD.upper(),
        _GOOD + ", Signature=" + "0" * 64,
        _GOOD.replace("AK", "\u0660"),
    ],
)
def test_parse_refuses(text):
    with pytest.raises(ValueError) as caught:
        sdk_signature.parse(text)
    assert not text or text not in str(caught.value)
