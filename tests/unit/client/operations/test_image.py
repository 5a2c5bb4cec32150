# SPDX-License-Identifier: Apache-2.0
"""Images: how they are found, what is sent, and what is made of the answer."""

import json

import pytest
from openstack import exceptions

from tests.unit.client.cloud import (
    IMAGE,
    IMAGE_ID,
    JOB_ID,
    OTHER,
    PROJECT,
    SECOND_ID,
    Answer,
    image,
)


@pytest.mark.parametrize("wanted", ["mine", IMAGE_ID, IMAGE_ID.upper()])
def test_images_are_found_by_name_and_id(cloud, ims, wanted):
    cloud.images(image(), image(SECOND_ID, "other"))
    cloud.ims("GET", f"/v2/images/{IMAGE_ID.upper()}", image())
    assert ims.find_image(wanted).id == IMAGE_ID


def test_a_name_may_look_like_an_id(cloud, ims):
    cloud.images(image(IMAGE_ID, SECOND_ID))
    assert ims.find_image(SECOND_ID).id == IMAGE_ID


def test_an_ambiguous_name_is_refused_with_the_candidates(cloud, ims):
    cloud.images(image(), image(SECOND_ID, owner=OTHER, __imagetype="shared"))
    with pytest.raises(exceptions.DuplicateResource) as caught:
        ims.find_image("mine")
    text = str(caught.value)
    assert f"{IMAGE_ID}  active, private" in text
    assert f"{SECOND_ID}  active, shared" in text
    assert f"project {OTHER}" in text


def test_offers_are_found_only_when_wanted(cloud, ims):
    cloud.images(image(SECOND_ID, "offer", member_status="pending"))
    assert ims.find_image("offer", is_offered=True).id == SECOND_ID
    with pytest.raises(exceptions.NotFoundException, match="'offer'"):
        ims.find_image("offer")


def test_hidden_images_are_found_by_their_names(cloud, ims):
    cloud.images(image(), image(SECOND_ID, "old", os_hidden=True))
    assert ims.find_image("old").id == SECOND_ID
    assert ims.find_image(SECOND_ID).id == SECOND_ID


def test_a_hidden_image_makes_no_name_ambiguous(cloud, ims):
    cloud.images(image(), image(SECOND_ID, os_hidden=True))
    assert ims.find_image("mine").id == IMAGE_ID


def test_an_image_that_no_list_shows_is_asked_for_by_its_id(cloud, ims):
    cloud.images()
    cloud.ims("GET", f"/v2/images/{IMAGE_ID}", image())
    assert ims.get_image(IMAGE_ID).os_type == "Linux"


def test_many_images_are_asked_for_a_hundred_at_once(cloud, ims):
    def listed(request):
        asked = request.query["id"].removeprefix("in:").split(",")
        assert len(asked) <= int(request.query["limit"])
        return Answer(200, {"images": [image(each) for each in asked]})

    cloud.on("GET", f"{IMAGE}/v2/images", listed)
    ids = {f"11111111-2222-4333-8444-{number:012}" for number in range(101)}
    assert set(ims.images_of(ids)) == ids
    assert len(cloud.sent("GET")) == 2
    assert ims.images_of(()) == {}
    assert len(cloud.sent("GET")) == 2


def test_a_filter_that_does_not_exist(ims):
    with pytest.raises(exceptions.InvalidResourceQuery):
        ims.images(colour="red")


def test_csv(cloud, ims):
    cloud.on("GET", ".*/v2/cloudimages", lambda _request: _text("name,id\r\n"))
    assert b"".join(ims.images_csv(os_type="Linux")) == b"name,id\r\n"
    assert cloud.only("GET").headers["Accept"] == "text/csv"
    assert cloud.only("GET").query == {"__os_type": "Linux"}


def _text(text):
    return Answer(200, text, {"Content-Type": "text/csv"})


def test_the_disks_of_a_whole_machine(cloud, ims):
    mapping = json.dumps([{"image_id": SECOND_ID}, {"image_id": "gone"}])
    whole = image(__whole_image="true", block_device_mapping=mapping)
    cloud.images(whole)
    cloud.ims("GET", f"/v2/images/{SECOND_ID}", image(SECOND_ID, __system__cmkid="k"))
    cloud.refuse("GET", "/v2/images/gone", 404, "IMG.0027", "It does not exist.")
    found = ims.disks_of(ims.find_image(IMAGE_ID))
    assert [(disk.id, disk.is_encrypted) for disk in found.values()] == [(SECOND_ID, True)]


@pytest.mark.parametrize("more", [{}, {"block_device_mapping": '[{"snapshot_id": "s"}]'}])
def test_other_images_have_no_disks(cloud, ims, more):
    cloud.images(image(**more))
    assert ims.disks_of(ims.find_image(IMAGE_ID)) == {}


def test_update(cloud, ims):
    cloud.ims("PATCH", f"/v2/cloudimages/{IMAGE_ID}", image(name="new"))
    changed = ims.update_image(
        IMAGE_ID, remove=["max_ram"], attributes={"platform": "mine"}, name="new", description="d"
    )
    assert changed.name == "new"
    assert cloud.only("PATCH").body == [
        {"op": "replace", "path": "/name", "value": "new"},
        {"op": "add", "path": "/__description", "value": "d"},
        {"op": "add", "path": "/platform", "value": "mine"},
        {"op": "remove", "path": "/max_ram"},
    ]


@pytest.mark.parametrize(("flag", "body"), [(False, None), (True, {"delete_backup": True})])
def test_delete(cloud, ims, flag, body):
    cloud.ims("DELETE", f"/v2/images/{IMAGE_ID}", status=204)
    ims.delete_image(IMAGE_ID, delete_backup=flag)
    assert cloud.only("DELETE").body == body


@pytest.mark.parametrize(
    ("call", "request_line", "body"),
    [
        (
            lambda ims: ims.create_image(
                "n", tags=["a=b", "c"], volume_id="v", os_version="CentOS 7.3 64bit"
            ),
            "POST /v2/cloudimages/action",
            {
                "name": "n",
                "volume_id": "v",
                "os_version": "CentOS 7.3 64bit",
                "image_tags": [{"key": "a", "value": "b"}, {"key": "c", "value": ""}],
            },
        ),
        (
            lambda ims: ims.copy_image(IMAGE_ID, "copy"),
            f"POST /v1/cloudimages/{IMAGE_ID}/copy",
            {"name": "copy"},
        ),
        (
            lambda ims: ims.copy_image(IMAGE_ID, "copy", description="", cmk_id="ims/default"),
            f"POST /v1/cloudimages/{IMAGE_ID}/copy",
            {"name": "copy", "description": "", "cmk_id": "ims/default"},
        ),
        (
            lambda ims: ims.copy_image_cross_region(IMAGE_ID, "copy", "RegionTwo"),
            f"POST /v1/cloudimages/{IMAGE_ID}/cross_region_copy",
            {"name": "copy", "region": "RegionTwo", "project_name": PROJECT},
        ),
        (
            lambda ims: ims.copy_image_cross_region(
                IMAGE_ID, "copy", "RegionTwo", "web", agency_name="a", cmk_id=None
            ),
            f"POST /v1/cloudimages/{IMAGE_ID}/cross_region_copy",
            {"name": "copy", "region": "RegionTwo", "project_name": "web", "agency_name": "a"},
        ),
    ],
)
def test_what_begins_a_job(cloud, ims, call, request_line, body):
    method, _, path = request_line.partition(" ")
    cloud.ims(method, path, {"job_id": JOB_ID})
    assert call(ims).id == JOB_ID
    assert cloud.only(method).body == body
