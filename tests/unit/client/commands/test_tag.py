# SPDX-License-Identifier: Apache-2.0
"""``openstack ims tag list|add|remove|set``."""

import json

import pytest
from osc_lib import exceptions

from ims_glance.client.commands.tag import AddTags, ListTags, RemoveTags, SetTags
from tests.unit.client.cloud import IMAGE_ID, PROJECT, image

TAGS = f"/v2/{PROJECT}/images/{IMAGE_ID}/tags"


@pytest.fixture
def ready(cloud):
    cloud.images(image())
    cloud.ims("GET", TAGS, {"tags": [{"key": "env", "value": "test"}]})
    cloud.ims("POST", f"{TAGS}/action", status=204)
    cloud.ims("DELETE", f"{TAGS}/env", status=204)
    cloud.refuse("DELETE", f"{TAGS}/none", 404, "IMG.0115", "It has no such tag.")
    return cloud


def test_list_of_an_image(ready, run):
    assert run(ListTags, "mine", "-f", "value") == "env test\n"


def test_list_of_the_project(ready, run):
    ready.ims("GET", f"/v2/{PROJECT}/images/tags", {"tags": [{"key": "env", "values": ["", "a"]}]})
    assert json.loads(run(ListTags, "-f", "json")) == [{"Key": "env", "Values": ["", "a"]}]


def test_add(ready, run):
    run(AddTags, "mine", "a=b", "c")
    assert ready.only("POST").body == {
        "action": "create",
        "tags": [{"key": "a", "value": "b"}, {"key": "c", "value": ""}],
    }


def test_remove(ready, run, caplog):
    with pytest.raises(exceptions.CommandError, match="1 of 2 tags"):
        run(RemoveTags, "mine", "none", "env")
    assert len(ready.sent("DELETE")) == 2
    assert "IMG.0115" in caplog.text


def test_set(ready, run):
    path = f"/v2/images/{IMAGE_ID}"
    ready.ims("GET", path, {"id": IMAGE_ID, "tags": ["env=test"]})
    ready.ims("PATCH", path, {})
    run(SetTags, "mine", "a=b")
    assert ready.only("PATCH").body == [{"op": "replace", "path": "/tags", "value": ["a=b"]}]
