# SPDX-License-Identifier: Apache-2.0
"""The tags of images, through Huawei's own client."""

import secrets
from typing import Any

import pytest
from huaweicloudsdkims import v2

from tests.cloud import client_shell, huawei
from tests.cloud.huawei import NOBODY, refused


@pytest.fixture(scope="module")
def ims(demo):
    return huawei.client(demo)


@pytest.fixture
def image(demo):
    with client_shell.image(demo, f"contract-{secrets.token_hex(4)}") as image_id:
        yield image_id


@pytest.fixture
def key():
    """A key that no other image has."""
    return f"key-{secrets.token_hex(4)}"


def _tag(key, value=""):
    return v2.ResourceTag(key=key, value=value)


def _tags(ims, image):
    listed = ims.list_image_tags(v2.ListImageTagsRequest(image)).tags
    return {tag.key: tag.value for tag in listed}


def _act(ims, image, action, *tags):
    body = v2.BatchAddOrDeleteTagsRequestBody(action=action, tags=list(tags))
    ims.batch_add_or_delete_tags(v2.BatchAddOrDeleteTagsRequest(image, body))


def _add(ims, image, key, value):
    body = v2.AddImageTagRequestBody(_tag(key, value))
    ims.add_image_tag(v2.AddImageTagRequest(image, body))


def _set(ims, **body):
    ims.create_or_update_tags(v2.CreateOrUpdateTagsRequest(v2.AddOrUpdateTagsRequestBody(**body)))


def _find(ims, action="filter", **body):
    request = v2.ListImageByTagsRequestBody(action=action, **body)
    return ims.list_image_by_tags(v2.ListImageByTagsRequest(request))


def test_one_tag(ims, image):
    _add(ims, image, "env", "test")
    _add(ims, image, "empty", "")
    _add(ims, image, "env", "live")
    assert _tags(ims, image) == {"env": "live", "empty": ""}
    ims.delete_image_tag(v2.DeleteImageTagRequest(image, "env"))
    assert _tags(ims, image) == {"empty": ""}
    with refused(status=404):
        ims.delete_image_tag(v2.DeleteImageTagRequest(image, "env"))


def test_both_notations(ims, demo, image):
    _set(ims, image_id=image, tag="env.one")
    assert _tags(ims, image) == {"env": "one"}
    _set(ims, image_id=image, image_tag=_tag(" env ", "two"))
    assert _tags(ims, image) == {"env": "two"}
    assert list(demo.image.get_image(image).tags) == ["env=two"]
    # MariaDB takes the new one for the old one.
    _set(ims, image_id=image, tag="env.Two")
    assert _tags(ims, image) == {"env": "Two"}
    with refused("IMG.0115"):
        _set(ims, image_id=image, tag="ENV.two")
    for wrong in ({}, {"tag": "a.b", "image_tag": _tag("a", "b")}):
        with refused():
            _set(ims, image_id=image, **wrong)
    with refused("IMG.0115"):
        _set(ims, image_id=image, tag="white space.b")
    with refused("IMG.0027", 404):
        _set(ims, image_id=NOBODY, tag="a.b")


def test_batches_can_be_repeated(ims, image):
    for _ in range(2):
        _act(ims, image, "create", _tag("a", "1"), _tag("b", "2"), _tag("c"))
    assert _tags(ims, image) == {"a": "1", "b": "2", "c": ""}
    for _ in range(2):
        _act(ims, image, "delete", _tag("a", "1"), _tag("never"))
    assert _tags(ims, image) == {"b": "2", "c": ""}
    for _ in range(2):
        body = v2.BatchDeleteTagsRequestBody([_tag("b", "2")])
        ims.batch_delete_tags(v2.BatchDeleteTagsRequest(image, body))
    assert _tags(ims, image) == {"c": ""}
    with refused():
        _act(ims, image, "CREATE", _tag("a", "1"))
    with refused():
        _act(ims, image, "create")


def test_ten_are_the_most(ims, image):
    _act(ims, image, "create", *(_tag(f"k{number}", "v") for number in range(10)))
    with refused("IMG.0116"):
        _add(ims, image, "eleventh", "v")
    with refused("IMG.0116"):
        _act(ims, image, "create", _tag("eleventh", "v"))
    with refused("IMG.0116"):
        _set(ims, image_id=image, tag="eleventh.v")
    _add(ims, image, "k9", "another")
    assert len(_tags(ims, image)) == 10


@pytest.mark.parametrize(
    ("tag_key", "value"), [("", "v"), ("k" * 37, "v"), ("k", "v" * 44), ("k=", "v"), ("k", "a.b")]
)
def test_wrong_tags(ims, image, tag_key, value):
    with refused("IMG.0115"):
        _add(ims, image, tag_key, value)
    with refused("IMG.0115"):
        _act(ims, image, "create", _tag(tag_key, value))
    assert _tags(ims, image) == {}


def test_tags_of_no_image(ims):
    with refused("IMG.0027", 404):
        _tags(ims, NOBODY)
    with refused("IMG.0027", 404):
        _add(ims, NOBODY, "a", "b")


def test_all_tags_of_a_project(ims, demo, image, key):
    with client_shell.image(demo, "contract-second") as second:
        _add(ims, image, key, "one")
        _add(ims, second, key, "two")
        _add(ims, second, f"{key}-bare", "")
        listed = ims.list_images_tags(v2.ListImagesTagsRequest()).tags
    values = {tag.key: sorted(tag.values) for tag in listed}
    assert values[key] == ["one", "two"]
    assert values[f"{key}-bare"] == [""]


def test_tag_strings_of_images_that_match(ims, image, key):
    _add(ims, image, key, "one")
    _add(ims, image, f"{key}-two", "")
    found = ims.list_tags(v2.ListTagsRequest(id=image)).tags
    assert sorted(found) == [f"{key}-two", f"{key}=one"]
    assert len(ims.list_tags(v2.ListTagsRequest(id=image, limit=1)).tags) == 1
    second = ims.list_tags(v2.ListTagsRequest(id=image, limit=1, page=2)).tags
    assert len(second) == 1
    assert second[0] in found
    assert ims.list_tags(v2.ListTagsRequest(id=image, imagetype="gold")).tags == []
    listed = ims.list_images(v2.ListImagesRequest(tag=f"{key}=one")).images
    assert [one.id for one in listed] == [image]
    listed = ims.list_images(v2.ListImagesRequest(tag=f"{key}.one")).images
    assert [one.id for one in listed] == [image]


def _found(ims, **body):
    answer = _find(ims, **body)
    ids = {one.resource_id for one in answer.resources}
    assert answer.total_count >= len(ids)
    return ids


def test_images_by_tags(ims, demo, image, key):
    with client_shell.image(demo, f"other-name-{key}") as second:
        _act(ims, image, "create", _tag(key, "one"), _tag(f"{key}-x", "x"))
        _act(ims, second, "create", _tag(key, "two"))

        def having(tag_key, *values):
            return [v2.Tags(key=tag_key, values=list(values))]

        both = {image, second}
        assert _found(ims, tags=having(key)) == both
        assert _found(ims, tags=having(key, "one")) == {image}
        assert _found(ims, tags=having(key, "one", "two")) == both
        assert _found(ims, tags=[*having(key), *having(f"{key}-x", "x")]) == {image}
        assert _found(ims, tags_any=[*having(f"{key}-x"), *having(key, "two")]) == both
        assert _found(ims, tags=having(key), not_tags=having(key, "two")) == {image}
        assert _found(ims, tags=having(key), not_tags_any=having(f"{key}-x")) == {second}
        named = [v2.TagKeyValue("resource_name", f"name-{key}")]
        assert _found(ims, matches=named) == {second}
        assert _found(ims, matches=[v2.TagKeyValue("resource_id", image)]) == {image}
        assert _find(ims, "count", tags=having(key)).total_count == 2
        page = _find(ims, tags=having(key), limit="1", offset="1")
        assert (len(page.resources), page.total_count) == (1, 2)
        (one,) = _find(ims, tags=having(key, "two")).resources
        assert (one.resource_name, one.resource_detail.status) == (f"other-name-{key}", "active")
        assert [(tag.key, tag.value) for tag in one.tags] == [(key, "two")]
        assert image not in _found(ims, without_any_tag=True, limit="1000")


def test_images_by_tags_refuses(ims):
    wrongs: tuple[dict[str, Any], ...] = (
        {"action": "find"},
        {"tags": []},
        {"tags": [v2.Tags("a", []), v2.Tags("a", ["b"])]},
        {"tags": [v2.Tags("a", ["b", "b"])]},
        {"tags": [v2.Tags(f"k{number}", []) for number in range(11)]},
        {"tags": [v2.Tags("a", [f"v{number}" for number in range(11)])]},
        {"tags": [v2.Tags("k" * 129, [])]},
        {"matches": [v2.TagKeyValue("resource_size", "1")]},
        {"matches": [v2.TagKeyValue("resource_id", "1"), v2.TagKeyValue("resource_id", "2")]},
        {"limit": "0"},
        {"limit": "1001"},
        {"offset": "-1"},
    )
    for wrong in wrongs:
        with refused():
            _find(ims, **wrong)
