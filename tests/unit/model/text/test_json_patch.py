# SPDX-License-Identifier: Apache-2.0
"""The two JSON patch formats, compared with Glance's own reading of them."""

from typing import Any

import pytest
from glance.api.v2 import images

from ims_glance.model.text import json_patch
from ims_glance.model.text.json_patch import Change, changes

V20 = "application/openstack-images-v2.0-json-patch"
V21 = "application/openstack-images-v2.1-json-patch"

# Glance's reader without its schemas, which need a configuration.
GLANCE = images.RequestDeserializer(schema=object(), location_schema=object())


def glances_reading(version: int, raw: dict[str, Any]) -> tuple[str, tuple[str, ...]]:
    operation, path = GLANCE._parse_json_schema_change(raw, version)
    return operation, tuple(path)


@pytest.mark.parametrize(
    "pointer",
    [
        "/name", "//name", "/ name", "/name ", "/\tname\n", "/na~1me", "/na~0me",
        "/na~01me", "/~0~1", "/locations/0", "/locations/-", "/a/b/c", "/__system__cmkid", "/",
        "/name\N{NO-BREAK SPACE}", "/\N{EM SPACE}name", "/NAME", "/\u200bname",
    ],
)  # fmt: skip
def test_pointers_are_read_as_glance_reads_them(pointer: str) -> None:
    raw = {"op": "add", "path": pointer, "value": 1}
    operation, path = glances_reading(10, raw)
    assert changes(V21, [raw]) == [Change(operation, path, 1)]
    raw = {"replace": pointer, "value": [2]}
    operation, path = glances_reading(4, raw)
    assert changes(V20, [raw]) == [Change(operation, path, [2])]


def test_several_changes() -> None:
    patch = [
        {"op": "add", "path": "/a", "value": "1"},
        {"op": "remove", "path": "/b"},
        {"op": "replace", "path": "/c", "value": None},
    ]
    assert changes(V21, patch) == [
        Change("add", ("a",), "1"),
        Change("remove", ("b",)),
        Change("replace", ("c",)),
    ]
    assert changes(V20, [{"remove": "/a"}]) == [Change("remove", ("a",))]


def test_the_formats_are_not_mixed_up() -> None:
    assert changes(V20, [{"op": "remove", "path": "/a"}]) == []
    assert changes(V21, [{"remove": "/a"}]) == []
    # Refused by Glance, but what stands there is seen.
    assert len(changes(V20, [{"remove": "/a", "add": "/b"}])) == 2


@pytest.mark.parametrize("content_type", ["", "application/json", V21.upper()])
def test_no_patch(content_type: str) -> None:
    assert changes(content_type, [{"op": "remove", "path": "/a"}]) == []


@pytest.mark.parametrize(
    "patch",
    [
        None, 5, "x", {}, {"op": "remove", "path": "/a"}, [None], ["x"], [[]], [{}],
        [{"op": "move", "path": "/a"}], [{"op": ["add"], "path": "/a"}], [{"op": "add"}],
        [{"op": "add", "path": 5}],
    ],
)  # fmt: skip
def test_malformed(patch: Any) -> None:
    assert changes(V21, patch) == []
    assert changes(V20, patch) == []


NAME = {"op": "replace", "path": "/name", "value": "x"}


@pytest.mark.parametrize(
    ("kind", "raw"),
    [
        (V21, {"op": "remove", "path": "/a"}),
        (V21, {"op": "remove", "path": "// a\t"}),
        (V21, {"op": "add", "path": "/a", "value": None}),
        (V20, {"remove": "/a"}),
        (V20, {"replace": "/a", "value": "x"}),
    ],
)
def test_what_is_left_out(kind, raw):
    assert json_patch.without(kind, [NAME, raw, 5], lambda change: change.path == ("a",)) == [
        NAME,
        5,
    ]


@pytest.mark.parametrize(
    ("kind", "raw"),
    [
        (V21, {"op": "remove", "path": "a"}),
        (V21, {"op": "remove", "path": "///a"}),
        (V21, {"op": "remove", "path": "/a/"}),
        (V21, {"op": "remove", "path": "/a/b"}),
        (V21, {"op": "remove", "path": "/"}),
        (V21, {"op": "remove", "path": 5}),
        (V21, {"op": "add", "path": "/a"}),
        (V21, {"op": "move", "path": "/a"}),
        (V20, {"remove": "a"}),
        (V20, {"remove": "/a", "add": "/a", "value": "x"}),
        (V20, {"add": "/a"}),
        ("application/json", {"op": "remove", "path": "/a"}),
    ],
)
def test_what_glance_refuses_stays(kind, raw):
    assert json_patch.without(kind, [raw], lambda change: "a" in change.path) == [raw]


def test_no_patch_stays():
    assert json_patch.without(V21, {"op": "remove"}, lambda _change: True) == {"op": "remove"}


@pytest.mark.parametrize("kind", [V20, V21])
def test_an_operation_is_read_as_it_was_written(kind):
    raw = json_patch.operation(kind, "replace", "a", "x")
    assert changes(kind, [raw]) == [Change("replace", ("a",), "x")]
