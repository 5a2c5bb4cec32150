# SPDX-License-Identifier: Apache-2.0
"""The operations: what is sent, and what is made of the answer."""

import json

import pytest
from openstack import exceptions

from ims_glance.client import errors, waiting
from ims_glance.client.resources.job import Job
from tests.unit.client.cloud import (
    IMAGE_ID,
    JOB_ID,
    OTHER,
    PROJECT,
    SECOND_ID,
    Answer,
    image,
    job,
)

TAGS = f"/v2/{PROJECT}/images/{IMAGE_ID}/tags"
JOBS = f"/v1/{PROJECT}/jobs"


# --- finding -----------------------------------------------------------------------------------


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


def _pages(*, gone=(), size=2, count=7):
    """A list of images 0, 1, ... of which some vanish as soon as a page has shown them."""
    present = [f"{number:036}" for number in range(count)]

    def answer(request):
        marker = request.query.get("marker")
        if marker and marker not in present:
            return Answer(400, {"error": {"code": "IMG.0017", "message": "No such marker."}})
        begin = present.index(marker) + 1 if marker else 0
        page = present[begin : begin + size]
        info = {"page_info": {"next_marker": page[-1]}} if begin + size < len(present) else {}
        present[:] = [each for each in present if each not in page or int(each) not in gone]
        return Answer(200, {"images": [image(each) for each in page], **info})

    return answer


@pytest.mark.parametrize("gone", [(), (1,), (0, 1), (3,), (1, 2, 3), range(7)])
def test_a_list_goes_on_when_its_marker_is_gone(cloud, ims, gone):
    cloud.on("GET", ".*/v2/cloudimages", _pages(gone=gone))
    assert [int(each.id) for each in ims.images()] == list(range(7))


def test_a_list_that_begins_after_what_never_was(cloud, ims):
    cloud.on("GET", ".*/v2/cloudimages", _pages())
    with pytest.raises(errors.BadRequest, match="No such marker"):
        list(ims.images(marker="x"))


def test_a_service_that_refuses_every_marker(cloud, ims):
    answer = _pages()
    vanished = Answer(400, {"error": {"code": "IMG.0017", "message": "No such marker."}})
    cloud.on("GET", ".*/v2/cloudimages", lambda r: vanished if "marker" in r.query else answer(r))
    with pytest.raises(errors.BadRequest, match="No such marker"):
        list(ims.images())


def test_an_image_that_no_list_shows_is_asked_for_by_its_id(cloud, ims):
    cloud.images()
    cloud.ims("GET", f"/v2/images/{IMAGE_ID}", image())
    assert ims.get_image(IMAGE_ID).os_type == "Linux"


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


# --- changing ----------------------------------------------------------------------------------


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


def test_a_refusal(cloud, ims):
    cloud.refuse("DELETE", f"/v2/images/{IMAGE_ID}", 403, "IMG.0094", "It is public.")
    with pytest.raises(errors.Forbidden) as caught:
        ims.delete_image(IMAGE_ID)
    assert str(caught.value) == "IMG.0094: It is public. (HTTP 403, request req-7)"


# --- jobs --------------------------------------------------------------------------------------


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
            lambda ims: ims.share_images([IMAGE_ID, SECOND_ID], [OTHER]),
            "POST /v1/cloudimages/members",
            {"images": [IMAGE_ID, SECOND_ID], "projects": [OTHER]},
        ),
        (
            lambda ims: ims.unshare_images([IMAGE_ID], [OTHER]),
            "DELETE /v1/cloudimages/members",
            {"images": [IMAGE_ID], "projects": [OTHER]},
        ),
        (
            lambda ims: ims.answer_shares([IMAGE_ID], "accepted"),
            "PUT /v1/cloudimages/members",
            {"images": [IMAGE_ID], "project_id": PROJECT, "status": "accepted"},
        ),
    ],
)
def test_what_begins_a_job(cloud, ims, call, request_line, body):
    method, _, path = request_line.partition(" ")
    cloud.ims(method, path, {"job_id": JOB_ID})
    assert call(ims).id == JOB_ID
    assert cloud.only(method).body == body


def test_jobs(cloud, ims):
    cloud.ims("GET", JOBS, {"jobs": [job()], "page_info": {}})
    assert [each.id for each in ims.jobs("SUCCESS", marker="m", max_items=5)] == [JOB_ID]
    assert cloud.only("GET").query == {"status": "SUCCESS", "marker": "m", "limit": "5"}


def test_a_job(cloud, ims):
    cloud.ims("GET", f"{JOBS}/{JOB_ID}", job())
    assert ims.get_job(JOB_ID).image_id == IMAGE_ID
    assert ims.get_job(ims.get_job(JOB_ID)).status == "SUCCESS"


def test_waiting_for_a_job(cloud, ims):
    cloud.ims("GET", f"{JOBS}/{JOB_ID}", job())
    seen: list[Job] = []
    assert ims.wait_for_job(JOB_ID, callback=seen.append).image_id == IMAGE_ID
    assert [each.status for each in seen] == ["SUCCESS"]


def test_waiting_for_a_job_that_fails(cloud, ims):
    cloud.ims("GET", f"{JOBS}/{JOB_ID}", job("FAIL", fail_reason="It was cancelled."))
    with pytest.raises(waiting.JobFailed, match="It was cancelled"):
        ims.wait_for_job(JOB_ID)


def test_cancelling_a_job(cloud, ims):
    cloud.ims("DELETE", f"{JOBS}/{JOB_ID}", job("RUNNING"))
    assert ims.cancel_job(JOB_ID).status == "RUNNING"
    assert cloud.only("DELETE").path.endswith(f"/jobs/{JOB_ID}")


# --- members, tags, quotas, operating systems --------------------------------------------------


def test_members(cloud, ims):
    path = f"/v1/{PROJECT}/cloudimages/{IMAGE_ID}/members"
    member = {"member_id": OTHER, "status": "pending", "image_id": IMAGE_ID}
    cloud.ims("GET", path, {"members": [member], "page_info": {"current_count": 1}})
    cloud.ims("GET", f"{path}/{OTHER}", member)
    assert [(each.id, each.status) for each in ims.members(IMAGE_ID)] == [(OTHER, "pending")]
    assert ims.get_member(IMAGE_ID, OTHER).status == "pending"


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


def test_quotas(cloud, ims):
    entry = {"type": "image", "used": 3, "quota": 50, "min": 1, "max": 1000}
    cloud.ims("GET", "/v1/cloudimages/quota", {"quotas": {"resources": [entry]}})
    (quota,) = ims.quotas()
    assert (quota.type, quota.used, quota.remaining) == ("image", 3, 47)


def test_operating_systems(cloud, ims):
    version = {"platform": "CentOS", "os_version": "CentOS 7.3 64bit", "os_bit": 64}
    groups = [{"platform": "CentOS", "version_list": [version]}, {"version_list": []}]
    cloud.ims("GET", "/v1/cloudimages/os_version", groups)
    assert [each.os_version for each in ims.os_versions("x86")] == ["CentOS 7.3 64bit"]
    assert cloud.only("GET").query == {"tag": "x86"}


def test_a_token_without_a_project(ims, monkeypatch):
    monkeypatch.setattr(ims, "get_project_id", lambda: None)
    with pytest.raises(exceptions.ConfigException, match="project"):
        ims.jobs()
