# SPDX-License-Identifier: Apache-2.0
"""Tags: what is sent, and what is made of the answer."""

import pytest

from tests.unit.client.cloud import IMAGE_ID, PROJECT

TAGS = f"/v2/{PROJECT}/images/{IMAGE_ID}/tags"


def test_tags(cloud, ims):
    cloud.ims("GET", TAGS, {"tags": [{"key": "env", "value": "test"}]})
    cloud.ims("GET", f"/v2/{PROJECT}/images/tags", {"tags": [{"key": "env", "values": ["a"]}]})
    assert [str(each) for each in ims.image_tags(IMAGE_ID)] == ["env=test"]
    assert [(each.key, each.tag_values) for each in ims.project_tags()] == [("env", ["a"])]


def test_adding_and_removing_tags(cloud, ims):
    cloud.ims("POST", f"{TAGS}/action", status=204)
    cloud.ims("DELETE", f"{TAGS}/a%20b", status=204)
    ims.add_tags(IMAGE_ID, ["env=test"])
    ims.remove_tag(IMAGE_ID, "a b")
    assert cloud.only("POST").body == {
        "action": "create",
        "tags": [{"key": "env", "value": "test"}],
    }


@pytest.mark.parametrize(
    ("wanted", "sent"),
    [
        (["new=1"], [("delete", ["old"]), ("create", ["new"])]),
        (["old=2"], [("create", ["old"])]),
        ([], [("delete", ["old"])]),
    ],
)
def test_setting_tags(cloud, ims, wanted, sent):
    cloud.ims("GET", TAGS, {"tags": [{"key": "old", "value": "1"}]})
    cloud.ims("POST", f"{TAGS}/action", status=204)
    ims.set_tags(IMAGE_ID, wanted)
    bodies = [request.body for request in cloud.sent("POST")]
    assert [(b["action"], [tag["key"] for tag in b["tags"]]) for b in bodies] == sent
