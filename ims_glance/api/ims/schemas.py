# SPDX-License-Identifier: Apache-2.0
"""Pieces of JSON schemas that several operations share."""

from collections.abc import Mapping
from typing import Any

from ims_glance.model.text import patterns

Schema = Mapping[str, Any]

UUID = {
    "type": "string",
    "pattern": patterns.whole("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"),
}
PROJECT = {
    "type": "string",
    "pattern": patterns.whole("[0-9a-fA-F]{8}(-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}"),
    "description": "id of a project, not its name",
    "x-ims-code": "IMG.0067",
}
# What they may contain is checked by ims_glance.model.text.free_text, with its own codes.
NAME = {"type": "string", "x-ims-code-missing": "IMG.0013"}
DESCRIPTION = {"type": "string", "maxLength": 1024, "x-ims-code": "IMG.0004"}
KEY_ID = {"type": "string", "minLength": 1, "maxLength": 255}
ENTERPRISE_PROJECT = {"type": "string", "pattern": patterns.whole("0|[0-9a-fA-F-]{32,36}")}
MEBIBYTES = {"anyOf": [{"type": "integer", "minimum": 0, "maximum": 2**31 - 1},
                       {"type": "string", "pattern": patterns.whole("[0-9]{1,9}")}]}  # fmt: skip
BUCKET_OBJECT = {
    "type": "string",
    "pattern": patterns.whole("[^:\\s/]{3,63}:\\S{1,1024}"),
    "x-ims-code": "IMG.0175",
    "description": "bucket:object, without blanks",
}
BOOLEAN = {"type": ["boolean", "null"]}
_PAIR = {
    "type": "object",
    "properties": {"key": {"type": "string"}, "value": {"type": ["string", "null"]}},
    "required": ["key"],
    "x-ims-code": "IMG.0115",
}
TAGS = {"type": ["array", "null"], "items": {"type": "string", "maxLength": 255}, "maxItems": 128}
IMAGE_TAGS = {"type": ["array", "null"], "items": _PAIR, "maxItems": 128}
JOB_ANSWER = {
    "type": "object",
    "properties": {"job_id": {"type": "string", "pattern": patterns.whole("[0-9a-f]{32}")}},
    "required": ["job_id"],
}
PAGE_INFO = {
    "type": "object",
    "properties": {
        "next_marker": {"type": ["string", "null"]},
        "current_count": {"type": "integer"},
    },
}
IMAGE = {
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "name": {"type": ["string", "null"]},
        "status": {"type": "string"},
        "protected": {"type": "boolean"},
        "__imagetype": {"enum": ["gold", "private", "shared", "market"]},
        "__image_size": {"type": "string"},
        "max_ram": {"type": "string"},
        "min_ram": {"type": "integer"},
        "min_disk": {"type": "integer"},
        "tags": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["id", "status", "protected", "__imagetype"],
}


def parameters(*names: str, **others: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Schemas of query parameters that may be any text, and of others."""
    return {**{name: {"type": "string"} for name in names}, **others}
