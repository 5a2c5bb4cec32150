# SPDX-License-Identifier: Apache-2.0
"""``openstack ims image share|unshare|accept|reject`` and ``ims member list``."""

import json

import pytest
from osc_lib import exceptions

from ims_glance.client.commands.member import (
    AcceptImages,
    ListMembers,
    RejectImages,
    ShareImages,
    UnshareImages,
)
from tests.unit.client.cloud import IMAGE_ID, JOB_ID, OTHER, PROJECT, SECOND_ID, image, job

MEMBERS = "/v1/cloudimages/members"


@pytest.fixture
def ready(cloud):
    cloud.images(image(), image(SECOND_ID, "offer", member_status="pending"))
    results = [{"image_id": IMAGE_ID, "project_id": OTHER, "status": "success"}]
    done = job(job_type="imsAddImageMembersJob", entities={"results": results})
    cloud.ims("GET", f"/v1/{PROJECT}/jobs/{JOB_ID}", done)
    for method in ("POST", "PUT", "DELETE"):
        cloud.ims(method, MEMBERS, {"job_id": JOB_ID})
    return cloud


@pytest.mark.parametrize(("command", "method"), [(ShareImages, "POST"), (UnshareImages, "DELETE")])
def test_sharing(ready, run, command, method):
    shown = json.loads(run(command, "mine", IMAGE_ID, "--project", OTHER, "--wait", "-f", "json"))
    assert ready.only(method).body == {"images": [IMAGE_ID], "projects": [OTHER]}
    assert shown["results"] == [{"image_id": IMAGE_ID, "project_id": OTHER, "status": "success"}]


@pytest.mark.parametrize(
    ("command", "status"), [(AcceptImages, "accepted"), (RejectImages, "rejected")]
)
def test_answering(ready, run, command, status):
    run(command, "offer")
    assert ready.only("PUT").body == {
        "images": [SECOND_ID],
        "project_id": PROJECT,
        "status": status,
    }


def test_nothing_is_shared_when_a_name_is_wrong(ready, run, caplog):
    with pytest.raises(exceptions.CommandError, match=r"Nothing was done: 2 of 3 images"):
        run(ShareImages, "mine", "one", "two", "--project", OTHER)
    assert ready.sent("POST") == []
    assert "'one'" in caplog.text
    assert "'two'" in caplog.text


def test_members(ready, run):
    member = {"member_id": OTHER, "status": "accepted", "created_at": "c", "updated_at": "u"}
    path = f"/v1/{PROJECT}/cloudimages/{IMAGE_ID}/members"
    ready.ims("GET", path, {"members": [member]})
    assert run(ListMembers, "mine", "-f", "value") == f"{OTHER} accepted c u\n"
