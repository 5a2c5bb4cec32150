# SPDX-License-Identifier: Apache-2.0
"""Changing the tags of an image."""

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from ims_glance import exceptions
from ims_glance.api.ims import tagging
from ims_glance.api.native.image import TooManyTags
from ims_glance.model.tags import Tag, TagInvalid
from tests.unit.api.ims import calls
from tests.unit.api.ims.calls import IMAGE, OTHER


@pytest.fixture
def make(tmp_path):
    """A call, with an image that has these tags."""

    def make(*stored, **attributes):
        conf = calls.configuration(tmp_path, tags=2)
        return calls.call(conf, calls.view(tags=list(stored), **attributes))

    return make


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
    assert tagging.from_body(body) == found


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"tags": ["a.1"], "image_tags": [{"key": "a"}]}, tagging.TagsContradict),
        ({"tags": ["a b"]}, TagInvalid),
        ({"image_tags": [{"key": "k" * 37}]}, TagInvalid),
        ({"image_tags": [{"key": "k", "value": "v" * 44}]}, TagInvalid),
    ],
)
def test_bad_tags(body, error):
    with pytest.raises(error) as refused:
        tagging.from_body(body)
    assert refused.value.code == "IMG.0115"


def test_change(make):
    call = make("a")
    tagging.change(call, IMAGE, lambda stored: [*stored, "b"])
    patch = [{"op": "replace", "path": "/tags", "value": ["a", "b"]}]
    assert call.service.images.patches == [(IMAGE, patch)]


def test_nothing_to_change(make):
    call = make("a", "b")
    tagging.change(call, IMAGE, lambda _stored: ["b", "a"])
    assert not call.service.images.patches


def test_too_many(make):
    call = make("a")
    with pytest.raises(TooManyTags, match="2 tags, not 3") as refused:
        tagging.change(call, IMAGE, lambda _stored: ["a", "b", "c"])
    assert refused.value.code == "IMG.0116"
    assert not call.service.images.patches


def test_one_that_has_too_many_already_may_get_fewer(make):
    call = make("a", "b", "c", "d")
    tagging.change(call, IMAGE, lambda stored: [*stored[:-1]])
    tagging.change(call, IMAGE, lambda stored: ["other", *stored[1:]])
    assert call.service.images.views[IMAGE]["tags"] == ["other", "b", "c"]


def test_of_another_project(make):
    call = make(owner=OTHER, visibility="public")
    with pytest.raises(exceptions.Forbidden) as refused:
        tagging.change(call, IMAGE, lambda _stored: ["a"])
    assert refused.value.code == "IMG.0047"


def test_the_lock_is_by_the_id_that_glance_knows(make, monkeypatch):
    call, locked = make(), []
    call.service.images.views[IMAGE.upper()] = call.service.images.views[IMAGE]

    @contextlib.contextmanager
    def lock(_conf, kind, name):
        locked.append((kind, name))
        yield

    monkeypatch.setattr("ims_glance.clouds.coordination.lock", lock)
    tagging.change(call, IMAGE.upper(), lambda _stored: ["a"])
    assert locked == [("image", IMAGE)]


def test_one_after_the_other(make):
    call = make()
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
        done = [pool.submit(tagging.change, call, IMAGE, changed) for _ in range(2)]
        assert [each.result() for each in done] == [None, None]
    assert max(most) == 1
    assert call.service.images.views[IMAGE]["tags"] == ["a", "b"]
