# SPDX-License-Identifier: Apache-2.0
"""Choosing images by tags; the conditions are compared with their plain meaning."""

import jsonschema
import pytest

from ims_glance.model import tag_query

IMAGE = ("id-1", "web server", ["env=test", "team=a", "lonely"])


def fits(**body):
    query = {"action": "filter", **body}
    jsonschema.Draft202012Validator(tag_query.SCHEMA).validate(query)
    return tag_query.read(query).fits(*IMAGE)


def tag(key, *values):
    return {"key": key, "values": list(values)}


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({}, True),
        ({"tags": [tag("env", "test")]}, True),
        ({"tags": [tag("env", "prod", "test")]}, True),
        ({"tags": [tag("env")]}, True),
        ({"tags": [tag("env", "prod")]}, False),
        ({"tags": [tag("env", "test"), tag("team", "b")]}, False),
        ({"tags_any": [tag("env", "prod"), tag("team", "a")]}, True),
        ({"tags_any": [tag("env", "prod"), tag("x")]}, False),
        ({"not_tags": [tag("env", "test"), tag("team", "a")]}, False),
        ({"not_tags": [tag("env", "test"), tag("team", "b")]}, True),
        ({"not_tags_any": [tag("env", "prod"), tag("team", "b")]}, True),
        ({"not_tags_any": [tag("env", "prod"), tag("team", "a")]}, False),
        ({"tags": [tag("lonely")], "not_tags_any": [tag("x")]}, True),
        ({"without_any_tag": True}, False),
        ({"without_any_tag": True, "tags": [tag("env", "test")]}, False),
        ({"matches": [{"key": "resource_name", "value": "serv"}]}, True),
        ({"matches": [{"key": "resource_name", "value": "db"}]}, False),
        ({"matches": [{"key": "resource_name", "value": ""}]}, False),
        ({"matches": [{"key": "resource_id", "value": "id-1"}]}, True),
        ({"matches": [{"key": "resource_id", "value": "id"}]}, False),
    ],
)
def test_conditions(body, found):
    assert fits(**body) is found


@pytest.mark.parametrize(
    "body",
    [
        {"tags": []},
        {"tags": [tag("env", "a", "a")]},
        {"tags": [tag(str(number)) for number in range(11)]},
        {"tags": [tag("k", *map(str, range(11)))]},
        {"limit": "x"},
        {"matches": [{"key": "name", "value": ""}]},
    ],
)
def test_schema(body):
    with pytest.raises(jsonschema.ValidationError):
        fits(**body)


@pytest.mark.parametrize("body", [{"tags": [tag("k"), tag("k")]}, {"limit": "0"}, {"limit": 1001}])
def test_refusals(body):
    with pytest.raises(tag_query.TagQueryInvalid):
        fits(**body)


def test_numbers_come_as_text_or_as_numbers():
    query = tag_query.read({"action": "count", "limit": "5", "offset": 2})
    assert (query.counts, query.limit, query.offset) == (True, 5, 2)
    query = tag_query.read({"action": "filter", "limit": None})
    assert (query.counts, query.limit, query.offset) == (False, 10, 0)
