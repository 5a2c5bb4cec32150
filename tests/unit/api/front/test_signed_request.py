# SPDX-License-Identifier: Apache-2.0
"""The request as it was signed: prefixes, encodings, bodies of all kinds."""

import hashlib
import io

import pytest

from ims_glance.api.front import signed_request
from ims_glance.crypto import sdk_signature
from tests.unit.api.front import sdk_requests

UNSIGNED = sdk_signature.UNSIGNED
PATCH = "application/openstack-images-v2.1-json-patch"


@pytest.mark.parametrize(
    ("raw", "script", "path", "expected"),
    [
        ("/v2/images", "", "/v2/images", [b"/v2/images"]),
        ("/v2/images?a=b", "", "/v2/images", [b"/v2/images"]),
        ("/image/v2/images", "/image", "/v2/images", [b"/image/v2/images"]),
        # A proxy took the prefix off, and told so.
        ("/v2/images", "/image", "/v2/images", [b"/v2/images", b"/image/v2/images"]),
        ("//v2//images/", "", "/v2/images/", [b"//v2//images/", b"/v2/images/"]),
        ("/image", "/image", "/", [b"/image", b"/image/"]),
        ("http://glance:9292/v2/images?a", "", "/v2/images", [b"/v2/images"]),
        ("http://[glance/v2/images", "", "/v2/images", [b"/v2/images"]),
        ("/v2/a%2Fb%C3%A9", "", "/v2/a/b\xc3\xa9", [b"/v2/a/b\xc3\xa9"]),
        (None, "/image", "/v2", [b"/image/v2"]),
        # What is asked for is not what the line says.
        ("/v2/images/1", "", "/v2/images/2", [b"/v2/images/2"]),
    ],
)
def test_paths(raw, script, path, expected):
    environ = {"SCRIPT_NAME": script, "PATH_INFO": path}
    if raw is not None:
        environ["REQUEST_URI"] = raw
    assert signed_request.paths(environ) == expected
    if raw is not None:
        del environ["REQUEST_URI"]
        assert signed_request.paths({**environ, "RAW_URI": raw}) == expected


def test_query():
    environ = {"QUERY_STRING": "b=%C3%A9&a=1+2%2B&&c&a=%3D=;&%zz=\xe9"}
    assert signed_request.query(environ) == [
        (b"b", b"\xc3\xa9"),
        (b"a", b"1 2+"),
        (b"c", b""),
        (b"a", b"==;"),
        (b"%zz", b"\xe9"),
    ]
    assert signed_request.query({}) == []


def test_headers():
    environ = {
        "HTTP_HOST": "h",
        "CONTENT_TYPE": "t",
        "HTTP_X_A_B": "\xe9",
        "HTTP_CONTENT_TYPE": "x",
    }
    assert signed_request.headers(environ, ["host", "content-type", "x-a-b", "x-none"]) == {
        "host": b"h",
        "content-type": b"t",
        "x-a-b": b"\xe9",
    }


def _environ(body=b"", told=None, content_type=sdk_requests.JSON):
    headers = {"Content-Type": content_type}
    if told is not None:
        headers["X-Sdk-Content-Sha256"] = told
    return sdk_requests.environ("PATCH", "/", headers, body)


def _hash(environ, signed=("content-type",), max_mib=1):
    return signed_request.hash_body(environ, signed, max_mib)


@pytest.mark.parametrize("body", [b"", b"x", b"x" * 200_000])
@pytest.mark.parametrize("tells", [True, False])
def test_a_body_is_hashed_and_passed_on(body, tells):
    digest = hashlib.sha256(body).hexdigest()
    environ = _environ(body, digest if tells else None)
    assert _hash(environ) == digest
    assert environ["wsgi.input"].read() == body
    assert environ.get("CONTENT_LENGTH", "0") == str(len(body))


def test_a_chunked_body_becomes_a_plain_one():
    environ = _environ() | {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input": io.BytesIO(b"abc")}
    environ["wsgi.input_terminated"] = True
    assert _hash(environ) == hashlib.sha256(b"abc").hexdigest()
    assert environ["CONTENT_LENGTH"] == "3"
    assert "HTTP_TRANSFER_ENCODING" not in environ


def test_the_hash_that_the_client_tells_is_not_believed():
    with pytest.raises(signed_request.NotSigned):
        _hash(_environ(b"abc", hashlib.sha256(b"other").hexdigest()))


@pytest.mark.parametrize(
    "content_type", [PATCH, PATCH.replace("1", "0"), PATCH + "; charset=utf-8"]
)
def test_a_patch_may_be_unsigned(content_type):
    environ = _environ(b"[]", UNSIGNED, content_type)
    assert _hash(environ) == UNSIGNED
    assert environ["wsgi.input"].read() == b"[]"
    with pytest.raises(signed_request.NotSigned):
        _hash(_environ(b"[]", UNSIGNED, content_type), signed=("host",))


@pytest.mark.parametrize(
    "content_type", [sdk_requests.JSON, "application/octet-stream", "", PATCH + "x", "x" + PATCH]
)
def test_nothing_else_may_be_unsigned(content_type):
    with pytest.raises(signed_request.NotSigned):
        _hash(_environ(b"x", UNSIGNED, content_type))


def _upload(
    path="/v2/images/i/file", method="PUT", content_type="application/octet-stream", **more
):
    environ = _environ(b"data", UNSIGNED, content_type)
    return environ | {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "wsgi.url_scheme": "https",
        **more,
    }


@pytest.mark.parametrize(
    "path", ["/v2/images/i/file", "/v2/images/i/stage", "//v2.9/images/i//file/"]
)
def test_data_of_an_image_may_be_unsigned(path):
    """And is not read, however much it is."""
    environ = _upload(path)
    environ["CONTENT_LENGTH"] = str(2**40)
    assert _hash(environ) == UNSIGNED
    assert environ["wsgi.input"].tell() == 0
    with pytest.raises(signed_request.NotSigned):
        _hash(_upload(path), signed=("host",))


@pytest.mark.parametrize(
    "change",
    [
        {"method": "POST"},
        {"path": "/v2/images/i/import"},
        {"path": "/v2/images/i/file/x"},
        {"path": "/v1/cloudimages/i/file"},
        {"content_type": sdk_requests.JSON},
        {"content_type": "text/plain"},
    ],
)
def test_nothing_beside_the_data(change):
    with pytest.raises(signed_request.NotSigned, match="Content-Type"):
        _hash(_upload(**change))


@pytest.mark.parametrize(
    ("way", "is_private"),
    [
        ({"wsgi.url_scheme": "https", "REMOTE_ADDR": "192.0.2.1"}, True),
        ({"REMOTE_ADDR": "127.0.0.1"}, True),
        ({"REMOTE_ADDR": "::1"}, True),
        ({"REMOTE_ADDR": "192.0.2.1"}, False),
        ({"REMOTE_ADDR": ""}, False),
        ({}, False),
        # A proxy on this host, whose client may be anywhere.
        ({"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "192.0.2.1"}, False),
        ({"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_PROTO": "https"}, False),
    ],
)
def test_unsigned_data_only_where_nobody_can_change_it(way, is_private):
    environ = _upload(**{"wsgi.url_scheme": "http", **way})
    if is_private:
        assert _hash(environ) == UNSIGNED
        return
    with pytest.raises(signed_request.NotSigned, match="https, or upload with a Keystone token"):
        _hash(environ)


def test_an_absent_body_is_not_unsigned():
    """The SDK says so of requests without a body too, and signs the hash of nothing."""
    assert _hash(_environ(b"", UNSIGNED, PATCH)) == sdk_signature.EMPTY_HASH


@pytest.mark.parametrize("is_chunked", [True, False])
def test_too_large(is_chunked):
    limit = 1024 * 1024
    environ = _environ(b"x" * limit)
    assert _hash(environ)
    environ = _environ(b"x" * (limit + 1))
    if is_chunked:
        environ |= {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}
        del environ["CONTENT_LENGTH"]
    with pytest.raises(signed_request.SignedBodyTooLarge, match="1 MiB"):
        _hash(environ)
