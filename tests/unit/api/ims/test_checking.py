# SPDX-License-Identifier: Apache-2.0
"""Requests against schemas, and the IMS codes that schemas name."""

import io
import json
import time

import pytest
from glance.common import wsgi

from ims_glance import exceptions
from ims_glance.api.ims import checking
from ims_glance.api.ims.operation import Answer, Operation
from ims_glance.api.ims.operations import OPERATIONS

NAME = {
    "type": "string",
    "maxLength": 3,
    "x-ims-code": "IMG.0002",
    "x-ims-code-missing": "IMG.0013",
}
BODY = {
    "type": "object",
    "properties": {"name": NAME, "many": {"type": "array", "items": {"type": "integer"}}},
    "required": ["name"],
}


def _operation(**fields):
    return Operation("o", "POST", "/x", lambda _call: Answer(), "An operation", **fields)


def _read(raw, schema=BODY, **request):
    blank = wsgi.Request.blank("/x", method="POST", body=raw, **request)
    return checking.read_body(blank, _operation(body=schema), 1)


def test_a_body():
    assert _read(b'{"name": "abc", "more": 1}') == {"name": "abc", "more": 1}


@pytest.mark.parametrize(
    ("raw", "code", "text"),
    [
        (b"", "IMG.0007", "no body"),
        (b"  ", "IMG.0007", "no body"),
        (b"{", "IMG.0001", "not valid JSON"),
        (b'{"name": NaN}', "IMG.0001", "NaN"),
        (b"\xff\xfe", "IMG.0001", "not valid JSON"),
        (b"[" * 900, "IMG.0001", "not valid JSON"),
        (b"[]", "IMG.0016", "body: "),
        (b"{}", "IMG.0013", "body: 'name' is a required property"),
        (b'{"name": "abcd"}', "IMG.0002", "body.name: "),
        (b'{"name": "a", "many": [1, "x"]}', "IMG.0016", r"body.many\[1\]: "),
        (b" " * 1025, "IMG.0016", "larger than 1 KiB"),
    ],
)
def test_refusals(raw, code, text):
    with pytest.raises(exceptions.Invalid, match=text) as refused:
        _read(raw)
    assert refused.value.code == code
    assert len(str(refused.value)) < 400


@pytest.mark.parametrize("depth", range(850, 1000))
def test_no_depth_is_too_much(depth):
    """Python's limit may be met in reading, in checking, or in wording the refusal."""
    raw = b'{"name":' + b"[" * depth + b"]" * depth + b"}"
    request = wsgi.Request.blank("/x", method="POST", body=raw)
    with pytest.raises(exceptions.Invalid):
        checking.read_body(request, _operation(body=BODY), 4)


def test_no_more_is_read_than_is_allowed():
    request = wsgi.Request.blank("/x", method="POST")
    request.headers["Transfer-Encoding"] = "chunked"
    request.body_file = io.BytesIO(b" " * 10_000_000)
    request.environ.pop("CONTENT_LENGTH", None)
    with pytest.raises(checking.BodyTooLarge):
        checking.read_body(request, _operation(body=BODY), 1)


@pytest.mark.parametrize(("own", "option"), [(2, "makes sense here"), (1, "max_body_kib")])
def test_an_operation_may_take_larger_bodies(own, option):
    schema = {"type": "object"}
    operation = _operation(body=schema, max_body_kib=own)
    for size, is_taken in ((own * 1024, True), (own * 1024 + 1, False)):
        raw = b'{"a": "' + b"x" * (size - 9) + b'"}'
        blank = wsgi.Request.blank("/x", method="POST", body=raw)
        if is_taken:
            assert checking.read_body(blank, operation, 1)
        else:
            with pytest.raises(checking.BodyTooLarge, match=option):
                checking.read_body(blank, operation, 1)


def test_an_operation_without_a_body_reads_none():
    request = wsgi.Request.blank("/x", method="POST", body=b"{")
    assert checking.read_body(request, _operation(), 1) is None


def _with_unique(schema, value):
    """Values for a schema, each with *value* at one of the places where items have to be unique."""
    if schema.get("uniqueItems"):
        yield value
    for name, inner in schema.get("properties", {}).items():
        yield from ({name: found} for found in _with_unique(inner, value))
    if "items" in schema:
        yield from ([found] for found in _with_unique(schema["items"], value))


MIXED = [number if number % 2 else str(number) for number in range(20_000)]
CASES = [(each, body) for each in OPERATIONS for body in _with_unique(each.body or {}, MIXED)]


def test_there_are_operations_with_unique_items():
    assert {operation.name for operation, _body in CASES} >= {
        "batch_add_members", "batch_delete_members", "list_image_by_tags",
    }  # fmt: skip


@pytest.mark.parametrize(("operation", "body"), CASES, ids=lambda each: getattr(each, "name", ""))
def test_a_list_of_all_kinds_of_things_is_refused_at_once(operation, body):
    raw = json.dumps(body).encode()
    began = time.process_time()
    with pytest.raises(exceptions.Invalid) as refused:
        checking.read_body(wsgi.Request.blank("/x", method="POST", body=raw), operation, 1024)
    assert time.process_time() - began < 2
    assert refused.value.code.startswith("IMG.")


@pytest.mark.parametrize(
    ("many", "is_taken"),
    [(["a", "b"], True), (["a", 1, "1", True], True), (["a", 1, "a"], False),
     ([{"a": 1, "b": 2}, {"b": 2, "a": 1}], False), ("aa", True)],
)  # fmt: skip
def test_items_that_have_to_be_unique(many, is_taken):
    schema = {"properties": {"many": {"uniqueItems": True}}}
    assert (checking.problem(schema, {"many": many}) is None) is is_taken


def test_of_many_mistakes_one_is_told():
    schema = {"items": {"type": "string"}}
    began = time.process_time()
    assert "is not of type 'string'" in str(checking.problem(schema, list(range(200_000))))
    assert time.process_time() - began < 2


def _query(text, schemas):
    return checking.read_query(wsgi.Request.blank(f"/x?{text}"), _operation(query=schemas))


def test_a_query():
    assert _query("a=1&a=2&b=%C3%A9", {"a": {}, "b": {}}) == {"a": "2", "b": "é"}
    assert _query("whatever=1", None) == {"whatever": "1"}


@pytest.mark.parametrize("text", ["c=1", "a=%ff", "a=%00", "a=long"])
def test_query_refusals(text):
    with pytest.raises(checking.RequestInvalid) as refused:
        _query(text, {"a": {"type": "string", "maxLength": 1}})
    assert refused.value.code == "IMG.0017"
