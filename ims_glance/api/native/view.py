# SPDX-License-Identifier: Apache-2.0
"""What the guard adds to native answers: the kind of an image, ``__imagetype``.

It is not stored, since it follows from what the one who looks sees (IMS "Image attributes").
"""

import dataclasses
import functools
import urllib.parse
from collections.abc import Callable, Mapping
from typing import Any

import webob
from oslo_serialization import jsonutils

from ims_glance.api.common.image import SubrequestRefused
from ims_glance.api.native.call import NativeCall
from ims_glance.model.image import attributes, kinds

_Pairs = list[tuple[str, str]]

# How many images are looked at at once where a page has none of a kind, and how often.
_LOOKED = 500
_LOOKS = 10


def show(_call: NativeCall) -> None:
    """``GET /v2/images/{id}``: nothing is asked of it."""


def index(call: NativeCall) -> None:
    """``GET /v2/images``: the kind is also a filter, and the key in all its spellings."""
    query = call.request.environ.get("QUERY_STRING", "")
    # As text that can be written again byte by byte, for Glance refuses what is no UTF-8.
    pairs = urllib.parse.parse_qsl(query, keep_blank_values=True, errors="surrogateescape")
    # A name may be given many times, and the key manager need not be asked each time.
    sought = functools.cache(lambda value: call.keys.sought(call.context, value))
    keyed = [(name, sought(value) if name == attributes.CMK_ID else value) for name, value in pairs]
    translated = _with_kind(call, keyed, pairs)
    if translated != pairs:
        call.request.environ["QUERY_STRING"] = urllib.parse.urlencode(
            translated, errors="surrogateescape"
        )


def _with_kind(call: NativeCall, pairs: _Pairs, given: _Pairs) -> _Pairs:
    wanted = [kind for name, kind in pairs if name == attributes.IMAGE_TYPE]
    if len(wanted) != 1 or wanted[0] not in _FILTERS:
        return pairs
    kind = wanted[0]
    others = [(name, value) for name, value in pairs if name != attributes.IMAGE_TYPE]
    asked = [*_FILTERS[kind](call, dict(others)), *others]
    call.effects.append(_Kept(call, kind, given, asked).narrow)
    return asked


def _by_owner(call: NativeCall, others: Mapping[str, str]) -> _Pairs:
    """Private images are the caller's own; only administrators see those of others."""
    is_free = "owner" not in others and not call.context.is_admin
    return [("owner", str(call.context.project_id))] if is_free else []


def _by_visibility(visibility: str, _call: NativeCall, _others: Any) -> _Pairs:
    return [("visibility", visibility)]


_FILTERS: dict[str, Callable[[NativeCall, Mapping[str, str]], _Pairs]] = {
    kinds.PRIVATE: _by_owner,
    **{
        kind: functools.partial(_by_visibility, visibility)
        for kind, visibility in kinds.VISIBILITY.items()
    },
}


@dataclasses.dataclass(frozen=True)
class _Kept:
    """A list of one kind, where Glance can filter but some of the others away.

    :ivar given: what the client asks
    :ivar asked: what Glance is asked for that
    """

    call: NativeCall
    kind: str
    given: _Pairs
    asked: _Pairs

    def narrow(self, response: webob.Response) -> None:
        """Keep those of the kind, and let the links of the list say what the client said.

        Clients take a page without images for the end of a list.
        """
        content = _content(response)
        if content is None:
            return
        length = len(content["images"])
        found, marker = self._of_kind(content)
        for _ in range(_LOOKS):
            if found or marker is None:
                break
            try:
                found, marker = self._of_kind(self._behind(marker))
            except SubrequestRefused:
                # Whoever follows the link is told why.
                break
        if len(found) > length:
            found = found[:length]
            marker = found[-1]["id"]
        content["images"] = found
        content["first"] = self._link()
        content.pop("next", None)
        if marker is not None:
            content["next"] = self._link(("marker", marker))
        response.body = jsonutils.dump_as_bytes(content)

    def _of_kind(self, content: Any) -> tuple[list[Any], str | None]:
        """The images of the kind on a page, and the marker of the next one if there is one."""
        found = [view for view in content["images"] if kinds.image_type(view) == self.kind]
        query = urllib.parse.urlsplit(content.get("next", "")).query
        return found, dict(urllib.parse.parse_qsl(query)).get("marker")

    def _behind(self, marker: str) -> Any:
        query = [pair for pair in self.asked if pair[0] not in ("limit", "marker")]
        query += [("limit", str(_LOOKED)), ("marker", marker)]
        return self.call.images.call(self.call.context, "GET", "/v2/images", query=query)

    def _link(self, *more: tuple[str, str]) -> str:
        query = [pair for pair in self.given if pair[0] != "marker"]
        return f"/v2/images?{urllib.parse.urlencode([*query, *more])}"


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
