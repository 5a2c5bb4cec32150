# SPDX-License-Identifier: Apache-2.0
"""The IMS API as an OpenAPI 3.1 document, made from the table of operations.

What the document says is what :mod:`ims_glance.api.ims.app` does: both read the same table.
``ims-manage openapi`` prints it.
"""

import importlib.metadata
import re
from collections.abc import Iterable
from typing import Any

from ims_glance.api.ims.operation import Operation
from ims_glance.api.ims.operations import OPERATIONS
from ims_glance.model.text import patterns

_JSON = "application/json"
_ARGUMENTS = re.compile(r"\{(\w+)\}")

_DESCRIPTION = (
    "Images of one cloud region: what IMS adds to the Image API, which is served beside it. Long "
    "work answers with the id of a job."
)
_ARGUMENT_HELP = {
    "project_id": "The project of the token.",
    "image_id": "Id of an image.",
    "member_id": "Id of a project that the image is shared with.",
    "backup_id": "Id of a server backup.",
    "job_id": "Id of a job, 32 hexadecimal digits.",
    "product_id": "Id of a product of the marketplace, 32 hexadecimal digits.",
    "version_id": "Id of a version of a product, 32 hexadecimal digits.",
    "subscription_id": "Id of a subscription, 32 hexadecimal digits.",
    "replication_id": "Id of a replication, 32 hexadecimal digits.",
    "key": "Key of a tag.",
}
# Answers of refusal that any operation can give; the codes are those of IMS's "Error codes".
_REFUSALS = {
    "400": "The request is wrong, or contradicts the state of what it names.",
    "401": "There is no valid token and no valid signature.",
    "403": "The caller may not do that.",
    "404": "Something that the request names does not exist.",
    "503": "A neighbour is away; the same request may succeed later.",
}
_ERROR = {
    "type": "object",
    "properties": {
        "error": {
            "type": "object",
            "properties": {
                "code": {"type": "string", "pattern": patterns.whole(r"IMG\.[0-9]{4}")},
                "message": {"type": "string", "minLength": 1},
            },
            "required": ["code", "message"],
            "additionalProperties": False,
        }
    },
    "required": ["error"],
    "additionalProperties": False,
}
_REQUEST_ID = {
    "description": "Names the request in the service's log.",
    "schema": {"type": "string"},
}
_SECURITY = {
    "token": ("X-Auth-Token", "A token of Keystone."),
    "securityToken": ("X-Security-Token", "A token of Keystone, as Huawei's SDK sends it."),
    "signature": (
        "Authorization",
        "SDK-HMAC-SHA256, by an EC2 credential of Keystone. Only if the operator allows it.",
    ),
}


def document(operations: Iterable[Operation] = OPERATIONS) -> dict[str, Any]:
    """The document, as JSON."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": {
            "title": "Image Management Service",
            "version": importlib.metadata.version("ims_glance"),
            "description": _DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "Root of the Image service's endpoint"}],
        "security": [{name: []} for name in _SECURITY],
        "paths": paths,
        "components": _components(),
    }


def _components() -> dict[str, Any]:
    refusals = {
        status: {
            "description": description,
            "headers": {"X-Request-Id": {"$ref": "#/components/headers/RequestId"}},
            "content": {_JSON: {"schema": {"$ref": "#/components/schemas/Error"}}},
        }
        for status, description in _REFUSALS.items()
    }
    schemes = {
        name: {"type": "apiKey", "in": "header", "name": header, "description": description}
        for name, (header, description) in _SECURITY.items()
    }
    return {
        "schemas": {"Error": _ERROR},
        "headers": {"RequestId": _REQUEST_ID},
        "responses": {f"Refused{status}": refused for status, refused in refusals.items()},
        "securitySchemes": schemes,
    }


def _operation(operation: Operation) -> dict[str, Any]:
    role = operation.access.value.removeprefix("role:")
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "description": f"Policy rule `{operation.policy}`, by default for role {role}.",
        "parameters": [*_arguments(operation), *_query(operation)],
        "responses": {
            str(operation.status): _success(operation),
            **{status: {"$ref": f"#/components/responses/Refused{status}"} for status in _REFUSALS},
        },
    }
    if operation.body is not None:
        described["requestBody"] = {
            "required": True,
            "content": {_JSON: {"schema": dict(operation.body)}},
        }
    return described


def _arguments(operation: Operation) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": _ARGUMENT_HELP.get(name, ""),
            "schema": {"type": "string", "minLength": 1},
        }
        for name in _ARGUMENTS.findall(operation.path)
    ]


def _query(operation: Operation) -> list[dict[str, Any]]:
    if operation.query is None:
        # The handler takes names that no table lists, such as attributes of the tenant's own.
        filters = {"type": "object", "additionalProperties": {"type": "string"}}
        return [{"name": "filters", "in": "query", "style": "form", "schema": filters}]
    return [
        {"name": name, "in": "query", "schema": dict(schema)}
        for name, schema in operation.query.items()
    ]


def _success(operation: Operation) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "description": "Done.",
        "headers": {"X-Request-Id": {"$ref": "#/components/headers/RequestId"}},
    }
    content = {media_type: {"schema": {"type": "string"}} for media_type in operation.other_types}
    if operation.answer is not None:
        content = {_JSON: {"schema": dict(operation.answer)}, **content}
    if content:
        answer["content"] = content
    return answer
