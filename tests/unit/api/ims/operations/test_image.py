# SPDX-License-Identifier: Apache-2.0
"""Lists of images, as JSON and as CSV, and changes of one."""

import csv
import dataclasses
import io

import pytest
import webob

from ims_glance import exceptions
from ims_glance.api.common.image import SubrequestRefused
from ims_glance.api.ims.operations import image
from tests.unit.api.ims import calls


@pytest.fixture
def conf(tmp_path):
    return calls.configuration(tmp_path)


def _views(count, **changes):
    more = {"created_at": "2026-01-31T12:00:00Z"} | changes
    return [calls.view(f"{number:036}", **more) for number in range(count)]


def _listed(call, **query):
    return image.list_images(dataclasses.replace(call, query=query)).body


def test_a_list_that_ends(conf):
    body = _listed(calls.call(conf, *_views(3)))
    assert [view["id"] for view in body["images"]] == [view["id"] for view in _views(3)]
    assert body["images"][0]["__imagetype"] == "private"
    assert "page_info" not in body


def test_an_empty_list(conf):
    assert _listed(calls.call(conf)) == {"images": []}


def test_every_page_after_the_other(conf):
    call = calls.call(conf, *_views(5))
    first = _listed(call, limit="2")
    marker = first["page_info"]["next_marker"]
    assert (marker, first["page_info"]["current_count"]) == (first["images"][-1]["id"], 2)
    second = _listed(call, limit="2", marker=marker)
    third = _listed(call, limit="2", marker=second["page_info"]["next_marker"])
    assert "page_info" not in third
    found = [view["id"] for page in (first, second, third) for view in page["images"]]
    assert found == [view["id"] for view in _views(5)]


def test_a_page_that_a_filter_thinned_out_is_filled_up(conf):
    views = _views(20)
    for view in views[::2]:
        view["__isregistered"] = "false"
    body = _listed(calls.call(conf, *views), limit="4", __isregistered="true")
    expected = [view["id"] for view in views[1:8:2]]
    assert [view["id"] for view in body["images"]] == expected
    # From there on, not from the last image that was looked at.
    assert body["page_info"]["next_marker"] == expected[-1]


def test_a_page_is_one_request(conf):
    call = calls.call(conf, *_views(20))
    _listed(call, limit="5")
    assert len(call.service.images.queries) == 1


def test_a_filter_that_is_not_valid(conf):
    with pytest.raises(exceptions.Invalid) as refused:
        _listed(calls.call(conf), limit="0")
    assert refused.value.code == "IMG.0017"


def _answer(conf, accept, count=1, **query):
    call = calls.call(conf, *_views(count), query=query)
    return image.list_images(dataclasses.replace(call, accept=accept)), call


@pytest.mark.parametrize(
    ("accept", "is_table"),
    [
        ("text/csv", True),
        ("TEXT/CSV; charset=utf-8", True),
        ("text/*", True),
        ("text/csv, application/json;q=0.5", True),
        ("*/*", False),
        ("", False),
        ("application/json", False),
        ("application/json, text/csv", False),
        ("text/csv;q=0.1, application/json", False),
        ("text/csv;q=0", False),
        ("image/png", False),
        (";;;", False),
    ],
)
def test_json_unless_a_table_is_preferred(conf, accept, is_table):
    answer, _call = _answer(conf, accept)
    assert (answer.stream is not None, answer.body is None) == (is_table, is_table)


def test_the_table_has_all_pages(conf):
    answer, _call = _answer(conf, "text/csv", count=1203, limit="2")
    table = b"".join(answer.stream)
    rows = list(csv.DictReader(io.StringIO(table.decode())))
    assert answer.headers["Content-Length"] == str(len(table))
    assert [row["id"] for row in rows] == [view["id"] for view in _views(1203)]
    assert answer.content_type == "text/csv"
    assert answer.headers["Content-Disposition"].startswith("attachment")


def test_a_page_that_fails_makes_a_refusal_and_no_table(conf):
    """Nobody sees of a table that its end is missing."""
    call = calls.call(conf, *_views(1203))
    images = call.service.images

    def failing(*arguments, **more):
        if len(images.queries) == 2:
            raise SubrequestRefused(webob.Response(status=503, json_body={}))
        return calls.Images.call(images, *arguments, **more)

    images.call = failing
    with pytest.raises(SubrequestRefused):
        image.list_images(dataclasses.replace(call, accept="text/csv"))
    assert len(images.queries) == 2


def test_a_refusal_comes_before_the_table(conf):
    with pytest.raises(exceptions.Invalid):
        _answer(conf, "text/csv", limit="x")


CHANGE = {"op": "replace", "path": "/name", "value": "new"}


class TestUpdate:
    def _update(self, conf, *changes, **view):
        call = calls.call(conf, calls.view(**view), body=list(changes), image_id=calls.IMAGE)
        return image.update_image(call), call

    def test_the_whole_image_is_answered(self, conf):
        more = {"op": "add", "path": "/max_ram", "value": 4096}
        answer, call = self._update(conf, CHANGE, more)
        assert (answer.body["name"], answer.body["max_ram"]) == ("new", "4096")
        assert (answer.body["id"], answer.body["__imagetype"]) == (calls.IMAGE, "private")
        assert call.service.images.patches == [
            (calls.IMAGE, [CHANGE, {"op": "add", "path": "/max_ram", "value": "4096"}])
        ]

    @pytest.mark.parametrize(
        ("change", "view", "code"),
        [
            ({**CHANGE, "path": "/max_ram"}, {}, "IMG.0035"),
            (CHANGE, {"status": "queued"}, "IMG.0046"),
            (CHANGE, {"owner": calls.OTHER, "visibility": "shared"}, "IMG.0047"),
            ({**CHANGE, "path": "/__imagetype"}, {}, "IMG.0035"),
        ],
    )
    def test_refusals_change_nothing(self, conf, change, view, code):
        call = calls.call(conf, calls.view(**view), body=[change], image_id=calls.IMAGE)
        with pytest.raises(exceptions.ImsError) as refused:
            image.update_image(call)
        assert refused.value.code == code
        assert call.service.images.patches == []

    def test_of_an_image_that_is_not_there(self, conf):
        call = calls.call(conf, body=[CHANGE], image_id=calls.IMAGE)
        with pytest.raises(exceptions.NotFound):
            image.update_image(call)
