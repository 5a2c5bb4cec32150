# SPDX-License-Identifier: Apache-2.0
"""What the guard adds to native answers: the kind of an image, ``__imagetype``.

It is not stored, since it follows from what the one who looks sees (IMS "Image attributes").
"""

import functools
import urllib.parse
from collections.abc import Callable, Mapping
from typing import Any

import webob
from oslo_serialization import jsonutils

from ims_glance.api.native.call import NativeCall
from ims_glance.model.image import attributes, kinds


def show(_call: NativeCall) -> None:
    """``GET /v2/images/{id}``: nothing is asked of it."""


def index(call: NativeCall) -> None:
    """``GET /v2/images``: the kind is also a filter, and the key in all its spellings."""
    query = call.request.environ.get("QUERY_STRING", "")
    # As text that can be written again byte by byte, for Glance refuses what is no UTF-8.
    pairs = urllib.parse.parse_qsl(query, keep_blank_values=True, errors="surrogateescape")
    translated = _with_kind(call, [_with_key(call, *pair) for pair in pairs])
    if translated != pairs:
        call.request.environ["QUERY_STRING"] = urllib.parse.urlencode(
            translated, errors="surrogateescape"
        )


def _with_key(call: NativeCall, name: str, value: str) -> tuple[str, str]:
    if name == attributes.CMK_ID:
        return name, call.keys.sought(call.context, value)
    return name, value


def _with_kind(call: NativeCall, pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    wanted = [kind for name, kind in pairs if name == attributes.IMAGE_TYPE]
    if len(wanted) != 1 or wanted[0] not in _FILTERS:
        return pairs
    kind = wanted[0]
    others = [(name, value) for name, value in pairs if name != attributes.IMAGE_TYPE]
    # What Glance cannot filter makes a page shorter; its link goes on behind what was looked at.
    call.effects.append(functools.partial(_keep, kind))
    return [*_FILTERS[kind](call, dict(others)), *others]


def _by_owner(call: NativeCall, others: Mapping[str, str]) -> list[tuple[str, str]]:
    """Private images are the caller's own; only administrators see those of others."""
    is_free = "owner" not in others and not call.context.is_admin
    return [("owner", str(call.context.project_id))] if is_free else []


def _by_visibility(visibility: str, _call: NativeCall, _others: Any) -> list[tuple[str, str]]:
    return [("visibility", visibility)]


_FILTERS: dict[str, Callable[[NativeCall, Mapping[str, str]], list[tuple[str, str]]]] = {
    kinds.PRIVATE: _by_owner,
    **{
        kind: functools.partial(_by_visibility, visibility)
        for kind, visibility in kinds.VISIBILITY.items()
    },
}


def _keep(kind: str, response: webob.Response) -> None:
    content = _content(response)
    if content is not None:
        found = [view for view in content["images"] if kinds.image_type(view) == kind]
        response.body = jsonutils.dump_as_bytes({**content, "images": found})


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
