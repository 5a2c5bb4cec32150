# SPDX-License-Identifier: Apache-2.0
"""Images through the Image API: one, and lists page by page."""

import pytest
import webob

from ims_glance import exceptions
from ims_glance.api.common.image import SubrequestRefused
from ims_glance.api.ims import lookup
from ims_glance.model.image import rules
from tests.unit.api.ims import calls


@pytest.fixture
def conf(tmp_path):
    return calls.configuration(tmp_path)


def _views(count, **changes):
    return [calls.view(f"{number:036}", **changes) for number in range(count)]


def _ids(pages):
    return [view["id"] for page in pages for view in page]


def test_one(conf):
    view = calls.view()
    assert lookup.get(calls.call(conf, view), calls.IMAGE) == view


def test_absent(conf):
    with pytest.raises(exceptions.ImageNotFound) as refused:
        lookup.get(calls.call(conf), "x" * 1000)
    assert refused.value.code == "IMG.0027"
    assert len(str(refused.value)) < 200


def test_other_refusals_of_glance(conf, monkeypatch):
    call = calls.call(conf)

    def refuse(*_request):
        raise SubrequestRefused(webob.Response(status=500))

    monkeypatch.setattr(call.service.images, "call", refuse)
    with pytest.raises(exceptions.Unavailable):
        lookup.get(call, calls.IMAGE)


def test_checked_by_the_rules(conf):
    call = calls.call(conf, calls.view(status="queued"))
    with pytest.raises(exceptions.ImsError) as refused:
        lookup.checked(call, calls.IMAGE, rules.Action.UPDATE)
    assert refused.value.code == "IMG.0046"


def test_a_key_is_sought_in_all_its_spellings(conf):
    call = calls.call(conf)
    assert list(lookup.pages(call, {"__system__cmkid": "ims/default"})) == [[]]
    assert [query["__system__cmkid"] for query in call.service.images.queries] == [
        "id of ims/default"
    ]


def test_pages(conf):
    call = calls.call(conf, *_views(5))
    found = list(lookup.pages(call, {"limit": "2"}))
    assert [len(page) for page in found] == [2, 2, 1]
    assert _ids(found) == [view["id"] for view in _views(5)]


def test_pages_are_asked_for_one_by_one(conf):
    call = calls.call(conf, *_views(5))
    pages = lookup.pages(call, {"limit": "2"})
    assert call.service.images.queries == []
    next(pages)
    assert len(call.service.images.queries) == 1


def test_nothing_is_asked_when_filters_contradict_each_other(conf):
    call = calls.call(conf, *_views(1))
    query = {"visibility": "public", "__imagetype": "private"}
    assert list(lookup.pages(call, query)) == []
    assert call.service.images.queries == []


@pytest.mark.parametrize(
    ("stored", "chosen"),
    [
        (["team.core"], [0]),
        (["team=core"], [0]),
        (["team.core", "x", "team=core"], [0, 2]),
        (["x", "team=core=", "core"], []),
    ],
)
def test_a_tag_with_a_dot_may_be_one_of_glances_own(conf, stored, chosen):
    views = [calls.view(f"{number:036}", tags=[tag]) for number, tag in enumerate(stored)]
    call = calls.call(conf, *views)
    pages = lookup.pages(call, {"limit": "1", "tag": "team.core"})
    assert _ids(pages) == [views[number]["id"] for number in chosen]


@pytest.mark.parametrize(
    ("attributes", "asked"),
    [
        ({}, {"os_hidden": "false", "visibility": "private"}),
        ({"os_hidden": True}, {"os_hidden": "true", "visibility": "private"}),
        ({"visibility": "community", "owner": calls.OTHER}, {"visibility": "community"}),
        ({"visibility": "shared", "owner": calls.OTHER}, {"member_status": "all"}),
    ],
)
def test_a_list_by_an_id_has_what_is_seen_by_it(conf, attributes, asked):
    call = calls.call(conf, calls.view(**attributes), calls.view(calls.SECOND))
    assert _ids(lookup.pages(call, {"id": calls.IMAGE})) == [calls.IMAGE]
    (query,) = call.service.images.queries
    assert query | asked == query


@pytest.mark.parametrize(
    "query",
    [
        {"id": calls.ABSENT},
        {"id": "x"},
        {"id": f"{calls.IMAGE}/members"},
        {"id": f"{calls.IMAGE}\n"},
        {"id": calls.IMAGE, "visibility": "public"},
        {"id": calls.IMAGE, "__imagetype": "gold"},
        {"id": calls.IMAGE, "__isregistered": "false"},
    ],
)
def test_a_list_by_an_id_that_has_nothing(conf, query):
    assert _ids(lookup.pages(calls.call(conf, calls.view()), query)) == []


@pytest.mark.parametrize("gone", [1, 2])
def test_images_deleted_while_they_are_listed(conf, gone):
    """The marker of the next page may be gone."""
    call = calls.call(conf, *_views(6))
    pages = lookup.pages(call, {"limit": "3"})
    first = next(pages)
    for view in first[-gone:]:
        del call.service.images.views[view["id"]]
    assert _ids(pages) == [view["id"] for view in _views(6)[3:]]


def test_a_whole_page_deleted_while_it_is_listed(conf):
    call = calls.call(conf, *_views(6))
    pages = lookup.pages(call, {"limit": "3"})
    for view in next(pages):
        del call.service.images.views[view["id"]]
    with pytest.raises(SubrequestRefused):
        next(pages)


def test_an_outage_in_the_midst_is_no_vanished_marker(conf, monkeypatch):
    call = calls.call(conf, *_views(6))
    pages = lookup.pages(call, {"limit": "3"})
    next(pages)
    asked = []

    def refuse(*request, **_query):
        asked.append(request)
        raise SubrequestRefused(webob.Response(status=503))

    monkeypatch.setattr(call.service.images, "call", refuse)
    with pytest.raises(SubrequestRefused):
        next(pages)
    assert len(asked) == 1


def test_few_that_fit_are_found_with_few_requests(conf):
    views = [*_views(2500), calls.view(calls.IMAGE, __isregistered="false")]
    call = calls.call(conf, *views)
    pages = lookup.pages(call, {"limit": "1", "__isregistered": "false"})
    assert _ids(pages) == [calls.IMAGE]
    assert [query["limit"] for query in call.service.images.queries] == ["1", *["1000"] * 3]


def test_pages_that_glance_shortens(conf, monkeypatch):
    """As its api_limit_max does, or a policy for single images."""
    call = calls.call(conf, *_views(5))
    glance = call.service.images.call

    def shortened(context, method, path, query):
        return glance(context, method, path, query=dict(query) | {"limit": "2"})

    monkeypatch.setattr(call.service.images, "call", shortened)
    assert [len(page) for page in lookup.pages(call, {"limit": "500"})] == [2, 2, 1]


def test_the_image_apis_own_list_has_all_pages(conf):
    call = calls.call(conf, *_views(5))
    found = list(lookup.native(call, {"owner": calls.PROJECT, "limit": "2"}))
    assert found == _views(5)
    assert len(call.service.images.queries) == 3
