# SPDX-License-Identifier: Apache-2.0
"""Shares: what is sent, and what is made of the answer."""

import pytest

from tests.unit.client.cloud import IMAGE_ID, JOB_ID, OTHER, PROJECT, SECOND_ID


@pytest.mark.parametrize(
    ("call", "request_line", "body"),
    [
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


def test_members(cloud, ims):
    path = f"/v1/{PROJECT}/cloudimages/{IMAGE_ID}/members"
    member = {"member_id": OTHER, "status": "pending", "image_id": IMAGE_ID}
    cloud.ims("GET", path, {"members": [member], "page_info": {"current_count": 1}})
    cloud.ims("GET", f"{path}/{OTHER}", member)
    assert [(each.id, each.status) for each in ims.members(IMAGE_ID)] == [(OTHER, "pending")]
    assert ims.get_member(IMAGE_ID, OTHER).status == "pending"
