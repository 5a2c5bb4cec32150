# SPDX-License-Identifier: Apache-2.0
"""The OpenAPI document: valid, and every operation in it."""

import re

import jsonschema
import pytest
import schemathesis
from oslo_serialization import jsonutils
from schemathesis.core.result import Ok

from ims_glance.api.common import errors
from ims_glance.api.ims import openapi
from ims_glance.api.ims.operation import Answer, Operation
from ims_glance.api.ims.operations import OPERATIONS
from ims_glance.model.image import listing

DOCUMENT = openapi.document()
METHODS = {"get", "post", "put", "patch", "delete"}


def _described(operation):
    return DOCUMENT["paths"][operation.path][operation.method.lower()]


def _example(**differences):
    return Operation(
        **{
            "name": "example",
            "method": "POST",
            "path": "/v1/{project_id}/examples/{key}",
            "handler": lambda _call: Answer(),
            "summary": "Make an example",
            **differences,
        }
    )


def _one(operation):
    (methods,) = openapi.document([operation])["paths"].values()
    return methods[operation.method.lower()]


def test_it_is_valid_openapi():
    schema = schemathesis.openapi.from_dict(jsonutils.loads(jsonutils.dumps(DOCUMENT)))
    schema.validate()
    read = schema.get_all_operations()
    assert sorted(one.ok().label for one in read if isinstance(one, Ok)) == sorted(
        f"{operation.method} {operation.path}" for operation in OPERATIONS
    )


def test_references_lead_somewhere():
    for reference in re.findall(r'"\$ref": "#/([^"]+)"', jsonutils.dumps(DOCUMENT)):
        found = DOCUMENT
        for part in reference.split("/"):
            found = found[part]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_every_operation_is_described(operation):
    described = _described(operation)
    assert described["operationId"] == operation.name
    assert operation.policy in described["description"]
    arguments = [one["name"] for one in described["parameters"] if one["in"] == "path"]
    assert arguments == re.findall(r"\{(\w+)\}", operation.path)
    assert ("requestBody" in described) is (operation.body is not None)
    assert str(operation.status) in described["responses"]
    assert all(one["description"] for one in described["parameters"] if one["in"] == "path")


def test_nothing_else_is_described():
    described = [one["operationId"] for path in DOCUMENT["paths"].values() for one in path.values()]
    assert sorted(described) == sorted(operation.name for operation in OPERATIONS)
    assert {method for path in DOCUMENT["paths"].values() for method in path} <= METHODS


@pytest.mark.parametrize("name", ["list_images", "list_tags"])
def test_filters_have_one_order(name):
    """That of a set is another one in each process."""
    (operation,) = (one for one in OPERATIONS if one.name == name)
    names = [one["name"] for one in _described(operation)["parameters"]]
    filters = [name for name in names if name in listing.PARAMETERS]
    assert filters == [name for name in listing.PARAMETERS if name in filters]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_schemas_are_json_schemas(operation):
    given = [operation.body, operation.answer, *(operation.query or {}).values()]
    for schema in filter(None, given):
        jsonschema.Draft202012Validator.check_schema(schema)


def test_a_body_and_its_answer():
    described = _one(_example(body={"type": "object"}, answer={"type": "array"}, status=201))
    assert described["requestBody"]["required"] is True
    assert described["requestBody"]["content"]["application/json"]["schema"] == {"type": "object"}
    answer = described["responses"]["201"]
    assert answer["content"]["application/json"]["schema"] == {"type": "array"}


def test_other_media_types():
    described = _one(_example(answer={"type": "array"}, other_types=("text/csv",)))
    content = described["responses"]["200"]["content"]
    assert list(content) == ["application/json", "text/csv"]
    listed = DOCUMENT["paths"]["/v2/cloudimages"]["get"]["responses"]["200"]
    assert "text/csv" in listed["content"]


def test_an_answer_that_is_no_json():
    described = _one(_example(other_types=("application/octet-stream",)))
    assert list(described["responses"]["200"]["content"]) == ["application/octet-stream"]


def test_no_body_and_no_answer():
    described = _one(_example(status=204))
    assert "requestBody" not in described
    assert "content" not in described["responses"]["204"]


def test_parameters():
    described = _one(_example(query={"limit": {"type": "string", "pattern": "^[0-9]+$"}}))
    project, key, limit = described["parameters"]
    assert (project["name"], project["required"]) == ("project_id", True)
    assert (key["name"], key["in"]) == ("key", "path")
    assert (limit["name"], limit["in"], limit["schema"]["type"]) == ("limit", "query", "string")


def test_parameters_that_only_the_handler_knows():
    *_arguments, filters = _one(_example(query=None))["parameters"]
    assert filters["in"] == "query"
    assert filters["schema"]["type"] == "object"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 503])
def test_refusals_look_as_they_do(status):
    refused = DOCUMENT["components"]["responses"][f"Refused{status}"]
    assert "X-Request-Id" in refused["headers"]
    schema = DOCUMENT["components"]["schemas"]["Error"]
    answer = errors.worded(status, "IMG.0016", "no")
    jsonschema.validate(jsonutils.loads(answer.body), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"error": {"code": "IMG.1", "message": "no"}}, schema)


def test_ways_to_prove_who_one_is():
    headers = [one["name"] for one in DOCUMENT["components"]["securitySchemes"].values()]
    assert headers == ["X-Auth-Token", "X-Security-Token", "Authorization"]
    assert [list(one) for one in DOCUMENT["security"]] == [
        ["token"],
        ["securityToken"],
        ["signature"],
    ]
