# SPDX-License-Identifier: Apache-2.0
"""JSON bodies of requests that are passed on."""

from typing import Any

from glance.common import wsgi
from oslo_serialization import jsonutils

from ims_glance import exceptions

_DESERIALIZER = wsgi.JSONRequestDeserializer()


class BodyNotObject(exceptions.Invalid):
    """The body is JSON, and no object."""

    template = "The body must be a JSON object."


def read_json(request: wsgi.Request) -> Any:
    """The body from JSON; the request can be passed on afterwards.

    It is decided and read as Glance does it (``glance/common/wsgi.py``): with the same request
    class, which knows uWSGI's way with chunked bodies, and the same parser.

    :returns: ``None`` if there is no body or no JSON in it, which Glance refuses itself
    """
    if not _DESERIALIZER.has_body(request):
        return None
    body = request.body
    _replay(request, body)
    try:
        return jsonutils.loads(body)
    except (ValueError, RecursionError):
        return None


def read_object(request: wsgi.Request) -> dict[str, Any] | None:
    """The body, as :func:`read_json` gives it, of a request that takes a JSON object.

    :raises BodyNotObject: if it is something else, which makes Glance fail
    """
    body = read_json(request)
    if body is not None and not isinstance(body, dict):
        raise BodyNotObject
    return body


def write_json(request: wsgi.Request, content: Any) -> None:
    """Replace the body."""
    _replay(request, jsonutils.dump_as_bytes(content))


def _replay(request: wsgi.Request, body: bytes) -> None:
    # It is no chunked stream any more: under uWSGI, Glance would go and read the next chunk.
    request.headers.pop("Transfer-Encoding", None)
    request.body = body
