# SPDX-License-Identifier: Apache-2.0
"""Handlers of tags: which tags a request means, how they are changed, and what answers look like."""

import contextlib
import dataclasses
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import webob

from ims_glance import exceptions
from ims_glance.api.common.image import SubrequestRefused
from ims_glance.api.ims.operations import tag
from ims_glance.api.native.image import TooManyTags
from ims_glance.model import tag as tags
from ims_glance.model.tag import Tag, TagInvalid
from tests.unit.api.ims import calls
from tests.unit.api.ims.calls import IMAGE, OTHER, SECOND


@pytest.fixture
def conf(tmp_path):
    return calls.configuration(tmp_path, tags=3)


@pytest.fixture
def make(conf):
    """A call about an image with these tags; and a second image, and a foreign one."""

    def make(stored=(), body=None, query=None, **arguments):
        views = (
            calls.view(tags=list(stored)),
            calls.view(SECOND, name="second", tags=["env=b", "plain"]),
            calls.view("3", owner=OTHER, tags=["foreign=x"]),
        )
        return calls.call(conf, *views, body=body, query=query, image_id=IMAGE, **arguments)

    return make


def _stored(call):
    return set(call.service.images.views[IMAGE]["tags"])


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ({"tag": "env.a"}, {"env=a", "x"}),
        ({"tag": "env=a", "image_tag": None}, {"env=a", "x"}),
        ({"tag": None, "image_tag": {"key": " env ", "value": "a"}}, {"env=a", "x"}),
        ({"image_tag": {"key": "env", "value": None}}, {"env", "x"}),
        ({"tag": "env"}, {"env", "x"}),
    ],
)
def test_set_a_tag(make, given, stored):
    call = make(["env=old", "x"], {"image_id": IMAGE, **given})
    answer = tag.create_or_update_tags(call)
    assert (answer.body, answer.image_ids) == (None, (IMAGE,))
    assert _stored(call) == stored


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({}, tag.TagMissing),
        ({"tag": None}, tag.TagMissing),
        ({"tag": "a.b", "image_tag": {"key": "a"}}, tag.TagMissing),
        ({"tag": ""}, TagInvalid),
        ({"tag": "a b"}, TagInvalid),
        ({"image_tag": {"key": ""}}, TagInvalid),
    ],
)
def test_set_no_tag(make, given, error):
    call = make(["x"], {"image_id": IMAGE, **given})
    with pytest.raises(error) as refused:
        tag.create_or_update_tags(call)
    assert refused.value.code == "IMG.0115"
    assert _stored(call) == {"x"}


def test_add_a_tag(make):
    call = make(["x"], {"tag": {"key": "env", "value": "a"}})
    tag.add_image_tag(call)
    assert _stored(call) == {"x", "env=a"}


def test_a_tag_that_is_added_changes_no_other(make, conf):
    conf.set_override("tags", 9, group="ims_api")
    stored = ["env=a", "env=b", "k", "k=1", "a=", "=b"]
    call = make(stored, {"image_id": IMAGE, "tag": "team.x"})
    tag.create_or_update_tags(call)
    assert _stored(call) == {*stored, "team=x"}


def test_whatever_is_listed_can_be_taken_away(make, conf):
    conf.set_override("tags", 9, group="ims_api")
    call = make(["env=a", "env=b", "a=", "=b", "jammy-22.04"])
    for listed in tag.list_image_tags(call).body["tags"]:
        body = {"action": "delete", "tags": [listed]}
        call = dataclasses.replace(call, body=body)
        tag.batch_add_or_delete_tags(call)
    assert _stored(call) == set()


def test_batches(make):
    pairs = [{"key": "a", "value": "1"}, {"key": "x"}]
    call = make(["x=old", "y"], {"action": "create", "tags": pairs})
    tag.batch_add_or_delete_tags(call)
    assert _stored(call) == {"a=1", "x", "y"}
    call.body["action"] = "delete"
    for _ in range(2):
        tag.batch_add_or_delete_tags(call)
        assert _stored(call) == {"y"}


def test_batch_of_too_many(make):
    pairs = [{"key": str(number)} for number in range(4)]
    call = make([], {"action": "create", "tags": pairs})
    with pytest.raises(TooManyTags):
        tag.batch_add_or_delete_tags(call)
    assert not call.service.images.patches


def test_batch_delete_goes_by_the_key(make):
    call = make(["a=1", "b=2"], {"tags": [{"key": "a", "value": "another"}, {"key": "c"}]})
    tag.batch_delete_tags(call)
    assert _stored(call) == {"b=2"}


def test_delete_a_tag(make):
    call = make(["a=1", "b"], key="a")
    tag.delete_image_tag(call)
    assert _stored(call) == {"b"}
    with pytest.raises(tag.TagNotFound, match="'a'"):
        tag.delete_image_tag(call)


def test_tags_of_an_image(make):
    assert tag.list_image_tags(make(["b", "a=1"])).body == {
        "tags": [{"key": "a", "value": "1"}, {"key": "b", "value": ""}]
    }


def test_tags_of_the_project(make):
    assert tag.list_images_tags(make(["env=a", "env=0"])).body == {
        "tags": [{"key": "env", "values": ["0", "a", "b"]}, {"key": "plain", "values": [""]}]
    }


@pytest.mark.parametrize(
    ("query", "listed"),
    [
        ({}, ["a", "env=b", "foreign=x", "plain"]),
        ({"limit": "2"}, ["a", "env=b"]),
        ({"limit": "3", "page": "2"}, ["plain"]),
        ({"limit": "3", "page": "3"}, []),
        ({"page": ""}, ["a", "env=b", "foreign=x", "plain"]),
    ],
)
def test_strings_of_tags(make, query, listed):
    assert tag.list_tags(make(["a", "plain"], query=query)).body == {"tags": listed}


def _searched(make, **body):
    return tag.list_image_by_tags(make(["env=a"], {"action": "filter", **body})).body


def test_search(make):
    found = _searched(make, tags=[{"key": "env", "values": ["b"]}])
    assert found == {
        "total_count": 1,
        "resources": [
            {
                "resource_id": SECOND,
                "resource_name": "second",
                "resource_detail": {"status": "active"},
                "tags": [{"key": "env", "value": "b"}, {"key": "plain", "value": ""}],
            }
        ],
    }


def test_search_in_pages(make):
    pages = [_searched(make, limit="1", offset=str(offset)) for offset in range(3)]
    assert [page["total_count"] for page in pages] == [2, 2, 2]
    ids = [[one["resource_id"] for one in page["resources"]] for page in pages]
    assert ids == [[IMAGE], [SECOND], []]


def test_all_values_of_a_key_are_seen(make):
    call = make(["env=b", "env=a", "env"])
    assert _searched_in(call, tags=[{"key": "env", "values": ["a"]}]) == [IMAGE]
    assert _searched_in(call, tags=[{"key": "env", "values": [""]}]) == [IMAGE]
    assert _searched_in(call, tags=[{"key": "env", "values": ["b"]}]) == [IMAGE, SECOND]
    assert _searched_in(call, not_tags_any=[{"key": "env", "values": ["a"]}]) == [SECOND]


def _searched_in(call, **body):
    call = dataclasses.replace(call, body={"action": "filter", **body})
    return [one["resource_id"] for one in tag.list_image_by_tags(call).body["resources"]]


def test_count(make):
    assert _searched(make, action="count", tags=[{"key": "env"}]) == {"total_count": 2}


def test_all_pages_are_read(conf):
    views = [calls.view(f"{number:04}", tags=["t"]) for number in range(1203)]
    call = calls.call(conf, *views, body={"action": "count", "tags": [{"key": "t"}]})
    assert tag.list_image_by_tags(call).body == {"total_count": 1203}


def test_image_of_nobody(make):
    call = make([], {"tag": {"key": "k"}})
    call.arguments["image_id"] = calls.ABSENT
    with pytest.raises(exceptions.NotFound):
        tag.add_image_tag(call)


@pytest.fixture
def tagged(tmp_path):
    """A call, with an image that has these tags."""

    def tagged(*stored, **attributes):
        conf = calls.configuration(tmp_path, tags=2)
        return calls.call(conf, calls.view(tags=list(stored), **attributes))

    return tagged


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({}, []),
        ({"tags": None, "image_tags": []}, []),
        ({"tags": ["a.1", "b=2", "c"]}, [Tag("a", "1"), Tag("b", "2"), Tag("c", "")]),
        ({"image_tags": [{"key": " a ", "value": "1"}, {"key": "b", "value": None}]},
         [Tag("a", "1"), Tag("b", "")]),
        ({"tags": [], "image_tags": [{"key": "a"}]}, [Tag("a", "")]),
    ],
)  # fmt: skip
def test_from_body(body, found):
    assert tag.from_body(body) == found


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"tags": ["a.1"], "image_tags": [{"key": "a"}]}, tag.TagsContradict),
        ({"tags": ["a b"]}, TagInvalid),
        ({"image_tags": [{"key": "k" * 37}]}, TagInvalid),
        ({"image_tags": [{"key": "k", "value": "v" * 44}]}, TagInvalid),
    ],
)
def test_bad_tags(body, error):
    with pytest.raises(error) as refused:
        tag.from_body(body)
    assert refused.value.code == "IMG.0115"


def test_change(tagged):
    call = tagged("a")
    tag.change(call, IMAGE, lambda stored: [*stored, "b"])
    patch = [{"op": "replace", "path": "/tags", "value": ["a", "b"]}]
    assert call.service.images.patches == [(IMAGE, patch)]


def test_nothing_to_change(tagged):
    call = tagged("a", "b")
    tag.change(call, IMAGE, lambda _stored: ["b", "a"])
    assert not call.service.images.patches


def test_a_tag_that_changes_its_capitals_goes_first(tagged):
    call = tagged("env=prod", "b")
    tag.change(call, IMAGE, lambda stored: tags.merged(stored, [Tag("env", "Prod")]))
    steps = [patch[0]["value"] for _image, patch in call.service.images.patches]
    assert steps == [["b"], ["env=Prod", "b"]]


def test_a_tag_that_went_first_comes_back(tagged, monkeypatch):
    call = tagged("env=prod", "b")
    images = call.service.images
    patch = images.patch

    def refuse(context, image_id, changes):
        if "env=Prod" in changes[0]["value"]:
            raise SubrequestRefused(webob.Response(status=503))
        return patch(context, image_id, changes)

    monkeypatch.setattr(images, "patch", refuse)
    with pytest.raises(SubrequestRefused):
        tag.change(call, IMAGE, lambda _stored: ["env=Prod", "b"])
    assert images.views[IMAGE]["tags"] == ["env=prod", "b"]


def test_tags_that_a_database_takes_for_one(tagged):
    call = tagged("env=prod")
    with pytest.raises(tags.TagsAlike) as refused:
        tag.change(call, IMAGE, lambda stored: [*stored, "Env=Prod"])
    assert refused.value.code == "IMG.0115"
    assert not call.service.images.patches
    with pytest.raises(tags.TagsAlike):
        tag.stored({"tags": ["a", "A"]}, 10)


def test_too_many(tagged):
    call = tagged("a")
    with pytest.raises(TooManyTags, match="2 tags, not 3") as refused:
        tag.change(call, IMAGE, lambda _stored: ["a", "b", "c"])
    assert refused.value.code == "IMG.0116"
    assert not call.service.images.patches


def test_one_that_has_too_many_already_may_get_fewer(tagged):
    call = tagged("a", "b", "c", "d")
    tag.change(call, IMAGE, lambda stored: [*stored[:-1]])
    tag.change(call, IMAGE, lambda stored: ["other", *stored[1:]])
    assert call.service.images.views[IMAGE]["tags"] == ["other", "b", "c"]


def test_of_another_project(tagged):
    call = tagged(owner=OTHER, visibility="public")
    with pytest.raises(exceptions.Forbidden) as refused:
        tag.change(call, IMAGE, lambda _stored: ["a"])
    assert refused.value.code == "IMG.0047"


def test_the_lock_is_by_the_id_that_glance_knows(tagged, monkeypatch):
    call, locked = tagged(), []
    call.service.images.views[IMAGE.upper()] = call.service.images.views[IMAGE]

    @contextlib.contextmanager
    def lock(_conf, kind, name):
        locked.append((kind, name))
        yield

    monkeypatch.setattr("ims_glance.clouds.coordination.lock", lock)
    tag.change(call, IMAGE.upper(), lambda _stored: ["a"])
    assert locked == [("image", IMAGE)]


def test_one_after_the_other(tagged):
    call = tagged()
    inside, most = [], []
    mutex = threading.Lock()

    def changed(stored):
        with mutex:
            inside.append(1)
            most.append(len(inside))
        threading.Event().wait(0.02)
        with mutex:
            inside.pop()
        return [*stored, "b"] if "a" in stored else ["a"]

    with ThreadPoolExecutor(4) as pool:
        done = [pool.submit(tag.change, call, IMAGE, changed) for _ in range(2)]
        assert [each.result() for each in done] == [None, None]
    assert max(most) == 1
    assert call.service.images.views[IMAGE]["tags"] == ["a", "b"]
