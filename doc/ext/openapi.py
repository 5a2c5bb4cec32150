# SPDX-License-Identifier: Apache-2.0
"""Operations of an OpenAPI document as reStructuredText.

It knows what ``ims_glance.api.ims.openapi`` writes, and not all of OpenAPI.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]
Row = tuple[str, str, str]

_JSON = "application/json"
# How ims_glance.model.text.patterns has a whole text match.
_WHOLE = re.compile(r"\^\(\?:(?P<inner>.*)\)\$\(\?!\\n\)", re.DOTALL)
_LIMITS = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "minLength": "{} characters or more",
    "maxLength": "{} characters at most",
    "minItems": "{} or more",
    "maxItems": "{} at most",
}


def lines(document: Mapping[str, Any]) -> Iterator[str]:
    """All operations of a document, in its order."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield from _operation(method.upper(), path, operation)


def _operation(method: str, path: str, operation: Mapping[str, Any]) -> Iterator[str]:
    yield f".. _{label(operation['operationId'])}:"
    yield ""
    yield from _section(operation["summary"], "-")
    yield f"``{method} {path}``"
    yield ""
    yield f"*{operation['operationId']}*. {_literals(operation['description'])}"
    yield ""
    yield from _table("In the path and the query", map(_parameter, operation["parameters"]))
    body = operation.get("requestBody")
    if body:
        yield from _table("Body", fields(body["content"][_JSON]["schema"]))
    yield from _answer(operation["responses"])


def label(operation_id: str) -> str:
    """By which other pages refer to an operation."""
    return f"operation-{operation_id.replace('_', '-')}"


def _section(title: str, line: str) -> Iterator[str]:
    yield title
    yield line * len(title)
    yield ""


def _answer(responses: Mapping[str, Any]) -> Iterator[str]:
    status, success = next(
        (status, answer) for status, answer in responses.items() if "$ref" not in answer
    )
    content = success.get("content", {})
    if not content:
        yield f"Answer: {status}, without a body."
        yield ""
        return
    others = [media_type for media_type in content if media_type != _JSON]
    if _JSON not in content:
        yield f"Answer: {status}, as {', '.join(f'``{other}``' for other in others)}."
        yield ""
        return
    also = f"; also as {', '.join(f'``{other}``' for other in others)}" if others else ""
    yield from _table(f"Answer: {status}{also}", fields(content[_JSON]["schema"]))


def _parameter(parameter: Mapping[str, Any]) -> Row:
    name, schema = parameter["name"], parameter["schema"]
    if parameter.get("style") == "form" and schema["type"] == "object":
        return "any", "string", "Names of attributes, with the value that they shall have."
    where = "in the path" if parameter["in"] == "path" else ""
    notes = [where, parameter.get("description", ""), *_notes(schema)]
    return f"``{name}``", _type(schema), _sentences(notes)


def fields(schema: Schema, prefix: str = "", is_required: bool = False) -> Iterator[Row]:
    """One row for each field: its place, its type, what holds of it.

    :param prefix: where *schema* stands
    :param is_required: whether it must be there
    """
    schema = _bare(schema)
    if prefix:
        notes = ["required" if is_required else "", schema.get("description", "")]
        yield f"``{prefix}``", _type(schema), _sentences([*notes, *_notes(schema)])
    required = schema.get("required", ())
    for name, field in schema.get("properties", {}).items():
        yield from fields(field, f"{prefix}.{name}" if prefix else name, name in required)
    items = schema.get("items")
    if items and (not prefix or "properties" in _bare(items)):
        inside = _bare(items)
        if "properties" in inside:
            for name, field in inside["properties"].items():
                yield from fields(field, f"{prefix}[].{name}", name in inside.get("required", ()))
        else:
            yield f"``{prefix}[]``", _type(inside), _sentences(_notes(inside))


def _bare(schema: Schema) -> Schema:
    """A schema without the ``null`` that may stand in its place."""
    choices = [choice for choice in schema.get("anyOf", ()) if choice != {"type": "null"}]
    if len(choices) != 1:
        return schema
    others = {name: value for name, value in schema.items() if name != "anyOf"}
    return {**others, **choices[0]}


def _type(schema: Schema) -> str:
    schema = _bare(schema)
    if "enum" in schema:
        return "one of " + ", ".join(f"``{value}``" for value in _without_null(schema["enum"]))
    if "anyOf" in schema:
        return " or ".join(_type(choice) for choice in _without_null(schema["anyOf"]))
    named = schema.get("type", "any")
    names = _without_null(named) if isinstance(named, list) else [named]
    if names == ["array"]:
        return f"array of {_type(schema['items'])}" if "items" in schema else "array"
    return " or ".join(names)


def _without_null(values: Iterable[Any]) -> list[Any]:
    return [value for value in values if value not in (None, "null", {"type": "null"})]


def _notes(schema: Schema) -> Iterator[str]:
    schema = _bare(schema)
    for name, words in _LIMITS.items():
        if name in schema:
            told = words.format(schema[name])
            yield "not empty" if told == "1 characters or more" else told
    pattern = schema.get("pattern")
    if pattern:
        whole = _WHOLE.fullmatch(pattern)
        yield f"matches ``{whole['inner'] if whole else pattern}``"
    if schema.get("uniqueItems"):
        yield "none twice"


def _sentences(parts: Iterable[str]) -> str:
    told = [_literals(part.rstrip(".")) for part in parts if part]
    return "; ".join(told)


def _literals(text: str) -> str:
    """Markdown's literals, which OpenAPI has, as those of reStructuredText."""
    return re.sub(r"(?<!`)`([^`]+)`(?!`)", r"``\1``", text)


def _table(title: str, rows: Iterable[Row]) -> Iterator[str]:
    told = list(rows)
    if not told:
        return
    yield f".. list-table:: {title}"
    yield "   :widths: 30 25 45"
    yield ""
    for row in told:
        for number, cell in enumerate(row):
            yield f"   {'*' if number == 0 else ' '} - {cell}".rstrip()
    yield ""
