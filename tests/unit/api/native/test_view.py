# SPDX-License-Identifier: Apache-2.0
"""The kind of an image in native answers, and as a filter of the native list."""

import types
import urllib.parse
from typing import Any
from unittest import mock

import pytest
import webob
from glance.common import wsgi

from ims_glance.api.common.image import SubrequestRefused
from ims_glance.api.native import view as native_view

SHARED = {"visibility": "shared", "__visibility_before_sharing": "private"}
KINDS = {
    "gold": {"visibility": "public"},
    "private": {"visibility": "private"},
    "shared": SHARED,
    "shared with nobody": {"visibility": "shared"},
}


class Keys:
    """Knows the key ``id`` by other names."""

    @staticmethod
    def sought(_context: Any, value: str) -> str:
        return "id" if value in {"ims/default", "https://kms/secrets/ID"} else value


def _call(query: str, *, is_admin: bool = False) -> Any:
    context = types.SimpleNamespace(project_id="p", is_admin=is_admin)
    request = wsgi.Request.blank(f"/v2/images?{query}")
    return types.SimpleNamespace(request=request, context=context, effects=[], keys=Keys())


def _query(query: str, **kind: bool) -> str:
    call = _call(query, **kind)
    native_view.index(call)
    return str(call.request.environ["QUERY_STRING"])


def _index(query: str, **kind: bool) -> list[tuple[str, str]]:
    return urllib.parse.parse_qsl(_query(query, **kind), keep_blank_values=True)


@pytest.mark.parametrize(
    ("kind", "narrowed"),
    [
        ("gold", ("visibility", "public")),
        ("private", ("owner", "p")),
        ("shared", ("visibility", "shared")),
    ],
)
def test_filter_by_kind(kind, narrowed):
    found = _index(f"limit=2&__imagetype={kind}&name=a%26b&x=")
    assert found == [narrowed, ("limit", "2"), ("name", "a&b"), ("x", "")]


def test_administrators_see_private_images_of_others():
    assert _index("__imagetype=private", is_admin=True) == []
    assert _index("__imagetype=private&owner=q") == [("owner", "q")]


@pytest.mark.parametrize(
    ("kind", "kept"),
    [("gold", ["gold"]), ("private", ["private", "shared with nobody"]), ("shared", ["shared"])],
)
def test_a_page_of_one_kind(kind, kept):
    call = _call(f"__imagetype={kind}&tag=a&marker=l&tag=%C3%A9")
    native_view.index(call)
    listed = [{"name": name, **view} for name, view in KINDS.items()]
    response = webob.Response(json_body={"images": listed, "next": "/v2/images?a=b&marker=m"})
    for effect in call.effects:
        effect(response)
    assert [view["name"] for view in response.json["images"]] == kept
    own = f"/v2/images?__imagetype={kind}&tag=a&tag=%C3%A9"
    assert (response.json["first"], response.json["next"]) == (own, f"{own}&marker=m")


class Images:
    """A list of images that are shared with nobody, but for some."""

    def __init__(self, count: int, *shared: int) -> None:
        self.views = [
            {"id": str(number), "visibility": "shared"} | (SHARED if number in shared else {})
            for number in range(count)
        ]
        self.queries: list[Any] = []

    def page(self, query: Any) -> dict[str, Any]:
        """As Glance answers."""
        asked = dict(query)
        begin, limit = int(asked.get("marker", -1)) + 1, int(asked["limit"])
        found = self.views[begin : begin + limit]
        if not found or len(found) < limit:
            return {"images": found}
        return {"images": found, "next": f"/v2/images?limit=9&marker={found[-1]['id']}"}

    def call(self, _context: Any, method: str, path: str, query: Any) -> Any:
        assert (method, path) == ("GET", "/v2/images")
        self.queries.append(query)
        return self.page(query)


def _listed(images: Images, query: str) -> dict[str, Any]:
    call = _call(query)
    call.images = images
    native_view.index(call)
    asked = urllib.parse.parse_qsl(call.request.environ["QUERY_STRING"])
    response = webob.Response(json_body=images.page(asked))
    for effect in call.effects:
        effect(response)
    return response.json


@pytest.mark.parametrize("limit", [1, 2, 3, 300])
@pytest.mark.parametrize("shared", [(), (0,), (7, 450, 451, 452, 800), (999,)])
def test_no_page_is_empty_but_the_last(limit, shared):
    """Clients take it for the end."""
    images, found = Images(1000, *shared), []
    answer = _listed(images, f"__imagetype=shared&tag=a&tag=b&limit={limit}")
    while True:
        assert len(answer["images"]) <= limit
        found += [int(view["id"]) for view in answer["images"]]
        if "next" not in answer:
            break
        assert answer["images"]
        answer = _listed(images, answer["next"].partition("?")[2])
    assert found == list(shared)
    assert all(
        query.count(("tag", "a")) == query.count(("tag", "b")) == 1 for query in images.queries
    )


def test_there_is_an_end_to_looking():
    images = Images(100_000)
    answer = _listed(images, "__imagetype=shared&limit=1")
    assert answer["images"] == []
    assert answer["next"].startswith("/v2/images?__imagetype=shared&limit=1&marker=")
    assert len(images.queries) == 10


def test_a_page_that_glance_refuses_is_told_to_whoever_goes_on():
    images: Any = Images(9)
    images.call = mock.Mock(side_effect=SubrequestRefused(webob.Response(status=503)))
    answer = _listed(images, "__imagetype=shared&limit=1")
    assert (answer["images"], answer["next"]) == (
        [], "/v2/images?__imagetype=shared&limit=1&marker=0",
    )  # fmt: skip


@pytest.mark.parametrize(
    "value", ["id", "ims/default", "ims%2Fdefault", "https%3A%2F%2Fkms%2Fsecrets%2FID"]
)
def test_filter_by_key(value):
    assert _index(f"__system__cmkid={value}&x=") == [("__system__cmkid", "id"), ("x", "")]


def test_a_key_that_is_named_many_times_is_looked_for_once():
    """The word for the default key costs a request."""
    call = _call("&".join(["__system__cmkid=ims/default"] * 50))
    call.keys = mock.Mock(sought=mock.Mock(return_value="id"))
    native_view.index(call)
    assert call.request.environ["QUERY_STRING"] == "&".join(["__system__cmkid=id"] * 50)
    assert call.keys.sought.call_count == 1


def test_what_else_a_query_has_stays_what_it_was():
    query = _query("%5F_system__cmkid=ims/default&name=%ff+%26")
    assert query == "__system__cmkid=id&name=%FF+%26"


@pytest.mark.parametrize("query", ["", "a=%ff", "a&b=&a=+", "__system__cmkid=x&a=%2f", "&&"])
def test_other_queries_stay_byte_for_byte(query):
    assert _query(query) == query


@pytest.mark.parametrize(
    "query",
    ["__imagetype=market", "__imagetype=x", "limit=2", "", "__imagetype=gold&__imagetype=private"],
)
def test_other_filters_stay(query):
    assert _index(query) == urllib.parse.parse_qsl(query)


def test_one_image():
    response = webob.Response(json_body={"id": "i", "visibility": "public"})
    native_view.add_kind(response)
    assert response.json == {"id": "i", "visibility": "public", "__imagetype": "gold"}


def test_a_list():
    listed = [{"visibility": "private"}, SHARED]
    response = webob.Response(json_body={"images": listed, "schema": "/v2/schemas/images"})
    native_view.add_kinds(response)
    assert [image["__imagetype"] for image in response.json["images"]] == ["private", "shared"]
    assert response.json["schema"] == "/v2/schemas/images"


@pytest.mark.parametrize("view", [native_view.add_kind, native_view.add_kinds])
@pytest.mark.parametrize(
    "answer",
    [
        webob.Response(status=404, json_body={"message": "no"}),
        webob.Response(status=200, text="images", content_type="text/plain"),
    ],
)
def test_other_answers_stay(view, answer):
    before = answer.body
    view(answer)
    assert answer.body == before
