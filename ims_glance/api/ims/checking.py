# SPDX-License-Identifier: Apache-2.0
"""A request against the schemas of its operation.

A schema may name the IMS codes of its refusals: ``x-ims-code`` beside the rule that fails, and
``x-ims-code-missing`` in the schema of a property that must be there.
"""

import functools
import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jsonschema
from glance.common import wsgi
from oslo_serialization import jsonutils

from ims_glance import exceptions
from ims_glance.api.ims.operation import Operation, Schema

_SHOWN = 200
_BODY, _URL = "IMG.0016", "IMG.0017"
# Mistakes that are looked at for the one to tell; a body can be full of them.
_MISTAKES = 100


class BodyMalformed(exceptions.Invalid):
    """The body is no JSON."""

    code = "IMG.0001"
    template = "The body is not valid JSON: {reason}."


class BodyMissing(exceptions.Invalid):
    """The operation takes a body, and there is none."""

    code = "IMG.0007"
    template = "The request has no body. Send a JSON {kind}."


class BodyTooLarge(exceptions.Invalid):
    """The body is larger than any that makes sense."""

    code = _BODY
    template = "The body is larger than {kib} KiB ({limit})."


class RequestInvalid(exceptions.Invalid):
    """The request breaks a schema."""

    template = "{place}: {reason}."

    def __init__(self, code: str, place: str, reason: str) -> None:
        self.code = code
        super().__init__(place=place, reason=reason)


def read_body(
    request: wsgi.Request,
    operation: Operation,
    max_kib: int,
    see: Callable[[Any], None] = lambda _body: None,
) -> Any:
    """The body of a request, checked; ``None`` for an operation that takes none.

    :param max_kib: size of the largest body of operations that have no limit of their own
    :param see: is told the body before it is checked
    :raises BodyMissing, BodyMalformed, BodyTooLarge, RequestInvalid: what is wrong with it
    """
    schema = operation.body
    if schema is None:
        return None
    raw = _read(request, operation.max_body_kib, max_kib)
    if not raw.strip():
        raise BodyMissing(kind=schema.get("type", "object"))
    try:
        # JSON has no NaN and no Infinity; Python reads them unless told otherwise.
        body = jsonutils.loads(raw, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise BodyMalformed(reason=str(error)[:_SHOWN]) from None
    see(body)
    try:
        _check(schema, body, "body", _BODY)
    except RecursionError:
        raise BodyMalformed(reason="it is nested too deeply") from None
    return body


def read_query(request: wsgi.Request, operation: Operation) -> dict[str, str]:
    """The parameters of a request by name, checked.

    :raises RequestInvalid: what is wrong with them
    """
    try:
        given = {str(name): str(value) for name, value in request.GET.items()}
    except UnicodeDecodeError:
        raise RequestInvalid(_URL, "query", "it is not UTF-8") from None
    if any("\0" in text for pair in given.items() for text in pair):
        raise RequestInvalid(_URL, "query", "it contains a NUL character")
    if operation.query is None:
        return given
    unknown = sorted(set(given) - set(operation.query))
    if unknown:
        known = ", ".join(operation.query) or "none"
        reason = f"unknown parameter '{unknown[0][:_SHOWN]}' (known: {known})"
        raise RequestInvalid(_URL, "query", reason)
    for name, value in given.items():
        _check(operation.query[name], value, f"query parameter '{name}'", _URL)
    return given


def _read(request: wsgi.Request, own_kib: int, max_kib: int) -> bytes:
    kib = max(own_kib, max_kib)
    limit = kib * 1024
    option = "[ims_api] max_body_kib" if kib == max_kib else "the most that makes sense here"
    if request.content_length is not None and request.content_length > limit:
        raise BodyTooLarge(kib=kib, limit=option)
    is_chunked = request.headers.get("Transfer-Encoding", "").lower() == "chunked"
    if not request.content_length and not is_chunked:
        return b""
    raw = bytes(request.body_file.read(limit + 1))
    if len(raw) > limit:
        raise BodyTooLarge(kib=kib, limit=option)
    return raw


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _unique_items(validator: Any, wanted: bool, found: Any, schema: Schema) -> Iterator[Any]:
    """``uniqueItems`` in time that grows with the list.

    jsonschema's compares each item with each other one where their types are mixed, also in a list
    that is too long anyway: one small request would keep a process busy for minutes.
    """
    if not wanted or not validator.is_type(found, "array"):
        return
    if len(found) > schema.get("maxItems", len(found)):
        return
    # Numbers that are spelt differently are different here (1, 1.0); unique are only texts.
    if len({jsonutils.dumps(item, sort_keys=True) for item in found}) < len(found):
        yield jsonschema.ValidationError(f"{found!r} has non-unique elements")


_Validator = jsonschema.validators.extend(
    jsonschema.Draft202012Validator, {"uniqueItems": _unique_items}
)


@functools.lru_cache(maxsize=256)
def _validator(key: str) -> Any:
    return _Validator(jsonutils.loads(key), format_checker=jsonschema.FormatChecker(("uuid",)))


def problem(schema: Schema, value: Any) -> str | None:
    """What is wrong with a value that is no request's, and where; ``None`` if it fits."""
    error = _error(schema, value)
    return None if error is None else f"'{_inside(error)[1:]}': {error.message[:_SHOWN]}"


def _check(schema: Schema, value: Any, place: str, code: str) -> None:
    error = _error(schema, value)
    if error is not None:
        place = f"{place}{_inside(error)}"
        raise RequestInvalid(_code(error, code), place, error.message[:_SHOWN])


def _error(schema: Schema, value: Any) -> Any:
    validator = _validator(jsonutils.dumps(schema, sort_keys=True))
    return jsonschema.exceptions.best_match(
        itertools.islice(validator.iter_errors(value), _MISTAKES)
    )


def _inside(error: Any) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.path)


def _code(error: Any, otherwise: str) -> str:
    rule: Mapping[str, Any] = error.schema if isinstance(error.schema, Mapping) else {}
    if error.validator == "required":
        properties = rule.get("properties", {})
        missing = [name for name in error.validator_value if name not in error.instance]
        codes = [properties.get(name, {}).get("x-ims-code-missing") for name in missing]
        return str(next(filter(None, codes), rule.get("x-ims-code", otherwise)))
    return str(rule.get("x-ims-code", otherwise))
