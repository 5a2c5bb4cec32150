# SPDX-License-Identifier: Apache-2.0
"""Tags: what is sent, and what is made of the answer."""

import pytest
from openstack import exceptions

from ims_glance.client.resources.tag import ImageTag
from tests.unit.client.cloud import IMAGE_ID, PROJECT, Answer

TAGS = f"/v2/{PROJECT}/images/{IMAGE_ID}/tags"
NATIVE = f"/v2/images/{IMAGE_ID}"


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


def image_with(cloud, *tags):
    cloud.ims("GET", NATIVE, {"id": IMAGE_ID, "tags": list(tags)})
    cloud.ims("PATCH", NATIVE, {})


def sent(cloud):
    """The tags that each request replaces all others with."""
    return [request.body[0]["value"] for request in cloud.sent("PATCH")]


@pytest.mark.parametrize(
    ("wanted", "tags"),
    [
        (["new=1"], [["new=1"]]),
        (["old=2"], [["old=2"]]),
        ([" old = 1 ", ImageTag.new(key="n", value="")], [["old=1", "n"]]),
        ([], [[]]),
        (["old=1"], []),
        # Glance takes no tag away for one that the database takes for the same.
        (["Old=1"], [[], ["Old=1"]]),
    ],
)
def test_setting_tags(cloud, ims, wanted, tags):
    image_with(cloud, "old=1")
    ims.set_tags(IMAGE_ID, wanted)
    assert sent(cloud) == tags
    types = {request.headers["Content-Type"] for request in cloud.sent("PATCH")}
    assert types <= {"application/openstack-images-v2.1-json-patch"}


def test_tags_of_glance_s_own_making_stay(cloud, ims):
    own = ["env=a", "env=b", "web server", "empty=", *(f"k{number}" for number in range(9))]
    image_with(cloud, *own)
    ims.set_tags(IMAGE_ID, own)
    assert sent(cloud) == []
    ims.set_tags(IMAGE_ID, own[1:])
    assert sent(cloud) == [own[1:]]


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (["env.prod/2"], "'env.prod/2=' is not valid"),
        (["k" * 37], "is not valid"),
        (["k=" + "v" * 44], "is not valid"),
        (["=v"], "is not valid"),
        (["a=1", "a=2"], "key 'a'"),
        (["env=a", "env=c"], "key 'env'"),
        (["Web"], "capitals"),
    ],
)
def test_nothing_is_taken_away_if_one_cannot_be_added(cloud, ims, wanted, said):
    image_with(cloud, "env=a", "old", "web")
    with pytest.raises(exceptions.BadRequestException, match=rf"{said}.*IMG\.0115"):
        ims.set_tags(IMAGE_ID, [*wanted, "web"])
    assert cloud.sent("PATCH") == []


def test_the_tags_are_there_again_if_the_second_step_fails(cloud, ims):
    image_with(cloud, "old", "b")
    answers = iter([200, 500, 200])
    cloud.on("PATCH", f".*{NATIVE}", lambda _request: Answer(next(answers), {}))
    with pytest.raises(exceptions.HttpException):
        ims.set_tags(IMAGE_ID, ["OLD", "b"])
    assert sent(cloud) == [["b"], ["b", "OLD"], ["old", "b"]]
