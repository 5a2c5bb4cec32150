# SPDX-License-Identifier: Apache-2.0
"""Reading bodies that go on to Glance."""

import io
import json

import pytest
from glance.common import wsgi

from ims_glance.api.native import bodies


def request(body: bytes, **headers: str) -> wsgi.Request:
    return wsgi.Request.blank("/", method="POST", body=body, headers=headers)


def chunked(body: bytes) -> wsgi.Request:
    """As servers hand over a chunked body: no length, and a stream that ends by itself."""
    made = wsgi.Request.blank("/", method="POST", headers={"Transfer-Encoding": "chunked"})
    made.environ.pop("CONTENT_LENGTH", None)
    made.environ["wsgi.input"] = io.BytesIO(body)
    return made


def as_glance(made: wsgi.Request) -> object:
    return wsgi.JSONRequestDeserializer().default(wsgi.Request(made.environ))["body"]


@pytest.mark.parametrize("make", [request, chunked])
def test_body_can_be_read_again(make) -> None:
    content = {"name": "\N{SNOWMAN}", "n": [1, None]}
    made = make(json.dumps(content).encode())
    assert bodies.read_json(made) == content
    assert as_glance(made) == content
    assert as_glance(made) == content


@pytest.mark.parametrize("make", [request, chunked])
def test_body_is_replaced(make) -> None:
    made = make(b'{"stores": "x"}')
    bodies.read_json(made)
    bodies.write_json(made, {"stores": ["kms"], "name": "\N{SNOWMAN}"})
    assert as_glance(made) == {"stores": ["kms"], "name": "\N{SNOWMAN}"}
    assert made.content_length == len(made.body)
    assert "Transfer-Encoding" not in made.headers


@pytest.mark.parametrize("body", [b"{", b"\xff", b"x", b"[" * 100_000, b""])
def test_no_json(body: bytes) -> None:
    made = request(body)
    assert bodies.read_json(made) is None
    assert made.body == body


def test_method_without_body() -> None:
    made = wsgi.Request.blank("/", headers={"Transfer-Encoding": "chunked"})
    assert bodies.read_json(made) is None


@pytest.mark.parametrize("body", [b"[]", b"[1]", b'"text"', b"7", b"true"])
def test_what_must_be_an_object(body) -> None:
    with pytest.raises(bodies.BodyNotObject):
        bodies.read_object(request(body))


@pytest.mark.parametrize(("body", "content"), [(b'{"a": 1}', {"a": 1}), (b"", None), (b"{", None)])
def test_objects_and_what_glance_refuses_itself(body, content) -> None:
    assert bodies.read_object(request(body)) == content
