# SPDX-License-Identifier: Apache-2.0
from typing import Any

from doc.ext import openapi
from ims_glance.model.text import patterns

THING = {
    "type": "object",
    "properties": {
        "name": {"type": ["string", "null"], "minLength": 1, "maxLength": 9},
        "kind": {"anyOf": [{"enum": ["a", "b", None]}, {"type": "null"}], "description": "Which."},
        "size": {"anyOf": [{"type": "integer"}, {"type": "string"}]},
        "tags": {"type": "array", "items": {"type": "string"}, "uniqueItems": True},
        "parts": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"id": {"type": "string", "pattern": patterns.whole("[0-9]+")}},
                "required": ["id"],
            },
        },
    },
    "required": ["name"],
}


def test_fields():
    assert list(openapi.fields(THING)) == [
        ("``name``", "string", "required; not empty; 9 characters at most"),
        ("``kind``", "one of ``a``, ``b``", "Which"),
        ("``size``", "integer or string", ""),
        ("``tags``", "array of string", "none twice"),
        ("``parts``", "array of object", ""),
        ("``parts[].id``", "string", "required; matches ``[0-9]+``"),
    ]


def test_a_list_at_the_top():
    assert list(openapi.fields({"type": "array", "items": {"type": "string"}})) == [
        ("``[]``", "string", "")
    ]


def _lines(**operation):
    described = {"operationId": "do_it", "summary": "Do it", "description": "Rule `x`."}
    document = {"paths": {"/things/{id}": {"post": {**described, **operation}}}}
    return "\n".join(openapi.lines(document))


def test_an_operation():
    text = _lines(
        parameters=[
            {"name": "id", "in": "path", "description": "Which.", "schema": {"type": "string"}},
            {
                "name": "filters",
                "in": "query",
                "style": "form",
                "schema": {"type": "object"},
            },
        ],
        requestBody={"content": {"application/json": {"schema": THING}}},
        responses={
            "200": {"content": {"application/json": {"schema": THING}, "text/csv": {}}},
            "400": {"$ref": "#/components/responses/Refused400"},
        },
    )
    assert text.startswith(".. _operation-do-it:\n\nDo it\n-----\n\n``POST /things/{id}``\n")
    assert "*do_it*. Rule ``x``." in text
    assert "   * - ``id``\n     - string\n     - in the path; Which\n   * - any\n" in text
    assert ".. list-table:: Body\n" in text
    assert ".. list-table:: Answer: 200; also as ``text/csv``\n" in text


def test_an_answer_that_is_no_json():
    answer: dict[str, Any] = {"200": {"content": {"application/octet-stream": {}}}}
    assert "Answer: 200, as ``application/octet-stream``." in _lines(
        parameters=[], responses=answer
    )


def test_an_answer_without_a_body():
    assert "Answer: 204, without a body." in _lines(parameters=[], responses={"204": {}})
