# SPDX-License-Identifier: Apache-2.0
"""The kind of an image in native answers, and as a filter of the native list."""

import types
import urllib.parse
from typing import Any

import pytest
import webob
from glance.common import wsgi

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
    call = _call(f"__imagetype={kind}")
    native_view.index(call)
    listed = [{"name": name, **view} for name, view in KINDS.items()]
    response = webob.Response(json_body={"images": listed, "next": "/v2/images?marker=m"})
    for effect in call.effects:
        effect(response)
    assert [view["name"] for view in response.json["images"]] == kept
    assert response.json["next"] == "/v2/images?marker=m"


@pytest.mark.parametrize(
    "value", ["id", "ims/default", "ims%2Fdefault", "https%3A%2F%2Fkms%2Fsecrets%2FID"]
)
def test_filter_by_key(value):
    assert _index(f"__system__cmkid={value}&x=") == [("__system__cmkid", "id"), ("x", "")]


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
