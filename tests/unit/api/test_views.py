# SPDX-License-Identifier: Apache-2.0
"""The kind of an image in native answers, and as a filter of the native list."""

import types
import urllib.parse
from typing import Any

import pytest
import webob
from glance.common import wsgi

from ims_glance.api import views


def _index(query: str) -> list[tuple[str, str]]:
    request = wsgi.Request.blank(f"/v2/images?{query}")
    call: Any = types.SimpleNamespace(request=request)
    views.index(call)
    return urllib.parse.parse_qsl(request.environ["QUERY_STRING"], keep_blank_values=True)


@pytest.mark.parametrize(
    ("kind", "visibility"), [("gold", "public"), ("private", "private"), ("shared", "shared")]
)
def test_filter_by_kind(kind, visibility):
    found = _index(f"limit=2&__imagetype={kind}&name=a%26b&x=")
    assert found == [("limit", "2"), ("visibility", visibility), ("name", "a&b"), ("x", "")]


@pytest.mark.parametrize("query", ["__imagetype=market", "__imagetype=x", "limit=2", ""])
def test_other_filters_stay(query):
    assert _index(query) == urllib.parse.parse_qsl(query)


def test_one_image():
    response = webob.Response(json_body={"id": "i", "visibility": "public"})
    views.add_kind(response)
    assert response.json == {"id": "i", "visibility": "public", "__imagetype": "gold"}


def test_a_list():
    listed = [{"visibility": "private"}, {"visibility": "shared"}]
    response = webob.Response(json_body={"images": listed, "schema": "/v2/schemas/images"})
    views.add_kinds(response)
    assert [image["__imagetype"] for image in response.json["images"]] == ["private", "shared"]
    assert response.json["schema"] == "/v2/schemas/images"


@pytest.mark.parametrize("view", [views.add_kind, views.add_kinds])
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
