# SPDX-License-Identifier: Apache-2.0
"""What the guard adds to native answers: the kind of an image, ``__imagetype``.

It is not stored, since it follows from what the one who looks sees (IMS "Image attributes").
"""

import urllib.parse
from typing import Any

import webob
from oslo_serialization import jsonutils

from ims_glance.api.rules import Call
from ims_glance.model import attributes, kinds


def show(_call: Call) -> None:
    """``GET /v2/images/{id}``: nothing is asked of it."""


def index(call: Call) -> None:
    """``GET /v2/images``: the kind is also a filter."""
    query = call.request.environ.get("QUERY_STRING", "")
    if attributes.IMAGE_TYPE in query:
        call.request.environ["QUERY_STRING"] = _translated(query)


def _translated(query: str) -> str:
    """The filter for a kind as one for the visibility, which decides the kind."""
    pairs = urllib.parse.parse_qsl(query, keep_blank_values=True)
    return urllib.parse.urlencode(
        [
            ("visibility", kinds.VISIBILITY[value])
            if name == attributes.IMAGE_TYPE and value in kinds.VISIBILITY
            else (name, value)
            for name, value in pairs
        ]
    )


def add_kind(response: webob.Response) -> None:
    """Say the kind of the image that *response* shows."""
    view = _content(response)
    if view is not None:
        view[attributes.IMAGE_TYPE] = kinds.image_type(view)
        response.body = jsonutils.dump_as_bytes(view)


def add_kinds(response: webob.Response) -> None:
    """Say the kinds of the images that *response* lists."""
    content = _content(response)
    if content is not None:
        for view in content["images"]:
            view[attributes.IMAGE_TYPE] = kinds.image_type(view)
        response.body = jsonutils.dump_as_bytes(content)


def _content(response: webob.Response) -> Any:
    is_one = response.status_int in {200, 201} and response.content_type == "application/json"
    return jsonutils.loads(response.body) if is_one else None
